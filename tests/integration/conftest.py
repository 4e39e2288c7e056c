"""What integration tests stand on: Kafka and PostgreSQL, and names of their own in them."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from devstack import Addresses, create_database, shared


@pytest.fixture(scope="session")
def stack() -> Iterator[Addresses]:
    """Kafka and PostgreSQL, shared with all that runs in this checkout."""
    with shared() as addresses:
        yield addresses


@pytest.fixture
def database_url(stack: Addresses) -> Iterator[str]:
    """An empty database of the test's own."""
    name = f"test_{uuid4().hex}"
    yield create_database(stack.database_url, name)
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        database = sql.Identifier(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@pytest.fixture
def topic_prefix() -> str:
    """What the names of the test's topics and groups begin with."""
    return f"test-{uuid4().hex}."
