"""Digests of read models: two that are equal hold the same rows, byte for byte."""

from hashlib import sha256
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from projections.rows import Table


class Digest(NamedTuple):
    """SHA-256, in hexadecimal, of the rows in PostgreSQL's text form, ordered by key; and how many there are."""

    sha256: str
    rows: int


def digest(connection: psycopg.Connection[Any], schema: str, table: Table[Any]) -> Digest:
    """The digest of a read model in a schema, as `COPY (SELECT … ORDER BY key) TO STDOUT` gives it."""
    statement = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, table.columns)),
        sql.Identifier(schema, table.name),
        sql.SQL(", ").join(
            sql.SQL('{} COLLATE "C"').format(sql.Identifier(column)) for column in table.key
        ),
    )
    hashed, rows = sha256(), 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            hashed.update(block)
            rows += bytes(block).count(b"\n")
    return Digest(hashed.hexdigest(), rows)
