"""Results as tables in the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable


class Table:
    """A title, named columns of figures, and a row for each contestant."""

    def __init__(self, title: str, columns: Sequence[str]) -> None:
        self._table = RichTable(title=title, title_justify="left")
        self._table.add_column("")
        for column in columns:
            self._table.add_column(column, justify="right")

    def row(self, name: str, *figures: str) -> None:
        self._table.add_row(name, *figures)

    def show(self) -> None:
        Console(width=100).print(self._table)
