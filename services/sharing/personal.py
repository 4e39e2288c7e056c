"""Personal data: the only place in sharing with a person's name or locale, or a token that opens a page.

It is the source of record for them, beside the journal, so that they can be erased by row.
Rebuilding the read models never touches it.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from services.sharing import rewriting
from services.sharing.indexes import create_missing

Connection = psycopg.Connection[Any]


class Person(NamedTuple):
    """Whom an organization knows under a user id."""

    organization_id: str
    user_id: str


DDL = """
CREATE TABLE IF NOT EXISTS recipient_name (
    organization_id text NOT NULL,
    user_id text NOT NULL,
    display_name text NOT NULL,
    locale text,
    PRIMARY KEY (organization_id, user_id)
);
CREATE TABLE IF NOT EXISTS link_token (
    digest bytea PRIMARY KEY,
    token text,
    link_id uuid NOT NULL UNIQUE,
    organization_id text NOT NULL,
    user_id text NOT NULL,
    CHECK (token IS NULL OR digest = sha256(convert_to(token, 'UTF8')))
);
COMMENT ON COLUMN link_token.digest IS 'SHA-256 of the token: it outlives it';
COMMENT ON COLUMN link_token.token IS 'only while the link is active, for its owner to copy again';
"""

_INDEXES = {"link_token_owner": "link_token (organization_id, user_id)"}

# For a table made before locales were kept. Only then: it keeps all readers waiting.
_UPGRADE = "ALTER TABLE recipient_name ADD COLUMN IF NOT EXISTS locale text"


def create(connection: Connection) -> None:
    """Creates what is missing of the tables, in the connection's transaction."""
    connection.execute(DDL)
    create_missing(connection, _INDEXES)
    rewriting.create_functions(connection)
    rewriting.create_missing(connection, "recipient_name", rewriting.OF_RECIPIENT)
    found = connection.execute(
        "SELECT FROM pg_attribute WHERE attrelid = 'recipient_name'::regclass AND attname = 'locale'"
    )
    if not found.rowcount:
        connection.execute(_UPGRADE)


def digest(token: str) -> bytes:
    """What a token is looked up by. Any text has one, so a mistyped token costs what any costs.

    Nor can the time of a look-up tell how much of a token was right.
    """
    return sha256(token.encode(errors="surrogatepass")).digest()


class Registration(NamedTuple):
    """What a member has told of themselves; the locale is a language tag (BCP 47)."""

    display_name: str
    locale: str | None


def register(connection: Connection, people: Mapping[Person, Registration]) -> None:
    """Writes down what people have told, in place of what they told earlier."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO recipient_name (organization_id, user_id, display_name, locale)
            VALUES (%s, %s, %s, %s)
            ON CONFLICT (organization_id, user_id)
            DO UPDATE SET display_name = excluded.display_name, locale = excluded.locale
            """,
            [(*person, *registration) for person, registration in people.items()],
        )


def erase(connection: Connection, people: Iterable[Person]) -> None:
    """Destroys people's names and locales and the tokens of their links, for good."""
    with connection.cursor() as cursor:
        everybody = list(people)
        cursor.executemany(
            "DELETE FROM recipient_name WHERE organization_id = %s AND user_id = %s", everybody
        )
        cursor.executemany(
            "UPDATE link_token SET token = NULL WHERE organization_id = %s AND user_id = %s",
            everybody,
        )


def keep_token(connection: Connection, owner: Person, link_id: UUID, token: str) -> None:
    """Writes down the token of a new link."""
    connection.execute(
        """
        INSERT INTO link_token (digest, token, link_id, organization_id, user_id)
        VALUES (%(digest)s, %(token)s, %(link_id)s, %(organization_id)s, %(user_id)s)
        """,
        {"digest": digest(token), "token": token, "link_id": link_id, **owner._asdict()},
    )


def token_of(connection: Connection, link_id: UUID) -> str:
    """The token of an active link."""
    row = connection.execute(
        "SELECT token FROM link_token WHERE link_id = %s AND token IS NOT NULL", (link_id,)
    ).fetchone()
    if row is None:
        raise LookupError(f"link {link_id} has no token")
    return str(row[0])


def forget_token(connection: Connection, link_id: UUID) -> None:
    """Destroys the token of a disabled link; its digest stays."""
    connection.execute("UPDATE link_token SET token = NULL WHERE link_id = %s", (link_id,))
