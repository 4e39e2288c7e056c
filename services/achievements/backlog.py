"""How far the readers of the journal are behind, for operators: measured by every process, about all of them.

So the measure is there, and grows, when the reader it is about is not.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import psycopg
import structlog
from prometheus_client import Gauge
from psycopg_pool import PoolTimeout

from services.achievements.grants import VIEW
from services.achievements.notify import READER as NOTIFY
from services.achievements.relay import DEAD_LETTER_READER
from services.achievements.relay import READER as RELAY
from services.journal import TABLE, Journal

log = structlog.get_logger()

BACKLOG: Final = Gauge(
    "achievements_backlog", "What a reader has not done yet: events, or dead letters.", ["reader"]
)
OLDEST_AGE: Final = Gauge(
    "achievements_oldest_unprocessed_age_seconds",
    "How long the oldest event that a reader has not done yet has been in the journal; 0 where there is none.",
    ["reader"],
)
DEAD_LETTERS: Final = Gauge(
    "achievements_dead_letters", "Dead letters that wait for somebody, by code.", ["code"]
)
READERS: Final = (VIEW, RELAY, NOTIFY)
_EVERY_SECONDS: Final = 5.0


class Backlog(NamedTuple):
    """What is not done yet: a number by reader, and the age of the oldest in seconds."""

    waiting: dict[str, int]
    oldest_age_seconds: dict[str, float]
    dead_letters: dict[str, int]


def measure(journal: Journal, connection: psycopg.Connection[Any]) -> Backlog:
    """The backlog of all readers at this moment."""
    waiting: dict[str, int] = {}
    ages: dict[str, float] = {}
    for reader in READERS:
        row = connection.execute(
            f"""
            SELECT (SELECT coalesce(max(notification_id), 0) FROM {TABLE}) - %(after)s,
                   (SELECT extract(epoch FROM clock_timestamp() - recorded_at) FROM {TABLE}
                    WHERE notification_id > %(after)s ORDER BY notification_id LIMIT 1)
            """,
            {"after": journal.position(connection, reader)},
        ).fetchone()
        behind, age = row or (0, None)
        waiting[reader], ages[reader] = max(0, behind), float(age or 0)
    (unpublished,) = connection.execute(
        "SELECT count(*) FROM dead_letter WHERE id > %s",
        (journal.position(connection, DEAD_LETTER_READER),),
    ).fetchone() or (0,)
    waiting[DEAD_LETTER_READER] = unpublished
    counts = connection.execute("SELECT code, count(*) FROM dead_letter GROUP BY code").fetchall()
    return Backlog(waiting, ages, dict(counts))


@contextmanager
def measured(journal: Journal) -> Iterator[None]:
    """Keeps the measures up to date, from a thread, while the block runs."""
    stop = threading.Event()
    thread = threading.Thread(target=_keep_measuring, args=(journal, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=1)  # it may be waiting for a database that is away


def _keep_measuring(journal: Journal, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with journal.connection() as connection:
                _show(measure(journal, connection))
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("backlog_not_measured", error=type(error).__name__)
        stop.wait(_EVERY_SECONDS)


def _show(backlog: Backlog) -> None:
    for reader, waiting in backlog.waiting.items():
        BACKLOG.labels(reader).set(waiting)
    for reader, age in backlog.oldest_age_seconds.items():
        OLDEST_AGE.labels(reader).set(age)
    DEAD_LETTERS.clear()
    for code, count in backlog.dead_letters.items():
        DEAD_LETTERS.labels(code).set(count)
