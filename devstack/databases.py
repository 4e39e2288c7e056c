"""Databases inside a running PostgreSQL."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql


def create_database(database_url: str, name: str) -> str:
    """Makes an empty database and returns its URL, in the form of the given one.

    `database_url` is a libpq URI of a role that may create databases. A database of that name is
    dropped first, whoever is connected to it. Raises psycopg.Error if the server refuses.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        database = sql.Identifier(name)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
    return urlsplit(database_url)._replace(path="/" + quote(name, safe="")).geturl()
