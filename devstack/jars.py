"""Kafka's jars, from Maven Central: each checked against the lock file, kept for all checkouts."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from devstack import locks, progress
from devstack.addresses import DevstackError

LOCK_FILE = Path(__file__).with_name("kafka-jars.lock")
TRIES = 3
DOWNLOADS_AT_ONCE = 8
UNFINISHED = "unfinished-"


@dataclass(frozen=True)
class Jar:
    """A line of the lock file."""

    group: str
    artifact: str
    version: str
    sha256: str
    size_bytes: int

    @classmethod
    def parse(cls, line: str) -> Jar:
        coordinate, sha256, size_bytes = line.split()
        group, artifact, version = coordinate.split(":")
        return cls(group, artifact, version, sha256, int(size_bytes))

    def path_in(self, folder: Path) -> Path:
        return folder / f"{self.artifact}-{self.version}.jar"

    def is_whole(self, path: Path) -> bool:
        return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256


def locked_jars() -> list[Jar]:
    lines = LOCK_FILE.read_text().splitlines()
    return [Jar.parse(line) for line in lines if line and not line.startswith("#")]


def kafka_version() -> str:
    return next(jar.version for jar in locked_jars() if jar.artifact == "kafka_2.13")


def cache_folder() -> Path:
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache_home) / "achievements-devstack"


def class_path() -> str:
    """The jars as Java wants them named; `download` has brought them."""
    return os.pathsep.join(str(jar.path_in(cache_folder())) for jar in locked_jars())


def download() -> None:
    """Brings what is not in the cache yet. Raises DevstackError if that can't be done.

    A jar gets its name in the cache only once it is whole, so that an interrupted download harms
    nobody and the next one goes on from there. Of several processes one downloads and the others
    wait for it.
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    if not _missing(folder):
        return
    with locks.locked(folder / "lock", locks.EXCLUSIVE, "Another process downloads Kafka"):
        for leftover in folder.glob(f"{UNFINISHED}*"):
            shutil.rmtree(leftover)
        if missing := _missing(folder):  # the other process may have brought all
            _download_all(missing, folder)


def _missing(folder: Path) -> list[Jar]:
    return [jar for jar in locked_jars() if not jar.is_whole(jar.path_in(folder))]


def _download_all(missing: list[Jar], folder: Path) -> None:
    missing.sort(key=lambda jar: jar.size_bytes, reverse=True)  # the longest must not come last
    total_bytes = sum(jar.size_bytes for jar in missing)
    what = f"Downloading Apache Kafka {kafka_version()}"
    with progress.downloading(what, total_bytes) as advance, _download_threads() as threads:
        list(threads.map(partial(_download, folder=folder, advance=advance), missing))


@contextmanager
def _download_threads() -> Iterator[ThreadPoolExecutor]:
    threads = ThreadPoolExecutor(DOWNLOADS_AT_ONCE)
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)


def _download(jar: Jar, folder: Path, advance: Callable[[int], None]) -> None:
    for tries_left in reversed(range(TRIES)):
        try:
            with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=folder) as unfinished:
                _fetch(jar, Path(unfinished), advance).replace(jar.path_in(folder))
            return
        except (OSError, RuntimeError) as error:  # what requests and jgo raise
            if not tries_left:
                raise DevstackError(_cannot_download(jar, error)) from error


def _fetch(jar: Jar, folder: Path, advance: Callable[[int], None]) -> Path:
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415  # slow, seldom needed

    resolver = PythonResolver(progress_callback=lambda name, size_bytes: nullcontext(advance))
    project = MavenContext(resolver, repo_cache=folder).project(jar.group, jar.artifact)
    path = project.at_version(jar.version).artifact().resolve()
    if not jar.is_whole(path):
        raise OSError(f"{path.name} is not the file that {LOCK_FILE.name} names")
    return path


def _cannot_download(jar: Jar, error: Exception) -> str:
    return (
        f"Could not download {jar.group}:{jar.artifact}:{jar.version} from Maven Central: {error}\n"
        "What to do: look after the network (HTTPS_PROXY and REQUESTS_CA_BUNDLE are honoured) and "
        "try again: what has come is kept. Or set KAFKA_BOOTSTRAP_SERVERS to a Kafka of your own."
    )
