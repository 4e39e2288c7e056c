"""Questions to the read models, asked from the event loop.

Every answer is what is committed when the question is asked. A link that was asked for lately is kept, with its version;
only that is asked for again, and the link itself where its version has changed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from sys import getsizeof
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from msgspec.structs import astuple
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from schemas.links import AwardReceived
from services.patience import PatientConnection, SilentServerError
from services.sharing.credentials.statuses import StatusEntry
from services.sharing.personal import Person
from services.sharing.recent import Recent
from services.sharing.views import AWARD_COLUMNS, JOURNAL_SCHEMA, SCHEMA

_AWARD: Final = ", ".join(f"a.{column}" for column in AWARD_COLUMNS)
_AVAILABLE: Final = (
    "coalesce(CASE a.kind WHEN 'badge' THEN v.badges ELSE v.certificates END, false)"
)

# The transactions that last wrote these rows (PostgreSQL, "System Columns"). One of the rows is rewritten with
# whatever else a link is made of, in the same transaction (see `rewriting`).
_VERSION: Final = "t.xmin, l.xmin, v.xmin"
_VERSION_COLUMNS: Final = 3
VERSIONS: Final = f"""
    SELECT t.digest, {_VERSION}
    FROM link_token t
    JOIN link l ON l.link_id = t.link_id
    LEFT JOIN availability v ON v.organization_id = l.organization_id
    WHERE t.digest = ANY(%(digests)s)
"""
# Names are found by the token's own columns: those of awards have another collation, which no index on names has.
LINKS: Final = f"""
    SELECT t.digest, {_VERSION}, {_AWARD}, a.revoked, l.active, {_AVAILABLE}, l.link_id,
           n.display_name, n.locale
    FROM link_token t
    JOIN link l ON l.link_id = t.link_id
    JOIN award a ON a.organization_id = l.organization_id AND a.award_id = l.award_id
    LEFT JOIN availability v ON v.organization_id = l.organization_id
    LEFT JOIN recipient_name n ON n.organization_id = t.organization_id AND n.user_id = t.user_id
    WHERE t.digest = ANY(%(digests)s)
"""

KEPT_BYTES: Final = 16 * 1024 * 1024
_AROUND_BYTES: Final = 2 * 1024
"""What a kept link takes at most beside its texts."""

AsyncPool = AsyncConnectionPool[psycopg.AsyncConnection[TupleRow]]


class OwnedAward(NamedTuple):
    """An award as its owner sees it; `token` and `link_id` are of its active link."""

    award: AwardReceived
    revoked: bool
    shown: bool
    token: str | None
    link_id: UUID | None


class PublicLink(NamedTuple):
    """A link that was issued once, and what it leads to. Name and locale are None where not known."""

    award: AwardReceived
    revoked: bool
    active: bool
    available: bool
    link_id: UUID
    recipient_name: str | None
    locale: str | None = None

    @property
    def texts_bytes(self) -> int:
        """What its texts take in memory."""
        return sum(map(getsizeof, (*astuple(self.award), *self)))


class _Known(NamedTuple):
    """A link as it was when rows of this version made it."""

    version: list[bytes | None]
    link: PublicLink


class Recipient(NamedTuple):
    """What is known of somebody who holds awards: name and locale (BCP 47) are None where not known."""

    name: str | None
    locale: str | None


class Place(NamedTuple):
    """Where an award stands in its owner's list."""

    earned_at: datetime
    award_id: str


class Reading:
    """The read models behind a `pool` of connections in autocommit. Errors are psycopg's own."""

    def __init__(self, conninfo: str, *, pool_size: int = 4) -> None:
        self._recent: Recent[bytes, _Known] = Recent(KEPT_BYTES)
        self.pool: AsyncPool = AsyncConnectionPool(
            conninfo,
            connection_class=PatientConnection,
            kwargs={"autocommit": True},
            configure=self._configure,
            min_size=1,
            max_size=pool_size,
            timeout=5,
            open=False,
        )

    async def open(self) -> None:
        """Begins to connect; does not wait for it."""
        await self.pool.open()

    async def close(self) -> None:
        """Gives the connections back to the server."""
        await self.pool.close()

    async def owned_awards(
        self, owner: Person, after: Place | None, limit: int
    ) -> list[OwnedAward]:
        """A member's awards that are shown, the latest earned first, then by id downwards."""
        earned_at, award_id = after or (None, None)
        return await self._owned(
            f"""
            a.organization_id = %(organization_id)s AND a.user_id = %(user_id)s
            AND {_AVAILABLE} AND e.user_id IS NULL
            AND (%(award_id)s::text IS NULL
                 OR (a.earned_at, a.award_id) < (%(earned_at)s::timestamptz, %(award_id)s))
            ORDER BY a.earned_at DESC, a.award_id DESC LIMIT %(limit)s
            """,
            {**owner._asdict(), "earned_at": earned_at, "award_id": award_id, "limit": limit},
        )

    async def owned_award(self, organization_id: str, award_id: str) -> OwnedAward | None:
        """An award of an organization, whoever owns it, shown or not."""
        found = await self._owned(
            "a.organization_id = %(organization_id)s AND a.award_id = %(award_id)s",
            {"organization_id": organization_id, "award_id": award_id},
        )
        return found[0] if found else None

    async def recipient(self, person: Person) -> Recipient:
        """What is known of a member, which is nothing once they are erased."""
        rows = await self._rows(
            """
            SELECT display_name, locale FROM recipient_name
            WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s
            """,
            person._asdict(),
        )
        return Recipient(*rows[0]) if rows else Recipient(None, None)

    async def links(self, digests: Sequence[bytes]) -> Mapping[bytes, PublicLink]:
        """The links whose tokens have these digests; those that were never issued are left out."""
        known = {digest: of for digest in digests if (of := self._recent.get(digest)) is not None}
        found: dict[bytes, PublicLink] = {}
        if known:
            for digest, *version in await self._rows(VERSIONS, {"digests": list(known)}):
                if version == known[digest].version:
                    found[digest] = known[digest].link
        others = [digest for digest in digests if digest not in found]
        if others:
            for digest, *columns in await self._rows(LINKS, {"digests": others}):
                version = columns[:_VERSION_COLUMNS]
                link = PublicLink(*_award_first(columns[_VERSION_COLUMNS:]))
                self._recent.keep(digest, _Known(version, link), _AROUND_BYTES + link.texts_bytes)
                found[digest] = link
        return found

    async def status_entry(self, link_id: UUID) -> StatusEntry | None:
        """The link's place in its organization's status lists, None where it has none yet."""
        rows = await self._rows(
            "SELECT list, position FROM credential_status WHERE link_id = %(link_id)s",
            {"link_id": link_id},
        )
        return StatusEntry(*rows[0]) if rows else None

    async def dead_positions(self, organization_id: str, number: int) -> Sequence[int] | None:
        """What is set in a status list: dead links, and links to revoked awards, in order.

        None where the organization has no such list. What it costs is bounded by the list's length,
        however many links have died elsewhere.
        """
        rows = await self._rows(
            """
            SELECT array(
                SELECT s.position FROM credential_status s JOIN link l ON l.link_id = s.link_id
                WHERE s.organization_id = %(organization_id)s AND s.list = %(number)s
                  AND (NOT l.active OR EXISTS (
                      SELECT FROM award a
                      WHERE a.organization_id = l.organization_id AND a.award_id = l.award_id
                        AND a.revoked
                  ))
                ORDER BY s.position
            )
            WHERE EXISTS (
                SELECT FROM credential_status
                WHERE organization_id = %(organization_id)s AND list = %(number)s
            )
            """,
            {"organization_id": organization_id, "number": number},
        )
        return rows[0][0] if rows else None

    async def issuer_name(self, organization_id: str) -> str | None:
        """What an organization is called in its latest award.

        None where it has issued no credential, or nothing of it is available.
        """
        rows = await self._rows(
            """
            SELECT a.organization_name
            FROM award a JOIN availability v ON v.organization_id = a.organization_id
            WHERE a.organization_id = %(organization_id)s AND (v.badges OR v.certificates)
              AND EXISTS (SELECT FROM credential_status s
                          WHERE s.organization_id = %(organization_id)s)
            ORDER BY a.granted_at DESC, a.award_id DESC LIMIT 1
            """,
            {"organization_id": organization_id},
        )
        return rows[0][0] if rows else None

    async def check(self) -> None:
        """Raises where the database can't answer, or has no tables of ours."""
        await self._rows(
            "SELECT FROM award, link, link_token, asset, credential_status LIMIT 0", {}
        )

    async def _owned(self, condition: str, parameters: Mapping[str, Any]) -> list[OwnedAward]:
        rows = await self._rows(
            f"""
            SELECT {_AWARD}, a.revoked, {_AVAILABLE} AND e.user_id IS NULL, t.token, l.link_id
            FROM award a
            LEFT JOIN availability v ON v.organization_id = a.organization_id
            LEFT JOIN erased e ON e.organization_id = a.organization_id AND e.user_id = a.user_id
            LEFT JOIN link l ON l.organization_id = a.organization_id
                            AND l.award_id = a.award_id AND l.active
            LEFT JOIN link_token t ON t.link_id = l.link_id
            WHERE {condition}
            """,
            parameters,
        )
        return [OwnedAward(*_award_first(row)) for row in rows]

    async def _configure(self, connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute(f"SET search_path TO {SCHEMA}, {JOURNAL_SCHEMA}")
        await connection.execute("SET statement_timeout TO '5s'")  # nobody waits longer for a page
        self._recent.clear()  # versions are one server's: this may be another, with its own count of transactions

    async def _rows(self, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        try:
            return await self._ask(query, parameters)
        except (PoolTimeout, SilentServerError, psycopg.errors.QueryCanceled):
            raise
        except psycopg.OperationalError:
            # The server may have been restarted since it was connected to: ask it once more.
            await self.pool.check()
            return await self._ask(query, parameters)

    async def _ask(self, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(query, parameters, prepare=True)
            return await cursor.fetchall()


def _award_first(columns: Sequence[Any]) -> tuple[Any, ...]:
    """A row whose first columns are an award, with the award in their place."""
    count = len(AWARD_COLUMNS)
    award = AwardReceived(**dict(zip(AWARD_COLUMNS, columns[:count], strict=True)))
    return (award, *columns[count:])
