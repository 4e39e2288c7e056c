"""Personal data: the only place in achievements that holds a person's name, address or an admin's free words.

It is the source of record for them, beside the journal, so that they can be erased by row.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

from schemas.learning import MemberRegistered
from services.journal import stream_range

# Letters and digits, but for the scripts that put no space between words.
_LETTER: Final = (
    r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
    r"\uf900-\ufaff\U00020000-\U0003ffff]"
)


class Registration(NamedTuple):
    """A person as registered last."""

    member: MemberRegistered


class Erasure(NamedTuple):
    """A person who is to be forgotten."""

    organization_id: str
    user_id: str


class Naming:
    """Finds a person in text by what told who it was; `texts` are looked for as whole words.

    Ann is neither in Anna nor in ann@example.org; user-1 is not in user-10.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)
        words = "|".join(re.escape(text) for text in self.texts)
        self._pattern = re.compile(
            rf"(?<!{_LETTER})(?<!-)(?<!_)(?<!{_LETTER}[.@+])(?:{words})(?![-_]|[.@+]?{_LETTER})"
        )

    def is_in(self, text: str) -> bool:
        """Whether the text names the person."""
        # The pattern alone is fifty times slower, and few texts name anybody.
        return any(one in text for one in self.texts) and self._pattern.search(text) is not None


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


def erase(connection: psycopg.Connection[Any], erasure: Erasure) -> Naming:
    """Destroys what is known of a person, for good, and the remarks that hold their name or address.

    Gives what finds them in text: user id, name and address.
    """
    connection.execute("INSERT INTO erased_person VALUES (%s, %s) ON CONFLICT DO NOTHING", erasure)
    row = connection.execute(
        "DELETE FROM person WHERE organization_id = %s AND user_id = %s RETURNING display_name, email",
        erasure,
    ).fetchone()
    texts = [text for text in row or () if text]
    _erase_remarks(connection, erasure.organization_id, Naming(texts))
    return Naming([erasure.user_id, *texts])


def _erase_remarks(
    connection: psycopg.Connection[Any], organization_id: str, naming: Naming
) -> None:
    rows = connection.execute(
        """
        SELECT originator_id, originator_version, words FROM remark
        WHERE originator_id BETWEEN %s AND %s
          AND EXISTS (SELECT FROM unnest(%s::text[]) AS text WHERE position(text IN words) > 0)
        """,
        (*stream_range(organization_id), list(naming.texts)),
    ).fetchall()
    with connection.cursor() as cursor:
        cursor.executemany(
            "DELETE FROM remark WHERE originator_id = %s AND originator_version = %s",
            [(id_, version) for id_, version, words in rows if naming.is_in(words)],
        )


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


def names_an_erased(connection: psycopg.Connection[Any], text: str) -> bool:
    """Whether a text holds the user id of somebody who was erased, and the id of their organization."""
    rows = connection.execute(
        """
        SELECT organization_id, user_id FROM erased_person
        WHERE position(organization_id IN %(text)s) > 0 AND position(user_id IN %(text)s) > 0
        """,
        {"text": text.replace("\0", "")},
    )
    return any(all(Naming([id_]).is_in(text) for id_ in row) for row in rows)
