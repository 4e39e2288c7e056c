"""Where Kafka and PostgreSQL answer, and what the environment says about it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

ENVIRONMENT_VARIABLES = {"kafka": "KAFKA_BOOTSTRAP_SERVERS", "postgres": "DATABASE_URL"}


class DevstackError(Exception):
    """Kafka or PostgreSQL can't be had; the text says why and what to do, ready to be shown."""


@dataclass(frozen=True)
class Addresses:
    """Where the two servers answer.

    `kafka_bootstrap_servers` is `host:port`, several separated by commas. `database_url` is a
    libpq URI of a superuser, to the maintenance database `postgres`.
    """

    kafka_bootstrap_servers: str
    database_url: str

    @classmethod
    def of(cls, services: Mapping[str, str]) -> Addresses:
        return cls(kafka_bootstrap_servers=services["kafka"], database_url=services["postgres"])

    def as_environment(self) -> dict[str, str]:
        return {
            ENVIRONMENT_VARIABLES["kafka"]: self.kafka_bootstrap_servers,
            ENVIRONMENT_VARIABLES["postgres"]: self.database_url,
        }


def given_by_environment() -> dict[str, str]:
    """The services, by name, that the environment already has an address for."""
    found = {name: os.environ.get(variable) for name, variable in ENVIRONMENT_VARIABLES.items()}
    return {name: address for name, address in found.items() if address}
