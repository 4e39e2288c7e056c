"""Indexes, made where they are missing."""

from collections.abc import Mapping
from typing import Any

import psycopg


def create_missing(connection: psycopg.Connection[Any], indexes: Mapping[str, str]) -> None:
    """Creates indexes, by name and what they are on, in the connection's transaction.

    One that is there is left alone: even IF NOT EXISTS locks its table against all writers.
    """
    for name, on in indexes.items():
        found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone()
        if found != (True,):
            connection.execute(f"CREATE INDEX {name} ON {on}")
