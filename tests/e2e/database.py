"""What the database tells of a running service: how far it has come, and whether it keeps what it must not."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from tests.e2e.kafka import Topics, end_offsets
from tests.e2e.messages import INBOUND
from tests.e2e.names import MAIL_MARK, NAME_MARK, REMARK_MARK

POLL_SECONDS: Final = 0.25
_MAY_HOLD: Final = {
    "achievements.person": (NAME_MARK, MAIL_MARK),
    "achievements.dead_letter": (NAME_MARK, MAIL_MARK, REMARK_MARK),
    "achievements.remark": (REMARK_MARK,),
}
"""The tables for personal data."""


class Behind(NamedTuple):
    """What is still to be done: messages to be consumed, events to be folded and told, dead letters to be told."""

    lag: int
    projecting: int
    relaying: int
    dead_letters: int


def wait_until_drained(
    database_url: str, topics: Topics, deadline_seconds: float, while_waiting: Callable[[], None]
) -> None:
    """Waits until all that is published has taken effect and is told; TimeoutError where it does not."""
    started = time.monotonic()
    ends = end_offsets(topics, INBOUND)
    while any(left := behind(database_url, ends)):
        if time.monotonic() - started > deadline_seconds:
            raise TimeoutError(f"still behind after {deadline_seconds} s: {left}")
        while_waiting()
        time.sleep(POLL_SECONDS)


def behind(database_url: str, ends: dict[tuple[str, int], int]) -> Behind:
    """How far the service is behind these ends of its topics; all of one instant."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reached = {
            (topic, partition): next_offset
            for topic, partition, next_offset in connection.execute(
                "SELECT topic, partition, next_offset FROM achievements.consumer_position"
            )
        }
        rows = connection.execute(
            "SELECT application_name, notification_id FROM achievements.journal_position"
        )
        positions: dict[str, int] = dict(rows)
        heads = connection.execute(
            """
            SELECT (SELECT coalesce(max(notification_id), 0) FROM achievements.journal),
                   (SELECT coalesce(max(id), 0) FROM achievements.dead_letter)
            """
        ).fetchone()
    journal, dead_letter = heads or (0, 0)
    return Behind(
        lag=sum(end - reached.get(partition, 0) for partition, end in ends.items()),
        projecting=journal - positions.get("progress", 0),
        relaying=journal - positions.get("relay", 0),
        dead_letters=max(0, dead_letter - positions.get("relay of dead letters", 0)),
    )


def leaks(database_url: str, erased: Iterable[tuple[int, int]]) -> Iterator[str]:
    """Where names, addresses and free words are that must not be there; of the erased they must be nowhere.

    `erased` are numbers of organizations and of users in them.
    """
    of_erased = [
        text
        for organization, user in erased
        for text in (f"{NAME_MARK}-{organization}-{user:04}-", f"mail-{organization}-{user:04}-")
    ]
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            """
            SELECT schemaname, tablename FROM pg_tables
            WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
            """
        ).fetchall()
        for schema, table in tables:
            content = _content(connection, schema, table)
            allowed = _MAY_HOLD.get(f"{schema}.{table}", ())
            for mark in {NAME_MARK, MAIL_MARK, REMARK_MARK} - {*allowed}:
                if mark.encode() in content:
                    yield f"{schema}.{table} holds {mark}"
            for text in of_erased:
                if text.encode() in content:
                    yield f"{schema}.{table} holds {text} of an erased member"


def _content(connection: psycopg.Connection[tuple[object, ...]], schema: str, table: str) -> bytes:
    """All bytes of a table; those of text and bytea are there as they are."""
    copying = sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(sql.Identifier(schema, table))
    with connection.cursor().copy(copying) as copy:
        return b"".join(copy)
