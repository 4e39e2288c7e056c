"""The terminal: what everything the demo says looks like, in 80 columns, with or without colours."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import StringIO, TextIOWrapper
from textwrap import wrap
from typing import Any, Final, TextIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

WIDTH: Final = 80
INDENT: Final = 2
BAR_WIDTH: Final = 10


class Screen:
    """Says things on standard output; `[bold]…[/]` marks up what the demo itself says only."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal without our people's scripts
        width = min(WIDTH, Console().width)
        self._console = Console(width=width, highlight=False, emoji=False)
        if not self._console.is_terminal:
            self._console.file = _Unpadded(sys.stdout)
        self.step = "starting"

    def title(self, text: str) -> None:
        self._console.print()
        self._console.print(Text(text, "bold"))

    def chapter(self, number: int, title: str) -> None:
        self.step = f"{number}  {title}"
        self._console.print()
        self._console.print(Rule(f"[bold]{self.step}", align="left", style="dim"))
        self._console.print()

    def rule(self) -> None:
        self._console.print()
        self._console.print(Rule(style="dim"))

    def say(self, markup: str) -> None:
        """A paragraph of our own words."""
        self.show(Text.from_markup(markup))

    def gap(self) -> None:
        self._console.print()

    def rows(self, rows: Iterable[Sequence[str | Text]], *widths: int) -> None:
        """Columns without lines; what is too long for the last goes on below itself."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        for width in widths:
            grid.add_column(min_width=width)
        for row in rows:
            grid.add_row(*row)
        self.show(grid)

    def show(self, what: RenderableType) -> None:
        self._console.print(Padding(what, (0, 0, 0, INDENT), expand=False))

    def page(self, lines: Iterable[str]) -> None:
        """What stands on a page of somebody else's, set off from what we say."""
        for line in lines:
            for part in wrap(line, WIDTH - INDENT - 2):
                self.verbatim(f"│ {part}")

    def verbatim(self, line: str, indent: int = INDENT, style: str = "") -> None:
        """A line that is to be copied or read as it is: never broken, nothing in it interpreted."""
        self._console.print(Text(" " * indent + line, style), soft_wrap=True)

    def waiting(self, text: str) -> AbstractContextManager[Any]:
        """Shows that something is waited for, where somebody looks on."""
        if not self._console.is_terminal:
            return nullcontext()
        return self._console.status(text)


class _Unpadded(StringIO):
    """Text for a file or a pipe: without the spaces that pad lines on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(re.sub(r" +$", "", text, flags=re.MULTILINE))

    def flush(self) -> None:
        self._stream.flush()


def bar(count: int, threshold: int) -> Text:
    """How much of the way is done; it can be told without colours."""
    full = min(BAR_WIDTH, count * BAR_WIDTH // threshold)
    return Text.assemble(("━" * full, "green"), ("┄" * (BAR_WIDTH - full), "dim"))
