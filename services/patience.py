"""How long we wait for the database, and others for us: nobody who asks is left without an answer.

The server's own limits end what takes too long while it can be reached; our side ends what is
waited for when it can't.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import Row

RV = TypeVar("RV")

ANSWER_SECONDS: Final = 6.0
"""For one answer to a question; so a server that sets itself five seconds for it can still say so."""
_CONNECTION: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
_POSTGRES_17: Final = 170_000


class SilentServerError(psycopg.OperationalError):
    """The server took the question and gave no answer in time."""


class TooLongError(psycopg.OperationalError):
    """The server ended a transaction that lasted too long."""


class PatientConnection(psycopg.AsyncConnection[Row]):
    """A connection for short questions: who asks one gets an answer, or SilentServerError in `ANSWER_SECONDS`.

    A limit that the server keeps ends nothing when the server itself falls silent; nor does
    cancelling, for which psycopg asks the server. So we hang up, and the pool connects anew.
    """

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + ANSWER_SECONDS
        timer = loop.call_at(give_up_at, self._hang_up)
        try:
            return await super().wait(gen, interval, timeout)
        except psycopg.OperationalError as error:
            if loop.time() < give_up_at:
                raise
            raise SilentServerError("the database does not answer") from error
        finally:
            timer.cancel()

    def _hang_up(self) -> None:
        """What waits for the answer then meets the end of the connection."""
        if not self.closed:
            with socket.socket(fileno=os.dup(self.fileno())) as other_handle:
                other_handle.shutdown(socket.SHUT_RDWR)


def noticing_silence(database_url: str) -> str:
    """The same place, with limits for what the network swallows; those that the address sets go first."""
    return make_conninfo(database_url, **{**_CONNECTION, **conninfo_to_dict(database_url)})


@contextmanager
def told_as_outage() -> Iterator[None]:
    """TooLongError for what psycopg counts among errors of ours: the end of a transaction by `limit`."""
    try:
        yield
    except (errors.TransactionTimeout, errors.IdleInTransactionSessionTimeout) as error:
        raise TooLongError(str(error)) from error


def limit(
    connection: psycopg.Connection[Any],
    seconds: int | None = None,
    lock_seconds: int | None = None,
) -> None:
    """Limits the transaction that the connection is in, for others wait for its locks.

    The server ends it after `seconds`; before PostgreSQL 17, only where we fall silent in it. Each
    lock is waited for `lock_seconds` at most, then it is psycopg's LockNotAvailable.
    """
    knows_timeout = connection.info.server_version >= _POSTGRES_17
    name = "transaction_timeout" if knows_timeout else "idle_in_transaction_session_timeout"
    for setting, value in ((name, seconds), ("lock_timeout", lock_seconds)):
        if value is not None:
            connection.execute("SELECT set_config(%s, %s, true)", (setting, f"{value}s"))
