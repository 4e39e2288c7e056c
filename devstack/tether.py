"""Becomes a server process that dies with the process that started it, even if that one is killed.

Run as a script: `tether.py PARENT_PID DEATH_SIGNAL ACCOUNT COMMAND…`, where ACCOUNT is `UID:GID`,
or `-` to stay who we are. Needs nothing but the standard library, so that it starts in no time.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def become(account: str) -> None:
    if account == "-":
        return
    uid, gid = (int(number) for number in account.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with(parent: int, death_signal: int) -> None:
    """Must come after the change of account, which clears what is asked for here."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    else:
        watch(parent, death_signal)
    if os.getppid() != parent:  # it died before we had asked
        sys.exit(1)


def watch(parent: int, death_signal: int) -> None:
    """Leaves a child behind that looks after the parent, where the kernel doesn't."""
    server = os.getpid()
    if os.fork():
        return
    while os.getppid() == server:
        time.sleep(0.2)
        try:
            os.kill(parent, 0)
        except PermissionError:
            continue
        except ProcessLookupError:
            os.kill(server, death_signal)
            break
    os._exit(0)


def main() -> None:
    parent, death_signal, account, *command = sys.argv[1:]
    become(account)
    die_with(int(parent), int(death_signal))
    signal.signal(
        signal.SIGPIPE, signal.SIG_DFL
    )  # Python ignores it, and a new program inherits that
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
