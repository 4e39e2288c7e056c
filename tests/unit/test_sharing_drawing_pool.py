"""Drawing in processes of its own: bounded in time, memory and number, whatever happens to one."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

from services.sharing.drawing import badge_image, certificate_pdf
from services.sharing.drawing_jobs import BadgePicture, CertificatePdf, PictureCheck
from services.sharing.drawing_pool import BusyError, DrawingFailedError, DrawingPool
from services.sharing.drawing_worker import MEMORY_BYTES
from tests.drawing_samples import CERTIFICATES, changed

BADGE = BadgePicture("mentor")
LATIN = CERTIFICATES["Latin"]


def with_pool(test: Callable[[DrawingPool], Awaitable[None]], **bounds: float) -> None:
    """Runs a test with a pool of one process."""

    async def run() -> None:
        pool = DrawingPool(**{"processes": 1, **bounds})  # type: ignore[arg-type] # numbers all
        try:
            await test(pool)
        finally:
            await pool.close()
        assert workers() == []

    asyncio.run(run())


def workers() -> list[psutil.Process]:
    """The processes that draw for this one."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "drawing_worker" in " ".join(child.cmdline())
    ]


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    assert workers() == []


def test_the_very_bytes_of_the_renderer() -> None:
    """What a process draws is what the renderer draws, and the process is there for the next job."""

    async def test(pool: DrawingPool) -> None:
        assert await pool.do(CertificatePdf(LATIN)) == certificate_pdf(LATIN)
        (first,) = workers()
        assert await pool.do(BADGE) == badge_image("mentor")
        assert workers() == [first]

    with_pool(test)


def test_whether_a_file_is_a_picture() -> None:
    """A file that can be shown on a certificate is told from one that can't."""

    async def test(pool: DrawingPool) -> None:
        assert await pool.do(PictureCheck(badge_image("mentor")))
        assert not await pool.do(PictureCheck(b"\x89PNG\r\n\x1a\nnothing"))

    with_pool(test)


def test_what_takes_too_long_is_ended() -> None:
    """A process that doesn't answer in time is killed, and another one does the next job."""

    async def test(pool: DrawingPool) -> None:
        await pool.do(BADGE)
        (stuck,) = workers()
        stuck.suspend()
        with pytest.raises(DrawingFailedError, match="took more than 5 s"):
            await pool.do(BADGE)
        assert not stuck.is_running()
        assert await pool.do(BADGE) == badge_image("mentor")

    with_pool(test, job_seconds=5)


def test_a_crash_is_one_jobs_loss() -> None:
    """A process that dies over a job takes that job with it and nothing else."""

    async def test(pool: DrawingPool) -> None:
        await pool.do(BADGE)
        (victim,) = workers()
        victim.suspend()
        lost = asyncio.create_task(pool.do(BADGE))
        waiting = asyncio.create_task(pool.do(BADGE))
        await asyncio.sleep(0)
        victim.send_signal(signal.SIGKILL)
        with pytest.raises(DrawingFailedError, match="died"):
            await lost
        assert await waiting == badge_image("mentor")

    with_pool(test)


def test_a_process_that_died_at_rest_is_replaced() -> None:
    """A process that was killed between two jobs costs none."""

    async def test(pool: DrawingPool) -> None:
        await pool.do(BADGE)
        (victim,) = workers()
        victim.kill()
        while psutil.pid_exists(victim.pid):
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)  # until the event loop has heard of it, too
        assert await pool.do(BADGE) == badge_image("mentor")

    with_pool(test)


def test_a_process_that_can_not_be_started_costs_one_job() -> None:
    """Where the system has no process to give, the job fails like any other, and the next one is drawn."""

    async def test(pool: DrawingPool) -> None:
        used, most = len(os.listdir("/proc/self/fd")), resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (used, most[1]))
        try:
            with pytest.raises(DrawingFailedError, match="OSError"):
                await pool.do(BADGE)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, most)
        assert await pool.do(BADGE) == badge_image("mentor")

    with_pool(test)


def test_memory_is_bounded() -> None:
    """A process has a limit of addresses; one that meets it fails its job, and is replaced."""

    async def test(pool: DrawingPool) -> None:
        await pool.do(BADGE)
        (greedy,) = workers()
        pid, kind = greedy.pid, resource.RLIMIT_AS
        assert resource.prlimit(pid, kind) == (MEMORY_BYTES, MEMORY_BYTES)
        assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
        used = greedy.memory_info().vms
        resource.prlimit(pid, kind, (used, MEMORY_BYTES))
        with pytest.raises(DrawingFailedError):
            await pool.do(CertificatePdf(CERTIFICATES["Chinese"]))
        assert not greedy.is_running()
        assert await pool.do(CertificatePdf(LATIN)) == certificate_pdf(LATIN)

    with_pool(test)


def test_a_job_that_fails_tells_where_but_not_what() -> None:
    """A failure names the error and its place, and nothing of what was to be drawn."""

    async def test(pool: DrawingPool) -> None:
        broken = CertificatePdf(changed(LATIN, colour="Ada Lovelace"))
        with pytest.raises(DrawingFailedError) as error:
            await pool.do(broken)
        assert "Lovelace" not in str(error.value)
        assert " at " in str(error.value)

    with_pool(test)


def test_no_more_wait_than_may() -> None:
    """Who comes when as many wait as may is told so at once; those who wait are served."""

    async def test(pool: DrawingPool) -> None:
        first = asyncio.create_task(pool.do(BADGE))
        second = asyncio.create_task(pool.do(BADGE))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await pool.do(BADGE)
        assert await first == await second == badge_image("mentor")
        assert await pool.do(BADGE) == badge_image("mentor")

    with_pool(test, may_wait=1)


def test_who_goes_away_stops_the_work() -> None:
    """A job that is cancelled is not drawn to its end for nobody, and its place is free."""

    async def test(pool: DrawingPool) -> None:
        given_up = asyncio.create_task(pool.do(CertificatePdf(LATIN)))
        await asyncio.sleep(0.1)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert await pool.do(BADGE) == badge_image("mentor")

    with_pool(test)


def test_a_process_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What decodes strangers' pictures has none of our settings in its environment."""
    monkeypatch.setenv("AUTH_SECRET", "a secret of ours")

    async def test(pool: DrawingPool) -> None:
        await pool.do(BADGE)
        (worker,) = workers()
        assert "a secret of ours" not in Path(f"/proc/{worker.pid}/environ").read_text()

    with_pool(test)


def test_processes_end_with_their_parent() -> None:
    """Nothing is left running when the service is killed."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _DRAW_AND_TELL],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    worker.wait(10)


_DRAW_AND_TELL = """
import asyncio, psutil
from services.sharing.drawing_jobs import BadgePicture
from services.sharing.drawing_pool import DrawingPool

async def run():
    pool = DrawingPool(processes=1)
    await pool.do(BadgePicture("mentor"))
    print(psutil.Process().children()[0].pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(run())
"""
