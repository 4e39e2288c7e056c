"""Banners and logos, kept by sharing itself: fetched once, each for the organization that shows it.

They are fetched when they are first to be shown, and never waited for long: whatever is wrong with
them, pages and certificates are right without. What could not be had is not asked for again for a
while. They are no read model: a rebuild leaves them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final, NamedTuple, TypeVar

import psycopg
import structlog

from services.sharing.achievements_client import (
    PAUSE_SECONDS,
    AchievementsClient,
    DownError,
    NotThereError,
)
from services.sharing.drawing_pool import BusyError, DrawingFailedError
from services.sharing.reading import AsyncPool

log = structlog.get_logger()

T = TypeVar("T")

DDL: Final = """
CREATE TABLE IF NOT EXISTS asset (
    organization_id text NOT NULL,
    asset_id text NOT NULL,
    sha256 text NOT NULL,
    content bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (organization_id, asset_id)
);
COMMENT ON COLUMN asset.sha256 IS 'of the content: not that in asset_id, where metadata was cut out';
"""

PATIENCE_SECONDS: Final = 2.0
"""So long a drawing waits for a picture that is being fetched."""
RETRY_SECONDS: Final = 60.0
AT_ONCE: Final = 4
MAY_WAIT: Final = 64
REMEMBERED: Final = 20_000


class Key(NamedTuple):
    """What an asset is known by; another organization's is another asset."""

    organization_id: str
    asset_id: str


class Asset(NamedTuple):
    """A picture that is here; the hash is that of its file."""

    key: Key
    sha256: str


class LostAssetError(Exception):
    """A picture that was here is not any more: the database was restored from an older backup."""


class Assets:
    """The pictures of one process, over the database that all share. Used from one event loop.

    Errors are psycopg's own, where the database does not answer. `is_picture` tells whether bytes
    show on a certificate; it may raise DrawingError.
    """

    def __init__(
        self,
        pool: AsyncPool,
        achievements: AchievementsClient,
        is_picture: Callable[[bytes], Awaitable[bool]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._achievements = achievements
        self._is_picture = is_picture
        self._clock = clock
        self._known: dict[Key, Asset] = {}
        self._missing: dict[Key, float] = {}
        self._fetching: dict[Key, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def close(self) -> None:
        """Gives up what is being fetched; call it when nobody asks any more."""
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def has(self, organization_id: str, asset_id: str | None) -> bool:
        """Whether a picture is here, for pages: one that isn't is fetched for the next reader.

        It asks our own database at most, and of what is known nothing at all.
        """
        return await self._find_here(organization_id, asset_id) is not None

    async def find(self, organization_id: str, asset_id: str | None) -> Asset | None:
        """A picture, for drawings: one that isn't here is waited for a little.

        None where there is none to be had now.
        """
        found = await self._find_here(organization_id, asset_id)
        if found is not None or asset_id is None:
            return found
        key = Key(organization_id, asset_id)
        if task := self._fetching.get(key):
            await asyncio.wait([task], timeout=PATIENCE_SECONDS)
        return self._known.get(key)

    async def content(self, asset: Asset) -> bytes:
        """The file of a picture that was found; LostAssetError where it is to be found anew."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT content FROM asset WHERE organization_id = %s AND asset_id = %s",
                asset.key,
                binary=True,
            )
            row = await cursor.fetchone()
        if row is None:
            self._known.pop(asset.key, None)
            raise LostAssetError
        return bytes(row[0])

    async def borrow(self, organization_id: str, asset_id: str | None) -> bytes | None:
        """The file of a picture for one drawing: it is not kept where it is not here already."""
        if asset_id is None:
            return None
        if asset := await self._look_up(Key(organization_id, asset_id)):
            return await self.content(asset)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._turn:
                return await self._achievements.asset(organization_id, asset_id)
        except (NotThereError, DownError, TimeoutError):
            return None

    async def _find_here(self, organization_id: str, asset_id: str | None) -> Asset | None:
        if asset_id is None:
            return None
        key = Key(organization_id, asset_id)
        if known := self._known.get(key):
            return known
        if self._clock() < self._missing.get(key, float("-inf")) or key in self._fetching:
            return None
        if found := await self._look_up(key):
            _remember(self._known, key, found)
        elif key not in self._fetching and len(self._fetching) < MAY_WAIT:
            self._fetching[key] = asyncio.create_task(self._fetch(key))
        return found

    async def _look_up(self, key: Key) -> Asset | None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT sha256 FROM asset WHERE organization_id = %s AND asset_id = %s", key
            )
            row = await cursor.fetchone()
        return None if row is None else Asset(key, row[0])

    async def _fetch(self, key: Key) -> None:
        try:
            async with self._turn:
                content = await self._achievements.asset(*key)
                if not await self._is_picture(content):
                    raise NotThereError("it is no picture that can be shown")
                await self._keep(key, content)
        except (DownError, BusyError, psycopg.Error) as error:
            self._give_up(key, PAUSE_SECONDS, error)
        except (NotThereError, DrawingFailedError) as error:
            self._give_up(key, RETRY_SECONDS, error)
        except Exception as error:  # a fault of ours, which not every reader is to set off again
            log.exception("asset_failed", asset_id=key.asset_id)
            self._give_up(key, RETRY_SECONDS, error)
        finally:
            del self._fetching[key]

    def _give_up(self, key: Key, seconds: float, error: Exception) -> None:
        _remember(self._missing, key, self._clock() + seconds)
        log.warning(
            "asset_missing", asset_id=key.asset_id, error=type(error).__name__, detail=str(error)
        )

    async def _keep(self, key: Key, content: bytes) -> None:
        hash_ = sha256(content).hexdigest()
        async with self._pool.connection() as connection:
            await connection.execute(
                "INSERT INTO asset VALUES (%s, %s, %s, %b) ON CONFLICT DO NOTHING",
                (*key, hash_, content),
            )
        _remember(self._known, key, Asset(key, hash_))


def _remember(memory: dict[Key, T], key: Key, what: T) -> None:
    memory[key] = what
    if len(memory) > REMEMBERED:
        del memory[next(iter(memory))]
