"""The journal as verifying reads it: one organization after the other, each in the journal's order."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

from schemas.journal import BadgeThresholdSet
from services.journal import TABLE, Journal, stream_range

Connection = psycopg.Connection[Any]
Range = tuple[UUID, UUID]
"""The first and the last id of the streams of an organization; hardly ever of two."""

_BATCH_EVENTS: Final = 5_000
_PLATFORM: Final = stream_range("")


class Told(NamedTuple):
    """An event of the journal."""

    position: int
    stream: UUID
    recorded_at: datetime
    event: Any


def of_platform(journal: Journal, connection: Connection) -> list[Told]:
    """What operators set for all organizations."""
    told = read(journal, connection, _PLATFORM)
    return [one for one in told if isinstance(one.event, BadgeThresholdSet)]


def of_organizations(connection: Connection) -> Iterator[Range]:
    """Where the events of organizations lie."""
    last = UUID(int=0)
    while True:
        row = connection.execute(
            f"SELECT originator_id FROM {TABLE} WHERE originator_id > %s ORDER BY originator_id LIMIT 1",
            (last,),
        ).fetchone()
        if row is None:
            return
        least = row[0].int >> 80 << 80
        last = UUID(int=least | (1 << 80) - 1)
        if last != _PLATFORM[1]:
            yield UUID(int=least), last


def read(journal: Journal, connection: Connection, streams: Range) -> Iterator[Told]:
    """The events of these streams in the journal's order; a few at a time are in memory."""
    with connection.cursor("verifying", binary=True) as cursor:
        cursor.itersize = _BATCH_EVENTS
        cursor.execute(
            f"""
            SELECT notification_id, originator_id, recorded_at, topic, state FROM {TABLE}
            WHERE originator_id BETWEEN %s AND %s ORDER BY notification_id
            """,
            streams,
        )
        for position, stream, recorded_at, name, state in cursor:
            yield Told(position, stream, recorded_at, journal.mapper.decode(name, state))
