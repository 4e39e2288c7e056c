"""What one run of the demo has to itself on servers that others use at the same time."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from psycopg import sql

from devstack.addresses import Addresses
from devstack.databases import create_database
from devstack.home import devstack_folder
from services.environment import kafka_group, read_settings, settings
from services.topics import KafkaSettings

DATABASES: Final = {"DATABASE_URL": "achievements", "SHARING_DATABASE_URL": "sharing"}
FEEDBACK_URL_TEMPLATE: Final = "https://lantern.example/feedback/{program_id}/{session_id}"


@settings
class StreamSettings:
    """The settings of Kafka alone."""

    kafka: KafkaSettings = kafka_group()


@dataclass(frozen=True)
class Surroundings:
    """Names, addresses and secrets of one run; `environment` is what all its processes are told."""

    name: str
    folder: Path
    environment: Mapping[str, str]

    @property
    def secret(self) -> bytes:
        return self.environment["AUTH_SECRET"].encode()

    @property
    def kafka(self) -> KafkaSettings:
        """As the services read it, so that a secured Kafka of one's own works, too."""
        return read_settings(StreamSettings, self.environment).kafka


@contextmanager
def surroundings(addresses: Addresses) -> Iterator[Surroundings]:
    """Databases, topics, groups and a folder for logs that nobody else has.

    All is gone after the block; but after a failure the folder stays, for its logs.
    """
    name = f"demo-{secrets.token_hex(4)}"
    made = Surroundings(name, devstack_folder() / name, _environment(name, addresses))
    made.folder.mkdir(parents=True)
    try:
        for database in DATABASES.values():
            create_database(addresses.database_url, f"{name}-{database}")
        yield made
    finally:
        _drop_databases(name, addresses)
        _delete_topics(made.kafka)
        has_failed = isinstance(sys.exception(), Exception)
        if not has_failed or not any(made.folder.iterdir()):
            shutil.rmtree(made.folder)


def _environment(name: str, addresses: Addresses) -> dict[str, str]:
    given = urlsplit(addresses.database_url)
    return {
        **os.environ,
        **addresses.as_environment(),
        **{
            variable: given._replace(path=f"/{name}-{database}").geturl()
            for variable, database in DATABASES.items()
        },
        "KAFKA_TOPIC_PREFIX": f"{name}.",
        "KAFKA_GROUP_PREFIX": f"{name}.",
        "AUTH_SECRET": secrets.token_urlsafe(32),
        "AUTH_JWKS": "",
        "AUTH_AUDIENCE": "",
        "FEEDBACK_URL_TEMPLATE": FEEDBACK_URL_TEMPLATE,
    }


def _drop_databases(name: str, addresses: Addresses) -> None:
    """Where the server does not answer any more, the data have gone with it."""
    with (
        suppress(psycopg.Error),
        psycopg.connect(addresses.database_url, autocommit=True) as connection,
    ):
        for database in DATABASES.values():
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                    sql.Identifier(f"{name}-{database}")
                )
            )


def _delete_topics(kafka: KafkaSettings) -> None:
    """And what is known of the groups that read them; as far as Kafka still answers."""
    with suppress(KafkaError), KafkaAdminClient(**kafka.client()) as admin:
        groups = [group["group_id"] for group in admin.list_groups()]
        admin.delete_groups([name for name in groups if name.startswith(kafka.group_prefix)])
        admin.delete_topics(
            [name for name in admin.list_topics() if name.startswith(kafka.topic_prefix)]
        )
