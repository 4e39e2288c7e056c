"""Creating and upgrading tables while others are at work."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import psycopg
import pytest
from psycopg import sql

from services.achievements import migration
from services.achievements.grants import hold_grants
from services.journal import Journal
from services.sharing import upkeep
from tests.integration.service import migrated
from tests.integration.sharing_processes import new_journal

Migrate = Callable[[Journal], None]
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = ANY(current_schemas(false))"
INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = ANY(current_schemas(false))"
)


@pytest.fixture
def sharing(database_url: str) -> Iterator[Journal]:
    with new_journal(database_url) as journal:
        yield journal


@pytest.fixture
def achievements(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as journal:
        yield journal


def indexes(journal: Journal) -> dict[str, str]:
    with journal.connection() as connection:
        return dict(connection.execute(INDEXES).fetchall())


def write(connection: psycopg.Connection, *tables: str) -> None:
    """Locks tables as whoever writes into them does."""
    for table in tables:
        connection.execute(
            sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(sql.Identifier(table))
        )


def until_somebody_waits(journal: Journal) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with journal.connection() as connection:
        while connection.execute(query).fetchone() == (0,):
            sleep(0.01)


def test_what_is_there_is_left_alone(sharing: Journal) -> None:
    """Where nothing is missing, migrating locks no table: neither does it wait for writers, nor they for it."""
    with sharing.transaction() as connection, ThreadPoolExecutor(1) as pool:
        write(connection, *(name for (name,) in connection.execute(TABLES).fetchall()))
        pool.submit(upkeep.migrate, sharing).result(timeout=20)


def test_what_is_missing_is_made(sharing: Journal) -> None:
    """An index that an older version did not make is made."""
    before = indexes(sharing)
    assert {"award_owner", "link_owner", "link_token_owner"} < before.keys()
    with sharing.connection() as connection:
        connection.execute("DROP INDEX award_owner, link_owner, link_token_owner")
    upkeep.migrate(sharing)
    assert indexes(sharing) == before


def test_making_an_index_among_writers_of_sharing(sharing: Journal) -> None:
    """Migrating waits for who writes before it has locked a table, so none of them waits for the other in turn."""
    with sharing.connection() as connection:
        connection.execute("DROP INDEX award_owner, link_owner, link_token_owner")
    with ThreadPoolExecutor(1) as pool:
        with sharing.transaction() as connection:
            sharing.lock(connection)
            write(connection, "link")
            migrating = pool.submit(upkeep.migrate, sharing)
            until_somebody_waits(sharing)
            write(connection, "award", "link_token")
        migrating.result(timeout=20)
    assert "link_owner" in indexes(sharing)


def test_among_writers_of_achievements(achievements: Journal) -> None:
    """So it is with the read models of achievements, which who grants writes in an order of its own."""
    with ThreadPoolExecutor(1) as pool:
        with achievements.transaction() as connection:
            hold_grants(achievements, connection)
            write(connection, "award")
            migrating = pool.submit(migration.migrate, achievements)
            until_somebody_waits(achievements)
            write(connection, "participation", "enrolment", "journal", "journal_position")
        migrating.result(timeout=20)
