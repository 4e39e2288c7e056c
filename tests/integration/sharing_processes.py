"""Sharing as its users meet it: processes of its own over a database of the test's own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
from psycopg import sql

from schemas.links import EVENT_TYPES
from services.journal import Journal
from services.sharing import upkeep, views
from services.web import Principal, issue_token

SECRET = b"a secret for tests that is long enough"
PUBLIC_URL = "https://awards.example"


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


def command(*arguments: str) -> list[str]:
    """A command of sharing."""
    return [sys.executable, "-m", "services.sharing", *arguments]


def run(arguments: Sequence[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        command(*arguments), env=variables, capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def serving(database_url: str) -> Iterator[httpx.Client]:
    """A `serve` process for the block, and a client to it; it must end by itself when told to."""
    process = subprocess.Popen(
        command("serve"), env=environment(database_url), stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        address = next(
            line["address"]
            for line in map(json.loads, process.stderr)
            if line["event"] == "listening"
        )
        with httpx.Client(base_url=f"http://{address}", timeout=10) as client:
            yield client
    finally:
        process.terminate()
        _, rest = process.communicate(timeout=20)
    assert process.returncode == 0, rest


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
