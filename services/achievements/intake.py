"""From Kafka into the journal: decodes a batch of messages and has it recorded."""

from collections.abc import Sequence
from typing import Any

import psycopg
import structlog

from schemas.cloudevents import Decoder, RefusedError, names_in
from schemas.learning import INBOUND_TYPES, Inbound
from services.achievements.dead_letters import Refused
from services.achievements.metrics import FACTS
from services.achievements.recording import Fact, record
from services.journal import Journal
from services.kafka import Committed, Message, Work

log = structlog.get_logger()

_decoder = Decoder[Inbound](INBOUND_TYPES)


class Intake:
    """The handler of the consumer loop: what it returns records the batch, in the loop's transaction."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __call__(self, messages: Sequence[Message]) -> Work:
        batch = [decode(message) for message in messages]
        offsets = _offsets(messages)

        def work(connection: psycopg.Connection[Any]) -> Committed:
            done = record(self._journal, connection, batch)

            def committed() -> None:
                for what, count in done.outcome.items():
                    FACTS.labels(what).inc(count)
                log.info(
                    "facts_recorded",
                    **done.outcome,
                    positions=done.positions,
                    offsets=offsets,
                )

            return committed

        return work


def _offsets(messages: Sequence[Message]) -> dict[str, tuple[int, int]]:
    """The first and the last offset of each partition of a batch."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for message in messages:
        partition = message.topic, message.partition
        first, _ = found.get(partition, (message.offset, 0))
        found[partition] = first, message.offset
    return {f"{topic}-{number}": offsets for (topic, number), offsets in found.items()}


def decode(message: Message) -> Fact | Refused:
    """The fact in a message, or why there is none."""
    try:
        return Fact.of(message, _decoder.decode(message.value, message.headers))
    except RefusedError as error:
        return Refused(message, error.code, error.detail, *names_in(message.value, message.headers))
