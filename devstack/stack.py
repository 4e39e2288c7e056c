"""Kafka and PostgreSQL together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack import jars, kafka, postgres
from devstack.addresses import Addresses
from devstack.server import Server

MAKERS: dict[str, Callable[[Path, Path], Server]] = {
    "kafka": kafka.create,
    "postgres": postgres.create,
}


@dataclass(frozen=True)
class Stack:
    """A Kafka and a PostgreSQL of one's own, each of which can be stopped, killed and started."""

    addresses: Addresses
    kafka: Server
    postgres: Server


@contextmanager
def private(folder: Path) -> Iterator[Stack]:
    """A new stack for the block, whatever the environment says, with data and logs in `folder`.

    They stay there afterwards. Both servers die with this process. Raises DevstackError if one
    can't be started, FileExistsError if `folder` holds a stack's data already.
    """
    jars.download()
    servers = launch(MAKERS, data=folder, logs=folder)
    addresses = Addresses.of({name: server.address for name, server in servers.items()})
    try:
        yield Stack(addresses, servers["kafka"], servers["postgres"])
    finally:
        discard(servers)


def launch(services: Iterable[str], data: Path, logs: Path) -> dict[str, Server]:
    """Starts new servers side by side; if one fails, none stays and its DevstackError is raised."""
    servers: dict[str, Server] = {}

    def launch_one(name: str) -> None:
        servers[name] = MAKERS[name](data / name, logs / f"{name}.log")
        servers[name].start()

    try:
        with ThreadPoolExecutor() as threads:
            list(threads.map(launch_one, services))
    except BaseException:
        discard(servers)
        raise
    return servers


def discard(servers: dict[str, Server]) -> None:
    for server in servers.values():
        server.discard()
