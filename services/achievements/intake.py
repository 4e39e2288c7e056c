"""From Kafka into the journal: decodes a batch of messages and has it recorded."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from schemas.cloudevents import Decoder, RefusedError, names_in
from schemas.learning import INBOUND_TYPES, Inbound
from services.achievements.dead_letters import Refused
from services.achievements.metrics import FACTS
from services.achievements.recording import Fact, record
from services.journal import Journal
from services.kafka import Committed, Message, Work

_decoder = Decoder[Inbound](INBOUND_TYPES)


class Intake:
    """The handler of the consumer loop: what it returns records the batch, in the loop's transaction."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __call__(self, messages: Sequence[Message]) -> Work:
        batch = [decode(message) for message in messages]

        def work(connection: psycopg.Connection[Any]) -> Committed:
            done = record(self._journal, connection, batch)

            def committed() -> Mapping[str, object]:
                for what, count in done.outcome.items():
                    FACTS.labels(what).inc(count)
                return {**done.outcome, "positions": done.positions}

            return committed

        return work


def decode(message: Message) -> Fact | Refused:
    """The fact in a message, or why there is none."""
    try:
        return Fact.of(message, _decoder.decode(message.value, message.headers))
    except RefusedError as error:
        return Refused(message, error.code, error.detail, *names_in(message.value, message.headers))
