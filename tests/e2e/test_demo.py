"""The demo as those meet it who have just cloned the repository; what it shows it checks itself."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
import psycopg
import pytest
from kafka import KafkaAdminClient
from rich.cells import cell_len

from devstack import Addresses, shared
from devstack.demo.__main__ import CHAPTERS
from devstack.demo.running import PROCESSES

CHECKOUT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180


class Demo:
    """A run of the demo, in a folder of its own, seen through a pipe."""

    def __init__(self, folder: Path, servers: Addresses, *arguments: str, **more: str) -> None:
        self.folder = folder
        self._output = folder.with_suffix(".txt")
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "devstack.demo", *arguments],
                cwd=CHECKOUT,
                env=os.environ
                | servers.as_environment()
                | {"DEVSTACK_FOLDER": str(folder)}
                | more,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self._output.read_text()

    def wait(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)

    def until_it_says(self, words: str) -> None:
        _until(lambda: words in self.said or self.process.poll() is not None)
        assert words in self.said, self.said

    def services(self) -> dict[str, psutil.Process]:
        """The services' processes, by service and command."""
        children = psutil.Process(self.process.pid).children()
        names = {" ".join(child.cmdline()[-2:]): child for child in children}
        return {name.removeprefix("services."): child for name, child in names.items()}

    def names_left(self, servers: Addresses) -> list[str]:
        """What is left of it on the servers and in its folder."""
        (name, *_) = re.findall(r"demo-[0-9a-f]{8}", self.said) or ["demo-"]
        with psycopg.connect(servers.database_url) as connection:
            databases = connection.execute("SELECT datname FROM pg_database").fetchall()
        with KafkaAdminClient(bootstrap_servers=servers.kafka_bootstrap_servers) as admin:
            names = [*admin.list_topics(), *(group["group_id"] for group in admin.list_groups())]
        names += [database for (database,) in databases]
        return [*(each for each in names if name in each), *map(str, self.folder.glob("*"))]


@pytest.fixture(scope="module")
def servers() -> Iterator[Addresses]:
    with shared() as addresses:
        yield addresses
