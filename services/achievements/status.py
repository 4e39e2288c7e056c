"""How far everything has come: what waits in Kafka, in the journal, and to be mailed."""

from typing import Any, NamedTuple

from kafka.errors import KafkaError

from services.achievements import backlog
from services.achievements.grants import VIEW
from services.achievements.mail import queue
from services.achievements.notify import READER as NOTIFY
from services.achievements.topics import GROUP, INBOUND
from services.consumed import Consumed, consumed
from services.journal import Journal
from services.kafka import KafkaSettings


class Status(NamedTuple):
    """`backlog` is what each process has still to do; `positions` how far each reader of the journal has come.

    Without `consumed`, `why` says why Kafka could not be asked.
    """

    consumed: Consumed | None
    why: str | None
    backlog: dict[str, int]
    positions: dict[str, int]
    head: int


def status(journal: Journal, kafka: KafkaSettings) -> Status:
    """Looks at the database, and at Kafka where it is there."""
    found, why = None, None
    try:
        found = consumed(journal, kafka, GROUP, INBOUND)
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
        undone = {"consume": sum(found.lag_of_all.values()), **undone}
    return Status(found, why, undone, positions, head)


def as_json(found: Status) -> dict[str, Any]:
    """The contract's form, and the positions beside."""
    its = found.consumed or Consumed({}, {})
    positions = {**its.positions, **found.positions}
    return {"lag": its.lag_of_all, "backlog": found.backlog, "positions": positions}
