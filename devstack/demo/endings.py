"""How the demo ends: what was shown and what to try next, or what failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.text import Text

from devstack.demo.failures import DemoError, log_name
from devstack.demo.screen import Screen

LINES_OF_LOG: Final = 12

_SHOWN: Final = (
    ("any order", "feedback counts before its session, and months after it"),
    ("twice", "what is delivered twice counts once"),
    ("broken", "what can't be used waits among the dead letters to be mended"),
    ("switched on late", "a certificate looks at all that was before it, too"),
    ("why", "every number says what counts and what is missing"),
    ("shared", "a link shows an award until its owner takes it down"),
)
_NEXT: Final = (
    ("make up", "the same, left running, with requests to copy"),
    ("make test", "all checks and tests, on real servers like these"),
    ("make help", "all that can be done here"),
    ("README.md", "what this is, how it is run, how it is built"),
)


def show_end(screen: Screen, seconds: float) -> None:
    """One screen of what was seen, and of what can be done now."""
    screen.rule()
    screen.say(f"[bold green]All was as the rules say.[/] [dim]It took {seconds:.1f} s.[/]")
    screen.gap()
    screen.rows(((Text(what, "bold"), told) for what, told in _SHOWN), 16)
    screen.gap()
    screen.say("To try next:")
    screen.rows(((Text(what, "bold"), told) for what, told in _NEXT), 16)


def show_failure(screen: Screen, error: DemoError, folder: Path) -> None:
    """Which step failed, what was expected and seen, and what the processes concerned said last."""
    screen.rule()
    screen.say("[bold red]Failed.[/]")
    screen.rows(
        (
            (Text("step", "bold"), Text(screen.step)),
            (Text("process", "bold"), Text(", ".join(error.concerned) or "the demo itself")),
            (Text("expected", "bold"), Text(error.expected)),
            (Text("seen", "bold"), Text(error.seen)),
        ),
        8,
    )
    for name in error.concerned:
        log = folder / log_name(name)
        screen.gap()
        screen.verbatim(f"The last lines of {short(log)}:")
        for line in _last_lines(log):
            screen.verbatim(line, indent=4)
    screen.gap()
    screen.verbatim(f"The logs of all processes are in {short(folder)}")


def _last_lines(log: Path) -> Iterator[str]:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    yield from lines[-LINES_OF_LOG:] or ["(nothing)"]


def short(path: Path) -> Path:
    """As one would name it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
