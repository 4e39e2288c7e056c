"""Drawing off the event loop: a few processes, so many jobs waiting and no more, so much time and no more.

Processes and not threads: a drawing that takes too long, too much memory, or the process down with
it can then be ended without harm to anything else. They start when there is something to draw.
"""

import asyncio
import os
import sys
from contextlib import suppress
from typing import Final

import msgspec
import structlog
from prometheus_client import Counter

from services.sharing import drawing_worker
from services.sharing.drawing_jobs import (
    HEAD_BYTES,
    AnyJob,
    Done,
    Failed,
    PictureCheck,
    decode_answer,
    framed,
)

log = structlog.get_logger()

PROCESSES: Final = 2
MAY_WAIT: Final = 32
"""How many jobs wait for a process at most; drawn one after the other that is three seconds' work."""
WAITING_SECONDS: Final = 10.0
JOB_SECONDS: Final = 10.0
"""Some fifty times what the slowest takes, so that a loaded machine is not mistaken for a fault."""

DRAWINGS: Final = Counter(
    "sharing_drawings_total",
    "Jobs of the processes that draw, by what became of them: done, busy (not begun), failed.",
    ["outcome"],
)


class DrawingError(Exception):
    """Something was not drawn."""


class BusyError(DrawingError):
    """Too much is being drawn; it can be asked for again soon."""


class DrawingFailedError(DrawingError):
    """It can't be drawn, or not in the time and memory that there are for it."""


class DrawingPool:
    """Processes that draw, used from one event loop."""

    def __init__(
        self,
        *,
        processes: int = PROCESSES,
        may_wait: int = MAY_WAIT,
        job_seconds: float = JOB_SECONDS,
    ) -> None:
        self._workers = [_Worker(job_seconds) for _ in range(processes)]
        self._may_wait = may_wait
        self._waiting = 0
        # The last one used goes first: under little load one process does it all.
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        for worker in self._workers:
            self._idle.put_nowait(worker)

    async def do(self, job: AnyJob) -> bytes:
        """The bytes that a job asks for; BusyError or DrawingFailedError."""
        try:
            worker = await self._free_worker()
        except BusyError:
            DRAWINGS.labels("busy").inc()
            raise
        try:
            content = await worker.do(job)
        except DrawingFailedError as error:
            DRAWINGS.labels("failed").inc()
            log.error("drawing_failed", job=type(job).__name__, reason=str(error))
            raise
        finally:
            self._idle.put_nowait(worker)
        DRAWINGS.labels("done").inc()
        return content

    async def is_picture(self, content: bytes) -> bool:
        """Whether a file shows on a certificate; errors as above."""
        return bool(await self.do(PictureCheck(content)))

    async def close(self) -> None:
        """Ends all processes."""
        for worker in self._workers:
            await worker.end()

    async def _free_worker(self) -> "_Worker":
        if self._idle.empty() and self._waiting >= self._may_wait:
            raise BusyError
        self._waiting += 1
        try:
            async with asyncio.timeout(WAITING_SECONDS):
                return await self._idle.get()
        except TimeoutError:
            raise BusyError from None
        finally:
            self._waiting -= 1


class _Worker:
    """A process, or the place of one that is still to be started."""

    def __init__(self, job_seconds: float) -> None:
        self._job_seconds = job_seconds
        self._process: asyncio.subprocess.Process | None = None

    async def do(self, job: AnyJob) -> bytes:
        answer: Done | Failed | None = None
        try:
            async with asyncio.timeout(self._job_seconds):
                answer = decode_answer(await self._ask(framed(job)))
        except TimeoutError:
            raise DrawingFailedError(f"took more than {self._job_seconds:g} s") from None
        except (OSError, EOFError, msgspec.DecodeError) as error:
            reason = f"the process died, or could not be started ({type(error).__name__})"
            raise DrawingFailedError(reason) from None
        finally:
            if not isinstance(answer, Done):  # it may be at it still, or out of memory
                await self.end()
        if isinstance(answer, Failed):
            raise DrawingFailedError(answer.reason)
        return answer.content

    async def end(self) -> None:
        """Kills the process, if there is one: it has nothing to lose."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def _ask(self, message: bytes) -> bytes:
        if self._process is None or self._process.returncode is not None:
            self._process = await _start()
        assert self._process.stdin is not None  # both are pipes
        assert self._process.stdout is not None
        self._process.stdin.write(message)
        await self._process.stdin.drain()
        head = await self._process.stdout.readexactly(HEAD_BYTES)
        return await self._process.stdout.readexactly(int.from_bytes(head))


async def _start() -> asyncio.subprocess.Process:
    """A process with none of our secrets in its environment, that no Ctrl-C of ours reaches."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        drawing_worker.__name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )
