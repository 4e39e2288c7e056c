"""`achievements rebuild`, `verify` and `status`: what they show in the terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Annotated, Any, Final, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from projections.rows import TABLES
from services.achievements import rebuilding, verifying
from services.achievements import status as state
from services.achievements.grants import VIEW
from services.achievements.rebuilding import ReadModel, RebuildRunningError
from services.achievements.status import Status
from services.achievements.verifying import Difference
from services.commands import FAILED, WRONG_USAGE, collect_garbage_seldom, silence_kafka
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
            for line in _differences(verified.differences):
                print(line)
            print(
                f"{len(verified.differences):,} differences in {verified.organizations:,} organizations,"
                f" {verified.events:,} events; read models at position {verified.position:,}."
            )
        if verified.differences:
            raise typer.Exit(FAILED)

    @app.command()
    def status(*, as_json: AsJson = False) -> None:
        """Show the lag of each topic, the backlog of each process, and how far each has come."""
        settings = kafka()
        with open_journal() as journal:
            silence_kafka()
            found = state.status(journal, settings)
        if as_json:
            print(msgspec.json.encode(state.as_json(found)).decode())
        else:
            _print_status(found)
        if found.consumed is None:
            _end(FAILED, f"Kafka could not be asked: {found.why}")


@contextmanager
def _bar() -> Iterator[Advance]:
    """Progress bars on standard error, one below the other; gives what moves them."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield advance


def _print_read_models(read_models: list[ReadModel]) -> None:
    """The digest of each, and whether it is as before, byte for byte."""
    table = Table("read model", "rows", "SHA-256", "", box=None)
    for name, before, after in read_models:
        compared = "was lost" if before is None else "differed" if before != after else "as before"
        table.add_row(name, f"{after.rows:,}", after.sha256, compared)
    _console().print(table)


def _differences(differences: list[Difference]) -> Iterator[str]:
    """A line for each, by member."""
    of_members = sorted(differences, key=lambda one: (one.organization_id, one.user_id or ""))
    for one in of_members[:MAX_SHOWN]:
        whose = f"{one.organization_id}, {one.user_id}" if one.user_id else one.organization_id
        key = "".join(f" {value}" for value in one.key.values())
        if one.expected is None:
            yield f"{whose}: {one.what}{key} must not be there: {_values(one.found)}"
        elif one.found is None:
            yield f"{whose}: {one.what}{key} is missing: {_values(one.expected)}"
        else:
            yield f"{whose}: {one.what}{key} must be {_values(one.expected)}, is {_values(one.found)}"
    if len(differences) > MAX_SHOWN:
        yield f"… and {len(differences) - MAX_SHOWN:,} more: --json has all"


def _values(values: dict[str, Any] | None) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in (values or {}).items())


def _value(value: object) -> str:
    return "none" if value is None else str(msgspec.to_builtins(value))


def _print_status(found: Status) -> None:
    if found.consumed is not None:
        topics = Table("topic", "lag", "next offsets", box=None)
        for topic in found.consumed.lag:
            topics.add_row(topic, *found.consumed.words(topic))
        _console().print(topics)
    processes = Table("process", "backlog", box=None)
    for process, waiting in found.backlog.items():
        processes.add_row(process, f"{waiting:,}")
    _console().print(processes)
    readers = ", ".join(f"{reader} at {at:,}" for reader, at in found.positions.items())
    print(f"The journal ends at {found.head:,}: {readers}.")


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 160, markup=False, highlight=False)


def _end(status: int, message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(status) from None
