"""Kafka as any client sees it: publishing, and reading whole topics with what is on them."""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.serializer import Serializer

from tests.e2e.messages import Message
from tests.oracle import Json, Published

PATIENCE_SECONDS: Final = 120
_ABOUT: Final = ("reason", "detail", "topic", "partition", "offset", "at")
Place = tuple[str, int, int]


class Topics(NamedTuple):
    """A cluster, and what the names of the topics begin with."""

    bootstrap_servers: str
    prefix: str

    def real(self, name: str) -> str:
        return self.prefix + name


class _Null(bytes):
    """Stands for null where kafka-python wants bytes, though Kafka and other clients know null there."""


_NULL: Final = _Null()


class _Headers(list[tuple[str, bytes]]):
    """Headers whose sizes kafka-python does not add up, which it can't where one is null."""

    def __bool__(self) -> bool:
        return False


class _Nulls(Serializer):  # type: ignore[misc] # kafka-python is untyped
    """Puts null where it stands for it, once the producer has looked at its arguments."""

    def serialize(self, topic: str, headers: list[Any], data: bytes) -> bytes | None:
        headers[:] = [(name, None if content is _NULL else content) for name, content in headers]
        return None if data is _NULL else data


def publish(topics: Topics, messages: Sequence[Message], per_second: float) -> list[Published]:
    """Publishes at about this speed; gives where each message lies, in the order of publication."""
    producer = KafkaProducer(
        bootstrap_servers=topics.bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        value_serializer=_Nulls(),
    )
    started = time.monotonic()
    sent = []
    for number, message in enumerate(messages):
        ahead = number / per_second - (time.monotonic() - started)
        if ahead > 0.05:
            time.sleep(ahead)
        sent.append(
            producer.send(
                topics.real(message.topic),
                key=message.key,
                value=_NULL if message.value is None else message.value,
                headers=_Headers(
                    (name, _NULL if content is None else content)
                    for name, content in message.headers
                ),
            )
        )
    producer.flush(timeout=PATIENCE_SECONDS)
    where = [future.get(timeout=PATIENCE_SECONDS) for future in sent]
    producer.close()
    return [
        published(message, at.topic, at.partition, at.offset)
        for message, at in zip(messages, where, strict=True)
    ]


def published(message: Message, topic: str, partition: int, offset: int) -> Published:
    """What the oracle is told of a message."""
    return {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "key": message.key,
        "value": message.value,
        "headers": message.headers,
        "type": message.fact.type,
        "source": message.fact.source,
        "id": message.fact.id,
        "data": message.fact.data,
        "unusable": message.unusable,
    }


def read_all(topics: Topics, name: str) -> list[Any]:
    """All records of a topic, in order by partition.

    What was not committed is read, too: the contract does not ask its readers to leave it out.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=topics.bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_uncommitted",
        max_partition_fetch_bytes=32 * 1024 * 1024,
    )
    try:
        topic = topics.real(name)
        partitions = [
            TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(partitions)
        records: list[Any] = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(consumer.position(one) < ends[one] for one in partitions):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{topic} could not be read")
            for some in consumer.poll(timeout_ms=500).values():
                records += some
    finally:
        consumer.close()
    return sorted(records, key=lambda record: (record.partition, record.offset))


def end_offsets(topics: Topics, names: Iterable[str]) -> dict[tuple[str, int], int]:
    """Where the next messages would lie."""
    consumer = KafkaConsumer(bootstrap_servers=topics.bootstrap_servers)
    try:
        partitions = [
            TopicPartition(topics.real(name), number)
            for name in names
            for number in consumer.partitions_for_topic(topics.real(name))
        ]
        return {
            (one.topic, one.partition): end for one, end in consumer.end_offsets(partitions).items()
        }
    finally:
        consumer.close()


class Announcement(NamedTuple):
    """An event of the awards topic."""

    id: str
    type: str
    key: str
    data: Json


def announcements(records: Iterable[Any]) -> tuple[list[Announcement], list[str]]:
    """The distinct events of the awards topic, in the order in which each key's were first told; and what is wrong.

    An event may be told again, in the same words; then all that followed it is told again behind it.
    """
    wrong: list[str] = []
    first: dict[str, Announcement] = {}
    words: dict[str, bytes] = {}
    told: defaultdict[str, list[str]] = defaultdict(list)
    for record in records:
        headers = dict(record.headers)
        if headers.get("content-type") != b"application/cloudevents+json":
            wrong.append(f"an award's headers are {record.headers}")
        event = json.loads(record.value)
        if event["specversion"] != "1.0" or not event["source"]:
            wrong.append(f"not a CloudEvent: {event}")
        key = record.key.decode()
        one = Announcement(event["id"], event["type"], key, event["data"])
        if words.setdefault(one.id, record.value) != record.value or one.key != key:
            wrong.append(f"told again in other words: {event}")
        first.setdefault(one.id, one)
        told[key].append(one.id)
    for key, ids in told.items():
        at_first = list(dict.fromkeys(ids))
        at_last = list(dict.fromkeys(reversed(ids)))[::-1]
        if at_first != at_last:
            wrong.append(f"told in different orders to {key}: {at_first}, then {at_last}")
    return list(first.values()), [*wrong, *_misplaced(first.values())]


def _misplaced(events: Iterable[Announcement]) -> Iterator[str]:
    """What comes in an order that can't be, or under another's key."""
    granted: set[str] = set()
    erased: set[str] = set()
    for event in events:
        data = event.data
        whose = f"{data['organization_id']}:{data.get('user_id', '')}"
        if event.key != whose:
            yield f"{event.type} of {whose} has the key {event.key}"
        if event.key in erased:
            yield f"{event.type} comes after the erasure of {event.key}"
        match event.type:
            case "AwardGranted.v1":
                granted.add(data["award_id"])
            case "AwardWithdrawn.v1":
                if data["award_id"] not in granted:
                    yield f"withdrawn before it was granted: {data}"
            case "RecipientErased.v1":
                erased.add(event.key)
            case "AvailabilityChanged.v1":
                pass
            case _:
                yield f"an event of an unknown type: {event}"


def dead_letters(records: Iterable[Any]) -> dict[Place, list[Json]]:
    """The dead letters by the place of the original."""
    found: defaultdict[Place, list[Json]] = defaultdict(list)
    for record in records:
        names = [f"dlq.{name}" for name in _ABOUT]
        about = {name: text.decode() for name, text in record.headers if name in names}
        place = about["dlq.topic"], int(about["dlq.partition"]), int(about["dlq.offset"])
        found[place].append(
            {
                "about": about,
                "key": record.key,
                "value": record.value,
                "headers": [pair for pair in record.headers if pair[0] not in names],
            }
        )
    return dict(found)
