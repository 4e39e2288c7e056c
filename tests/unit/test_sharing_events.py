"""What sharing has stored once can be read for ever."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from schemas.links import EVENT_TYPES, Event, RecipientNamed
from services.journal import StructMapper
from tests.golden.stored_events import stored_name
from tests.sharing_samples import AVAILABLE, BADGE, CERTIFICATE, DISABLED, ERASED, ISSUED, WITHDRAWN

GOLDEN = Path(__file__).parents[1] / "golden" / "links"

STORED: dict[str, Event] = {
    "award-received.1": replace(
        CERTIFICATE,
        banner="sha256:" + "a" * 64,
        logo="sha256:" + "b" * 64,
        linkedin_organization_id="1337",
    ),
    "award-received.1.sparse": BADGE,
    "award-received.1.counted": replace(
        BADGE, count=10, first_at=datetime(2026, 1, 2, 9, tzinfo=UTC)
    ),
    "award-withdrawn.1": WITHDRAWN,
    "link-issued.1": ISSUED,
    "link-disabled.1": DISABLED,
    "recipient-named.1": RecipientNamed(cause="first", organization_id="acme", user_id="ada"),
    "recipient-erased.1": ERASED,
    "availability-changed.1": AVAILABLE,
}


def test_every_stored_name_has_its_golden_file() -> None:
    """An event that is stored for ever has a file that says how it was stored first."""
    assert {stored_name(file.name) for file in GOLDEN.iterdir()} == EVENT_TYPES.keys()


@pytest.mark.parametrize("file", STORED)
def test_what_was_stored_is_read_as_it_was_meant(file: str) -> None:
    """Bytes stored under a name once are read as the same event, and written as the same bytes."""
    stored = (GOLDEN / f"{file}.json").read_bytes().rstrip()
    mapper = StructMapper(EVENT_TYPES)
    assert mapper.decode(stored_name(file), stored) == STORED[file]
    assert msgspec.json.encode(STORED[file]) == stored
