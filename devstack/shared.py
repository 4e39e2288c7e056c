"""The stack that all users in a checkout share."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from devstack import jars, locks, progress
from devstack.addresses import ENVIRONMENT_VARIABLES, Addresses, DevstackError, given_by_environment
from devstack.home import CHECKOUT, Home

NAMES = {"kafka": "Apache Kafka", "postgres": "PostgreSQL"}


@contextmanager
def shared() -> Iterator[Addresses]:
    """The shared stack of this checkout, which stays at least as long as the block.

    Started if nobody has, joined if somebody has; what the environment names is used instead.
    Topics and databases in it are everybody's: give yours names of their own. Its data are gone
    after its last user. Raises DevstackError if it can't be started.
    """
    with joined() as membership:
        yield membership.addresses


@dataclass(frozen=True)
class Membership:
    """`lease` is the descriptor that keeps the stack; None if the environment gives everything."""

    addresses: Addresses
    home: Home | None
    lease: int | None

    def raise_if_over(self) -> None:
        """Raises DevstackError if the stack has died under its users."""
        if self.home is not None and not self.home.has_supervisor():
            raise DevstackError(self.home.why_it_ended())


@contextmanager
def joined() -> Iterator[Membership]:
    given = given_by_environment()
    services = sorted(ENVIRONMENT_VARIABLES.keys() - given.keys())
    if not services:
        yield Membership(Addresses.of(given), home=None, lease=None)
        return
    home = Home.of(services)
    with ExitStack() as until_left:
        with locks.locked(home.gate, locks.EXCLUSIVE, "Another process starts the servers"):
            lease = until_left.enter_context(
                locks.locked(home.lease, locks.SHARED, "The servers of before are being stopped")
            )
            if not home.has_supervisor():
                _start(home, services)
            addresses = _wait_for_addresses(home, services)
        yield Membership(Addresses.of(given | addresses), home, lease)


def _start(home: Home, services: Iterable[str]) -> None:
    if "kafka" in services:
        jars.download()
    home.state.unlink(missing_ok=True)
    home.failure.unlink(missing_ok=True)
    for leftover in home.folder.glob("*.log"):
        leftover.unlink()
    with (
        locks.locked(home.alive, locks.EXCLUSIVE, "Another process looks") as alive,
        home.log.open("wb") as log,
    ):
        subprocess.run(
            [sys.executable, "-m", "devstack.supervisor", str(home.folder), *services],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[alive],
            check=True,
        )


def _wait_for_addresses(home: Home, services: Iterable[str]) -> dict[str, str]:
    """The supervisor gives up by itself if its servers take too long."""
    addresses = home.addresses()
    if addresses is not None:
        return addresses
    with progress.waiting("Starting " + " and ".join(NAMES[one] for one in services)):
        while (addresses := home.addresses()) is None:
            if not home.has_supervisor():
                raise DevstackError(home.why_it_ended())
            time.sleep(0.03)
    return addresses
