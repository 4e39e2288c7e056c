"""Sharing as its users meet it: processes of its own over a database of the test's own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from psycopg import sql

from devstack import Addresses, create_database
from schemas.links import EVENT_TYPES
from services.journal import Journal
from services.sharing import upkeep, views
from services.web import Principal, issue_token

SECRET = b"a secret for tests that is long enough"
PUBLIC_URL = "https://awards.example"
PATIENCE_SECONDS = 60

_COMMAND = (sys.executable, "-m", "services.sharing")


@contextmanager
def fresh_database(stack: Addresses) -> Iterator[str]:
    """An empty database for the block, for fixtures that outlive a test."""
    name = f"test_{uuid4().hex}"
    yield create_database(stack.database_url, name)
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def new_journal(database_url: str) -> Journal:
    """The journal of sharing, with all tables made."""
    journal = Journal(database_url, views.JOURNAL_SCHEMA, EVENT_TYPES)
    upkeep.migrate(journal)
    return journal


def environment(database_url: str, **variables: str) -> dict[str, str]:
    """What a process of sharing is told."""
    return {
        **os.environ,
        "SHARING_DATABASE_URL": database_url,
        "SHARING_LISTEN": "127.0.0.1:0",
        "PUBLIC_URL": PUBLIC_URL,
        "AUTH_SECRET": SECRET.decode(),
        "LOG_FORMAT": "json",
        **variables,
    }


def run(arguments: Sequence[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [*_COMMAND, *arguments],
        env=variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


class Running:
    """A process of sharing that runs."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text()

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first line of its log about an event, as soon as there is one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            for line in map(json.loads, self.log.splitlines()):
                if line["event"] == event:
                    return dict(line)
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)


@contextmanager
def running(what: str, variables: Mapping[str, str]) -> Iterator[Running]:
    """A process for the block; it must end by itself when told to."""
    with NamedTemporaryFile() as log:
        process = subprocess.Popen([*_COMMAND, what], env=variables, stderr=log)
        try:
            yield Running(process, Path(log.name))
        finally:
            process.terminate()
            status = process.wait(timeout=PATIENCE_SECONDS)
        assert status == 0


class Served(httpx.Client):
    """A client to a `serve` process."""

    def __init__(self, process: Running) -> None:
        address = process.wait_for("listening")["address"]
        super().__init__(base_url=f"http://{address}", timeout=10)
        self.process = process


@contextmanager
def serving(database_url: str, **variables: str) -> Iterator[Served]:
    """A `serve` process for the block."""
    with (
        running("serve", environment(database_url, **variables)) as process,
        Served(process) as client,
    ):
        yield client


def bearer(user_id: str = "ada", organization_id: str = "acme", *roles: str) -> dict[str, str]:
    """The header of a signed-in user."""
    token = issue_token(
        SECRET,
        Principal(user_id, organization_id, frozenset(roles or ("member",))),
        audience="achievements",
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    return {"Authorization": f"Bearer {token}"}


def rows(database_url: str, *schemas: str) -> dict[str, list[str]]:
    """All rows of all tables as text, by table; of these schemas, or of all but PostgreSQL's own."""
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            """
            SELECT schemaname, tablename FROM pg_tables
            WHERE CASE WHEN %(schemas)s::text[] = '{}'
                       THEN schemaname NOT IN ('pg_catalog', 'information_schema')
                       ELSE schemaname = ANY(%(schemas)s) END
            ORDER BY schemaname, tablename
            """,
            {"schemas": list(schemas)},
        ).fetchall()
        return {
            f"{schema}.{table}": [
                row
                for (row,) in connection.execute(
                    sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(
                        sql.Identifier(schema, table)
                    )
                )
            ]
            for schema, table in tables
        }
