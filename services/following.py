"""Processes that follow the journal: one at a time leads, others wait to take over, all survive an outage.

Who leads holds an advisory lock on a connection of its own, which also tells when something was appended.
"""

import threading
from collections.abc import Callable
from typing import Final

import psycopg
import structlog
from prometheus_client import Counter, Gauge
from psycopg.rows import scalar_row
from psycopg_pool import PoolTimeout

from services.journal import TABLE, Journal, lock_key

log = structlog.get_logger()

HEARTBEAT: Final = Gauge(
    "follower_heartbeat_timestamp_seconds",
    "When the loop last turned, leading or waiting.",
    ["process"],
)
LEADS: Final = Gauge("follower_leads", "1 where this process leads, 0 where it waits.", ["process"])
FAILURES: Final = Counter(
    "follower_failures_total", "Steps that failed and are tried again.", ["process"]
)

Step = Callable[[], bool]
"""Does some of what is to be done, in transactions of its own; True where there may be more."""

_IDLE_SECONDS: Final = 1.0
_TAKE_OVER_SECONDS: Final = 0.5
_MAX_PAUSE_SECONDS: Final = 10.0
_OUTAGES: Final = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, ConnectionError)


def follow(
    journal: Journal,
    process: str,
    step: Step,
    stop: threading.Event,
    *,
    outages: tuple[type[Exception], ...] = (),
) -> None:
    """Repeats `step` whenever something was appended to the journal, until `stop` is set.

    Only one process of this name does so at a time. What goes away and comes back (the database, and
    whatever raises `outages`) is waited for; any other exception of `step` is a bug and is raised.
    """
    expected: tuple[type[Exception], ...] = (*_OUTAGES, *outages)
    pause = 0.1
    while not stop.is_set():
        try:
            with psycopg.connect(journal.conninfo, autocommit=True) as connection:
                connection.execute(f"LISTEN {TABLE}")
                if _lead(connection, journal, process, stop):
                    pause = 0.1
                    _work(connection, process, step, stop)
        except expected as error:
            FAILURES.labels(process).inc()
            log.warning(
                "step_failed",
                process=process,
                error=type(error).__name__,
                why=str(error).partition("\n")[0],
                again_in_seconds=pause,
            )
            stop.wait(pause)
            pause = min(pause * 2, _MAX_PAUSE_SECONDS)
        finally:
            LEADS.labels(process).set(0)


def _lead(
    connection: psycopg.Connection[tuple[object, ...]],
    journal: Journal,
    process: str,
    stop: threading.Event,
) -> bool:
    """Waits until this process leads; False where it is stopped before."""
    cursor = connection.cursor(row_factory=scalar_row)
    key = lock_key(journal.schema, "leader", process)
    waiting = False
    while not stop.is_set():
        HEARTBEAT.labels(process).set_to_current_time()
        if cursor.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone():
            log.info("leading", process=process)
            LEADS.labels(process).set(1)
            return True
        if not waiting:
            log.info("waiting_to_take_over", process=process)
            waiting = True
        stop.wait(_TAKE_OVER_SECONDS)
    return False


def _work(
    connection: psycopg.Connection[tuple[object, ...]],
    process: str,
    step: Step,
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        HEARTBEAT.labels(process).set_to_current_time()
        if not step():
            for _ in connection.notifies(timeout=_IDLE_SECONDS, stop_after=1):
                pass
