"""Real Apache Kafka and PostgreSQL on a machine that has only Python.

One stack is shared by everything that runs in this checkout at the same time (tests, demo,
benchmarks): whoever comes first starts it, the others join, and it goes away soon after the last
has left, with all its data. Tests which break a server on purpose have a private one. Where
KAFKA_BOOTSTRAP_SERVERS or DATABASE_URL is set, what it names is used and nothing is started for it.
"""

from devstack.addresses import Addresses, DevstackError
from devstack.databases import create_database
from devstack.shared import shared
from devstack.stack import Stack, private

__all__ = ["Addresses", "DevstackError", "Stack", "create_database", "private", "shared"]
