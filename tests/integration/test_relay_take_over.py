"""Relays that die, wake up too late or take over: nothing is lost, nothing comes under another id."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from uuid import uuid4

import pytest
from kafka.errors import KafkaError
from msgspec.structs import replace

from devstack import Addresses
from services.achievements.relay import Outgoing, Relay, Sender, relay
from services.achievements.topics import AWARDS, DEAD_LETTERS
from services.journal import Entry, Journal, lock_key
from services.kafka import KafkaSettings
from services.topics import producer
from tests.integration.service import append
from tests.integration.test_recording import raw, take
from tests.integration.test_relay import BADGE, new_topics, published, relay_all, relaying

PATIENCE_SECONDS = 30


class KilledError(Exception):
    """The process is no more."""


class DyingSender(Sender):
    """A sender whose process is killed once its messages are acknowledged."""

    def send(self, messages: list[Outgoing]) -> None:
        super().send(messages)
        if messages:
            raise KilledError


@pytest.fixture
def kafka(stack: Addresses) -> Iterator[KafkaSettings]:
    with new_topics(stack) as settings:
        yield settings


def grants(journal: Journal, count: int) -> list[str]:
    """Has awards granted to three members in turn; gives the ids of the events to be published."""
    entries = [Entry(uuid4(), 1, replace(BADGE, user_id=f"u{n % 3}")) for n in range(count)]
    append(journal, entries)
    return [f"{entry.originator_id}:1" for entry in entries]


def ids(kafka: KafkaSettings) -> list[str]:
    """The ids of the published events, in order of their keys."""
    records = sorted(published(kafka, AWARDS), key=lambda record: bytes(record.key))
    return [json.loads(record.value)["id"] for record in records]


def by_member(these: list[str]) -> list[str]:
    """Ids in the order in which `ids` gives them."""
    return [*these[::3], *these[1::3], *these[2::3]]


def eventually(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    while not condition():
        assert monotonic() < deadline
        sleep(0.05)


@contextmanager
def running(journal: Journal, kafka: KafkaSettings) -> Iterator[Event]:
    """A relay of its own, as a process has it; setting the event stops it."""
    stop = Event()
    thread = Thread(target=relay, args=(journal, kafka, stop), daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def leaders(journal: Journal, command: str = "count") -> int:
    """How many relays lead; `pg_terminate_backend` cuts them off the database on the way."""
    key = lock_key(journal.schema, "leader", "relay") & (1 << 64) - 1
    with journal.connection() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
            " AND classid::bigint = %s AND objid::bigint = %s AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())",
            (key >> 32, key & 0xFFFFFFFF),
        ).fetchall()
        if command != "count":
            connection.execute(
                "SELECT pg_terminate_backend(unnest(%s::int[]))", ([p for (p,) in rows],)
            )
    return len(rows)


def test_killed_between_sending_and_noting_it(journal: Journal, kafka: KafkaSettings) -> None:
    """What was acknowledged but not noted is sent again under the same ids, in the same order of each key."""
    granted = grants(journal, 30)
    with pytest.raises(KilledError):
        Relay(journal, kafka, DyingSender(kafka)).step()
    assert ids(kafka) == by_member(granted)
    relay_all(journal, kafka)
    twice = by_member(granted)
    assert ids(kafka) == [*twice[:10] * 2, *twice[10:20] * 2, *twice[20:] * 2]
    relay_all(journal, kafka)
    assert len(ids(kafka)) == 60


def test_dead_letters_killed_in_between(journal: Journal, kafka: KafkaSettings) -> None:
    """A dead letter that was sent but not noted is sent again as it was, and awards are not held up by it."""
    take(journal, raw(b"nonsense"))
    with pytest.raises(KilledError):
        Relay(journal, kafka, DyingSender(kafka)).step()
    relay_all(journal, kafka)
    first, second = published(kafka, DEAD_LETTERS)
    assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)


def test_killed_while_sending(journal: Journal, kafka: KafkaSettings) -> None:
    """What was sent by halves is never seen: it is taken back when the next relay begins."""
    granted = grants(journal, 3)
    transactional_id = kafka.group(kafka.topic("achievements.relay"))
    halfway = producer(kafka, transactional_id=transactional_id)
    halfway.init_transactions()
    halfway.begin_transaction()
    halfway.send(kafka.topic(AWARDS), key=b"acme:u0", value=b"half").get(timeout=PATIENCE_SECONDS)
    assert ids(kafka) == []
    relay_all(journal, kafka)
    assert ids(kafka) == granted
    with pytest.raises(KafkaError):
        halfway.commit_transaction()
    halfway.close(timeout=1)
    assert ids(kafka) == granted


def test_a_sender_that_wakes_up_too_late(kafka: KafkaSettings) -> None:
    """A relay that lost the lead without knowing is fenced off by the one that sends now, and can begin anew."""
    first, second = Sender(kafka), Sender(kafka)
    messages = [Outgoing(kafka.topic(AWARDS), b"key", str(n).encode(), []) for n in range(5)]
    first.send(messages[:1])
    second.send(messages[1:2])
    with pytest.raises(KafkaError):
        first.send(messages[2:3])
    second.send(messages[3:4])
    first.send(messages[4:])
    assert [record.value for record in published(kafka, AWARDS)] == [b"0", b"1", b"3", b"4"]
    first.close()
    second.close()


def test_another_takes_over(journal: Journal, kafka: KafkaSettings) -> None:
    """One relay leads and the other waits; whether the leader stops or loses the database, one goes on in its place."""
    with running(journal, kafka) as stop_first:
        eventually(lambda: leaders(journal) == 1)
        with running(journal, kafka):
            granted = grants(journal, 3)
            eventually(lambda: len(ids(kafka)) == 3)
            assert leaders(journal, "pg_terminate_backend") == 1
            granted += grants(journal, 3)
            eventually(lambda: len(set(ids(kafka))) == 6)
            stop_first.set()
            granted += grants(journal, 3)
            eventually(lambda: len(set(ids(kafka))) == 9)
            assert leaders(journal) == 1
    assert list(dict.fromkeys(ids(kafka))) == by_member(granted)
    assert leaders(journal) == 0


def has_come_to_the_head(journal: Journal) -> bool:
    with journal.connection() as connection:
        return journal.position(connection, "relay") == journal.head(connection)


def test_a_relay_is_told_at_once(journal: Journal, kafka: KafkaSettings) -> None:
    """What is appended is published within a moment: a relay does not sleep over it."""
    seconds: list[float] = []
    with running(journal, kafka):
        for _ in range(6):
            began = monotonic()
            grants(journal, 1)
            eventually(lambda: has_come_to_the_head(journal))
            seconds.append(monotonic() - began)
    assert min(seconds[1:]) < 0.9  # it would look again after a second anyway


def test_what_is_noted_is_where_it_came_to(journal: Journal, kafka: KafkaSettings) -> None:
    """The relay's position is the journal's head once all is sent, also behind events that concern nobody."""
    grants(journal, 2)
    take(journal, raw(b"nonsense"))
    with relaying(journal, kafka) as one:
        assert one.step() is False
    with journal.connection() as connection:
        assert journal.position(connection, "relay") == journal.head(connection)
        assert journal.position(connection, "relay of dead letters") == 1
