"""The achievements service on a real database, without its processes: for tests of what lies between them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from msgspec import structs

from projections.rows import TABLES, Row, Table
from schemas import learning
from schemas.cloudevents import CloudEvent
from schemas.journal import EVENT_TYPES
from services.achievements.grants import advance
from services.achievements.migration import migrate
from services.achievements.recording import Fact, record
from services.journal import Entry, Journal
from services.kafka import Message


@contextmanager
def migrated(database_url: str) -> Iterator[Journal]:
    """A journal, and all tables around it, in an empty database."""
    with Journal(database_url, "achievements", EVENT_TYPES) as journal:
        migrate(journal)
        yield journal


def fact(data: learning.Inbound, id_: str, value: bytes = b"{}") -> Fact:
    """A fact as if it had been consumed; its CloudEvents id tells it from others."""
    message = Message("topic", 0, 0, None, value, ())
    return Fact.of(message, CloudEvent("/test", id_, data))


_event_numbers = count()


def take(journal: Journal, *facts: learning.Inbound) -> None:
    """Records facts in one batch, each as an event of its own."""
    with journal.transaction() as connection:
        batch = [fact(one, f"e{next(_event_numbers)}") for one in facts]
        record(journal, connection, batch)


def append(journal: Journal, entries: Sequence[Entry]) -> None:
    with journal.transaction() as connection:
        journal.append(connection, entries)


def project(journal: Journal, limits: Iterator[int]) -> None:
    """Folds all there is, in batches of these sizes."""
    while True:
        with journal.transaction() as connection:
            if not advance(journal, connection, next(limits)).folded:
                return


def rows(journal: Journal, table: Table[Row]) -> dict[tuple[str, ...], Row]:
    """A read model's rows by key; `granted_at`, which is the clock's, is left out."""
    with journal.connection() as connection:
        found = connection.execute(
            f"SELECT {', '.join(table.columns)} FROM {table.name}"
        ).fetchall()
    return {table.key_of(row): timeless(row) for row in (table.row(*values) for values in found)}


def timeless(row: Any) -> Any:
    """The row without what the clock said."""
    return structs.replace(row, granted_at=None) if hasattr(row, "granted_at") else row


def empty(journal: Journal) -> None:
    """Takes everything out of the database again."""
    names = [table.name for table in TABLES]
    with journal.transaction() as connection:
        connection.execute(
            "TRUNCATE journal, journal_position, person, erased_person, remark, dead_letter,"
            f" {', '.join(names)} RESTART IDENTITY"
        )
