"""Work that keeps its thread waiting for the database, in threads of its own.

asyncio's own threads are few, whatever else needs one shares them, and a process can't end before
they do. These may be stuck for as long as the database likes: others are answered, and the process
ends without them, which to the database is as if it had been killed.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import Thread
from typing import Final, ParamSpec, TypeVar

import psycopg

P = ParamSpec("P")
T = TypeVar("T")

AT_ONCE: Final = 4  # as many as a journal has connections
MAY_WAIT: Final = 32
TURN_SECONDS: Final = 4.0


class BusyError(psycopg.OperationalError):
    """The database keeps so many waiting that there is no turn for another one."""


class UnfinishedError(psycopg.OperationalError):
    """The work took too long to be waited for; whether it will be done is not known."""


class Threads:
    """A few threads at once, for one event loop. Nothing is waited for longer than `patience_seconds`."""

    def __init__(
        self,
        *,
        patience_seconds: float,
        turn_seconds: float = TURN_SECONDS,
        at_once: int = AT_ONCE,
        may_wait: int = MAY_WAIT,
    ) -> None:
        self._patience_seconds = patience_seconds
        self._turn_seconds = turn_seconds
        self._may_wait = may_wait
        self._waiting = 0
        self._turn = asyncio.Semaphore(at_once)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the work gives or raises; BusyError before it has begun, UnfinishedError after that."""
        await self._take_turn()
        loop = asyncio.get_running_loop()
        in_context = partial(copy_context().run, work, *args, **kwargs)
        outcome: Future[T] = Future()
        outcome.set_running_or_notify_cancel()  # once begun it goes on, whoever waits for it

        def work_on() -> None:
            try:
                outcome.set_result(in_context())
            except BaseException as error:
                outcome.set_exception(error)
            with suppress(RuntimeError):  # the loop has ended, and with it all who wait
                loop.call_soon_threadsafe(self._turn.release)

        Thread(target=work_on, name="database", daemon=True).start()
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await asyncio.wrap_future(outcome)
        except TimeoutError:
            raise UnfinishedError("the database does not answer") from None

    async def _take_turn(self) -> None:
        if self._waiting >= self._may_wait:
            raise BusyError("too many wait for the database")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._turn_seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise BusyError("the database keeps others waiting") from None
        finally:
            self._waiting -= 1
