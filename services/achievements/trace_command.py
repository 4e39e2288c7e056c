"""`achievements trace`: which fact completed an award, and what came of a fact, in the terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC
from typing import Annotated, Final, NoReturn
from uuid import UUID

import msgspec
import typer

from services.achievements import tracing
from services.achievements.tracing import Completed, Trace
from services.commands import FAILED, WRONG_USAGE
from services.journal import Journal

OpenJournal = Callable[[], AbstractContextManager[Journal]]

_NOTHING_FOUND: Final = (
    "The journal holds nothing of what was asked for. Sessions and feedback are found by their --session: the journal keeps no event"
    " ids of them. What could not be used is among the dead letters."
)


def add_command(app: typer.Typer, open_journal: OpenJournal) -> None:
    """Adds the command."""

    @app.command()
    def trace(
        *,
        event: Annotated[
            tuple[str, str] | None,
            typer.Option(metavar="SOURCE ID", help="What this CloudEvent led to."),
        ] = None,
        session: Annotated[
            str | None,
            typer.Option(metavar="ORG/SESSION", help="What this session and its feedback led to."),
        ] = None,
        award: Annotated[
            str | None, typer.Option(metavar="ID", help="What completed this award.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    ) -> None:
        """Show which fact completed an award, or which awards a fact completed. Name one of them."""
        if [event, session, award].count(None) != 2:
            _end(WRONG_USAGE, "name one: --event SOURCE ID, --session ORG/SESSION or --award ID")
        with open_journal() as journal, journal.connection() as connection:
            if event is not None:
                traces = tracing.of_event(journal, connection, *event)
            elif session is not None:
                traces = tracing.of_session(journal, connection, *_session(session))
            else:
                traces = tracing.of_award(journal, connection, _award(award or ""))
        if as_json:
            print(msgspec.json.encode({"facts": traces}).decode())
        for line in [] if as_json else _lines(traces):
            print(line)
        if not traces:
            _end(FAILED, _NOTHING_FOUND)


def _session(text: str) -> tuple[str, str]:
    organization_id, slash, session_id = text.partition("/")
    if not slash or not organization_id or not session_id:
        _end(WRONG_USAGE, f"--session {text}: must be ORGANIZATION/SESSION")
    return organization_id, session_id


def _award(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        _end(WRONG_USAGE, f"--award {text}: must be the id of an award")


def _lines(traces: list[Trace]) -> Iterator[str]:
    for one in traces:
        ids = [
            f"{name.removesuffix('_id')} {value}"
            for name, value in one.event.items()
            if name.endswith("_id")
        ]
        at = f"{one.recorded_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        yield f"position {one.position:,}, {at}: {one.name}, {', '.join(ids)}"
        for award in one.completed:
            yield f"  completed {_words(award)}"


def _words(award: Completed) -> str:
    what = (
        f"badge {award.code}" if award.program_id is None else f"certificate of {award.program_id}"
    )
    return (
        f"award {award.award_id} at position {award.position:,}: {what} of {award.user_id} in"
        f" {award.organization_id}, earned {award.earned_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    )


def _end(status: int, message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(status) from None
