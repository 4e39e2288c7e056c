"""Removes what shared stacks have left behind."""

from __future__ import annotations

import shutil

from devstack import locks
from devstack.addresses import DevstackError
from devstack.home import Home, devstack_folder


def clean() -> None:
    """Removes data and logs. Raises DevstackError, with nothing removed, for a stack in use.

    The locks' files stay: somebody may be waiting for one right now, and would then hold a lock
    that nobody else can see.
    """
    for folder in devstack_folder().glob("shared-*"):
        _clean(Home(folder))


def _clean(home: Home) -> None:
    with locks.opened(home.gate) as gate:
        if not locks.try_lock(gate, locks.EXCLUSIVE) or home.has_supervisor():
            raise DevstackError(
                f"{home.folder} is in use, or was a moment ago. End what uses it and try again."
            )
        shutil.rmtree(home.data, ignore_errors=True)
        for leftover in (*home.folder.glob("*.log"), home.state, home.failure):
            leftover.unlink(missing_ok=True)
