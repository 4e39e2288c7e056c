"""From a fact to the awards that it completed, and back: by what the journal holds. Product rule 17.

A fact is found by what the journal remembers of it: the CloudEvents source and id of those that store their hash; the
session, of sessions and feedback; the award, of what completed it. These are questions of an operator's that look
through the whole journal: they take seconds where it is large.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct

from schemas.cloudevents import CloudEvent
from schemas.journal import EVENT_TYPES, AvailabilityChanged, AwardGranted
from services.journal import TABLE, Journal, Recorded, stream_id

Connection = psycopg.Connection[Any]

_REMEMBERING = [name for name, cls in EVENT_TYPES.items() if "cause" in cls.__struct_fields__]


class Completed(Struct, frozen=True):
    """An award that was decided at a fact; `position` is its own."""

    award_id: str
    position: int
    organization_id: str
    user_id: str
    code: str
    program_id: str | None
    earned_at: datetime


class Trace(Struct, frozen=True):
    """An event of the journal under its stored name, and the awards that it completed."""

    position: int
    recorded_at: datetime
    name: str
    event: dict[str, Any]
    completed: tuple[Completed, ...]


def of_event(journal: Journal, connection: Connection, source: str, id_: str) -> list[Trace]:
    """What a CloudEvent led to, where the journal remembers its source and id."""
    cause = CloudEvent(source, id_, Struct()).cause
    return [
        _trace(journal, connection, one)
        for found in _holding(journal, connection, _REMEMBERING, f'"cause":"{cause}"', 0)
        for one in [found, *_changed_by(journal, connection, found)]
    ]


def of_session(
    journal: Journal, connection: Connection, organization_id: str, session_id: str
) -> list[Trace]:
    """A session and the feedback about it."""
    stream = stream_id(organization_id, "session", session_id)
    found = journal.load(connection, [stream]).get(stream, [])
    return [_trace(journal, connection, one) for one in found]


def of_award(journal: Journal, connection: Connection, award_id: UUID) -> list[Trace]:
    """The fact that completed an award."""
    granted = journal.load(connection, [award_id]).get(award_id, [])
    if not granted or not isinstance(granted[0].event, AwardGranted):
        return []
    position = granted[0].event.decided_at_position
    found = journal.read(connection, position - 1, 1)
    return [_trace(journal, connection, one) for one in found]


def _trace(journal: Journal, connection: Connection, recorded: Recorded) -> Trace:
    decided_here = f'"decided_at_position":{recorded.position}'
    names = [journal.mapper.names[AwardGranted]]
    grants = _holding(journal, connection, names, decided_here, recorded.position)
    return Trace(
        recorded.position,
        recorded.recorded_at,
        journal.mapper.names[type(recorded.event)],
        msgspec.to_builtins(recorded.event),
        tuple(
            _completed(one)
            for one in grants
            if one.event.decided_at_position == recorded.position  # and not ten times as much
        ),
    )


def _completed(recorded: Recorded) -> Completed:
    award: AwardGranted = recorded.event
    return Completed(
        award.award_id,
        recorded.position,
        award.organization_id,
        award.user_id,
        award.code,
        award.program_id,
        award.earned_at,
    )


def _changed_by(journal: Journal, connection: Connection, recorded: Recorded) -> list[Recorded]:
    """What goes with new settings, and so has no cause of its own."""
    beside = journal.read(connection, recorded.position, 1)
    return [
        one
        for one in beside
        if one.originator_id == recorded.originator_id
        and isinstance(one.event, AvailabilityChanged)
    ]


def _holding(
    journal: Journal, connection: Connection, names: list[str], text: str, after: int
) -> list[Recorded]:
    """The events under these names, behind a position, whose bytes hold a text."""
    rows = connection.execute(
        f"""
        SELECT notification_id FROM {TABLE}
        WHERE notification_id > %s AND topic = ANY(%s) AND position(%s::bytea IN state) > 0
        ORDER BY notification_id
        """,
        (after, names, text.encode()),
    ).fetchall()
    return [one for (position,) in rows for one in journal.read(connection, position - 1, 1)]
