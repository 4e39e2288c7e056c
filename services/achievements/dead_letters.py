"""What could not be used, kept whole until somebody looks at it, and published by the relay."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg.rows import class_row

from services.achievements.people import Erasure
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
        return msgspec.msgpack.decode(self.headers, type=list[tuple[str, bytes | None]])


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


def erase(connection: psycopg.Connection[Any], erasure: Erasure, texts: Sequence[str]) -> int:
    """Destroys the dead letters that name a member: by parsed ids, or by any of these texts in their bytes."""
    return connection.execute(
        """
        DELETE FROM dead_letter
        WHERE (organization_id = %(organization_id)s AND %(user_id)s = ANY(user_ids))
           OR ((organization_id IS NULL OR organization_id = %(organization_id)s) AND EXISTS (
               SELECT FROM unnest(%(texts)s::bytea[]) AS text
               WHERE position(text IN coalesce(value, '')) > 0
                  OR position(text IN coalesce(key, '')) > 0
                  OR position(text IN headers) > 0
           ))
        """,
        {
            "organization_id": erasure.organization_id,
            "user_id": erasure.user_id,
            "texts": [form for text in texts for form in _written_forms(text)],
        },
    ).rowcount


def _written_forms(text: str) -> set[bytes]:
    """The bytes by which JSON may write a text down: as it is, and with everything beyond ASCII escaped."""
    plain = msgspec.json.encode(text)[1:-1]
    escaped = plain.decode().encode("utf-16-be", "surrogatepass")
    units = [escaped[index : index + 2] for index in range(0, len(escaped), 2)]
    lower = b"".join(
        unit[1:] if unit < b"\0\x80" else b"\\u" + unit.hex().encode() for unit in units
    )
    upper = b"".join(
        unit[1:] if unit < b"\0\x80" else b"\\u" + unit.hex().upper().encode() for unit in units
    )
    return {text.encode(), plain, lower, upper}
