"""What the relay publishes, on real Kafka and PostgreSQL: awards in the contract's shapes, dead letters as they were."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import pytest
from kafka import KafkaConsumer, TopicPartition
from msgspec.structs import replace

from devstack import Addresses
from schemas.journal import AvailabilityChanged, AwardGranted, AwardRevoked, MemberErased
from services.achievements.relay import Relay, Sender
from services.achievements.topics import AWARDS, DEAD_LETTERS, specs
from services.journal import Entry, Journal, stream_id
from services.kafka import KafkaSettings
from services.topics import create_topics
from tests.golden.stored_events import STORED_EVENTS
from tests.integration.service import append
from tests.integration.test_recording import letters, message, raw, take
from tests.unit.test_schemas_samples import STRUCTURED, Headers

CERTIFICATE: Final = STORED_EVENTS["award-granted.1"]
BADGE: Final = STORED_EVENTS["award-granted.1.sparse"]
AWARD: Final = UUID("0b5ab8bc-6e59-8c5c-8f0e-3c6c6c1f9a51")
PATIENCE_MS: Final = 30_000


@contextmanager
def new_topics(stack: Addresses) -> Iterator[KafkaSettings]:
    """Topics of awards and dead letters under names of their own, made as `migrate --topics` makes them."""
    prefix = f"test-{uuid4().hex}."
    kafka = KafkaSettings(
        bootstrap_servers=stack.kafka_bootstrap_servers, topic_prefix=prefix, group_prefix=prefix
    )
    ours = {kafka.topic(AWARDS), kafka.topic(DEAD_LETTERS)}
    create_topics(kafka, [spec for spec in specs(kafka) if spec.name in ours])
    yield kafka


def published(kafka: KafkaSettings, topic: str) -> list[Any]:
    """All committed records of a topic, those of one partition in order."""
    consumer = KafkaConsumer(
        **kafka.client(),
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=32 * 1024 * 1024,
    )
    name = kafka.topic(topic)
    partitions = [TopicPartition(name, p) for p in consumer.partitions_for_topic(name)]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    ends = consumer.end_offsets(partitions)
    records: list[Any] = []
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        polled = consumer.poll(timeout_ms=PATIENCE_MS)
        records += [record for some in polled.values() for record in some]
    consumer.close()
    return records


@contextmanager
def relaying(journal: Journal, kafka: KafkaSettings) -> Iterator[Relay]:
    """A relay that is driven by hand."""
    sender = Sender(kafka)
    yield Relay(journal, kafka, sender)
    sender.close()


def relay_all(journal: Journal, kafka: KafkaSettings) -> None:
    with relaying(journal, kafka) as relay:
        while relay.step():
            pass


@pytest.fixture
def kafka(stack: Addresses) -> Iterator[KafkaSettings]:
    with new_topics(stack) as settings:
        yield settings


SHAPES: Final[Sequence[tuple[str, str, dict[str, Any]]]] = [
    (
        "award-granted.1",
        "acme:ada",
        {
            "award_id": str(AWARD),
            "kind": "certificate",
            "code": "certificate",
            "organization_id": "acme",
            "organization_name": "Acme",
            "program_id": "p1",
            "program_name": "Spring",
            "user_id": "ada",
            "title": "Spring certificate",
            "text": "For taking part",
            "colour": "#0a5c36",
            "banner": "sha256:" + "ff" * 32,
            "logo": "sha256:" + "0a" * 32,
            "criteria": "Completed 3 mentoring sessions with feedback in Spring.",
            "count": 3,
            "earned_at": "2026-03-01T12:00:00Z",
            "how": "automatic",
            "timezone": "Europe/Paris",
            "linkedin_organization_id": "1337",
        },
    ),
    (
        "award-granted.1.first",
        "acme:ada",
        {
            "award_id": str(AWARD),
            "kind": "badge",
            "code": "connector",
            "organization_id": "acme",
            "organization_name": "Acme",
            "user_id": "ada",
            "title": "Connector",
            "text": "Meets many.",
            "colour": "#1d4f91",
            "criteria": "Met 10 different people in one-to-one mentoring sessions.",
            "count": 10,
            "first_at": "2026-03-01T12:00:00Z",
            "earned_at": "2026-03-01T12:00:00.250000Z",
            "how": "automatic",
            "timezone": "UTC",
        },
    ),
    (
        "award-granted.1.sparse",
        "acme:ada",
        {
            "award_id": str(AWARD),
            "kind": "badge",
            "code": "mentor",
            "organization_id": "acme",
            "organization_name": "Acme",
            "user_id": "ada",
            "title": "Mentor",
            "text": "Shares time.",
            "colour": "#1d4f91",
            "criteria": "Completed 10 one-to-one mentoring sessions as mentor.",
            "earned_at": "2026-03-01T12:00:00Z",
            "how": "manual",
            "timezone": "UTC",
        },
    ),
    (
        "award-revoked.1",
        "acme:ada",
        {"award_id": str(AWARD), "organization_id": "acme", "user_id": "ada"},
    ),
    ("member-erased.1", "acme:ada", {"organization_id": "acme", "user_id": "ada"}),
    (
        "availability-changed.1",
        "acme:",
        {"organization_id": "acme", "badges": False, "certificates": True},
    ),
]
TYPES: Final = {
    "award-granted.1": "AwardGranted.v1",
    "award-granted.1.first": "AwardGranted.v1",
    "award-granted.1.sparse": "AwardGranted.v1",
    "award-revoked.1": "AwardWithdrawn.v1",
    "member-erased.1": "RecipientErased.v1",
    "availability-changed.1": "AvailabilityChanged.v1",
}


def test_what_is_published_of_each_event(journal: Journal, kafka: KafkaSettings) -> None:
    """Each outbound type has the contract's fields, key and headers, what is not there is absent, and events that
    concern nobody outside are not published."""
    told = (AwardGranted, AwardRevoked, MemberErased, AvailabilityChanged)
    names = [
        name
        for name, event in STORED_EVENTS.items()
        if name in TYPES or not isinstance(event, told)
    ]
    streams = {name: uuid4() for name in names}
    append(
        journal, [Entry(streams[name], n, STORED_EVENTS[name]) for n, name in enumerate(names, 7)]
    )
    relay_all(journal, kafka)
    with journal.connection() as connection:
        recorded = {one.originator_id: one for one in journal.read(connection, 0, 99)}
    found = {json.loads(record.value)["id"]: record for record in published(kafka, AWARDS)}
    assert len(found) == len(SHAPES)
    for name, key, data in SHAPES:
        stream = streams[name]
        record = found[f"{stream}:{recorded[stream].originator_version}"]
        at = recorded[stream].recorded_at.isoformat().replace("+00:00", "Z")
        when = "granted_at" if TYPES[name] == "AwardGranted.v1" else "at"
        assert (record.key, record.headers) == (key.encode(), list(STRUCTURED))
        assert json.loads(record.value) == {
            "specversion": "1.0",
            "id": f"{stream}:{recorded[stream].originator_version}",
            "source": "/achievements",
            "type": TYPES[name],
            "time": at,
            "datacontenttype": "application/json",
            "data": data | {when: at},
        }


def test_order_by_key(journal: Journal, kafka: KafkaSettings) -> None:
    """All that concerns one member, or one organization's availability, is published in the journal's order, over
    several batches."""
    entries: list[Entry] = []
    for number in range(2_100):
        stream, user_id = uuid4(), f"u{number % 37}"
        if number % 40 == 39:
            on = AvailabilityChanged(
                organization_id="acme", badges=number % 80 == 79, certificates=True
            )
            entries.append(Entry(stream, 1, on))
        else:
            entries.append(Entry(stream, 1, replace(BADGE, user_id=user_id)))
    append(journal, entries)
    relay_all(journal, kafka)
    by_key: defaultdict[bytes, list[str]] = defaultdict(list)
    for record in published(kafka, AWARDS):
        by_key[record.key].append(json.loads(record.value)["id"])
    expected: defaultdict[bytes, list[str]] = defaultdict(list)
    for entry in entries:
        user_id = entry.event.user_id if isinstance(entry.event, AwardGranted) else ""
        expected[f"acme:{user_id}".encode()].append(f"{entry.originator_id}:1")
    assert by_key == expected


LETTERS: Final[Sequence[tuple[bytes | None, bytes | None, Headers]]] = [
    (b"acme:p1", b"nonsense", STRUCTURED),
    (None, b"no key", ()),
    (b"no value", None, ()),
    (None, None, ()),
    (None, None, (("a", None),)),
    (b"", b"", (("a", None), ("a", b""), ("a", b"\xff\x00"), ("", b""), ("日本", b"x"))),
    (b"\xff\x00", b"\xff\x00", (("dlq.reason", b"older"), ("dlq.at", None))),
    (b"large", b"\xfe" * 1_000_000, STRUCTURED),
    (b"larger", bytes(range(256)) * 12_000, (("h", b"x" * 1_000_000),)),
]


def test_dead_letters_as_they_were(journal: Journal, kafka: KafkaSettings) -> None:
    """A dead letter has the original's key, bytes and headers, whatever they are, and behind them why, where and when."""
    take(journal, *(raw(value, key=key, headers=headers) for key, value, headers in LETTERS))
    kept = letters(journal)
    assert len(kept) == len(LETTERS)
    relay_all(journal, kafka)
    records = published(kafka, DEAD_LETTERS)
    assert len(records) == len(LETTERS)
    for (key, value, headers), letter in zip(LETTERS, kept, strict=True):
        (record,) = (
            one
            for one in records
            if (one.key, one.value, tuple(one.headers[:-6])) == (key, value, headers)
        )
        about = {name: content.decode() for name, content in record.headers[-6:]}
        assert datetime.fromisoformat(about.pop("dlq.at")) == letter.at
        assert about == {
            "dlq.reason": letter.code,
            "dlq.detail": letter.detail,
            "dlq.topic": "a.topic",
            "dlq.partition": "3",
            "dlq.offset": "41",
        }


def test_letters_of_one_key_keep_their_order(journal: Journal, kafka: KafkaSettings) -> None:
    """Dead letters of one key are published in the order in which they were refused, over several batches."""
    poison = [raw(str(number).encode(), key=f"k{number % 7}".encode()) for number in range(120)]
    take(journal, *poison)
    relay_all(journal, kafka)
    by_key: defaultdict[bytes, list[int]] = defaultdict(list)
    for record in published(kafka, DEAD_LETTERS):
        by_key[record.key].append(int(record.value))
    assert by_key == {f"k{key}".encode(): list(range(key, 120, 7)) for key in range(7)}


def test_nothing_before_it_is_committed(journal: Journal, kafka: KafkaSettings) -> None:
    """What is not committed is not published, what is rolled back never, and what is committed late is not missed."""
    erased = MemberErased(organization_id="acme", user_id="ada")
    with relaying(journal, kafka) as relay:
        with journal.transaction() as connection:
            journal.append(connection, [Entry(AWARD, 1, BADGE)])
            relay.step()
            raise psycopg.Rollback
        with journal.transaction() as connection:
            journal.append(connection, [Entry(stream_id("acme", "member", "ada"), 1, erased)])
            relay.step()
            assert published(kafka, AWARDS) == []
        relay.step()
    (record,) = published(kafka, AWARDS)
    assert json.loads(record.value)["type"] == "RecipientErased.v1"
    relay_all(journal, kafka)
    assert len(published(kafka, AWARDS)) == 1


def test_a_letter_destroyed_before_it_was_sent(journal: Journal, kafka: KafkaSettings) -> None:
    """Rule 27: a dead letter that names an erased member is not published any more."""
    take(
        journal, message("ProgramJoined", role="x"), message("ProgramJoined", user_id="b", role="x")
    )
    take(journal, message("MemberErased"))
    relay_all(journal, kafka)
    (record,) = published(kafka, DEAD_LETTERS)
    assert json.loads(record.value)["data"]["user_id"] == "b"


def test_times_are_utc(journal: Journal, kafka: KafkaSettings) -> None:
    """Whatever the time zone of the database's server is, times are published in UTC."""
    append(journal, [Entry(AWARD, 1, CERTIFICATE)])
    relay_all(journal, kafka)
    (record,) = published(kafka, AWARDS)
    data = json.loads(record.value)["data"]
    assert data["granted_at"].endswith("Z")
    since = datetime.now(UTC) - datetime.fromisoformat(data["granted_at"])
    assert abs(since.total_seconds()) < 60
