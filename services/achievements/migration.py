"""Creating and upgrading what achievements needs in PostgreSQL."""

import psycopg
from psycopg import sql

from projections import store
from services.achievements import assets, dead_letters, people, previews, repairing
from services.achievements.grants import hold_grants
from services.achievements.mail import queue, recipients
from services.journal import Journal, lock_key
from services.kafka import POSITIONS_DDL

VIEWS_SUFFIX = "_views"


def migrate(journal: Journal) -> None:
    """Creates what is missing; safe to repeat, and to run twice at once."""
    with psycopg.connect(journal.conninfo, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (lock_key(journal.schema, "migrate"),))
        journal.create_tables()
        with connection.transaction():
            for statements in (
                POSITIONS_DDL,
                people.DDL,
                dead_letters.DDL,
                assets.DDL,
                previews.DDL,
                repairing.DDL,
                recipients.DDL,
                queue.DDL,
            ):
                connection.execute(statements)
        with connection.transaction():
            # First, like all who write there: so nobody waits for us the other way round.
            hold_grants(journal, connection)
            create_views(connection, journal.schema + VIEWS_SUFFIX)


def create_views(connection: psycopg.Connection[tuple[object, ...]], schema: str) -> None:
    """Creates what is missing of the read models, in a schema that can be built anew beside the live one."""
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    connection.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(schema)))
    store.create_tables(connection)
