"""Locks on files, which the kernel frees when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devstack import progress

SHARED = fcntl.LOCK_SH
EXCLUSIVE = fcntl.LOCK_EX

PATIENCE_SECONDS = 0.5


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor to lock; closing it unlocks, unless a child process has inherited it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, kind: int) -> bool:
    """Takes the lock if that can be done at once."""
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        return True
    return False


def unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def locked(path: Path, kind: int, waiting_for: str) -> Iterator[int]:
    """Holds the lock during the block; says what it waits for if that takes more than a moment."""
    with opened(path) as descriptor:
        patience_ends = time.monotonic() + PATIENCE_SECONDS
        while not try_lock(descriptor, kind):
            if time.monotonic() > patience_ends:
                with progress.waiting(waiting_for):
                    fcntl.flock(descriptor, kind)
                break
            time.sleep(0.02)
        yield descriptor


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock exclusively."""
    with opened(path) as descriptor:
        return not try_lock(descriptor, SHARED)
