"""The consumer loop gives every message its effect exactly once and in order, whatever happens."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest
from kafka import KafkaAdminClient, TopicPartition
from structlog.testing import capture_logs

from devstack import Addresses
from services import stream
from services.kafka import (
    Committed,
    Handler,
    Message,
    PositionOutOfRangeError,
    TopicRecreatedError,
    Transaction,
    Work,
)
from services.topics import Partition, lag, producer
from tests.integration.kafka_consumers import (
    Consumer,
    ConsumerProcess,
    Publisher,
    World,
    eventually,
    noting,
)

SHORT_SESSION_MS = 2_000


@pytest.fixture
def world(stack: Addresses, database_url: str, topic_prefix: str) -> World:
    return World(
        bootstrap_servers=stack.kafka_bootstrap_servers,
        database_url=database_url,
        topic=f"{topic_prefix}facts",
        group=f"{topic_prefix}group",
    ).create()


@pytest.fixture
def publisher(world: World) -> Publisher:
    return Publisher(world)


def test_a_message_reaches_the_handler_as_it_was_published(world: World) -> None:
    """Key, value, headers and place of a message arrive as they were, also where empty."""
    sender = producer(world.kafka)
    headers = [("content-type", b"\xff"), ("empty", b"")]
    full = {"key": b"k\0", "value": b"\xff", "headers": headers}
    sender.send(world.topic, partition=0, **full)
    sender.send(world.topic, partition=0, key=b"k", value=None)
    sender.close()
    messages: list[Message] = []

    def handle(batch: Sequence[Message]) -> Work:
        messages.extend(batch)
        return lambda connection: None

    with Consumer(world, handle=handle):
        eventually(lambda: len(messages) == 2)
    assert messages == [
        Message(world.topic, 0, 0, b"k\0", b"\xff", headers),
        Message(world.topic, 0, 1, b"k", None, []),
    ]


def test_a_header_name_that_is_no_text_stops_nobody(world: World) -> None:
    """Such a message is read, with substitutes in that name alone, and so are those behind it."""
    sender = producer(world.kafka)
    headers = [("ce_id", b"\xff"), (_NotText("name"), b"\xff"), ("last", b"")]
    for value in (b"first", b"\xff", b"last"):
        sender.send(world.topic, partition=0, key=b"\xff", value=value, headers=headers)
    sender.close()
    messages: list[Message] = []

    def handle(batch: Sequence[Message]) -> Work:
        messages.extend(batch)
        return lambda connection: None

    with Consumer(world, handle=handle):
        eventually(lambda: len(messages) == 3)
    assert [message.value for message in messages] == [b"first", b"\xff", b"last"]
    assert {message.key for message in messages} == {b"\xff"}
    for message in messages:
        assert message.headers == [("ce_id", b"\xff"), ("a??z", b"\xff"), ("last", b"")]


def test_a_batch_is_one_line_of_the_log(world: World) -> None:
    """It says where the batch came from in Kafka, first and last offset, and what its work tells of it."""
    sender = producer(world.kafka)
    for value in (b"a", b"b"):
        sender.send(world.topic, partition=1, value=value)
    sender.flush()
    told: list[tuple[int, int]] = []
    with capture_logs() as logs, Consumer(world, handle=telling(noting("a"), told)):
        eventually(lambda: len(told) == 2)
    sender.close()
    lines = [line for line in logs if line["event"] == "batch_committed"]
    assert sum(line["told"] for line in lines) == 2
    assert lines[0]["offsets"][f"{world.topic}-1"][0] == 0
    assert lines[-1]["offsets"][f"{world.topic}-1"][1] == 1


def test_a_batch_is_told_of_whatever_ends_the_consumer(world: World) -> None:
    """What is being committed when a later batch can't even be decoded is committed, and told of once."""
    sender = producer(world.kafka)
    for value in (b"good", b"bug"):
        sender.send(world.topic, partition=0, value=value)
    sender.close()
    told: list[tuple[int, int]] = []
    tell = telling(noting("a"), told)
    next_came = threading.Event()

    def handle(messages: Sequence[Message]) -> Work:
        if messages[0].value == b"bug":
            next_came.set()
            raise InterruptedError
        work = tell(messages)

        def work_until_then(connection: psycopg.Connection[Any]) -> Committed | None:
            assert next_came.wait(10)
            return work(connection)

        return work_until_then

    with (
        capture_logs() as logs,
        pytest.raises(InterruptedError),
        Consumer(world, handle=handle, max_batch=1) as consumer,
    ):
        consumer.ends()
    assert told == [(0, 0)]
    assert [line["told"] for line in logs if line["event"] == "batch_committed"] == [1]


class _NotText(str):
    """A name that the producer takes for text, while other bytes are sent."""

    def encode(self, *_: object) -> bytes:
        return b"a\xff\xfez"


def test_consumers_that_come_and_go_share_the_work(world: World, publisher: Publisher) -> None:
    """While consumers join and leave, each message takes effect once, in its partition's order."""
    with Consumer(world, name="a", max_batch=100):
        publisher.publish(1_000)
        with Consumer(world, name="b", max_batch=100):
            eventually(lambda: _publish_until_seen(publisher, world, {"a", "b"}))
        publisher.publish(1_000)
        publisher.assert_each_takes_effect_once_and_in_order()
    with Consumer(world, name="c"):
        publisher.publish(100)
        publisher.assert_each_takes_effect_once_and_in_order()


@pytest.mark.parametrize("poll_timeout_ms", [2, 200])
def test_a_consumer_may_come_before_its_topic(
    world: World, publisher: Publisher, monkeypatch: pytest.MonkeyPatch, poll_timeout_ms: int
) -> None:
    """It reads the topic from the beginning once there is one, also if joining outlasts polls."""
    monkeypatch.setattr(stream, "_POLL_TIMEOUT_MS", poll_timeout_ms)
    _delete_topic(world)
    with KafkaAdminClient(**world.kafka.client()) as admin, Consumer(world):
        eventually(lambda: world.group in {group["group_id"] for group in admin.list_groups()})
        world.create_topic()
        publisher.publish(100)
        publisher.assert_each_takes_effect_once_and_in_order()


def test_kafka_is_told_how_far_a_group_has_come(world: World, publisher: Publisher) -> None:
    """Who watches a group's lag in Kafka sees it go to zero, while its consumer runs."""
    with KafkaAdminClient(**world.kafka.client()) as admin, Consumer(world):
        for _ in range(2):
            publisher.publish(100)
            publisher.assert_each_takes_effect_once_and_in_order()
            eventually(lambda: _told(admin, world) == world.next_offsets())


def _told(admin: KafkaAdminClient, world: World) -> dict[Partition, int]:
    (told,) = admin.list_group_offsets([world.group]).values()
    return {partition: position.offset for partition, position in told.items()}


def test_a_batch_is_no_larger_than_asked(world: World, publisher: Publisher) -> None:
    """A handler never gets more messages at once than `max_batch`."""
    sizes: list[int] = []
    note = noting("a")

    def handle(messages: Sequence[Message]) -> Work:
        sizes.append(len(messages))
        return note(messages)

    publisher.publish(1_000)
    with Consumer(world, handle=handle, max_batch=70):
        publisher.assert_each_takes_effect_once_and_in_order()
    assert max(sizes) <= 70


@pytest.mark.parametrize("point", ["decoding", "working", "committed"])
def test_a_consumer_killed_in_the_middle_of_a_batch(
    world: World, publisher: Publisher, point: str
) -> None:
    """What a consumer had in hand when it was killed takes effect once, through the next one."""
    publisher.publish(200)
    with ConsumerProcess(world, halts_at=point, session_timeout_ms=SHORT_SESSION_MS) as process:
        process.send_signal(signal.SIGKILL)
    with Consumer(world):
        publisher.assert_each_takes_effect_once_and_in_order()


@pytest.mark.parametrize("point", ["decoding", "working", "committed"])
def test_a_paused_consumer_that_wakes_up_after_its_partitions_have_gone(
    world: World, publisher: Publisher, point: str
) -> None:
    """Paused beyond its session, even in a transaction, it holds nobody up and doubles nothing."""
    publisher.publish(200)
    with ConsumerProcess(
        world, halts_at=point, session_timeout_ms=SHORT_SESSION_MS, transaction_timeout_seconds=3
    ) as process:
        process.send_signal(signal.SIGSTOP)
        process.go_on()
        with Consumer(world, name="b", session_timeout_ms=SHORT_SESSION_MS):
            publisher.publish(200)
            publisher.assert_each_takes_effect_once_and_in_order()
            process.send_signal(signal.SIGCONT)
            eventually(lambda: _publish_until_seen(publisher, world, {"b", "process"}))
            publisher.assert_each_takes_effect_once_and_in_order()
            assert process.is_running


def _publish_until_seen(publisher: Publisher, world: World, names: set[str]) -> bool:
    publisher.publish(20)
    return world.consumers() >= names


def telling(handle: Handler, told: list[tuple[int, int]]) -> Handler:
    """The same, and each batch tells of its messages once it is committed."""

    def handle_and_tell(messages: Sequence[Message]) -> Work:
        work = handle(messages)

        def tell() -> Mapping[str, object]:
            told.extend((message.partition, message.offset) for message in messages)
            return {"told": len(messages)}

        def work_and_tell(connection: psycopg.Connection[Any]) -> Committed:
            work(connection)
            return tell

        return work_and_tell

    return handle_and_tell


@contextmanager
def _commits_without_an_answer(transaction: Transaction) -> Iterator[psycopg.Connection[Any]]:
    with transaction() as connection:
        yield connection
    raise psycopg.OperationalError("the answer to COMMIT was lost")


@contextmanager
def _breaks_before_the_commit(transaction: Transaction) -> Iterator[psycopg.Connection[Any]]:
    with transaction() as connection:
        yield connection
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@contextmanager
def _is_busy(transaction: Transaction) -> Iterator[psycopg.Connection[Any]]:
    with transaction() as connection:
        yield connection
        raise psycopg.errors.QueryCanceled("the server is out of patience")


@pytest.mark.parametrize(
    "mishap", [_commits_without_an_answer, _breaks_before_the_commit, _is_busy]
)
def test_a_commit_of_unknown_fate(
    world: World,
    publisher: Publisher,
    mishap: Callable[[Transaction], AbstractContextManager[psycopg.Connection[Any]]],
) -> None:
    """If the answer to a commit is lost, the work is repeated only if it was not committed; it is told of once."""
    told: list[tuple[int, int]] = []
    note = telling(noting("a"), told)
    mishaps: list[bool] = []

    def handle(messages: Sequence[Message]) -> Work:
        if not mishaps:
            mishaps.extend([True, False] * 5)  # between them one can look at the positions
        return note(messages)

    def wrap(transaction: Transaction) -> Transaction:
        def transact() -> AbstractContextManager[psycopg.Connection[Any]]:
            return mishap(transaction) if mishaps and mishaps.pop(0) else transaction()

        return transact

    publisher.publish(400)
    with capture_logs() as logs, Consumer(world, handle=handle, wrap=wrap, max_batch=50):
        publisher.assert_each_takes_effect_once_and_in_order()
        eventually(lambda: len(told) >= 400)
    events = [entry["event"] for entry in logs]
    assert "database_gone" in events
    assert "positions_lost" not in events
    assert len(told) == len(set(told)) == 400


def test_a_batch_that_clashes_with_another_is_worked_again(
    world: World, publisher: Publisher
) -> None:
    """After a clash the same work is done again, without decoding again, takes effect once and is told of once."""
    told: list[tuple[int, int]] = []
    note = telling(noting("a"), told)
    decoded: list[int] = []
    clashes: list[str] = ["unique", "serialization"]

    def handle(messages: Sequence[Message]) -> Work:
        decoded.append(len(messages))
        noted = note(messages)

        def work(connection: psycopg.Connection[Any]) -> Committed | None:
            committed = noted(connection)
            if clashes:
                _clash(connection, clashes.pop())
            return committed

        return work

    publisher.publish(100)
    with Consumer(world, handle=handle):
        publisher.assert_each_takes_effect_once_and_in_order()
    assert not clashes
    assert sum(decoded) == 100
    assert len(told) == len(set(told)) == 100


def _clash(connection: psycopg.Connection[Any], kind: str) -> None:
    if kind == "serialization":
        raise psycopg.errors.SerializationFailure
    connection.execute("CREATE TABLE once (id integer PRIMARY KEY)")
    connection.execute("INSERT INTO once VALUES (1), (1)")


def test_a_batch_that_always_clashes_ends_the_consumer(world: World, publisher: Publisher) -> None:
    """Work is not done again for ever: its clash is raised, and nothing of the batch happened."""

    def work(connection: psycopg.Connection[Any]) -> None:
        _clash(connection, "unique")

    publisher.publish(10)
    with (
        pytest.raises(psycopg.errors.UniqueViolation),
        Consumer(world, handle=lambda messages: work) as consumer,
    ):
        consumer.ends()
    assert set(world.next_offsets().values()) == {0}


def test_a_bug_in_the_work_ends_the_consumer(world: World, publisher: Publisher) -> None:
    """Any other exception is raised, and nothing of the batch happened."""

    def work(connection: psycopg.Connection[Any]) -> None:
        noting("a")([Message(world.topic, 0, 0, None, b"", [])])(connection)
        raise ZeroDivisionError

    publisher.publish(10)
    with (
        pytest.raises(ZeroDivisionError),
        Consumer(world, handle=lambda messages: work) as consumer,
    ):
        consumer.ends()
    assert world.effects() == {}
    assert set(world.next_offsets().values()) == {0}


def test_asked_to_stop_it_finishes_its_batch(world: World, publisher: Publisher) -> None:
    """A consumer asked to stop in the middle of a batch commits it and takes no other."""
    note = noting("a")
    in_the_middle = threading.Event()
    asked = threading.Event()

    def handle(messages: Sequence[Message]) -> Work:
        in_the_middle.set()
        asked.wait()
        return note(messages)

    publisher.publish(100)
    consumer = Consumer(world, handle=handle, max_batch=10)
    with consumer:
        in_the_middle.wait()
        consumer.ask_to_stop()
        asked.set()
    assert sum(map(len, world.effects().values())) == sum(world.next_offsets().values()) == 10


def test_what_a_publisher_takes_back_never_happens(world: World, publisher: Publisher) -> None:
    """Messages of an aborted transaction take no effect, and neither they nor marks are lag."""
    sender = producer(world.kafka, transactional_id=world.group)
    sender.init_transactions()
    for value, end in ((b"kept", sender.commit_transaction), (b"undone", sender.abort_transaction)):
        sender.begin_transaction()
        for partition in range(world.partitions):
            sender.send(world.topic, partition=partition, value=value)
        sender.flush()
        end()
    sender.close()
    with Consumer(world):
        eventually(lambda: lag(world.kafka, [world.topic], world.next_offsets())[world.topic] == 0)
    assert world.effects() == {partition: ["kept"] for partition in range(world.partitions)}


def test_positions_behind_the_end_of_the_log(world: World, publisher: Publisher) -> None:
    """A consumer that is ahead of its log stops, says what is missing, and repeats nothing."""
    publisher.publish(40)
    with Consumer(world):
        publisher.assert_each_takes_effect_once_and_in_order()
    with world.connection() as connection:
        connection.execute("UPDATE consumer_position SET next_offset = 15 WHERE partition = 2")
    with pytest.raises(
        PositionOutOfRangeError,
        match=r"Partition 2 .* from offset 15 on but holds 0 to 9: offsets 10 to 14 were read and",
    ):
        _consume_to_the_end(world)
    assert world.next_offsets()[world.topic, 2] == 15


def test_messages_deleted_before_they_were_read(world: World, publisher: Publisher) -> None:
    """A consumer whose next messages have been deleted stops, says which, and skips nothing."""
    publisher.publish(40)
    with Consumer(world):
        publisher.assert_each_takes_effect_once_and_in_order()
    publisher.publish(40)
    with KafkaAdminClient(**world.kafka.client()) as admin:
        admin.delete_records({TopicPartition(world.topic, 1): 13})
    with pytest.raises(
        PositionOutOfRangeError,
        match=r"Partition 1 .* from offset 10 on but holds 13 to 19: offsets 10 to 12 were deleted",
    ):
        _consume_to_the_end(world)
    assert world.next_offsets()[world.topic, 1] == 10


def test_a_topic_made_anew_while_nobody_reads(world: World, publisher: Publisher) -> None:
    """A consumer does not take another topic of the same name for the one it knows."""
    publisher.publish(40)
    with Consumer(world):
        publisher.assert_each_takes_effect_once_and_in_order()
    _make_topic_anew(world)
    publisher.publish(80)
    with pytest.raises(TopicRecreatedError, match=world.topic):
        _consume_to_the_end(world)
    assert sum(map(len, world.effects().values())) == 40


def test_a_topic_made_anew_under_a_consumer(world: World, publisher: Publisher) -> None:
    """A consumer notices, too, that its topic is made anew while it reads."""
    publisher.publish(40)

    def make_topic_anew() -> None:
        publisher.assert_each_takes_effect_once_and_in_order()
        _make_topic_anew(world)
        publisher.publish(80)

    with pytest.raises((TopicRecreatedError, PositionOutOfRangeError), match=world.topic):
        _consume_to_the_end(world, meanwhile=make_topic_anew)
    assert sum(map(len, world.effects().values())) == 40


def _consume_to_the_end(world: World, meanwhile: Callable[[], None] = lambda: None) -> None:
    with Consumer(world) as consumer:
        meanwhile()
        consumer.ends()


def _make_topic_anew(world: World) -> None:
    _delete_topic(world)
    world.create_topic()


def _delete_topic(world: World) -> None:
    with KafkaAdminClient(**world.kafka.client()) as admin:
        admin.delete_topics([world.topic])
        eventually(lambda: world.topic not in admin.list_topics())
