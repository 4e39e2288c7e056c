"""Kafka as a publisher and a reader of the platform use it: plain clients, CloudEvents in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from devstack.demo.story import Fact
from services.topics import KafkaSettings

AWARDS: Final = "achievements.awards.v1"
DEAD_LETTERS: Final = "achievements.dead-letters.v1"
_DIRECTORY: Final = "mentoring.directory.v1"
_TOPICS: Final = {
    "OrganizationConfigured": _DIRECTORY,
    "ProgramConfigured": _DIRECTORY,
    "ProgramJoined": _DIRECTORY,
    "MemberRegistered": _DIRECTORY,
    "MemberErased": _DIRECTORY,
    "SessionCompleted": "mentoring.sessions.v1",
    "FeedbackSubmitted": "mentoring.feedback.v1",
}
_OTHERWISE: Final = "mentoring.certificates.v1"
_TIMEOUT_SECONDS: Final = 30


class Place(NamedTuple):
    """Where a message lies."""

    topic: str
    partition: int
    offset: int


class Message(NamedTuple):
    """A record as a reader meets it."""

    place: Place
    headers: dict[str, str]
    value: bytes


class Publisher:
    """Publishes facts as structured CloudEvents, each to its topic and key."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer = KafkaProducer(**kafka.client(), acks="all")
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close(timeout=_TIMEOUT_SECONDS)

    def publish(self, *facts: Fact) -> list[Place]:
        """In this order; returns where they lie, once Kafka has them."""
        sent = [
            self._producer.send(
                self._kafka.topic(_TOPICS.get(fact.type, _OTHERWISE)),
                key=_key(fact),
                value=envelope(fact),
                headers=[("content-type", b"application/cloudevents+json")],
            )
            for fact in facts
        ]
        self._producer.flush(timeout=_TIMEOUT_SECONDS)
        self.count += len(facts)
        metadata = [future.get(timeout=_TIMEOUT_SECONDS) for future in sent]
        return [Place(one.topic, one.partition, one.offset) for one in metadata]


def envelope(fact: Fact) -> bytes:
    """The CloudEvent of a fact: the same bytes each time."""
    event = {
        "specversion": "1.0",
        "id": fact.id,
        "source": "/platform",
        "type": f"{fact.type}.v1",
        "data": fact.data,
    }
    return json.dumps(event, ensure_ascii=False).encode()


def _key(fact: Fact) -> bytes:
    parts = [fact.data["organization_id"]]
    if _TOPICS.get(fact.type) != _DIRECTORY and "program_id" in fact.data:
        parts.append(fact.data["program_id"])
    return ":".join(parts).encode()


def read(kafka: KafkaSettings, name: str) -> Iterator[Message]:
    """All that a topic of the contract holds now, in no order across partitions."""
    topic = kafka.topic(name)
    consumer = KafkaConsumer(
        **kafka.client(), enable_auto_commit=False, isolation_level="read_committed"
    )
    try:
        numbers = consumer.partitions_for_topic(topic) or set()
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(one) < ends[one] for one in partitions):
            for records in consumer.poll(timeout_ms=200).values():
                yield from map(_message, records)
    finally:
        consumer.close(timeout_ms=2_000)


def _message(record: Any) -> Message:
    return Message(
        Place(record.topic, record.partition, record.offset),
        {name: (value or b"").decode() for name, value in record.headers},
        record.value or b"",
    )
