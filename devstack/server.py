"""One server: started, stopped, killed, started again on the same port with the same data."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

from devstack.addresses import DevstackError
from devstack.ports import Port
from devstack.processes import Account, failure, spawn

START_TIMEOUT_SECONDS = 120
STOP_TIMEOUT_SECONDS = 60
KILL_TIMEOUT_SECONDS = 30


@dataclass
class Server:
    """A Kafka or a PostgreSQL whose data folder has been made ready.

    `address` is where it answers while it runs. `ready_line` is what its log says once it answers,
    `stop_signal` asks it for an orderly end, `death_signal` ends it at once, leaving nothing of it
    but its data.
    """

    name: str
    address: str
    command: Sequence[str]
    folder: Path
    log: Path
    ready_line: str
    stop_signal: signal.Signals
    death_signal: signal.Signals
    ports: Sequence[Port]
    account: Account | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns when it answers, at once if it runs already. DevstackError if it can't start."""
        if self.running:
            return
        if self.account:
            self.account.reaches(Path(self.command[0]))
            self.account.reaches(self.folder)
        log_starts = self.log.stat().st_size if self.log.exists() else 0
        self._process = spawn(self.command, self.log, self.death_signal, self.account)
        self._wait_until_ready(self._process, log_starts)

    def stop(self) -> None:
        """Asks for an orderly end and waits for it; kills it if that takes more than a minute."""
        self._end_by(self.stop_signal)

    def discard(self) -> None:
        """Ends it the quickest way that leaves nothing in the system, caring nothing for data."""
        self._end_by(self.death_signal)

    def kill(self) -> None:
        """SIGKILL to it and all its processes; waits until they are gone."""
        if self._process is None or not self.running:
            return
        parent = psutil.Process(self._process.pid)
        parent.suspend()  # so that it has no more children while they are counted
        family = [parent, *parent.children(recursive=True)]
        for process in family:
            _kill(process)
        self._process.wait()
        _wait_until(lambda: all(_is_gone(process) for process in family))

    def _end_by(self, ending: signal.Signals) -> None:
        if self._process is None or not self.running:
            return
        self._process.send_signal(ending)
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _wait_until_ready(self, process: subprocess.Popen[bytes], log_starts: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while self.ready_line not in self._log_since(log_starts):
            if (status := process.poll()) is not None:
                outcome = f"did not start: it ended with status {status}"
                raise DevstackError(failure(self.name, outcome, self.log))
            if time.monotonic() > deadline:
                self.kill()
                outcome = f"did not answer within {START_TIMEOUT_SECONDS} s"
                raise DevstackError(failure(self.name, outcome, self.log))
            time.sleep(0.03)

    def _log_since(self, position: int) -> str:
        with self.log.open("rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def _is_gone(process: psutil.Process) -> bool:
    """A zombie is gone too: where the first process collects none it stays one for ever."""
    try:
        return bool(not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + KILL_TIMEOUT_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
