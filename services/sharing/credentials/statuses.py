"""Whether credentials still hold: each link's place in the status lists of its organization.

A place is given when the link's credential is first asked for, and kept for ever: copies of the
credential that others hold name it. So it lies beside the journal, like link tokens, and rebuilding
the read models never touches it. Whether the link at a place is dead is asked of the read models.

Places look random, so that nothing can be read from their order; yet they follow from the link's id,
which nobody is told in time to foresee one, so that after a restored backup a link gets the place
again that its credentials name.
"""

import gzip
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterator
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]

LIST_LENGTH: Final = 131_072
"""The least that lets nobody tell whose status is asked for (Bitstring Status List 1.0, 1.3)."""
_TRIES: Final = 8  # then a list is about half full, and another one is begun

DDL: Final = f"""
CREATE TABLE IF NOT EXISTS credential_status (
    link_id uuid PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    list int NOT NULL,
    position int NOT NULL CHECK (position >= 0 AND position < {LIST_LENGTH}),
    UNIQUE (organization_id, list, position)
);
"""


class StatusEntry(NamedTuple):
    """One bit: the number of the organization's list, and the position in it."""

    list: int
    position: int


def entry_of(connection: Connection, organization_id: str, link_id: UUID) -> StatusEntry:
    """The link's place, given now where it has none. Safe to do twice at once."""
    first = _last_list(connection, organization_id)
    for number in (first, first + 1, first + 2):
        for position in _positions(link_id):
            connection.execute(
                """
                INSERT INTO credential_status (link_id, organization_id, list, position)
                VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
                """,
                (link_id, organization_id, number, position),
            )
            if (entry := _entry(connection, link_id)) is not None:
                return entry
    raise LookupError(f"no place for link {link_id} in the lists of {organization_id}")


def encoded_list(positions: Collection[int]) -> str:
    """A whole list with these positions set (Bitstring Status List 1.0, 3.3)."""
    bits = bytearray(LIST_LENGTH // 8)
    for position in positions:
        bits[position // 8] |= 0x80 >> position % 8  # the first bit is the leftmost one
    return "u" + urlsafe_b64encode(gzip.compress(bits, mtime=0)).rstrip(b"=").decode()


def _positions(link_id: UUID) -> Iterator[int]:
    for number in range(_TRIES):
        digest = sha256(link_id.bytes + bytes([number])).digest()
        yield int.from_bytes(digest) % LIST_LENGTH


def _last_list(connection: Connection, organization_id: str) -> int:
    row = connection.execute(
        "SELECT max(list) FROM credential_status WHERE organization_id = %s", (organization_id,)
    ).fetchone()
    return row[0] if row is not None and row[0] is not None else 1


def _entry(connection: Connection, link_id: UUID) -> StatusEntry | None:
    row = connection.execute(
        "SELECT list, position FROM credential_status WHERE link_id = %s", (link_id,)
    ).fetchone()
    return None if row is None else StatusEntry(*row)
