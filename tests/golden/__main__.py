"""Writes the golden files that are missing: `python -m tests.golden`. One that is there is never written again."""

from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from tests.golden.stored_events import STORED_EVENTS

JOURNAL: Final = Path(__file__).parent / "journal"
SUMS: Final = Path(__file__).parent / "journal.sha256"


def main() -> None:
    for name, event in STORED_EVENTS.items():
        file = JOURNAL / f"{name}.json"
        if file.exists():
            continue
        stored = msgspec.json.encode(event)
        file.write_bytes(stored)
        with SUMS.open("a") as sums:
            sums.write(f"{sha256(stored).hexdigest()}  {file.name}\n")
        print(f"added {file.name}")


if __name__ == "__main__":
    main()
