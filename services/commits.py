"""Batches into the database, whatever happens meanwhile: clashes, outages, lost answers."""

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TypeVar
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Counter
from psycopg import errors

from services.patience import limit
from services.positions import (
    Connection,
    Position,
    Positions,
    PositionsLostError,
    Standing,
    Step,
)
from services.presence import Presence
from services.topics import Partition

log = structlog.get_logger()
T = TypeVar("T")

Committed = Callable[[], Mapping[str, object]]
"""What a batch does once it is committed, and only then, once: counts what was done and gives it as fields of the log."""
Work = Callable[[Connection], Committed | None]
"""What a batch does inside of its transaction. Called again, after a rollback, if that failed."""
Transaction = Callable[[], AbstractContextManager[Connection]]
"""Gives a connection in a transaction: committed on leaving, rolled back on an exception."""

CLASHES: Final = Counter("consumer_clashes_total", "Batches repeated as they clashed with others")

_CLASH: Final = (errors.UniqueViolation, errors.SerializationFailure, errors.DeadlockDetected)
_OUTAGE: Final = (
    psycopg.OperationalError,  # of which a pool's timeout is one
    psycopg.InterfaceError,
    errors.IdleInTransactionSessionTimeout,
    errors.TransactionTimeout,
)
_MAX_TRIES: Final = 20


class StoppedError(Exception):
    """The consumer was asked to stop while it waited for the database."""


class Committer:
    """Takes partitions and commits batches, for one consumer."""

    def __init__(
        self,
        positions: Positions,
        transaction: Transaction,
        stop: threading.Event,
        transaction_timeout_seconds: int,
    ) -> None:
        self._positions = positions
        self._transaction = transaction
        self._stop = stop
        self._transaction_timeout_seconds = transaction_timeout_seconds
        self._database = Presence("database")

    def take(
        self, beginnings: Mapping[Partition, int], topic_ids: Mapping[str, UUID]
    ) -> dict[Partition, Position]:
        """Takes partitions (see `Positions.take`) once the database is there, or StoppedError."""
        return self._when_there(lambda c: self._positions.take(c, beginnings, topic_ids))

    def commit(self, steps: Sequence[Step], work: Work) -> Mapping[str, object] | None:
        """Moves positions and does the work, all or nothing; gives its fields of the log, None where positions are lost.

        Raises StoppedError, where whoever takes the partitions next finds out what became of the
        batch; psycopg's error after too many clashes; and whatever else `work` raises.
        """
        tries = 0
        pauses = _pauses()
        committed: Committed | None = None
        while True:
            tries += 1
            try:
                with self._limited_transaction() as connection:
                    self._positions.advance(connection, steps)
                    committed = work(connection)
                break
            except PositionsLostError:
                return None
            except _CLASH as error:
                if tries == _MAX_TRIES:
                    raise
                CLASHES.inc()
                log.info("batch_clashed", constraint=error.diag.constraint_name, tries=tries)
                self._wait(random.uniform(0, 0.01 * tries))
            except _OUTAGE as error:
                tries = 0
                self._database.missed(error)
                self._wait(next(pauses))
                standing = self._when_there(lambda c: self._positions.standing(c, steps))
                if standing is Standing.COMMITTED:
                    break
                if standing is Standing.LOST:
                    return None
        return {} if committed is None else committed()

    def _when_there(self, action: Callable[[Connection], T]) -> T:
        """Does in a transaction what does no harm if it is done again, until that succeeds."""
        for pause in _pauses():
            try:
                with self._limited_transaction() as connection:
                    result = action(connection)
            except (*_CLASH, *_OUTAGE) as error:
                self._database.missed(error)
                self._wait(pause)
            else:
                self._database.found()
                return result
        raise AssertionError("pauses never end")

    @contextmanager
    def _limited_transaction(self) -> Iterator[Connection]:
        """A transaction that the server ends if we fall silent: others wait for its locks."""
        with self._transaction() as connection:
            limit(connection, self._transaction_timeout_seconds)
            yield connection

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise StoppedError


def _pauses() -> Iterator[float]:
    """Seconds between attempts without end, from a twentieth to five, jittered."""
    longest = 0.05
    while True:
        yield random.uniform(longest / 2, longest)
        longest = min(5.0, longest * 2)
