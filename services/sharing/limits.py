"""How often one client may ask for links that are not there; who asks for a live one is never counted.

Nobody guesses 192 bits: the limit tells those who try that it is of no use, and keeps a flood of them from the
database. Each process counts in memory, and every second shares what it has counted in one statement with all others
through PostgreSQL, so a flood costs a row a client, not a write a request. Addresses are forgotten when their window
ends: in memory with the window, in the database, where they are hashed, together with the window's random key.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from math import ceil
from secrets import token_bytes
from typing import Any, Final, Protocol

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool

log = structlog.get_logger()

WINDOW_SECONDS: Final = 60
MAX_MISSES: Final = 600  # in a window: more than all behind one address mistype
FLOOD: Final = 10 * MAX_MISSES  # in a window and a process: beyond it nothing is looked up any more
MAX_CLIENTS: Final = 10_000  # counted at once; who comes when there are more is not
SHARE_EVERY_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 5.0

DDL: Final = """
CREATE UNLOGGED TABLE IF NOT EXISTS miss_window (
    number bigint PRIMARY KEY,
    key bytea NOT NULL
);
CREATE UNLOGGED TABLE IF NOT EXISTS miss (
    number bigint NOT NULL REFERENCES miss_window ON DELETE CASCADE,
    client bytea NOT NULL,
    misses bigint NOT NULL,
    PRIMARY KEY (number, client)
);
COMMENT ON COLUMN miss_window.number IS 'minutes since 1970';
COMMENT ON COLUMN miss.client IS 'the address, hashed with the key of its window';
"""


class Ledger(Protocol):
    """Where processes add up their counts. Errors are psycopg's own."""

    async def open(self) -> None:
        """Begins; need not wait for anything."""

    async def close(self) -> None:
        """Ends."""

    async def add(self, window: int, misses: Mapping[str, int]) -> Mapping[str, int]:
        """Adds counts by client; gives the new totals of these clients."""

    async def forget(self, window: int) -> None:
        """Destroys all that is kept of a window, and of those before it."""


@dataclass(slots=True)
class _Window:
    number: int
    misses: dict[str, int] = field(default_factory=dict)  # of all processes, as far as known here
    unshared: dict[str, int] = field(default_factory=dict)
    floods: set[str] = field(default_factory=set)


class Misses:
    """Counts misses by client. Must be used in the event loop that it was opened in."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._window = _Window(-1)
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, now: float) -> None:
        """Begins; what a process that was killed has left behind is forgotten."""
        await self._ledger.open()
        self._start(self._forget(_number(now) - 1))

    async def close(self) -> None:
        """Ends; counts of the last second are lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._ledger.close()

    def count(self, client: str, now: float) -> int:
        """Counts a miss, `now` in seconds since 1970.

        Gives the seconds for which the client has to wait, 0 while it has not missed too often.
        """
        window = self._window_of(now)
        if client not in window.misses and len(window.misses) >= MAX_CLIENTS:
            return 0
        misses = window.misses[client] = window.misses.get(client, 0) + 1
        if misses <= MAX_MISSES + 1:  # all know then that it is too often
            window.unshared[client] = window.unshared.get(client, 0) + 1
        if misses > FLOOD:
            window.floods.add(client)
        return 0 if misses <= MAX_MISSES else ceil(_seconds_left(window.number, now))

    @property
    def has_floods(self) -> bool:
        """Whether there may be a client that misses so often that nothing is to be looked up for it."""
        return bool(self._window.floods)

    def wait(self, client: str, now: float) -> int:
        """The seconds for which nothing is to be looked up for a client, 0 where it does not flood."""
        window = self._window
        if window.number != _number(now) or client not in window.floods:
            return 0
        return ceil(_seconds_left(window.number, now))

    def _window_of(self, now: float) -> _Window:
        if self._window.number != _number(now):
            self._window = _Window(_number(now))
            self._start(self._attend(self._window, _seconds_left(self._window.number, now)))
        return self._window

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, window: _Window, seconds: float) -> None:
        """Shares a window's counts until it ends, then forgets them."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            await asyncio.sleep(min(left, SHARE_EVERY_SECONDS))
            await self._share(window)
        if self._window is window:
            self._window = _Window(-1)
        await self._forget(window.number)

    async def _share(self, window: _Window) -> None:
        sharing, window.unshared = window.unshared, {}
        if not sharing:
            return
        try:
            totals = await self._ledger.add(window.number, sharing)
        except psycopg.Error as error:
            log.warning("misses_not_shared", error=type(error).__name__, sqlstate=error.sqlstate)
            return
        for client, total in totals.items():
            known = total + window.unshared.get(client, 0)
            window.misses[client] = max(known, window.misses[client])

    async def _forget(self, window: int) -> None:
        try:
            await self._ledger.forget(window)
        except psycopg.Error as error:
            log.warning("misses_not_forgotten", error=type(error).__name__, sqlstate=error.sqlstate)


class PostgresLedger:
    """The ledger in sharing's database, by a connection of its own: pages don't wait for it."""

    def __init__(self, conninfo: str) -> None:
        self._pool = AsyncConnectionPool(
            conninfo, kwargs={"autocommit": True}, min_size=0, max_size=1, open=False
        )
        self._key: tuple[int, bytes] = (-1, b"")

    async def open(self) -> None:
        """Begins; connects when there is something to count."""
        await self._pool.open()

    async def close(self) -> None:
        """Gives the connection back to the server."""
        await self._pool.close()

    async def add(self, window: int, misses: Mapping[str, int]) -> Mapping[str, int]:
        key = await self._key_of(window)
        clients = {
            blake2b(name.encode(), key=key, digest_size=16).digest(): name for name in misses
        }
        in_order = sorted(clients)  # so that two processes can't wait for each other
        rows = await self._ask(
            """
            INSERT INTO miss (number, client, misses)
            SELECT %(window)s, client, misses
            FROM unnest(%(clients)s::bytea[], %(misses)s::bigint[]) AS t (client, misses)
            ON CONFLICT (number, client) DO UPDATE SET misses = miss.misses + excluded.misses
            RETURNING client, misses
            """,
            {
                "window": window,
                "clients": in_order,
                "misses": [misses[clients[hashed]] for hashed in in_order],
            },
        )
        return {clients[hashed]: total for hashed, total in rows}

    async def forget(self, window: int) -> None:
        await self._ask(
            "DELETE FROM miss_window WHERE number <= %(window)s RETURNING 1", {"window": window}
        )

    async def _key_of(self, window: int) -> bytes:
        """The window's key, of whichever process made it first."""
        if self._key[0] != window:
            rows = await self._ask(
                """
                INSERT INTO miss_window (number, key) VALUES (%(window)s, %(key)s)
                ON CONFLICT (number) DO UPDATE SET key = miss_window.key
                RETURNING key
                """,
                {"window": window, "key": token_bytes(32)},
            )
            self._key = window, rows[0][0]
        return self._key[1]

    async def _ask(self, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._pool.connection() as connection:
                cursor = connection.cursor(binary=True)
                await cursor.execute(query, parameters)
                return await cursor.fetchall()
        except TimeoutError:
            raise psycopg.OperationalError("the database does not answer") from None


def _number(now: float) -> int:
    return int(now // WINDOW_SECONDS)


def _seconds_left(number: int, now: float) -> float:
    return (number + 1) * WINDOW_SECONDS - now
