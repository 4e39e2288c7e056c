"""Consumers for the tests of the consumer loop, in a thread or in a process that can be killed.

What they do with a batch is to note each message as an effect, in the order of the batch.
"""

import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import structlog
from psycopg_pool import ConnectionPool

from services.kafka import (
    POSITIONS_DDL,
    Handler,
    KafkaSettings,
    Message,
    Transaction,
    Work,
    consume,
)
from services.topics import Partition, TopicSpec, create_topics, producer

PATIENCE_SECONDS = 60
CHECKOUT = Path(__file__).parents[2]

_EFFECTS_DDL = """
CREATE TABLE effect (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    value text NOT NULL
)
"""


@dataclass(frozen=True, kw_only=True)
class World:
    """A topic, a group that consumes it, and the database that holds the effects."""

    bootstrap_servers: str
    database_url: str
    topic: str
    group: str
    partitions: int = 4

    def create(self) -> Self:
        """Makes the topic and the tables."""
        self.create_topic()
        with self.connection() as connection:
            connection.execute(POSITIONS_DDL)
            connection.execute(_EFFECTS_DDL)
        return self

    @property
    def kafka(self) -> KafkaSettings:
        return KafkaSettings(bootstrap_servers=self.bootstrap_servers)

    def connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database_url, autocommit=True)

    def create_topic(self) -> None:
        create_topics(self.kafka, [TopicSpec(name=self.topic, partitions=self.partitions)])

    def effects(self) -> dict[int, list[str]]:
        """The values that took effect, in order, by partition."""
        found: dict[int, list[str]] = defaultdict(list)
        with self.connection() as connection:
            rows = connection.execute("SELECT partition, value FROM effect ORDER BY number")
            for partition, value in rows:
                found[partition].append(value)
        return dict(found)

    def consumers(self) -> set[str]:
        """The names of those who had a part in it."""
        with self.connection() as connection:
            return {name for (name,) in connection.execute("SELECT DISTINCT consumer FROM effect")}

    def next_offsets(self) -> dict[Partition, int]:
        with self.connection() as connection:
            rows = connection.execute("SELECT topic, partition, next_offset FROM consumer_position")
            return {(topic, partition): next_offset for topic, partition, next_offset in rows}


@dataclass
class Publisher:
    """Publishes distinct values to the partitions of a topic in turn, and knows what it did."""

    world: World
    published: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    _count: int = 0

    def publish(self, count: int) -> None:
        """Returns once the messages are in the log."""
        sender = producer(self.world.kafka, linger_ms=5)
        for _ in range(count):
            partition = self._count % self.world.partitions
            value = f"message {self._count}"
            sender.send(self.world.topic, partition=partition, value=value.encode())
            self.published[partition].append(value)
            self._count += 1
        sender.flush(timeout=PATIENCE_SECONDS)
        sender.close(timeout=PATIENCE_SECONDS)

    def has_taken_effect(self) -> bool:
        """Whether there are as many effects as messages."""
        with self.world.connection() as connection:
            row = connection.execute("SELECT count(*) FROM effect").fetchone()
        return row is not None and row[0] >= self._count

    def assert_each_takes_effect_once_and_in_order(self) -> None:
        eventually(self.has_taken_effect)
        assert self.world.effects() == self.published


def eventually(condition: Callable[[], bool]) -> None:
    """Waits until it is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not so within {PATIENCE_SECONDS} s"
        time.sleep(0.02)


def noting(consumer: str) -> Handler:
    """A handler that notes each message as an effect of this consumer."""

    def handle(messages: Sequence[Message]) -> Work:
        rows = [
            (consumer, message.topic, message.partition, (message.value or b"").decode())
            for message in messages
        ]

        def work(connection: psycopg.Connection[Any]) -> None:
            note(connection, rows)

        return work

    return handle


def note(connection: psycopg.Connection[Any], rows: Iterable[tuple[str, str, int, str]]) -> None:
    """Notes effects."""
    copying = "COPY effect (consumer, topic, partition, value) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(copying) as copy:
        for row in rows:
            copy.write_row(row)


@contextmanager
def transactions_on(database_url: str) -> Iterator[Transaction]:
    """What the services give the loop: transactions on a pool that replaces broken connections."""
    options: dict[str, Any] = {"autocommit": True}
    with ConnectionPool(database_url, kwargs=options, min_size=0, max_size=2, timeout=5) as pool:

        @contextmanager
        def transaction() -> Iterator[psycopg.Connection[Any]]:
            with pool.connection() as connection, connection.transaction():
                yield connection

        yield transaction


class Consumer:
    """A consumer in a thread of this process, for a block, out of which comes what it raises."""

    def __init__(
        self,
        world: World,
        *,
        name: str = "a",
        handle: Handler | None = None,
        wrap: Callable[[Transaction], Transaction] = lambda transaction: transaction,
        **options: Any,
    ) -> None:
        self._world = world
        self._handle = handle or noting(name)
        self._wrap = wrap
        self._options = {"session_timeout_ms": 6_000} | options
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"consumer {name}", daemon=True)
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.ask_to_stop()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        if self._error is not None and error is None:
            raise self._error

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def ask_to_stop(self) -> None:
        self._stop.set()

    def ends(self) -> None:
        """Waits until it ends by itself."""
        eventually(lambda: not self.is_running)

    def _run(self) -> None:
        try:
            with transactions_on(self._world.database_url) as transaction:
                consume(
                    self._world.kafka,
                    group=self._world.group,
                    topics=[self._world.topic],
                    transaction=self._wrap(transaction),
                    handle=self._handle,
                    stop=self._stop,
                    **self._options,
                )
        except BaseException as error:
            self._error = error


class ConsumerProcess:
    """A consumer in a process of its own, which halts once, at a point of its first batch.

    The points are `decoding` it, `working` in its transaction, and `committed`.
    """

    def __init__(self, world: World, *, halts_at: str, **options: Any) -> None:
        arguments = {"world": asdict(world), "halts_at": halts_at, "options": options}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(arguments)],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "halted\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=PATIENCE_SECONDS)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go on\n")
        self._process.stdin.flush()


class _Halt:
    """Says so at the point it was told, and waits there to be told to go on; only once."""

    def __init__(self, point: str) -> None:
        self._point: str | None = point

    def at(self, point: str) -> None:
        if point == self._point:
            self._point = None
            print("halted", flush=True)
            sys.stdin.readline()


def _halting_handler(halt: _Halt, handle: Handler) -> Handler:
    def handle_and_halt(messages: Sequence[Message]) -> Work:
        halt.at("decoding")
        work = handle(messages)

        def work_and_halt(connection: psycopg.Connection[Any]) -> None:
            work(connection)
            halt.at("working")

        return work_and_halt

    return handle_and_halt


def _halting_transaction(halt: _Halt, transaction: Transaction) -> Transaction:
    @contextmanager
    def transact_and_halt() -> Iterator[psycopg.Connection[Any]]:
        with transaction() as connection:
            before = connection.execute("SELECT count(*) FROM effect").fetchone()
            yield connection
            after = connection.execute("SELECT count(*) FROM effect").fetchone()
        if before != after:
            halt.at("committed")

    return transact_and_halt


def _main(world: Mapping[str, Any], halts_at: str, options: Mapping[str, Any]) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    halt = _Halt(halts_at)
    with Consumer(
        World(**world),
        name="process",
        handle=_halting_handler(halt, noting("process")),
        wrap=lambda transaction: _halting_transaction(halt, transaction),
        **options,
    ) as consumer:
        consumer.ends()


if __name__ == "__main__":
    _main(**json.loads(sys.argv[1]))
