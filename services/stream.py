"""A group's records, for those who keep the positions themselves.

Here lies what is particular about kafka-python (3.0): a partition newly assigned stays silent until
the caller says where to begin, and no offset is ever reset or committed for us.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Final
from uuid import UUID

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import (
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
)
from kafka.net.compat import KafkaNetClient
from kafka.structs import MemberState

from services.records import Message, give_messages
from services.topics import KafkaSettings, Partition

_POLL_TIMEOUT_MS: Final = 200
_REQUEST_TIMEOUT_MS: Final = 5_000
_CLOSE_TIMEOUT_MS: Final = 5_000
_REPORT_SECONDS: Final = 1.0

_OPTIONS: Final[Mapping[str, Any]] = {
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    # A fact whose publisher took it back never happened.
    "isolation_level": "read_committed",
    # Equal keys of topics with as many partitions meet in one consumer: fewer clashes with others.
    "partition_assignment_strategy": (RangePartitionAssignor,),
    "metadata_max_age_ms": 60_000,
    # A fetch is answered once there is a byte. One that waits in vain keeps partitions waiting that
    # were begun since: there is but one at a time.
    "fetch_min_bytes": 1,
    "fetch_max_wait_ms": 100,
    "fetch_max_bytes": 16 * 1024 * 1024,
    "max_partition_fetch_bytes": 1024 * 1024,
}

# What kafka-python raises for a partition that is not assigned. Assignments change on its I/O thread
# at any moment, also between its own look at them and what it does then.
_UNASSIGNED: Final = (IllegalStateError, ValueError, KeyError)


class PositionOutOfRangeError(Exception):
    """The log does not hold what is to be read next: facts were lost, before or after reading."""


class Stream:
    """The records of some topics, shared among the members of a group. For one thread."""

    def __init__(
        self, kafka: KafkaSettings, *, group: str, topics: Sequence[str], session_timeout_ms: int
    ) -> None:
        heartbeat_ms = min(3_000, session_timeout_ms // 3)
        self.heartbeat_seconds: Final = heartbeat_ms / 1_000
        self._consumer = KafkaConsumer(
            **kafka.client(),
            **_OPTIONS,
            client_id=group,
            group_id=group,
            session_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=heartbeat_ms,
            kafka_client=self._connect,
        )
        give_messages(self._consumer)
        self._assignments = _Assignments(self._consumer)
        self._consumer.subscribe(topics=list(topics), listener=self._assignments)
        # A leader that does not know the topics yet would first share out nothing.
        self._refresh_metadata()
        self._unreported: dict[TopicPartition, OffsetAndMetadata] = {}
        self._report_due = monotonic()

    def _connect(self, **options: Any) -> KafkaNetClient:
        self._client = KafkaNetClient(**options)
        # It asks brokers to create the topics it looks for, whatever it is told (3.0.12).
        self._client.cluster.config["allow_auto_create_topics"] = False
        return self._client

    def poll(self, max_records: int) -> dict[Partition, list[Message]]:
        """The next records of the partitions begun, in order; none if none come for a moment.

        Without a broker none come either. Raises PositionOutOfRangeError; and RetriableError, after
        which records may have been passed over that were not given: start over.
        """
        try:
            records: dict[Partition, list[Message]] = self._consumer.poll(
                timeout_ms=_POLL_TIMEOUT_MS, max_records=max_records
            )
        except OffsetOutOfRangeError as error:
            raise self._out_of_range(error) from error
        if not records and self._consumer.group_metadata().state == MemberState.REBALANCING:
            # kafka-python forgets a join that outlasts a poll, and would wait for ever, if what
            # called for it was a change of the topics' metadata (3.0.12).
            self._consumer._coordinator.request_rejoin()
        return records

    def new_assignment(self) -> frozenset[Partition] | None:
        """The partitions assigned anew since the last call, all silent; None without a change.

        Empty while the group shares them out: those of before are not ours any more.
        """
        assignment = self._assignments.latest()
        if assignment is not None:
            self._unreported.clear()
        return assignment

    def silence(self) -> frozenset[Partition]:
        """Makes all that is assigned silent, as if it were newly assigned, and gives it."""
        assigned: frozenset[Partition] = frozenset(self._consumer.assignment())
        self._consumer.pause(*assigned)
        self._unreported.clear()
        return assigned

    def begin(self, offsets: Mapping[Partition, int]) -> None:
        """Reads partitions from these offsets on; one that is not assigned any more is passed over."""
        for partition, offset in offsets.items():
            assigned = TopicPartition(*partition)
            with suppress(*_UNASSIGNED):
                self._consumer.seek(assigned, offset)
                self._consumer.resume(assigned)

    def beginnings(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The first offset each partition holds. Raises RetriableError if no broker says so."""
        found: dict[Partition, int] = self._consumer.beginning_offsets(
            [TopicPartition(*partition) for partition in partitions],
            timeout_ms=_REQUEST_TIMEOUT_MS,
        )
        return found

    def reached(self, partition: Partition) -> int:
        """Behind the last record given, and behind what follows it and is none.

        That is: the marks that end transactions, and records that were taken back with them. 0 once
        the partition is not assigned any more.
        """
        try:
            position: int | None = self._consumer.position(TopicPartition(*partition), timeout_ms=0)
        except _UNASSIGNED:
            return 0
        return position or 0

    def end(self, partition: Partition) -> int | None:
        """The end of a partition, as last heard of; None also once it is not assigned any more."""
        try:
            highwater: int | None = self._consumer.highwater(TopicPartition(*partition))
        except _UNASSIGNED:
            return None
        return highwater

    def cluster_id(self) -> str:
        """The id that the cluster keeps for ever, and that no other has."""
        return str(self._client.cluster.cluster_id)

    def topic_ids(self, topics: Iterable[str]) -> dict[str, UUID]:
        """The ids of topics, asked for now; a topic that is deleted and made anew has another.

        Raises RetriableError if no broker tells, or a topic does not exist.
        """
        if not self._refresh_metadata():
            raise KafkaTimeoutError("no broker told the ids of the topics")
        ids = {topic: topic_id for topic in topics if (topic_id := self.topic_id(topic))}
        if missing := set(topics) - set(ids):
            raise UnknownTopicOrPartitionError(*sorted(missing))
        return ids

    def topic_id(self, topic: str) -> UUID | None:
        """The id of a topic, as last heard of."""
        topic_id: UUID | None = self._client.cluster.topic_id(topic)
        return topic_id

    def is_connected(self) -> bool:
        """Whether any broker is connected."""
        brokers = self._client.cluster.brokers()
        return any(self._client.connected(broker.node_id) for broker in brokers)

    def report(self, offsets: Mapping[Partition, int]) -> None:
        """Tells Kafka how far the group has come, for those who watch lag there; now and then."""
        for partition, offset in offsets.items():
            self._unreported[TopicPartition(*partition)] = OffsetAndMetadata(offset, "", -1)
        if self._unreported and monotonic() >= self._report_due:
            self._report_due = monotonic() + _REPORT_SECONDS
            with suppress(KafkaError):
                self._consumer.commit_async(dict(self._unreported), callback=_ignore)
            self._unreported.clear()

    def close(self) -> None:
        """Leaves the group, so that others need not wait for our session to end; takes seconds."""
        with suppress(KafkaError):
            self._consumer.commit(self._unreported, timeout_ms=_REPORT_SECONDS * 1_000)
        with suppress(KafkaError):
            self._consumer.close(timeout_ms=_CLOSE_TIMEOUT_MS)

    def _refresh_metadata(self) -> bool:
        answered = threading.Event()
        self._client.cluster.request_update().add_both(lambda _: answered.set())
        return answered.wait(_REQUEST_TIMEOUT_MS / 1_000)

    def _out_of_range(self, error: OffsetOutOfRangeError) -> PositionOutOfRangeError:
        ((partition, position),) = error.args[0].items()
        first = self.beginnings([partition])[partition]
        end = self._consumer.end_offsets([partition], timeout_ms=_REQUEST_TIMEOUT_MS)[partition]
        happened = (
            f"offsets {position} to {first - 1} were deleted before they were read"
            if position < first
            else f"offsets {end} to {position - 1} were read and are there no longer"
        )
        return PositionOutOfRangeError(
            f"Partition {partition.partition} of {partition.topic} is to be read from offset"
            f" {position} on but holds {first} to {end - 1}: {happened}. Nothing is skipped or read"
            " again by itself. Publish again what is missing; then, with all consumers stopped, set"
            f" next_offset of its row in consumer_position, to {first} at least and {end} at most."
        )


class _Assignments(ConsumerRebalanceListener):  # type: ignore[misc] # kafka-python is untyped
    """Silences what is assigned, and tells the polling thread.

    Called on kafka-python's I/O thread, which must not wait for anything.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._changes: SimpleQueue[frozenset[Partition]] = SimpleQueue()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._changes.put(frozenset())

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        for partition in assigned:
            # Without any position the client looks for a committed one and fails if there is none.
            self._consumer.seek(partition, 0)
        self._consumer.pause(*assigned)
        self._changes.put(frozenset(assigned))

    def latest(self) -> frozenset[Partition] | None:
        """The last of the changes since the last call."""
        latest = None
        with suppress(Empty):
            while True:
                latest = self._changes.get_nowait()
        return latest


def _ignore(offsets: object, answer: object) -> None:
    """The next report makes up for one that failed."""
