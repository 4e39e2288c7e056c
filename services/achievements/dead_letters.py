"""What could not be used, kept whole until somebody looks at it, and published by the relay."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
import psycopg
from psycopg.rows import class_row

from services.achievements.people import Erasure, Naming
from services.kafka import Message

DDL = """
CREATE TABLE IF NOT EXISTS dead_letter (
    id bigserial PRIMARY KEY,
    code text NOT NULL,
    detail text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    at timestamptz NOT NULL,
    key bytea,
    value bytea,
    headers bytea NOT NULL,
    organization_id text,
    user_ids text[] NOT NULL
);
COMMENT ON COLUMN dead_letter.headers IS 'MessagePack: a list of pairs, a name and its bytes';
COMMENT ON COLUMN dead_letter.user_ids IS 'whom the message names, as far as it could be read';
"""

# RFC 8259, section 7
_ESCAPE: Final = re.compile(r"\\(?:u(?P<unit>[0-9a-fA-F]{4})|(?P<char>.))", re.DOTALL)
_CONTROLS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Refused(NamedTuple):
    """A message that can't be used, and why."""

    message: Message
    code: str
    detail: str
    type: str | None
    organization_id: str | None
    user_ids: Sequence[str]


class DeadLetter(NamedTuple):
    """A row of the table, as the relay publishes it; times are UTC."""

    id: int
    code: str
    detail: str
    topic: str
    partition: int
    offset: int
    at: datetime
    key: bytes | None
    value: bytes | None
    headers: bytes

    def original_headers(self) -> list[tuple[str, bytes | None]]:
        """The headers of the message, in their order."""
        return decode_headers(self.headers)


def decode_headers(headers: bytes) -> list[tuple[str, bytes | None]]:
    """The headers of a message as the table keeps them."""
    return msgspec.msgpack.decode(headers, type=list[tuple[str, bytes | None]])


def save(connection: psycopg.Connection[Any], refused: Sequence[Refused], at: datetime) -> None:
    """Keeps refused messages; the caller holds the journal's lock, so ids grow in commit order."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO dead_letter
                (code, detail, topic, partition, "offset", at, key, value, headers, organization_id, user_ids)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (
                    letter.code,
                    letter.detail.replace("\0", "\\0"),
                    letter.message.topic,
                    letter.message.partition,
                    letter.message.offset,
                    at,
                    letter.message.key,
                    letter.message.value,
                    msgspec.msgpack.encode(list(letter.message.headers)),
                    letter.organization_id,
                    list(letter.user_ids),
                )
                for letter in refused
            ],
        )


def read(connection: psycopg.Connection[Any], after: int, limit: int) -> list[DeadLetter]:
    """At most `limit` dead letters behind an id, in order."""
    return (
        connection.cursor(row_factory=class_row(DeadLetter))
        .execute(
            """
            SELECT id, code, detail, topic, partition, "offset", at, key, value, headers
            FROM dead_letter WHERE id > %s ORDER BY id LIMIT %s
            """,
            (after, limit),
        )
        .fetchall()
    )


def erase(connection: psycopg.Connection[Any], erasure: Erasure, naming: Naming) -> int:
    """Destroys the dead letters that name a member: by parsed ids, or by any of these texts in their bytes.

    Those that are known to be another organization's stay. Gives how many there were.
    """
    rows = connection.execute(
        """
        SELECT id, key, value, headers FROM dead_letter
        WHERE coalesce(organization_id, %(organization_id)s) = %(organization_id)s
          AND NOT %(user_id)s = ANY(user_ids)
          AND (position('\\x5c'::bytea IN coalesce(value, '')) > 0 OR EXISTS (
              SELECT FROM unnest(%(texts)s::bytea[]) AS text
              WHERE position(text IN coalesce(value, '')) > 0
                 OR position(text IN coalesce(key, '')) > 0
                 OR position(text IN headers) > 0
          ))
        """,
        {
            **erasure._asdict(),
            "texts": [text.encode(code) for text in naming.texts for code in _encodings(text)],
        },
    )
    naming_it = [
        id_
        for id_, key, value, headers in rows
        if naming.is_in(readable(key, value, decode_headers(headers)))
    ]
    return connection.execute(
        """
        DELETE FROM dead_letter
        WHERE id = ANY(%(naming_it)s)
           OR (coalesce(organization_id, %(organization_id)s) = %(organization_id)s
               AND %(user_id)s = ANY(user_ids))
        """,
        {**erasure._asdict(), "naming_it": naming_it},
    ).rowcount


def readable(
    key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> str:
    """All of a message as text, with what JSON escapes written out."""
    parts = [key, value, *(part for name, content in headers for part in (name.encode(), content))]
    text = "\n".join(_decoded(part) for part in parts if part is not None)
    if "\\" not in text:
        return text
    return (
        _ESCAPE.sub(_unescaped, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


def _decoded(part: bytes) -> str:
    try:
        return part.decode()
    except UnicodeDecodeError:
        return part.decode("latin-1")


def _encodings(text: str) -> Iterator[str]:
    """In which encodings the text may lie in the bytes."""
    yield "utf-8"
    if not text.isascii() and max(text) <= "\xff":
        yield "latin-1"


def _unescaped(escape: re.Match[str]) -> str:
    if escape["unit"]:
        return chr(int(escape["unit"], 16))
    return _CONTROLS.get(escape["char"], escape["char"])
