"""Whom mails go to: who can be written to, and who does not want to be."""

import secrets
from collections.abc import Collection, Mapping
from typing import Any, Final, Literal, NamedTuple

import psycopg

DDL: Final = """
CREATE TABLE IF NOT EXISTS mail_recipient (
    organization_id text NOT NULL,
    user_id text NOT NULL,
    token text NOT NULL UNIQUE,
    unsubscribed_at timestamptz,
    PRIMARY KEY (organization_id, user_id)
);
COMMENT ON COLUMN mail_recipient.token IS 'opens the unsubscribe page; random, so that it says nothing of its owner';
"""
UNSUBSCRIBE_PATH: Final = "/unsubscribe/"
_TOKEN_BYTES: Final = 18

Obstacle = Literal["erased", "unsubscribed", "no_address"]


class Member(NamedTuple):
    """Somebody of an organization."""

    organization_id: str
    user_id: str


class Recipient(NamedTuple):
    """What is known of a member now. `token` is empty until a mail to them was queued."""

    name: str | None
    address: str | None
    locale: str | None
    token: str
    erased: bool
    unsubscribed: bool

    @property
    def obstacle(self) -> Obstacle | None:
        """Why no mail may or can be sent, None where one can."""
        if self.erased:
            return "erased"
        if self.unsubscribed:
            return "unsubscribed"
        return "no_address" if self.address is None else None


def find(
    connection: psycopg.Connection[Any], members: Collection[Member]
) -> Mapping[Member, Recipient]:
    """What is known now of each of these members."""
    rows = connection.execute(
        """
        SELECT organization_id, user_id, display_name, email, locale, coalesce(token, ''),
               erased_person.user_id IS NOT NULL, unsubscribed_at IS NOT NULL
        FROM unnest(%s::text[], %s::text[]) AS asked (organization_id, user_id)
        LEFT JOIN person USING (organization_id, user_id)
        LEFT JOIN erased_person USING (organization_id, user_id)
        LEFT JOIN mail_recipient USING (organization_id, user_id)
        """,
        _columns(members),
    )
    return {Member(*row[:2]): Recipient(*row[2:]) for row in rows}


def give_tokens(connection: psycopg.Connection[Any], members: Collection[Member]) -> None:
    """Makes a token for each of these members who has none yet."""
    tokens = [secrets.token_urlsafe(_TOKEN_BYTES) for _ in members]
    connection.execute(
        """
        INSERT INTO mail_recipient (organization_id, user_id, token)
        SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
        ON CONFLICT (organization_id, user_id) DO NOTHING
        """,
        (*_columns(members), tokens),
    )


def unsubscribe_url(public_url: str, token: str) -> str:
    """The address that a recipient's mails give for unsubscribing."""
    return f"{public_url}{UNSUBSCRIBE_PATH}{token}"


def _columns(members: Collection[Member]) -> tuple[list[str], list[str]]:
    return [one.organization_id for one in members], [one.user_id for one in members]
