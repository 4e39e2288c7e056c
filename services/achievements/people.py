"""Personal data: the only place in achievements that holds a person's name, address or an admin's free words.

It is the source of record for them, beside the journal, so that they can be erased by row.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from schemas.learning import MemberRegistered


class Registration(NamedTuple):
    """A person as registered last."""

    member: MemberRegistered


class Erasure(NamedTuple):
    """A person who is to be forgotten."""

    organization_id: str
    user_id: str


class Remark(NamedTuple):
    """An admin's note or reason, and the event that it was given with."""

    originator_id: UUID
    originator_version: int
    words: str


DDL = """
CREATE TABLE IF NOT EXISTS person (
    organization_id text NOT NULL,
    user_id text NOT NULL,
    display_name text NOT NULL,
    email text,
    locale text,
    PRIMARY KEY (organization_id, user_id)
);
CREATE TABLE IF NOT EXISTS erased_person (
    organization_id text NOT NULL,
    user_id text NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE TABLE IF NOT EXISTS remark (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    words text NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
);
COMMENT ON TABLE remark IS 'an admin''s note or reason, beside the event that it was given with';
"""


def save(connection: psycopg.Connection[Any], registrations: Sequence[Registration]) -> None:
    """Writes down how people registered; the last registration of a person stands."""
    last = {(member.organization_id, member.user_id): member for (member,) in registrations}
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO person (organization_id, user_id, display_name, email, locale)
            VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (organization_id, user_id) DO UPDATE
            SET display_name = excluded.display_name, email = excluded.email, locale = excluded.locale
            """,
            [
                (*key, member.display_name, member.email, member.locale)
                for key, member in last.items()
            ],
        )


def save_remarks(connection: psycopg.Connection[Any], remarks: Sequence[Remark]) -> None:
    """Writes down what admins noted."""
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO remark VALUES (%s, %s, %s)", remarks)


def erase(connection: psycopg.Connection[Any], erasure: Erasure) -> list[str]:
    """Destroys what is known of a person, for good; gives the texts that told who it was."""
    connection.execute("INSERT INTO erased_person VALUES (%s, %s) ON CONFLICT DO NOTHING", erasure)
    row = connection.execute(
        "DELETE FROM person WHERE organization_id = %s AND user_id = %s RETURNING display_name, email",
        erasure,
    ).fetchone()
    return [erasure.user_id, *(text for text in row or () if text)]


def erased(connection: psycopg.Connection[Any], people: Collection[Erasure]) -> set[Erasure]:
    """Those of these people who were erased."""
    if not people:
        return set()
    organizations, users = zip(*people, strict=True)
    rows = connection.execute(
        """
        SELECT organization_id, user_id FROM erased_person
        JOIN unnest(%s::text[], %s::text[]) AS asked (organization_id, user_id) USING (organization_id, user_id)
        """,
        (list(organizations), list(users)),
    )
    return {Erasure(*row) for row in rows}
