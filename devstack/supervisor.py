"""The process that owns the shared servers: `python -m devstack.supervisor FOLDER SERVICE…`.

It is started by the first user, but is nobody's child. It ends with its servers when no user has
held the lease for a few seconds, or when one of the servers has died. If it is killed itself, the
kernel ends the servers.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from devstack import locks, stack
from devstack.addresses import DevstackError
from devstack.home import Home
from devstack.processes import failure
from devstack.server import Server

LINGER_SECONDS = float(os.environ.get("DEVSTACK_LINGER_SECONDS") or 3)
LOOK_EVERY_SECONDS = 0.2


def main(folder: str, *services: str) -> None:
    """The starter holds the lock `alive` and has let us inherit it: it is ours until we end."""
    if os.fork():
        os._exit(0)
    os.setsid()
    signal.signal(signal.SIGTERM, _end)
    home = Home(Path(folder))
    shutil.rmtree(home.data, ignore_errors=True)
    home.data.mkdir()
    try:
        with locks.opened(home.lease) as lease:
            _serve(home, services, lease)
    except DevstackError as error:
        home.failure.write_text(str(error))
    finally:
        home.state.unlink(missing_ok=True)


def _serve(home: Home, services: tuple[str, ...], lease: int) -> None:
    # A folder of its own: servers of a killed predecessor may be busy dying in theirs.
    data = Path(tempfile.mkdtemp(dir=home.data))
    servers = stack.launch(services, data=data, logs=home.folder)
    try:
        home.tell({name: server.address for name, server in servers.items()})
        _wait_until_unused(lease, list(servers.values()))
    finally:
        home.state.unlink(missing_ok=True)
        stack.discard(servers)
        shutil.rmtree(home.data, ignore_errors=True)


def _wait_until_unused(lease: int, servers: list[Server]) -> None:
    """Returns with the lease taken, so that whoever comes now waits until we have gone."""
    unused_since = None
    while True:
        for server in servers:
            if not server.running:
                raise DevstackError(failure(server.name, "ended unasked", server.log))
        if not locks.try_lock(lease, locks.EXCLUSIVE):
            unused_since = None
        elif unused_since is None:
            unused_since = time.monotonic()
        elif time.monotonic() - unused_since > LINGER_SECONDS:
            return
        locks.unlock(lease)
        time.sleep(LOOK_EVERY_SECONDS)


def _end(signal_number: int, frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
