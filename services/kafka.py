"""The consumer loop of both services: a batch, its effects and the next offsets, all or nothing.

A batch is what one poll of Kafka gives, out of many partitions and topics. It is decoded once,
outside of any transaction; then one PostgreSQL transaction first moves the positions of its
partitions and then does its work. So a message takes effect exactly once whatever dies in between:
what was not committed is read again, and a consumer that has lost a partition without knowing can
not move its position any more (see `services.positions`).
"""

import random
import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from time import monotonic
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from kafka.errors import RetriableError
from prometheus_client import Counter, Gauge, Histogram

from services.commits import Committed, Committer, StoppedError, Transaction, Work
from services.positions import POSITIONS_DDL, Connection, Position, Positions, Step
from services.presence import Presence
from services.records import Message
from services.stream import PositionOutOfRangeError, Stream
from services.topics import KafkaSettings, Partition

__all__ = [
    "POSITIONS_DDL",
    "Committed",
    "Handler",
    "KafkaSettings",
    "Message",
    "PositionOutOfRangeError",
    "TopicRecreatedError",
    "Transaction",
    "Work",
    "consume",
]

log = structlog.get_logger()

_RETRY_SECONDS: Final = 0.5

BATCHES: Final = Counter("consumer_batches_total", "Batches committed")
BATCH_SECONDS: Final = Histogram("consumer_batch_seconds", "From the poll of a batch to its commit")
MESSAGES: Final = Counter("consumer_messages_total", "Messages committed", ["topic"])
LOSSES: Final = Counter("consumer_losses_total", "Batches dropped: others had taken partitions")
LAG: Final = Gauge("consumer_lag_offsets", "Still to be read", ["topic", "partition"])
HEARTBEAT: Final = Gauge("consumer_heartbeat_timestamp_seconds", "When the loop last turned")


Handler = Callable[[Sequence[Message]], Work]
"""Decodes a batch, once, outside of any transaction; messages of one partition are in order.

It runs while the work of the batch before runs in another thread, and may be called for a batch
whose work is never called: it must change nothing that a work looks at.
"""


class TopicRecreatedError(Exception):
    """A topic was deleted and made anew: its offsets mean other messages than they did."""


def consume(
    kafka: KafkaSettings,
    *,
    group: str,
    topics: Sequence[str],
    transaction: Transaction,
    handle: Handler,
    stop: threading.Event,
    max_batch: int = 10_000,
    session_timeout_ms: int = 10_000,
    transaction_timeout_seconds: int = 60,
) -> None:
    """Consumes topics as a member of a group until `stop` is set; the batch at hand is finished.

    `group` and `topics` are real names. What the group never read it reads from the oldest message
    on. All members of a group must use one database, where `POSITIONS_DDL` has been executed.

    A broker or a database that goes away is waited for. A member silent for `session_timeout_ms`
    loses its partitions. A transaction that takes `transaction_timeout_seconds` is ended by the
    server: its locks may be what the partitions' next holder waits for.

    Raises PositionOutOfRangeError and TopicRecreatedError if Kafka does not hold what is to be read
    next; psycopg's error if a batch clashes again and again; KafkaTimeoutError if no broker answers
    at the start, KafkaError if one refuses us; and whatever `handle` and its work raise.
    """
    stream = Stream(kafka, group=group, topics=topics, session_timeout_ms=session_timeout_ms)
    try:
        positions = Positions(stream.cluster_id(), group)
        committer = Committer(positions, transaction, stop, transaction_timeout_seconds)
        with ThreadPoolExecutor(1, "committer") as committing:
            loop = _Loop(stream, committer, handle, committing)
            while not stop.is_set():
                HEARTBEAT.set_to_current_time()
                loop.turn(max_batch)
            loop.finish()
    except StoppedError:
        log.info("consumer_stopped", reason="asked to while the database was gone")
    finally:
        stream.close()


class _Batch(NamedTuple):
    messages: list[Message]
    steps: list[Step]
    counts: Tally[str]


class _UnderWay(NamedTuple):
    steps: list[Step]
    commit: Future[bool]


class _Loop:
    """Holds partitions and commits what they give.

    While one batch is being committed, which is mostly waiting, the next one is fetched and
    decoded. So what is held is where reading goes on; if the commit fails, all is taken again from
    where the database is.
    """

    def __init__(
        self, stream: Stream, committer: Committer, handle: Handler, committing: Executor
    ) -> None:
        self._stream = stream
        self._committer = committer
        self._handle = handle
        self._committing = committing
        self._under_way: _UnderWay | None = None
        self._held: dict[Partition, Position] = {}
        self._to_take: frozenset[Partition] = frozenset()
        self._take_due = monotonic()
        self._broker = Presence("broker")

    def turn(self, max_batch: int) -> None:
        """Polls once, and commits what came."""
        try:
            records = self._stream.poll(max_batch)
            assignment = self._stream.new_assignment()
            if assignment is not None:
                self._held = {}
                self.finish()
                self._let_go_for(assignment)
                records = {}
            if self._to_take and monotonic() >= self._take_due:
                self._take()
        except RetriableError as error:
            self._broker.missed(error)
            self.finish()
            self._start_over(_RETRY_SECONDS)
            return
        if records:
            self._process(records)
        else:
            self._idle()

    def _let_go_for(self, assignment: frozenset[Partition], pause_seconds: float = 0) -> None:
        self._held = {}
        self._to_take = assignment
        self._take_due = monotonic() + pause_seconds
        LAG.clear()

    def _take(self) -> None:
        beginnings = self._stream.beginnings(self._to_take)
        topic_ids = self._stream.topic_ids({topic for topic, _ in self._to_take})
        self._held = self._committer.take(beginnings, topic_ids)
        self._to_take = frozenset()
        self._broker.found()
        for (topic, _), position in self._held.items():
            _check_topic(topic, position, topic_ids[topic])
        self._stream.begin({taken: position.next_offset for taken, position in self._held.items()})
        log.info("partitions_taken", partitions=_by_topic(self._held))

    def finish(self) -> bool:
        """Waits for the commit that is under way; False if it failed and all is taken again."""
        under_way, self._under_way = self._under_way, None
        if under_way is None:
            return True
        if not under_way.commit.result():
            self._positions_lost(under_way.steps)
            return False
        self._report(under_way.steps)
        return True

    def _process(self, records: Mapping[Partition, list[Message]]) -> None:
        started = monotonic()
        self._broker.found()
        batch = self._batch(records)
        if batch.messages:
            work = self._handle(batch.messages)
            if self.finish():
                self._commit(batch, work, started)

    def _commit(self, batch: _Batch, work: Work, started: float) -> None:
        """Begins to commit; what is held moves on at once."""
        commit = self._committing.submit(self._committed, batch, work, started)
        self._under_way = _UnderWay(batch.steps, commit)
        for step in batch.steps:
            partition = (step.topic, step.partition)
            self._held[partition] = self._held[partition]._replace(next_offset=step.to_offset)

    def _committed(self, batch: _Batch, work: Work, started: float) -> bool:
        """Commits a batch and tells of it, in the other thread: whatever ends the loop meanwhile, both are done."""
        done = self._committer.commit(batch.steps, work)
        if done is not None and batch.messages:
            _account(batch, done, monotonic() - started)
        return done is not None

    def _batch(self, records: Mapping[Partition, list[Message]]) -> _Batch:
        batch = _Batch([], [], Tally())
        for (topic, number), found in records.items():
            held = self._held[topic, number]
            _check_topic(topic, held, self._stream.topic_id(topic))
            messages = _messages(found, held.next_offset)
            if messages:
                to_offset = messages[-1].offset + 1
                batch.steps.append(Step(topic, number, held.next_offset, to_offset, held.epoch))
                batch.messages.extend(messages)
                batch.counts[topic] += len(messages)
        return batch

    def _positions_lost(self, steps: Sequence[Step]) -> None:
        LOSSES.inc()
        log.warning("positions_lost", partitions=_by_topic(step[:2] for step in steps))
        # A consumer that was paused may have lost what it believes to be assigned, and finds out
        # with its next heartbeat. If it took partitions before, it and their holder would shut
        # each other out in turns.
        self._start_over(self._stream.heartbeat_seconds * random.uniform(1, 2))

    def _report(self, steps: Sequence[Step]) -> None:
        """Tells how far partitions have come that are still ours."""
        reached = {
            (step.topic, step.partition): step.to_offset
            for step in steps
            if (step.topic, step.partition) in self._held
        }
        for partition, offset in reached.items():
            LAG.labels(*partition).set((self._stream.end(partition) or offset) - offset)
        self._stream.report(reached)

    def _start_over(self, pause_seconds: float) -> None:
        """Takes all that is assigned again, after a pause."""
        self._let_go_for(self._stream.silence(), pause_seconds)

    def _idle(self) -> None:
        if not self.finish() or not self._held:
            return
        if not self._stream.is_connected():
            self._broker.missed("no connection")
            return
        self._broker.found()
        self._pass_over_what_holds_no_message()
        self._stream.report({})

    def _pass_over_what_holds_no_message(self) -> None:
        """Moves positions behind offsets that will never be read: they would count as lag."""
        steps = [
            Step(*partition, held.next_offset, reached, held.epoch)
            for partition, held in self._held.items()
            if (reached := self._stream.reached(partition)) > held.next_offset
        ]
        if steps:
            self._commit(_Batch([], steps, Tally()), _nothing, monotonic())


def _messages(records: Sequence[Message], next_offset: int) -> Sequence[Message]:
    """The records from `next_offset` on; almost always all are, so only the first is looked at."""
    if records[0].offset >= next_offset:
        return records
    return [record for record in records if record.offset >= next_offset]


def _check_topic(topic: str, position: Position, topic_id: UUID | None) -> None:
    if topic_id not in (None, position.topic_id):
        raise TopicRecreatedError(
            f"Topic {topic} was deleted and made anew: it is {topic_id} now, and the position"
            f" {position.next_offset} is one in {position.topic_id}. To read the new topic from its"
            " beginning, delete the old one's rows of this group in consumer_position."
        )


def _account(batch: _Batch, done: Mapping[str, object], seconds: float) -> None:
    for topic, count in batch.counts.items():
        MESSAGES.labels(topic).inc(count)
    BATCHES.inc()
    BATCH_SECONDS.observe(seconds)
    log.info(
        "batch_committed",
        messages=dict(batch.counts),
        offsets={  # first and last
            f"{step.topic}-{step.partition}": (step.from_offset, step.to_offset - 1)
            for step in batch.steps
        },
        seconds=round(seconds, 4),
        **done,
    )


def _by_topic(partitions: Iterable[Partition]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for topic, number in sorted(partitions):
        numbers.setdefault(topic, []).append(number)
    return numbers


def _nothing(connection: Connection) -> None:
    """The work of a batch without messages."""
