"""Questions that HTTP asks of the read models: asynchronous, one statement each, in autocommit."""

from typing import Any

import psycopg
from psycopg.rows import TupleRow, scalar_row
from psycopg_pool import AsyncConnectionPool

from projections.activity import (
    MEMBER_ROWS_QUERY,
    Activity,
    FeedbackUrl,
    activity,
    decode_member_rows,
)
from projections.certificate_info import (
    CERTIFICATE_ROWS_QUERY,
    CertificateInformation,
    decode_certificate_rows,
)
from projections.explanations import (
    EXPLANATION_ROWS_QUERY,
    Explanation,
    decode_explanation_rows,
    explanation,
)
from projections.report import REPORT_QUERY, ReportItem, decode_report
from projections.rows import BADGE_PROGRAM
from services.patience import PatientConnection

AsyncPool = AsyncConnectionPool[psycopg.AsyncConnection[TupleRow]]


def read_pool(conninfo: str, max_size: int = 10) -> AsyncPool:
    """The connections for reading, opened by the application's lifespan."""
    return AsyncConnectionPool(
        conninfo,
        connection_class=PatientConnection,
        kwargs={"autocommit": True},
        min_size=1,
        max_size=max_size,
        open=False,
        timeout=5,
        check=AsyncConnectionPool.check_connection,
    )


class Reading:
    """What can be asked."""

    def __init__(self, pool: AsyncPool, feedback_url: FeedbackUrl) -> None:
        self._pool = pool
        self._feedback_url = feedback_url

    async def activity(self, organization_id: str, user_id: str) -> Activity:
        """All that a member has earned and can earn."""
        rows: Any = await self._one(
            MEMBER_ROWS_QUERY, {"organization_id": organization_id, "user_id": user_id}
        )
        return activity(
            decode_member_rows(rows).progress(), organization_id, user_id, self._feedback_url
        )

    async def explanation(
        self, organization_id: str, user_id: str, code: str, program_id: str = BADGE_PROGRAM
    ) -> Explanation:
        """What makes up a member's number towards an achievement; KeyError for an unknown code.

        A certificate is that of the program; a badge belongs to none.
        """
        rows: Any = await self._one(
            EXPLANATION_ROWS_QUERY,
            {
                "organization_id": organization_id,
                "user_id": user_id,
                "code": code,
                "program_id": program_id,
            },
        )
        progress = decode_explanation_rows(rows).progress()
        return explanation(progress, organization_id, user_id, code, program_id)

    async def certificate_information(
        self, organization_id: str, program_id: str
    ) -> CertificateInformation:
        """What anybody in the organization can learn of a program's certificate."""
        key = {"organization_id": organization_id, "program_id": program_id}
        rows: Any = await self._one(CERTIFICATE_ROWS_QUERY, key)
        return decode_certificate_rows(rows).information()

    async def report(
        self, organization_id: str, program_id: str, after: str, limit: int
    ) -> list[ReportItem]:
        """At most `limit` members of a program behind the user id `after`, '' for the first, by code point."""
        rows: Any = await self._one(
            REPORT_QUERY,
            {
                "organization_id": organization_id,
                "program_id": program_id,
                "after": after,
                "limit": limit,
            },
        )
        return decode_report(rows)

    async def is_ready(self) -> None:
        """Raises where the read models can't be read."""
        await self._one("SELECT count(*) FROM (SELECT FROM organization LIMIT 1) AS found", {})

    async def _one(self, query: str, parameters: dict[str, Any]) -> Any:
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=scalar_row)
            await cursor.execute(query, parameters, prepare=True)
            return await cursor.fetchone()
