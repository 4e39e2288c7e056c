"""`achievements rebuild`, `verify` and `status`: what they show in the terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from projections.rows import TABLES
from services.achievements import rebuilding, verifying
from services.achievements import status as state
from services.achievements.grants import VIEW
from services.achievements.rebuilding import ReadModel, RebuildRunningError
from services.achievements.status import Lag, Status
from services.achievements.verifying import Difference
from services.commands import FAILED, WRONG_USAGE, collect_garbage_seldom
from services.journal import Journal
from services.kafka import KafkaSettings

MAX_SHOWN: Final = 200

OpenJournal = Callable[[], AbstractContextManager[Journal]]
Advance = Callable[[str, int, int], None]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def add_commands(
    app: typer.Typer, open_journal: OpenJournal, kafka: Callable[[], KafkaSettings]
) -> None:
    """Adds the commands."""

    @app.command()
    def rebuild(
        projection: Annotated[
            str | None, typer.Option(metavar="NAME", help="Replace only this read model.")
        ] = None,
    ) -> None:
        """Build the read models again from the journal beside the live ones, then switch.

        Reads go on. Nothing is granted or sent. May be interrupted at any moment and begun again.
        """
        tables = {table.name: table for table in TABLES}
        if projection not in {None, VIEW, *tables}:
            _end(WRONG_USAGE, f"--projection {projection}: there are {', '.join([VIEW, *tables])}")
        collect_garbage_seldom()
        started = monotonic()
        with open_journal() as journal, _bar() as advance:
            try:
                only = tables.get(projection or VIEW)
                rebuilt = rebuilding.rebuild(journal, advance, only)
            except RebuildRunningError:
                _end(FAILED, "Another process is rebuilding; nothing was changed.")
        _print_read_models(rebuilt.read_models)
        print(f"Rebuilt up to position {rebuilt.position:,} in {monotonic() - started:.1f} s.")

    @app.command()
    def verify(*, as_json: AsJson = False) -> None:
        """Derive everything again from the journal, by a way of its own, and compare.

        Ends with status 1 where anything differs. The system may go on meanwhile.
        """
        collect_garbage_seldom()
        with open_journal() as journal, _bar() as advance:
            verified = verifying.verify(journal, lambda n, of: advance("looking at events", n, of))
        if as_json:
            print(msgspec.json.encode({"differences": verified.differences}).decode())
        else:
            print("\n".join(_differences(verified.differences)))
            print(
                f"{len(verified.differences):,} differences in {verified.organizations:,} organizations,"
                f" {verified.events:,} events; read models at position {verified.position:,}."
            )
        if verified.differences:
            raise typer.Exit(FAILED)

    @app.command()
    def status(*, as_json: AsJson = False) -> None:
        """Show the lag of each topic, the backlog of each process, and how far each has come."""
        with open_journal() as journal:
            found = state.status(journal, kafka())
        if as_json:
            print(msgspec.json.encode(state.as_json(found)).decode())
        else:
            _print_status(found)
        if found.lag is None:
            _end(FAILED, f"Kafka could not be asked: {found.why}")


def _end(status: int, message: str) -> None:
    print(message, file=sys.stderr)
    raise typer.Exit(status) from None
