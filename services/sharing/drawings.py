"""Drawings by what determines their bytes: drawn once for all who ask at the same time, kept for a while.

What is kept holds names, so nothing is kept for long, and nothing outside the process: drawing it
again costs a tenth of a second.
"""

import asyncio
import sys
import zlib
from collections.abc import Awaitable, Callable
from functools import cache
from hashlib import blake2b
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from services.sharing.drawing_jobs import AnyJob, encode
from services.sharing.drawing_pool import DrawingFailedError, DrawingPool
from services.sharing.recent import Recent

KEPT_BYTES: Final = 64 * 1024 * 1024
FAILED_SECONDS: Final = 60.0
"""So long nobody tries again what could not be drawn: it may have cost a process its life."""

_FOLDER: Final = Path(__file__).parent


@cache
def renderer_version() -> bytes:
    """A hash of all that turns a design into bytes: our code, fonts and artwork, Python, libraries.

    All that are installed: a tag that changes without need costs a drawing, one that stays is wrong.
    """
    version = blake2b(f"{sys.version} {zlib.ZLIB_RUNTIME_VERSION}".encode(), digest_size=32)
    for name in sorted(f"{found.name}=={found.version}" for found in distributions()):
        version.update(name.encode())
    files = [*(_FOLDER / "drawing").rglob("*.py"), *(_FOLDER / "static").rglob("*.*")]
    for file in sorted([*files, _FOLDER / "drawing_jobs.py"]):
        version.update(str(file.relative_to(_FOLDER)).encode())
        version.update(file.read_bytes())
    return version.digest()


def tag_of(job: AnyJob, *pictures: str | None) -> str:
    """A strong entity tag (RFC 9110, 8.8.3) of what a job gives.

    `pictures` are the hashes of those that are yet to be put into its design.
    """
    determined_by = encode((job, pictures))
    return f'"{blake2b(determined_by, digest_size=16, key=renderer_version()).hexdigest()}"'


class Drawings:
    """What was drawn lately, and the way to more."""

    def __init__(self, pool: DrawingPool, *, kept_bytes: int = KEPT_BYTES) -> None:
        renderer_version()  # now, not at the first request
        self._pool = pool
        self._kept: Recent[str, bytes] = Recent(kept_bytes)
        self._under_way: dict[str, asyncio.Task[bytes]] = {}
        self._failed: set[str] = set()

    async def drawn(self, tag: str, job: Callable[[], Awaitable[AnyJob]]) -> bytes:
        """The drawing of a tag, drawn by a job that is only made where it is needed.

        Errors are those of DrawingPool, and of `job`.
        """
        if (kept := self._kept.get(tag)) is not None:
            return kept
        if tag in self._failed:
            raise DrawingFailedError("failed a moment ago")
        task = self._under_way.get(tag)
        if task is None:
            task = self._under_way[tag] = asyncio.create_task(self._draw(tag, job))
        return await asyncio.shield(task)  # others wait for it, even if this caller goes away

    async def close(self) -> None:
        """Gives up what is being drawn; call it when nobody asks any more."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _draw(self, tag: str, job: Callable[[], Awaitable[AnyJob]]) -> bytes:
        try:
            content = await self._pool.do(await job())
        except DrawingFailedError:
            self._failed.add(tag)
            asyncio.get_running_loop().call_later(FAILED_SECONDS, self._failed.discard, tag)
            raise
        finally:
            del self._under_way[tag]
        self._kept.keep(tag, content, len(content))
        return content
