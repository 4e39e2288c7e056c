"""Events per second from Kafka to the committed journal, one process, beside what bounds it and what it replaces.

- raw limit: kafka-python's decoding of the same messages and a COPY of their bytes, nothing else;
- stock path: the eventsourcing library as its documentation uses it, an aggregate saved per message with its tracking.
"""

import json
import threading
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
from eventsourcing.application import ProcessingEvent
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.system import ProcessApplication
from kafka import KafkaConsumer, TopicPartition

from bench.facts import encoded, mixed, organizations
from bench.tables import Table
from devstack import Addresses, create_database
from schemas.journal import EVENT_TYPES
from services.achievements.intake import Intake
from services.achievements.migration import migrate
from services.achievements.topics import GROUP, INBOUND, specs
from services.commands import collect_garbage_seldom, switch_threads_seldom
from services.journal import Journal
from services.kafka import KafkaSettings, Work, consume
from services.topics import create_topics, producer

FACTS = 300_000
STOCK_FACTS = 3_000
ROUNDS = 3


class Setting(NamedTuple):
    """What all contestants read from."""

    addresses: Addresses
    kafka: KafkaSettings
    messages: int


def run(addresses: Addresses, facts: int = FACTS) -> None:
    """Publishes the facts once, lets all read them in turns, and prints rates and ratios."""
    collect_garbage_seldom()  # as `consume` does, and then the next; the others gain from them as much
    switch_threads_seldom()
    setting = publish(addresses, facts)
    rates: dict[str, list[float]] = {"raw": [], "ours": [], "stock": []}
    for _ in range(ROUNDS):
        rates["raw"].append(setting.messages / raw_limit(setting))
        rates["ours"].append(setting.messages / ours(setting))
        rates["stock"].append(STOCK_FACTS / stock_path(setting))
    table = Table("Kafka to journal, events/s", ("median", "rounds"))
    for name, found in rates.items():
        table.row(name, f"{median(found):,.0f}", " ".join(f"{rate:,.0f}" for rate in found))
    table.row("ours / raw", f"{_ratio(rates, 'raw'):.2f}", "at least 0.5")
    table.row("ours / stock", f"{_ratio(rates, 'stock'):.1f}", "at least 4")
    table.show()


def _ratio(rates: dict[str, list[float]], other: str) -> float:
    """The median of the rounds' ratios: both of a round met the same weather."""
    return median(one / beside for one, beside in zip(rates["ours"], rates[other], strict=True))


def publish(addresses: Addresses, facts: int) -> Setting:
    """Fills the inbound topics."""
    kafka = KafkaSettings(
        bootstrap_servers=addresses.kafka_bootstrap_servers,
        topic_prefix=f"bench-{uuid4().hex[:8]}.",
    )
    create_topics(kafka, specs(kafka))
    sender = producer(kafka, linger_ms=50, compression_type="lz4")
    number = 0
    for number, fact in enumerate((*organizations(), *mixed(facts)), start=1):
        topic, key, value, headers = encoded(fact, number)
        sender.send(kafka.topic(topic), key=key, value=value, headers=headers)
    sender.flush()
    sender.close()
    return Setting(addresses, kafka, number)


def ours(setting: Setting) -> float:
    """The consumer of achievements, from its first poll until all is committed; seconds."""
    url = create_database(setting.addresses.database_url, "bench_ingest")
    with Journal(url, "achievements", EVENT_TYPES) as journal:
        migrate(journal)
        stop = threading.Event()
        intake = Intake(journal)
        done = 0
        started = 0.0
        finished = 0.0

        def handle(messages: Any) -> Work:
            nonlocal done, started, finished
            finished = perf_counter()
            started = started or finished
            done += len(messages)
            work = intake(messages)
            if done >= setting.messages:
                stop.set()
            return work

        consume(
            setting.kafka,
            group=setting.kafka.group(f"{GROUP}-{uuid4().hex}"),
            topics=[setting.kafka.topic(name) for name in INBOUND],
            transaction=journal.transaction,
            handle=handle,
            stop=stop,
        )
        with journal.connection() as connection:
            row = connection.execute("SELECT extract(epoch FROM max(recorded_at)) FROM journal")
            assert row.fetchone() is not None
        return perf_counter() - started


def raw_limit(setting: Setting) -> float:
    """Decoding by kafka-python and a COPY of the same bytes; seconds."""
    url = create_database(setting.addresses.database_url, "bench_raw")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE raw (id bigserial PRIMARY KEY, value bytea NOT NULL)")
        connection.commit()
        done = 0
        started = perf_counter()
        for values in _polls(setting):
            with (
                connection.cursor() as cursor,
                cursor.copy("COPY raw (value) FROM STDIN (FORMAT BINARY)") as copy,
            ):
                copy.set_types(["bytea"])
                for value in values:
                    copy.write_row((value,))
            connection.commit()
            done += len(values)
            if done >= setting.messages:
                break
        return perf_counter() - started


class Seen(Aggregate):
    """The library's way to keep a fact: an aggregate with an event."""

    def __init__(self, fact: dict[str, Any]) -> None:
        self.fact = fact

    @event("Updated")
    def update(self, fact: dict[str, Any]) -> None:
        self.fact = fact


class Stock(ProcessApplication[UUID]):
    """The library's process application: new events and the position upstream in one transaction."""

    def policy(self, *_: Any) -> None:
        raise NotImplementedError


def stock_path(setting: Setting) -> float:
    """The first messages through the library's own application; seconds."""
    url = create_database(setting.addresses.database_url, "bench_stock")
    parts = psycopg.conninfo.conninfo_to_dict(url)
    application = Stock(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(parts["dbname"]),
            "POSTGRES_HOST": str(parts["host"]),
            "POSTGRES_PORT": str(parts["port"]),
            "POSTGRES_USER": str(parts["user"]),
            "POSTGRES_PASSWORD": str(parts.get("password") or ""),
        }
    )
    position = 0
    started = perf_counter()
    for values in _polls(setting):
        for value in values:
            position += 1
            processing = ProcessingEvent[UUID](tracking=Tracking("kafka", position))
            processing.collect_events(Seen(json.loads(value)["data"]))
            application._record(processing)
            if position >= STOCK_FACTS:
                seconds = perf_counter() - started
                application.close()
                return seconds
    raise AssertionError("unreachable")


def _polls(setting: Setting) -> Iterator[list[bytes]]:
    """The values of all messages, as kafka-python decodes them."""
    consumer = KafkaConsumer(
        **setting.kafka.client(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=5_000,
        fetch_max_bytes=64 * 1024 * 1024,
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )
    partitions = [
        TopicPartition(setting.kafka.topic(topic), partition)
        for topic in INBOUND
        for partition in sorted(consumer.partitions_for_topic(setting.kafka.topic(topic)) or ())
    ]
    consumer.assign(partitions)
    try:
        while True:
            found = consumer.poll(timeout_ms=1_000)
            if found:
                yield [record.value for records in found.values() for record in records]
    finally:
        consumer.close()
