"""Work that waits for the database, in threads of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from threading import Event, current_thread
from time import monotonic

import pytest

from services.web.threads import BusyError, Threads, UnfinishedError

Test = Callable[[Threads], Awaitable[None]]
who: ContextVar[str] = ContextVar("who")


def with_threads(test: Test, *, patience_seconds: float = 10.0) -> None:
    """Runs a test with threads for two at once, where two more may wait, for a tenth of a second."""

    async def run() -> None:
        await test(
            Threads(patience_seconds=patience_seconds, turn_seconds=0.1, at_once=2, may_wait=2)
        )

    asyncio.run(run())


def test_what_comes_of_it() -> None:
    """Whoever asks gets what the work gives or raises; it knows on whose behalf it is done."""

    def work(greeting: str, *, mark: str) -> str:
        assert current_thread().daemon
        return f"{greeting}, {who.get()}{mark}"

    async def test(threads: Threads) -> None:
        who.set("Ada")
        assert await threads.run(work, "Hello", mark="!") == "Hello, Ada!"
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 / 0)

    with_threads(test)


def test_only_so_many_wait() -> None:
    """Beyond those who are at work a few wait for their turn, and not for long; all others are refused at once."""
    go_on = Event()

    async def test(threads: Threads) -> None:
        working = [asyncio.create_task(threads.run(go_on.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(threads.run(go_on.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        started = monotonic()
        with pytest.raises(BusyError):
            await threads.run(go_on.wait)
        assert monotonic() - started < 0.1
        for refused in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(refused, BusyError)
        go_on.set()
        assert await asyncio.gather(*working) == [True, True]
        assert await threads.run(lambda: "again") == "again"

    with_threads(test)


def test_a_turn_is_kept_until_the_work_is_done() -> None:
    """Work that nobody waits for any more still counts: more than so many are never at work at once."""
    go_on = Event()

    async def test(threads: Threads) -> None:
        for _ in range(2):
            with pytest.raises(UnfinishedError):
                await threads.run(go_on.wait)
        with pytest.raises(BusyError):
            await threads.run(go_on.wait)
        go_on.set()
        while True:
            try:
                assert await threads.run(lambda: "again") == "again"
                break
            except BusyError:
                continue

    with_threads(test, patience_seconds=0.05)


def test_the_end_waits_for_nobody() -> None:
    """The loop ends while work is stuck; its end later hurts nobody."""
    go_on, ended = Event(), Event()

    def work() -> None:
        go_on.wait()
        ended.set()

    async def test(threads: Threads) -> None:
        task = asyncio.create_task(threads.run(work))
        await asyncio.sleep(0.01)
        task.cancel()

    started = monotonic()
    with_threads(test)
    assert monotonic() - started < 5
    go_on.set()
    assert ended.wait(5)
