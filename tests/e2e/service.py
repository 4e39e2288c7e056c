"""The processes of achievements, started as an operator starts them, and whatever befalls processes."""

import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Final, Self

from devstack.processes import spawn
from devstack.server import Server

CHECKOUT: Final = Path(__file__).parents[2]
PROCESSES: Final = ("consume", "consume", "project", "project", "relay", "relay", "serve")
STOP_SECONDS: Final = 40
TICK_SECONDS: Final = 0.05
SERVER_BLOWS: Final = 0.05
"""How many of the blows strike servers."""


def run(command: str, *options: str, environment: Mapping[str, str], log: Path) -> None:
    """Runs a command to its end; RuntimeError with what it said where it fails."""
    with log.open("ab") as output:
        status = subprocess.run(
            [sys.executable, "-m", "services.achievements", command, *options],
            cwd=CHECKOUT,
            env={**environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if status != 0:
        raise RuntimeError(f"{command} ended with {status}:\n{tail(log)}")


def tail(log: Path, lines: int = 8) -> str:
    """The end of a log."""
    return "\n".join(line[:300] for line in log.read_text(errors="replace").splitlines()[-lines:])


@dataclass
class Process:
    """One process, which can be started again; it dies with us."""

    name: str
    command: str
    environment: Mapping[str, str]
    log: Path
    _running: subprocess.Popen[bytes] | None = None
    _log_bytes_at_start: int = 0

    def start(self) -> None:
        self._log_bytes_at_start = self.log.stat().st_size if self.log.exists() else 0
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        environment = [shutil.which("env") or "env", "-C", str(CHECKOUT), *variables]
        command = [sys.executable, "-m", "services.achievements", self.command]
        self._running = spawn([*environment, *command], self.log)

    def send(self, number: signal.Signals) -> None:
        if self._running is not None:
            self._running.send_signal(number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        """Waits for its end, gives the exit status; TimeoutExpired where it takes too long."""
        return self._running.wait(STOP_SECONDS) if self._running is not None else 0

    def has_begun(self) -> bool:
        """Whether it has said anything; before, Python may not yet know what to do when asked to end."""
        return self.log.exists() and self.log.stat().st_size > self._log_bytes_at_start

    def ended_unasked(self) -> int | None:
        """The exit status of a process that nobody ended; None while it runs."""
        return self._running.poll() if self._running is not None else None


@dataclass
class Fleet:
    """All processes of a service, for a block; `failures` tells what they may not do."""

    environment: Mapping[str, str]
    folder: Path
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        count: Counter[str] = Counter()
        self.processes: list[Process] = []
        for command in PROCESSES:
            count[command] += 1
            name = f"{command}-{count[command]}"
            log = self.folder / f"{name}.log"
            self.processes.append(Process(name, command, self.environment, log))

    def __enter__(self) -> Self:
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.send(signal.SIGTERM)
        for process in self.processes:
            self.expect_end(process)

    def expect_end(self, process: Process) -> None:
        """Waits for a process that was asked to end; it must do so by itself, with status 0."""
        try:
            status = process.wait()
        except subprocess.TimeoutExpired:
            process.kill()
            self.failures.append(f"{process.name} did not end within {STOP_SECONDS} s of SIGTERM")
            return
        if status != 0 and (process.has_begun() or status != -signal.SIGTERM):
            self.failures.append(f"{process.name} ended with {status}:\n{tail(process.log)}")

    def look_after(self, but: Collection[str] = ()) -> None:
        """Starts again what ended though nobody asked it to, which is a failure."""
        for process in self.processes:
            status = None if process.name in but else process.ended_unasked()
            if status is not None:
                what = f"{process.name} ended unasked with {status}:\n{tail(process.log)}"
                self.failures.append(what)
                process.start()


class Chaos:
    """While the block lasts, processes are killed, halted and ended at random, and started again.

    Between two blows lies a pause, the least and the longest of which are given. Now and then a server is killed, of
    those given. On leaving the block all run. `done` counts what was done.
    """

    def __init__(
        self,
        fleet: Fleet,
        random: Random,
        pause_seconds: tuple[float, float],
        servers: Sequence[Server] = (),
    ) -> None:
        self._fleet = fleet
        self._random = random
        self._pause_seconds = pause_seconds
        self._servers = servers
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._busy: set[str] = set()
        self._over = Event()
        self._thread = Thread(target=self._run, name="chaos")
        self.done: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        next_at = time.monotonic() + self._random.uniform(*self._pause_seconds)
        while not self._over.wait(TICK_SECONDS):
            self._do_what_is_due(time.monotonic())
            self._fleet.look_after(but=self._busy)
            if time.monotonic() >= next_at:
                self._strike(time.monotonic())
                next_at = time.monotonic() + self._random.uniform(*self._pause_seconds)
        self._do_what_is_due(float("inf"))

    def _do_what_is_due(self, now: float) -> None:
        due = [action for at, action in self._due if at <= now]
        self._due = [(at, action) for at, action in self._due if at > now]
        for action in due:
            action()

    def _strike(self, now: float) -> None:
        if self._servers and self._random.random() < SERVER_BLOWS:
            self._strike_server(now)
            return
        process = self._random.choice(self._fleet.processes)
        if process.name in self._busy or process.ended_unasked() is not None:
            return  # what ended by itself is to be looked after, not to be covered
        what = self._random.choices(("killed", "halted", "ended"), (6, 3, 1))[0]
        self.done[f"{process.name.split('-')[0]} {what}"] += 1
        self._busy.add(process.name)
        again = process.start
        match what:
            case "killed":
                process.kill()
            case "halted":
                process.send(signal.SIGSTOP)
                again = _continue(process)
            case _:
                process.send(signal.SIGTERM)
                self._fleet.expect_end(process)
        later = now + self._random.choice((0.0, 0.5, 2.0, 8.0))
        self._due.append((later, self._freeing(process, again)))

    def _strike_server(self, now: float) -> None:
        server = self._random.choice(self._servers)
        if server.running:
            self.done[f"{server.name.split()[0]} killed"] += 1
            server.kill()
            self._due.append((now + self._random.choice((0.0, 3.0)), server.start))

    def _freeing(self, process: Process, again: Callable[[], None]) -> Callable[[], None]:
        def do() -> None:
            again()
            self._busy.discard(process.name)

        return do


def _continue(process: Process) -> Callable[[], None]:
    return lambda: process.send(signal.SIGCONT)
