"""Making the tables, and building the read models again beside the live ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

from services.journal import Journal, lock_key
from services.kafka import POSITIONS_DDL
from services.patience import limit
from services.sharing import assets, limits, personal, views
from services.sharing.credentials import statuses

Connection = psycopg.Connection[Any]

_BESIDE: Final = f"{views.SCHEMA}_beside"
_BEFORE: Final = f"{views.SCHEMA}_before"
_BATCH_EVENTS: Final = 5_000
_SWITCH_SECONDS: Final = 60


def migrate(journal: Journal) -> None:
    """Creates what is missing in the database. Safe to repeat, and to run twice at once."""
    with _only_one(journal, "migrate") as connection:
        journal.create_tables()
        with connection.transaction():
            # First, like all who write: so nobody waits for us the other way round.
            journal.lock(connection)
            connection.execute(POSITIONS_DDL)
            personal.create(connection)
            connection.execute(limits.DDL)
            connection.execute(assets.DDL)
            connection.execute(statuses.DDL)
            views.create(connection)


def rebuild(journal: Journal) -> int:
    """Builds the read models again from all events, then puts them in the place of the live ones.

    Reads go on, and writes until the last few events: they are folded, and the names switched, in
    one transaction that keeps writers waiting, a minute at most. Of two rebuilds at once the second begins after the
    first. Gives the number of events.
    """
    with _only_one(journal, "rebuild") as connection:
        _drop(connection, _BESIDE)
        _drop(connection, _BEFORE)
        with connection.transaction():
            views.create(connection)
            views.create(connection, _BESIDE)
        position = _catch_up(journal, connection, 0)
        with connection.transaction():
            limit(connection, _SWITCH_SECONDS)
            journal.lock(connection)
            position = _catch_up(journal, connection, position)
            _switch(connection)
        _drop(connection, _BEFORE)
    return position


@contextmanager
def _only_one(journal: Journal, what: str) -> Iterator[Connection]:
    """Waits until no other process does the same; gives a connection in autocommit to do it."""
    key = lock_key(journal.schema, what)
    with journal.connection() as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (key,))
        try:
            yield connection
        finally:
            if not connection.closed:
                connection.execute("SELECT pg_advisory_unlock(%s)", (key,))


def _catch_up(journal: Journal, connection: Connection, position: int) -> int:
    """Folds all events behind a position, batch by batch; gives the last one's."""
    while True:
        with connection.transaction():
            views.use(connection, _BESIDE)
            batch = journal.read(connection, position, _BATCH_EVENTS)
            views.fold(connection, [recorded.event for recorded in batch])
        if not batch:
            return position
        position = batch[-1].position


def _switch(connection: Connection) -> None:
    # Until autovacuum came by, the planner would take the new tables for empty ones.
    connection.execute("ANALYZE award, link, erased, availability")
    for name, new_name in ((views.SCHEMA, _BEFORE), (_BESIDE, views.SCHEMA)):
        connection.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
                sql.Identifier(name), sql.Identifier(new_name)
            )
        )


def _drop(connection: Connection, schema: str) -> None:
    """Drops read models table by table: holding one lock at a time can't deadlock with readers."""
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,))
    for (table,) in tables.fetchall():
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(schema, table)))
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(schema)))
