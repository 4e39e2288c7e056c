"""What stderr shows while something is waited for: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

console = Console(stderr=True, highlight=False, markup=False, emoji=False)


def say(text: str) -> None:
    console.print(f"devstack: {text}", soft_wrap=True)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Shows what is being waited for until the block ends."""
    if not console.is_terminal:
        say(f"{text} …")
        yield
        return
    with console.status(f"{text} …"):
        yield


@contextmanager
def downloading(text: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Gives a function to be told how many more bytes have come; any thread may call it."""
    if not console.is_terminal:
        say(f"{text} ({total_bytes / 1e6:.0f} MB) …")
        yield lambda size_bytes: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(text, total=total_bytes)
        yield lambda size_bytes: progress.advance(task, size_bytes)
