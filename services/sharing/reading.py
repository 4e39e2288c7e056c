"""Questions to the read models, asked from the event loop.

Every answer is what is committed when the question is asked: nothing is kept between two questions.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from schemas.links import AwardReceived
from services.sharing.personal import Person
from services.sharing.views import AWARD_COLUMNS, JOURNAL_SCHEMA, SCHEMA

_AWARD: Final = ", ".join(f"a.{column}" for column in AWARD_COLUMNS)
_AVAILABLE: Final = (
    "coalesce(CASE a.kind WHEN 'badge' THEN v.badges ELSE v.certificates END, false)"
)


class OwnedAward(NamedTuple):
    """An award as its owner sees it; `token` is of its active link."""

    award: AwardReceived
    revoked: bool
    shown: bool
    token: str | None


class PublicLink(NamedTuple):
    """A link that was issued once, and what it leads to. The name is None where none is known."""

    award: AwardReceived
    revoked: bool
    active: bool
    available: bool
    recipient_name: str | None


class Place(NamedTuple):
    """Where an award stands in its owner's list."""

    earned_at: datetime
    award_id: str


class Reading:
    """The read models behind a pool of connections in autocommit. Errors are psycopg's own."""

    def __init__(self, conninfo: str, *, pool_size: int = 4) -> None:
        self._pool = AsyncConnectionPool(
            conninfo,
            kwargs={"autocommit": True},
            configure=_configure,
            min_size=1,
            max_size=pool_size,
            timeout=5,
            open=False,
        )

    async def open(self) -> None:
        """Begins to connect; does not wait for it."""
        await self._pool.open()

    async def close(self) -> None:
        """Gives the connections back to the server."""
        await self._pool.close()

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

    async def links(self, digests: Sequence[bytes]) -> Mapping[bytes, PublicLink]:
        """The links whose tokens have these digests; those that were never issued are left out."""
        rows = await self._rows(
            f"""
            SELECT t.digest, {_AWARD}, a.revoked, l.active, {_AVAILABLE}, n.display_name
            FROM link_token t
            JOIN link l ON l.link_id = t.link_id
            JOIN award a ON a.organization_id = l.organization_id AND a.award_id = l.award_id
            LEFT JOIN availability v ON v.organization_id = a.organization_id
            LEFT JOIN recipient_name n
                   ON n.organization_id = a.organization_id AND n.user_id = a.user_id
            WHERE t.digest = ANY(%(digests)s)
            """,
            {"digests": list(digests)},
        )
        return {digest: PublicLink(*_award_first(columns)) for digest, *columns in rows}

    async def check(self) -> None:
        """Raises where the database can't answer, or has no tables of ours."""
        await self._rows("SELECT FROM award, link, link_token LIMIT 0", {})

    async def _owned(self, condition: str, parameters: Mapping[str, Any]) -> list[OwnedAward]:
        rows = await self._rows(
            f"""
            SELECT {_AWARD}, a.revoked, {_AVAILABLE} AND e.user_id IS NULL, t.token
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

    async def _rows(self, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        try:
            return await self._ask(query, parameters)
        except (PoolTimeout, psycopg.errors.QueryCanceled):
            raise
        except psycopg.OperationalError:
            # The server may have been restarted since it was connected to: ask it once more.
            await self._pool.check()
            return await self._ask(query, parameters)

    async def _ask(self, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(query, parameters, prepare=True)
            return await cursor.fetchall()


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(f"SET search_path TO {SCHEMA}, {JOURNAL_SCHEMA}")
    await connection.execute("SET statement_timeout TO '5s'")  # nobody waits longer for a page


def _award_first(columns: Sequence[Any]) -> tuple[Any, ...]:
    """A row whose first columns are an award, with the award in their place."""
    count = len(AWARD_COLUMNS)
    award = AwardReceived(**dict(zip(AWARD_COLUMNS, columns[:count], strict=True)))
    return (award, *columns[count:])
