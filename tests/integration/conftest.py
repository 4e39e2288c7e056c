"""What integration tests stand on: Kafka and PostgreSQL, and names of their own in them."""

import gc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from devstack import Addresses, Stack, create_database, private, shared
from services.journal import Journal
from tests.browser import browser  # noqa: F401 - a fixture, for all tests here
from tests.integration.http_calls import Client, calling
from tests.integration.service import empty, migrated
from tests.integration.sharing_processes import fresh_database


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


@pytest.fixture(scope="module")
def database(stack: Addresses) -> Iterator[Journal]:
    """A journal of achievements in a database of the module's own."""
    with fresh_database(stack) as url, migrated(url) as journal:
        yield journal


@pytest.fixture
def journal(database: Journal) -> Journal:
    """The module's journal with nothing in it."""
    empty(database)
    return database


@pytest.fixture(scope="module")
def client(database: Journal) -> Iterator[Client]:
    """Callers of an API over the module's journal."""
    with calling(database) as client:
        yield client


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that servers under another account reach: pytest shuts its own whenever one starts anew."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def private_stack() -> Iterator[Stack]:
    """Servers that a module may break."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, private(Path(folder)) as stack:
        yield stack
        gc.collect()  # connections to a server that was broken complain when they are collected later


@pytest.fixture
def topic_prefix() -> str:
    """What the names of the test's topics and groups begin with."""
    return f"test-{uuid4().hex}."
