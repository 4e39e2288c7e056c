"""The folder of a shared stack: its locks, what is known of it, its data and logs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from devstack import locks
from devstack.addresses import DevstackError
from devstack.processes import failure

CHECKOUT = Path(__file__).resolve().parent.parent


def devstack_folder() -> Path:
    """Where data go: DEVSTACK_FOLDER, or `.devstack` at the top of the checkout."""
    return Path(os.environ.get("DEVSTACK_FOLDER") or CHECKOUT / ".devstack").resolve()


@dataclass(frozen=True)
class Home:
    """Names the files in the folder. The locks' files are never removed, only what is beside them.

    `gate` is held by the one process that starts or joins right now, `lease` by every user (shared)
    and by a supervisor that stops (exclusively), `alive` by the supervisor as long as it lives.
    """

    folder: Path

    @classmethod
    def of(cls, services: Iterable[str]) -> Home:
        """A stack of fewer services, where the environment gives the rest, has its own folder."""
        home = cls(devstack_folder() / "-".join(["shared", *sorted(services)]))
        try:
            home.folder.mkdir(parents=True, exist_ok=True)
            (devstack_folder() / ".gitignore").write_text("*\n")
        except OSError as error:
            raise DevstackError(
                f"Could not make the folder for data: {error}\n"
                "What to do: set DEVSTACK_FOLDER to one that you may write to."
            ) from error
        return home

    @property
    def gate(self) -> Path:
        return self.folder / "gate.lock"

    @property
    def lease(self) -> Path:
        return self.folder / "lease.lock"

    @property
    def alive(self) -> Path:
        return self.folder / "alive.lock"

    @property
    def state(self) -> Path:
        """JSON: the supervisor's process id and the services' addresses. There while it serves."""
        return self.folder / "state.json"

    @property
    def failure(self) -> Path:
        """Why the supervisor gave up, ready to be shown."""
        return self.folder / "failure.txt"

    @property
    def log(self) -> Path:
        return self.folder / "supervisor.log"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def has_supervisor(self) -> bool:
        return locks.is_held(self.alive)

    def why_it_ended(self) -> str:
        """Of a supervisor that has ended though it had users: ready to be shown."""
        if self.failure.exists():
            return self.failure.read_text()
        return failure("The process that owns the servers", "ended unasked", self.log)

    def addresses(self) -> dict[str, str] | None:
        """What the supervisor has told, by service; None before it has."""
        try:
            addresses: dict[str, str] = json.loads(self.state.read_text())["addresses"]
        except FileNotFoundError:
            return None
        return addresses

    def tell(self, addresses: dict[str, str]) -> None:
        """Told in one piece, and to nobody else on the machine: there is a password in it."""
        draft = self.state.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({"supervisor": os.getpid(), "addresses": addresses}))
        draft.replace(self.state)
