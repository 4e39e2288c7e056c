"""What an admin is warned of before a certificate takes effect, and confirms: product rule 9."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Self
from uuid import UUID, uuid4

import msgspec
import psycopg
from msgspec import Struct

from projections.badges import CERTIFICATE
from schemas.journal import AwardGranted

DDL: Final = """
CREATE TABLE IF NOT EXISTS certificate_preview (
    preview_id uuid PRIMARY KEY,
    organization_id text NOT NULL,
    program_id text NOT NULL,
    outcome_digest text NOT NULL,
    expires_at timestamptz NOT NULL
);
"""

VALID_FOR: Final = timedelta(hours=1)
MAX_SHOWN: Final = 100


class Grant(Struct, frozen=True, order=True):
    """Somebody who would be granted the certificate."""

    user_id: str
    earned_at: datetime
    how: str


class Outcome(Struct, frozen=True):
    """All that would happen: the same outcome has the same digest, another one hardly ever."""

    organization_id: str
    program_id: str
    required_sessions: int | None
    grants: tuple[Grant, ...]

    @classmethod
    def of(
        cls,
        organization_id: str,
        program_id: str,
        required_sessions: int | None,
        granted: Iterable[AwardGranted],
    ) -> Self:
        """The outcome in a program, ordered by user id."""
        grants = sorted(
            Grant(award.user_id, award.earned_at, award.how)
            for award in granted
            if (award.code, award.program_id) == (CERTIFICATE, program_id)
        )
        return cls(organization_id, program_id, required_sessions, tuple(grants))

    def digest(self) -> str:
        """SHA-256, in hexadecimal."""
        return sha256(msgspec.json.encode(self)).hexdigest()


class PreviewedMember(Struct, frozen=True):
    user_id: str
    display_name: str | None
    earned_at: datetime


class WouldGrant(Struct, frozen=True):
    """How many, and the first of them by user id."""

    count: int
    members: list[PreviewedMember]


class Preview(Struct, frozen=True):
    """What would be granted at once; `preview_id` confirms just that."""

    preview_id: UUID
    would_grant: WouldGrant
    expires_at: datetime


def keep(connection: psycopg.Connection[Any], outcome: Outcome, now: datetime) -> Preview:
    """Notes an outcome so that it can be confirmed, and shows it."""
    connection.execute("DELETE FROM certificate_preview WHERE expires_at <= %s", (now,))
    preview_id, expires_at = uuid4(), now + VALID_FOR
    connection.execute(
        "INSERT INTO certificate_preview VALUES (%s, %s, %s, %s, %s)",
        (preview_id, outcome.organization_id, outcome.program_id, outcome.digest(), expires_at),
    )
    shown = outcome.grants[:MAX_SHOWN]
    names = _names(connection, outcome.organization_id, [grant.user_id for grant in shown])
    members = [
        PreviewedMember(grant.user_id, names.get(grant.user_id), grant.earned_at) for grant in shown
    ]
    return Preview(preview_id, WouldGrant(len(outcome.grants), members), expires_at)


def confirms(
    connection: psycopg.Connection[Any],
    preview_id: UUID | None,
    outcome: Outcome,
    now: datetime,
) -> bool:
    """Whether this preview was of this very outcome, and not too long ago."""
    row = connection.execute(
        """
        SELECT outcome_digest FROM certificate_preview
        WHERE preview_id = %s AND organization_id = %s AND program_id = %s AND expires_at > %s
        """,
        (preview_id, outcome.organization_id, outcome.program_id, now),
    ).fetchone()
    return row == (outcome.digest(),)


def _names(
    connection: psycopg.Connection[Any], organization_id: str, user_ids: list[str]
) -> dict[str, str]:
    rows = connection.execute(
        "SELECT user_id, display_name FROM person WHERE organization_id = %s AND user_id = ANY(%s)",
        (organization_id, user_ids),
    )
    return dict(rows.fetchall())
