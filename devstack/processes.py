"""Server processes that never outlive the process that started them."""

from __future__ import annotations

import functools
import os
import pwd
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from devstack.addresses import DevstackError

TETHER = Path(__file__).with_name("tether.py")
LINES_OF_LOG_SHOWN = 15


@dataclass(frozen=True)
class Account:
    """A system user that a process runs as."""

    uid: int
    gid: int

    def owns(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)

    def reaches(self, path: Path) -> None:
        """Lets it pass through the folders above a path, whose own rights it has already."""
        for folder in path.resolve().parents:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)


def unprivileged_account() -> Account | None:
    """Who runs what refuses to be run by root; None if we aren't root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


@functools.cache
def _spawner(pid: int) -> ThreadPoolExecutor:
    """The kernel takes the death of the thread that started a child for the death of the parent.

    So all children are started by one thread that lives as long as the process; each process has
    its own, as a fork inherits no threads.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"devstack-{pid}")


def spawn(
    command: Sequence[str],
    log: Path,
    death_signal: signal.Signals = signal.SIGKILL,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a process that gets `death_signal` when we die; what it says is added to `log`.

    It is told `environment`, or what we were told.
    """
    who = f"{account.uid}:{account.gid}" if account else "-"
    tether = [
        sys.executable,
        "-I",
        "-S",
        str(TETHER),
        str(os.getpid()),
        str(int(death_signal)),
        who,
    ]
    with log.open("ab") as output:
        return (
            _spawner(os.getpid())
            .submit(
                subprocess.Popen,
                [*tether, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us to answer, not for our servers
            )
            .result()
        )


def run(what: str, command: Sequence[str], log: Path, account: Account | None = None) -> None:
    """Runs a command to its end. Raises DevstackError with the end of the log if it fails."""
    status = spawn(command, log, account=account).wait()
    if status != 0:
        raise DevstackError(failure(what, f"ended with status {status}", log))


def failure(what: str, outcome: str, log: Path) -> str:
    """What went wrong, the last lines of its log, and what to do."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    shown = "\n".join(f"    {line}" for line in lines[-LINES_OF_LOG_SHOWN:]) or "    (empty)"
    return (
        f"{what} {outcome}.\n"
        f"The last lines of {log}:\n{shown}\n"
        "What to do: mend what the log complains of and try again, or set KAFKA_BOOTSTRAP_SERVERS "
        "or DATABASE_URL to a server of your own."
    )
