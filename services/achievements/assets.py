"""Banners and logos, kept by the hash of their bytes.

What is kept under a hash has that hash, always. An image with metadata is kept without it, and so under a hash of its
own; the hash of what was uploaded leads there, too. Whoever checks content by its hash checks it against that of the
asset whose content they were given (`Asset.sha256`).
"""

import asyncio
from hashlib import sha256
from typing import Final, NamedTuple

from psycopg.rows import class_row

from services.achievements.images import KeptImage, without_metadata
from services.achievements.reading import AsyncPool

DDL: Final = """
CREATE TABLE IF NOT EXISTS asset (
    sha256 text PRIMARY KEY,
    content_type text NOT NULL,
    content bytea STORAGE EXTERNAL NOT NULL
);
CREATE TABLE IF NOT EXISTS asset_upload (
    sha256 text PRIMARY KEY,
    asset_sha256 text NOT NULL REFERENCES asset
);
COMMENT ON TABLE asset IS 'images without metadata, by the SHA-256 of these bytes in hexadecimal';
COMMENT ON TABLE asset_upload IS 'which asset an upload has become, by the SHA-256 of the bytes that were uploaded';
"""

MAX_BYTES: Final = 1024 * 1024
_CHECKED_AT_ONCE: Final = 2  # an image can take 100 MB to decode


class Asset(NamedTuple):
    """An image; `sha256` is the hash of `content`."""

    sha256: str
    content_type: str
    content: bytes


class WrongHashError(Exception):
    """The bytes have another hash than they were said to have."""


class Assets:
    """All that were uploaded, for everybody who knows their hash."""

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool
        self._checking = asyncio.Semaphore(_CHECKED_AT_ONCE)

    async def find(self, hash_: str) -> Asset | None:
        """The asset of this hash, or what an upload of this hash has become."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Asset))
            await cursor.execute(
                """
                SELECT asset.sha256, content_type, content
                FROM asset_upload JOIN asset ON asset.sha256 = asset_sha256
                WHERE asset_upload.sha256 = %s
                """,
                (hash_,),
                binary=True,
                prepare=True,
            )
            return await cursor.fetchone()

    async def keep(self, hash_: str, content: bytes) -> str | None:
        """Keeps an image without its metadata; gives the hash of what is kept, None where the upload was known.

        WrongHashError where the bytes have another hash; BadImageError where they are no image that can be kept.
        """
        if sha256(content).hexdigest() != hash_:
            raise WrongHashError
        if await self._is_known(hash_):
            return None
        async with self._checking:
            image = await asyncio.to_thread(without_metadata, content)
        return await self._save(hash_, image)

    async def _is_known(self, hash_: str) -> bool:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT FROM asset_upload WHERE sha256 = %s", (hash_,)
            )
            return cursor.rowcount > 0

    async def _save(self, uploaded: str, image: KeptImage) -> str | None:
        kept = sha256(image.content).hexdigest()
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO asset VALUES (%s, %s, %b) ON CONFLICT DO NOTHING",
                (kept, image.content_type, image.content),
            )
            cursor = await connection.execute(
                """
                INSERT INTO asset_upload SELECT unnest(%s::text[]), %s ON CONFLICT DO NOTHING
                RETURNING sha256
                """,
                ([uploaded, kept] if uploaded != kept else [kept], kept),
            )
            added = {row[0] for row in await cursor.fetchall()}
        return kept if uploaded in added else None
