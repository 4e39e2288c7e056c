"""Operators' commands on a journal of the test's own: in this process, or in one that can be killed."""

import os
import random
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from projections.digests import Digest, digest
from projections.rows import TABLES
from services.achievements import plan_commands, trace_command, upkeep_commands
from services.journal import Journal
from services.kafka import KafkaSettings

NO_KAFKA = KafkaSettings(bootstrap_servers="127.0.0.1:1")


def run(journal: Journal, *arguments: str | Path, kafka: KafkaSettings = NO_KAFKA) -> Result:
    """A command, in this process."""
    app = typer.Typer(pretty_exceptions_enable=False)
    plan_commands.add_commands(app, lambda: nullcontext(journal))
    upkeep_commands.add_commands(app, lambda: nullcontext(journal), lambda: kafka)
    trace_command.add_command(app, lambda: nullcontext(journal))
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def killed_at_work(journal: Journal, database_url: str, *arguments: str | Path) -> bool:
    """A command in a process of its own, killed a moment after it came to the database; False where it was too late."""
    process = _start(database_url, *arguments)
    while process.poll() is None and not others(journal):
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.3))
    process.kill()
    process.wait()
    while others(journal):  # until the server has noticed
        time.sleep(0.01)
    return process.returncode < 0


def killed_waiting(
    journal: Journal, database_url: str, locking: str, *arguments: str | Path
) -> None:
    """A command in a process of its own, killed where it waits for what the statement `locking` has locked."""
    with journal.transaction() as connection:
        connection.execute(locking)
        process = _start(database_url, *arguments)
        while not others_lock(journal, "NOT granted"):
            assert process.poll() is None, "it never came there"
            time.sleep(0.01)
        process.kill()
        process.wait()
    while others(journal):
        time.sleep(0.01)


def _start(database_url: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.achievements", *map(str, arguments)],
        env={**os.environ, "DATABASE_URL": database_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def others_lock(journal: Journal, condition: str) -> bool:
    """Whether another connection to the journal's database has such a lock, or waits for it."""
    with journal.connection() as connection:
        row = connection.execute(
            f"""
            SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE {condition} AND datname = current_database() AND application_name <> 'the test'
            """
        ).fetchone()
    return bool(row and row[0])


def others(journal: Journal) -> int:
    """How many connections of others there are to the journal's database."""
    with journal.connection() as connection:
        row = connection.execute(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend'
              AND application_name <> 'the test'
            """
        ).fetchone()
    return int(row[0]) if row else 0


def state(journal: Journal) -> tuple[list[Digest], int]:
    """The digests of all read models, and how many events the journal has."""
    with journal.connection() as connection:
        digests = [digest(connection, f"{journal.schema}_views", table) for table in TABLES]
        (events,) = connection.execute("SELECT count(*) FROM journal").fetchone() or (0,)
    return digests, events
