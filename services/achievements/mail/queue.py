"""The mails: one row for each grant, from the moment that notify reaches it, and for ever.

A row without an outcome is the intent to send; it is committed before the server hears of the mail. While a process
has a mail in hand it renews its hold on it: whoever leads next takes over what nobody holds any more, and only that.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from schemas.awards import Kind
from services.achievements.mail.recipients import Member, Obstacle

DDL: Final = """
CREATE TABLE IF NOT EXISTS mail (
    award_id uuid PRIMARY KEY,
    organization_id text NOT NULL,
    user_id text NOT NULL,
    kind text NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT now(),
    outcome text,
    reply text,
    settled_at timestamptz,
    due_at timestamptz NOT NULL DEFAULT now(),
    held_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    deferrals integer NOT NULL DEFAULT 0,
    CHECK ((outcome IS NULL) = (settled_at IS NULL))
);
CREATE INDEX IF NOT EXISTS mail_unsent ON mail (due_at) WHERE outcome IS NULL;
COMMENT ON COLUMN mail.outcome IS 'what became of it in the end; null while it is to be sent';
COMMENT ON COLUMN mail.reply IS 'the code of the server''s last word, never its text, which repeats addresses';
COMMENT ON COLUMN mail.held_until IS 'until then it is in the hand of a process, which renews it while it lives';
"""

HOLD_SECONDS: Final = 10

Outcome = Literal["sent", "refused", "given_up", "revoked", "unwanted"] | Obstacle

# While a kind of award is not available nothing of it is emailed (rule 2): its mails wait.
_TO_BE_SENT: Final = """
    outcome IS NULL AND EXISTS (
        SELECT FROM organization WHERE organization.organization_id = mail.organization_id
        AND CASE kind WHEN 'badge' THEN badges ELSE certificates END
    )
"""


class NewMail(NamedTuple):
    """The mail about a grant; with an outcome, one that is never sent."""

    award_id: str
    member: Member
    kind: Kind
    outcome: Outcome | None


class Claim(NamedTuple):
    """A mail in hand: the how-manieth time, and how often the server has put it off."""

    award_id: UUID
    organization_id: str
    user_id: str
    queued_at: datetime
    attempts: int
    deferrals: int

    @property
    def member(self) -> Member:
        return Member(self.organization_id, self.user_id)


class Backlog(NamedTuple):
    """How many mails are to be sent now, and how long the oldest one has been waiting."""

    unsent: int
    oldest_seconds: float


def add(connection: psycopg.Connection[Any], mails: Sequence[NewMail]) -> int:
    """Queues mails; a grant's second one is passed over. Gives how many are new."""
    return connection.execute(
        """
        INSERT INTO mail (award_id, organization_id, user_id, kind, outcome, settled_at)
        SELECT *, CASE WHEN outcome IS NOT NULL THEN now() END
        FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[])
            AS new (award_id, organization_id, user_id, kind, outcome)
        ON CONFLICT (award_id) DO NOTHING
        """,
        (
            [mail.award_id for mail in mails],
            [mail.member.organization_id for mail in mails],
            [mail.member.user_id for mail in mails],
            [mail.kind for mail in mails],
            [mail.outcome for mail in mails],
        ),
    ).rowcount


def claim(connection: psycopg.Connection[Any], limit: int) -> list[Claim]:
    """Takes up to `limit` mails that are due in hand, those due longest first.

    The hold of a process that could not reach a restarted database is honoured for as long as it lasts.
    """
    return (
        connection.cursor(row_factory=class_row(Claim))
        .execute(
            f"""
            WITH due AS (
                SELECT award_id FROM mail WHERE {_TO_BE_SENT} AND due_at <= now()
                AND (held_until IS NULL OR greatest(
                    held_until, pg_postmaster_start_time() + make_interval(secs => %(hold)s)) <= now())
                ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
            )
            UPDATE mail SET attempts = attempts + 1, held_until = now() + make_interval(secs => %(hold)s)
            FROM due WHERE mail.award_id = due.award_id
            RETURNING mail.award_id, organization_id, user_id, queued_at, attempts, deferrals
            """,
            {"limit": limit, "hold": HOLD_SECONDS},
        )
        .fetchall()
    )


def hold(connection: psycopg.Connection[Any], claims: Iterable[Claim]) -> None:
    """Renews the hold on mails in hand."""
    connection.execute(
        """
        UPDATE mail SET held_until = now() + make_interval(secs => %s)
        WHERE award_id = ANY(%s) AND outcome IS NULL
        """,
        (HOLD_SECONDS, [claim.award_id for claim in claims]),
    )


def settle(
    connection: psycopg.Connection[Any], claim: Claim, outcome: Outcome, reply: str | None = None
) -> None:
    """Notes what became of a mail in the end."""
    connection.execute(
        """
        UPDATE mail SET outcome = %s, reply = %s, settled_at = now(), held_until = NULL
        WHERE award_id = %s AND outcome IS NULL
        """,
        (outcome, reply, claim.award_id),
    )


def defer(
    connection: psycopg.Connection[Any], claim: Claim, seconds: float, reply: str | None = None
) -> None:
    """Puts a mail off because of what the server said of it; without a reply, because of the server itself."""
    connection.execute(
        """
        UPDATE mail SET due_at = now() + make_interval(secs => %(seconds)s), held_until = NULL,
            reply = coalesce(%(reply)s, reply),
            deferrals = %(deferrals)s + (%(reply)s::text IS NOT NULL)::integer
        WHERE award_id = %(award_id)s AND attempts = %(attempts)s AND outcome IS NULL
        """,
        {**claim._asdict(), "seconds": seconds, "reply": reply},
    )


def backlog(connection: psycopg.Connection[Any]) -> Backlog:
    """What is to be sent. Mails that wait for their organization's plan are none of it."""
    row = connection.execute(
        f"""
        SELECT count(*), coalesce(extract(epoch FROM now() - min(queued_at)), 0)::float8
        FROM mail WHERE {_TO_BE_SENT}
        """
    ).fetchone()
    assert row is not None
    return Backlog(*row)
