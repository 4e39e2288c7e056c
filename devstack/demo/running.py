"""All processes of both services: started, watched and ended together."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from devstack.demo.failures import DemoError, log_name
from devstack.demo.surroundings import Surroundings
from devstack.ports import Port, reserve_port
from devstack.processes import spawn

PATIENCE_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
HURRIED_STOP_SECONDS: Final = 5.0
LOOK_EVERY_SECONDS: Final = 0.05

MIGRATIONS: Final = {
    "achievements migrate": ("achievements", "migrate", "--topics"),
    "sharing migrate": ("sharing", "migrate"),
}


class Process(NamedTuple):
    """A command that runs until it is told to end; it answers HTTP at the address in `listens`."""

    service: str
    command: str
    listens: str = "METRICS_LISTEN"
    ready_path: str = "/healthz"

    @property
    def name(self) -> str:
        return f"{self.service} {self.command}"


PROCESSES: Final = (
    Process("achievements", "serve", "ACHIEVEMENTS_LISTEN", "/readyz"),
    Process("achievements", "consume"),
    Process("achievements", "project"),
    Process("achievements", "relay"),
    Process("achievements", "notify"),
    Process("sharing", "serve", "SHARING_LISTEN", "/readyz"),
    Process("sharing", "consume"),
)


class Running:
    """The processes by name, and where they answer; `until` waits for what they do."""

    def __init__(self, surroundings: Surroundings, smtp_url: str) -> None:
        self._folder = surroundings.folder
        self._keys = surroundings.folder / "signing.pem"
        self._ports = {process.name: reserve_port() for process in PROCESSES}
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._client = httpx.Client(timeout=5)
        self.environment: Mapping[str, str] = {
            **surroundings.environment,
            **{
                process.listens: self.address(process.name)
                for process in PROCESSES
                if process.listens != "METRICS_LISTEN"
            },
            "ACHIEVEMENTS_URL": self.url("achievements serve"),
            "ACHIEVEMENTS_PUBLIC_URL": self.url("achievements serve"),
            "PUBLIC_URL": self.url("sharing serve"),
            "SIGNING_KEY": str(self._keys),
            "SMTP_URL": smtp_url,
            "EMAIL_FROM": "awards@lantern.example",
        }

    def address(self, name: str) -> str:
        port: Port = self._ports[name]
        return f"127.0.0.1:{port.number}"

    def url(self, name: str) -> str:
        return f"http://{self.address(name)}"

    def log(self, name: str) -> Path:
        return self._folder / log_name(name)

    def make_keys(self) -> None:
        """Makes the keys that this run's credentials are signed with."""
        command = [sys.executable, "-m", "services.sharing", "new-key"]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise DemoError("keys from sharing new-key", made.stderr)
        self._keys.touch(mode=0o600)
        self._keys.write_text(made.stdout)

    def migrate(self) -> None:
        """Makes the tables of both services and the topics, side by side."""
        for name, command in MIGRATIONS.items():
            self._spawn(name, *command)
        for name in MIGRATIONS:
            status = _end(self._started[name], time.monotonic() + PATIENCE_SECONDS)
            if status != 0:
                raise DemoError("it to end with status 0", _outcome(status), name)
            del self._started[name]

    def start(self) -> None:
        """Returns when all of them are ready."""
        for process in PROCESSES:
            own = {process.listens: self.address(process.name)}
            self._spawn(process.name, process.service, process.command, more=own)
        for process in PROCESSES:
            expected = f"{process.name} to be ready: 200 from its {process.ready_path}"
            self.until(expected, partial(self._not_ready, process), process.name)

    def stop(self) -> None:
        """Ends all; DemoError where one has to be killed, or does not end with success."""
        for name, status in self.end(STOP_SECONDS).items():
            if status != 0:
                raise DemoError("it to end with status 0 when told to", _outcome(status), name)

    def end(self, seconds: float) -> dict[str, int | None]:
        """Tells all to end, and kills what has not in time; gives their statuses."""
        for process in self._started.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + seconds
        outcomes = {name: _end(process, deadline) for name, process in self._started.items()}
        self._started = {}
        return outcomes

    def check(self) -> None:
        """Raises DemoError if one of them has ended."""
        for name, process in self._started.items():
            if (status := process.poll()) is not None:
                raise DemoError("it to run", f"it ended unasked with status {status}", name)

    def until(self, expected: str, difference: Callable[[], str | None], *concerned: str) -> None:
        """Waits until `difference` finds none, for a minute at most; DemoError with the last it found.

        A server that can't be reached, or does not answer in time, is a difference, too.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (seen := _reached(difference)) is not None:
            self.check()
            if time.monotonic() > deadline:
                raise DemoError(expected, f"{seen}, after {PATIENCE_SECONDS:.0f} s", *concerned)
            time.sleep(LOOK_EVERY_SECONDS)

    def _not_ready(self, process: Process) -> str | None:
        answer = self._client.get(f"{self.url(process.name)}{process.ready_path}")
        return None if answer.status_code == 200 else f"{answer.status_code} {answer.text}"

    def _spawn(
        self, name: str, service: str, *arguments: str, more: Mapping[str, str] | None = None
    ) -> None:
        self._started[name] = spawn(
            [sys.executable, "-m", f"services.{service}", *arguments],
            self.log(name),
            signal.SIGKILL,
            environment={**self.environment, **(more or {})},
        )


@contextmanager
def running(surroundings: Surroundings, smtp_url: str) -> Iterator[Running]:
    """Nothing of it is left after the block. They die with this process, even if it is killed."""
    processes = Running(surroundings, smtp_url)
    try:
        yield processes
        processes.stop()
    finally:
        processes.end(HURRIED_STOP_SECONDS)


def _reached(difference: Callable[[], str | None]) -> str | None:
    try:
        return difference()
    except httpx.TransportError as error:
        return f"{type(error).__name__}: {error}"


def _outcome(status: int | None) -> str:
    return "it had to be killed" if status is None else f"it ended with status {status}"


def _end(process: subprocess.Popen[bytes], deadline: float) -> int | None:
    """Its status, None where it had to be killed at the deadline."""
    try:
        return process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
