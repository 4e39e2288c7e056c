"""How far everything has come: what waits in Kafka, in the journal, and to be mailed."""

from typing import Any, NamedTuple

from kafka.errors import KafkaError

from services.achievements import backlog
from services.achievements.grants import VIEW
from services.achievements.mail import queue
from services.achievements.notify import READER as NOTIFY
from services.achievements.topics import GROUP, INBOUND
from services.journal import Journal
from services.kafka import KafkaSettings
from services.positions import Positions
from services.topics import cluster_id, lag


class Lag(NamedTuple):
    """How many messages of each topic are still to be consumed, and the next offset of each partition."""

    lag: dict[str, int]
    positions: dict[str, dict[str, int]]


class Status(NamedTuple):
    """`backlog` is what each process has still to do; `positions` how far each reader of the journal has come.

    Without `lag`, `why` says why Kafka could not be asked.
    """

    lag: Lag | None
    why: str | None
    backlog: dict[str, int]
    positions: dict[str, int]
    head: int


def status(journal: Journal, kafka: KafkaSettings) -> Status:
    """Looks at the database, and at Kafka where it is there."""
    found, why = None, None
    try:
        found = _lag(journal, kafka)
    except KafkaError as error:
        why = str(error)
    with journal.connection() as connection:
        waiting = backlog.measure(journal, connection).waiting
        unsent = queue.backlog(connection).unsent
        positions = {reader: journal.position(connection, reader) for reader in backlog.READERS}
        head = journal.head(connection)
    undone = {"project" if reader == VIEW else reader: count for reader, count in waiting.items()}
    undone[NOTIFY] += unsent
    if found is not None:
        undone = {"consume": sum(found.lag.values()), **undone}
    return Status(found, why, undone, positions, head)


def as_json(found: Status) -> dict[str, Any]:
    """The contract's form, and the positions beside."""
    lag_, positions = found.lag or Lag({}, {})
    return {"lag": lag_, "backlog": found.backlog, "positions": {**positions, **found.positions}}


def _lag(journal: Journal, kafka: KafkaSettings) -> Lag:
    group = Positions(cluster_id(kafka), kafka.group(GROUP))
    with journal.connection() as connection:
        next_offsets = group.next_offsets(connection)
    lags = lag(kafka, [kafka.topic(name) for name in INBOUND], next_offsets)
    positions: dict[str, dict[str, int]] = {topic: {} for topic in lags}
    for (topic, partition), offset in next_offsets.items():
        positions.setdefault(topic, {})[str(partition)] = offset
    return Lag(lags, positions)
