"""Sharing's `consume` on real Kafka and PostgreSQL, and the commands that watch it."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
import psycopg
import pytest
from msgspec import Struct
from msgspec.structs import replace

from devstack import Addresses
from schemas import awards, learning
from schemas.cloudevents import encode_structured
from services.kafka import KafkaSettings
from services.positions import Positions
from services.sharing.consumer import GROUP, TOPICS
from services.topics import TopicSpec, cluster_id, create_topics, lag, producer
from tests.integration.sharing_processes import (
    PATIENCE_SECONDS,
    Running,
    environment,
    new_journal,
    rows,
    run,
    running,
)
from tests.sharing_samples import BADGE, NOW

AWARDS, DIRECTORY = TOPICS

AVAILABLE = awards.AvailabilityChanged(
    organization_id="acme", badges=True, certificates=True, at=NOW
)
GRANTED = awards.AwardGranted(**msgspec.structs.asdict(BADGE))
REGISTERED = learning.MemberRegistered(
    organization_id="acme",
    user_id="ada",
    display_name="Ada Lovelace",
    email="ada@example.org",
    roles=(),
    locale="fr-CA",
)


class Broker:
    """The topics of one test, and the place of sharing in them."""

    def __init__(self, stack: Addresses, prefix: str, database_url: str) -> None:
        self.kafka = KafkaSettings(
            bootstrap_servers=stack.kafka_bootstrap_servers,
            topic_prefix=prefix,
            group_prefix=prefix,
        )
        self.database_url = database_url
        self.variables = environment(
            database_url,
            KAFKA_BOOTSTRAP_SERVERS=stack.kafka_bootstrap_servers,
            KAFKA_TOPIC_PREFIX=prefix,
            KAFKA_GROUP_PREFIX=prefix,
        )
        self._positions = Positions(cluster_id(self.kafka), self.kafka.group(GROUP))
        create_topics(
            self.kafka, [TopicSpec(name=self.kafka.topic(name), partitions=3) for name in TOPICS]
        )

    def publish(self, topic: str, *events: tuple[str, Struct] | bytes) -> None:
        """Publishes events, each by its id and data, or bytes as they are."""
        with producer(self.kafka) as kafka:
            for event in events:
                if isinstance(event, bytes):
                    kafka.send(self.kafka.topic(topic), value=event, key=b"acme")
                    continue
                id_, data = event
                value, headers = encode_structured("/test", id_, NOW, data)
                key = f"acme:{getattr(data, 'user_id', '')}" if topic == AWARDS else "acme"
                kafka.send(self.kafka.topic(topic), value=value, headers=headers, key=key.encode())

    def wait(self, until: int = 0) -> None:
        """Returns when all that was published has been consumed, but for so many messages."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        topics = [self.kafka.topic(name) for name in TOPICS]
        while True:
            with psycopg.connect(self.database_url, options="-c search_path=sharing") as connection:
                next_offsets = self._positions.next_offsets(connection)
            behind = lag(self.kafka, topics, next_offsets)
            if sum(filter(None, behind.values())) <= until:
                return
            assert time.monotonic() < deadline, behind
            time.sleep(0.1)

    @contextmanager
    def consuming(self) -> Iterator[Running]:
        """A `consume` process that has its partitions, for the block."""
        with running("consume", self.variables) as process:
            process.wait_for("partitions_taken")
            yield process

    def rewind(self) -> None:
        """Has everything delivered again."""
        with psycopg.connect(self.database_url) as connection:
            connection.execute("UPDATE sharing.consumer_position SET next_offset = 0")


@pytest.fixture
def broker(stack: Addresses, topic_prefix: str, database_url: str) -> Broker:
    broker = Broker(stack, topic_prefix, database_url)
    new_journal(database_url).close()
    return broker


def test_facts_become_rows(broker: Broker) -> None:
    """Awards, names with locales and availability arrive; what is for others is passed over; what can't be used is
    skipped, logged by its place alone and kept nowhere."""
    joined = learning.ProgramJoined(
        organization_id="acme", program_id="p", user_id="ada", role="mentor", joined_at=NOW
    )
    broker.publish(AWARDS, ("1", GRANTED), b'{"secret": "Grace Hopper"}', ("2", AVAILABLE))
    broker.publish(DIRECTORY, ("3", joined), b"Grace Hopper", ("4", REGISTERED))
    with broker.consuming() as consumer:
        broker.wait()
        log = consumer.log

    stored = rows(broker.database_url)
    assert stored["sharing.recipient_name"] == ['(acme,ada,"Ada Lovelace",fr-CA)']
    assert stored["sharing_views.availability"] == ["(acme,t,t)"]
    assert len(stored["sharing_views.award"]) == 1
    for secret in ("Grace Hopper", "ada@example.org"):
        assert secret not in json.dumps(stored)
        assert secret not in log
    refused = [line for line in map(json.loads, log.splitlines()) if "places" in line]
    assert sorted(place.split()[0] for line in refused for place in line["places"]) == [
        "not_cloudevent",
        "not_json",
    ]


def test_status_tells_how_far_it_is(broker: Broker) -> None:
    """`status` shows each topic's lag and positions, for people and, with --json, for programs."""
    broker.publish(DIRECTORY, ("1", REGISTERED), ("2", replace(REGISTERED, user_id="eve")))
    real = broker.kafka.topic(DIRECTORY)
    before = run(["status", "--json"], broker.variables)
    assert json.loads(before.stdout)["lag"] == {broker.kafka.topic(AWARDS): 0, real: 2}
    with broker.consuming():
        broker.wait()
    after = json.loads(run(["status", "--json"], broker.variables).stdout)
    assert after["lag"] == {broker.kafka.topic(AWARDS): 0, real: 0}
    assert sum(after["positions"][real].values()) == 2
    assert f"{real}  lag 0" in run(["status"], broker.variables).stdout


def _history(count: int) -> Sequence[tuple[str, str, Struct]]:
    """Facts about many people: topic, id, data."""
    facts: list[tuple[str, str, Struct]] = [(AWARDS, "available", AVAILABLE)]
    for number in range(count):
        user_id, award_id = f"user-{number}", f"award-{number}"
        name = replace(REGISTERED, user_id=user_id, display_name=f"Name of {number}")
        granted = replace(GRANTED, user_id=user_id, award_id=award_id)
        facts += [
            (DIRECTORY, f"old {number}", replace(name, display_name=f"Old {number}")),
            (AWARDS, f"grant {number}", granted),
            (DIRECTORY, f"name {number}", name),
            (DIRECTORY, f"old {number}", replace(name, display_name=f"Old {number}")),
        ]
        if number % 5 == 0:
            withdrawn = awards.AwardWithdrawn(
                organization_id="acme", award_id=award_id, user_id=user_id, at=NOW
            )
            facts.append((AWARDS, f"withdraw {number}", withdrawn))
        if number % 3 == 0:
            erased = learning.MemberErased(organization_id="acme", user_id=user_id)
            facts.append((DIRECTORY, f"erase {number}", erased))
            facts.append((DIRECTORY, f"late name {number}", name))
        if number % 4 == 0:
            facts.append((AWARDS, f"grant {number}", granted))
    return facts


def test_nothing_is_lost_or_doubled(broker: Broker) -> None:
    """Whoever consumes, and however often a fact is delivered, the rows are those of each fact taken in
    once."""
    people = 300
    facts = _history(people)
    half = len(facts) // 2
    for part in (facts[:half], facts[half:]):
        with broker.consuming(), broker.consuming():
            for topic in TOPICS:
                broker.publish(topic, *(fact[1:] for fact in part if fact[0] == topic))
            broker.wait(until=len(part) // 2)
    with broker.consuming():
        broker.wait()

    stored = rows(broker.database_url, "sharing", "sharing_views")
    assert stored["sharing.recipient_name"] == sorted(
        f'(acme,user-{number},"Name of {number}",fr-CA)' for number in range(people) if number % 3
    )
    assert len(stored["sharing_views.erased"]) == people / 3
    with psycopg.connect(broker.database_url) as connection:
        revoked: dict[str, bool] = dict(
            connection.execute("SELECT award_id, revoked FROM sharing_views.award").fetchall()
        )
        events: dict[str, int] = dict(
            connection.execute("SELECT topic, count(*) FROM sharing.journal GROUP BY 1").fetchall()
        )
    assert revoked == {f"award-{number}": number % 5 == 0 for number in range(people)}
    assert events == {
        "availability-changed.1": 1,
        "award-received.1": people,
        "award-withdrawn.1": people / 5,
        "recipient-named.1": people * 2,
        "recipient-erased.1": people / 3,
    }

    broker.rewind()
    with broker.consuming():
        broker.wait()
    again = rows(broker.database_url, "sharing", "sharing_views")
    del stored["sharing.consumer_position"], again["sharing.consumer_position"]
    assert again == stored
