"""`achievements dead-letters …`: what operators do about dead letters, in the terminal."""

import getpass
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from schemas.checks import instant
from services.achievements import repairing
from services.achievements.dead_letters import DeadLetter
from services.achievements.repairing import (
    Action,
    Filter,
    UnknownDeadLetterError,
    UnpublishedDeadLetterError,
)
from services.commands import FAILED
from services.journal import Journal

T = TypeVar("T")
OpenJournal = Callable[[], AbstractContextManager[Journal]]


def _time(text: str) -> datetime:
    try:
        return instant(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Code = Annotated[str | None, typer.Option(help="Only those refused with this code.")]
Topic = Annotated[str | None, typer.Option(help="Only those from this topic (its real name).")]
Since = Annotated[
    datetime | None,
    typer.Option(parser=_time, metavar="TIME", help="Only those from this time on (RFC 3339)."),
]
Until = Annotated[
    datetime | None,
    typer.Option(parser=_time, metavar="TIME", help="Only those before this time (RFC 3339)."),
]
Ids = Annotated[list[int] | None, typer.Argument(help="Ids of dead letters, as `list` shows them.")]
By = Annotated[
    str | None, typer.Option(metavar="WHO", help="Who does it; else the user of this shell.")
]


def commands(open_journal: OpenJournal) -> typer.Typer:
    """The group of commands."""
    app = typer.Typer(
        help="Look at messages that could not be used, try them again, or discard them.",
        no_args_is_help=True,
    )

    @app.command("list")
    def list_(
        code: Code = None,
        topic: Topic = None,
        since: Since = None,
        until: Until = None,
        limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    ) -> None:
        """Show which there are, from the oldest."""
        with open_journal() as journal, journal.connection() as connection:
            letters = repairing.find(connection, Filter(code, topic, since, until), limit + 1)
        _print_list(letters[:limit])
        if len(letters) > limit:
            print(f"There are more than {limit}: narrow it down, or raise --limit.")

    @app.command()
    def show(id_: Annotated[int, typer.Argument(metavar="ID")]) -> None:
        """Show one, whole: why it was refused, where it came from, its headers and value."""
        with open_journal() as journal, journal.connection() as connection:
            letter = _known(partial(repairing.show, connection, id_))
            done = repairing.history(connection, id_)
        _print_whole(letter)
        for action, outcome, by, at in done:
            print(f"{action}: {outcome}, by {by} at {at.isoformat()}")

    @app.command()
    def retry(
        ids: Ids = None,
        *,
        code: Code = None,
        topic: Topic = None,
        since: Since = None,
        until: Until = None,
        value: Annotated[
            Path | None,
            typer.Option(exists=True, dir_okay=False, help="A file with the corrected value."),
        ] = None,
        by: By = None,
    ) -> None:
        """Have them recorded as if they were consumed now: those named, or all that the filters mean.

        Those that are taken are gone; those refused again stay. Exit status 1 where any stays.
        """
        corrected = value.read_bytes() if value is not None else None
        with open_journal() as journal:
            which = _meant(journal, ids, Filter(code, topic, since, until))
            if corrected is not None and len(which) != 1:
                raise typer.BadParameter("--value corrects one dead letter: name its id")
            who = by or _user()
            _report(_known(partial(repairing.retry, journal, id_, who, corrected)) for id_ in which)

    @app.command()
    def discard(
        ids: Ids = None,
        *,
        code: Code = None,
        topic: Topic = None,
        since: Since = None,
        until: Until = None,
        by: By = None,
    ) -> None:
        """Destroy them for good: those named, or all that the filters mean."""
        with open_journal() as journal:
            which = _meant(journal, ids, Filter(code, topic, since, until))
            who = by or _user()
            _report(_known(partial(repairing.discard, journal, id_, who)) for id_ in which)

    return app


def _meant(journal: Journal, ids: list[int] | None, which: Filter) -> list[int]:
    if ids and any(which):
        raise typer.BadParameter("name either ids or filters, not both")
    if ids:
        return ids
    if not any(which):
        raise typer.BadParameter("name ids, or filters: --code, --topic, --since, --until")
    with journal.connection() as connection:
        return [letter.id for letter in repairing.find(connection, which)]


def _known(action: Callable[[], T]) -> T:
    try:
        return action()
    except (UnknownDeadLetterError, UnpublishedDeadLetterError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(FAILED) from None


def _report(actions: Iterable[Action]) -> None:
    stayed = 0
    for action in actions:
        print(f"{action.dead_letter_id}  {action.outcome}  {action.detail}".rstrip())
        stayed += not action.is_done
    if stayed:
        print(f"Still among the dead letters: {stayed}.", file=sys.stderr)
        raise typer.Exit(FAILED)


def _print_list(letters: list[DeadLetter]) -> None:
    table = Table("id", "at", "code", "topic", "partition", "offset", "detail", box=None)
    for letter in letters:
        place = (letter.topic, str(letter.partition), str(letter.offset))
        at = letter.at.isoformat(timespec="seconds")
        table.add_row(str(letter.id), at, letter.code, *place, letter.detail)
    console = Console(width=None if sys.stdout.isatty() else 240, markup=False, highlight=False)
    console.print(table if letters else "There are none.")


def _print_whole(letter: DeadLetter) -> None:
    print(f"id         {letter.id}")
    print(f"code       {letter.code}")
    print(f"detail     {letter.detail}")
    print(f"from       {letter.topic}, partition {letter.partition}, offset {letter.offset}")
    print(f"at         {letter.at.isoformat()}")
    print(f"key        {_readable(letter.key)}")
    for name, content in letter.original_headers():
        print(f"header     {name}: {_readable(content)}")
    print(f"value      {_readable(letter.value)}")


def _readable(content: bytes | None) -> str:
    """Bytes as text where they are text, with what a terminal would act on made visible."""
    if content is None:
        return "none"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"{len(content)} bytes that are not UTF-8: {content.hex()}"
    return "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in text)


def _user() -> str:
    return getpass.getuser()
