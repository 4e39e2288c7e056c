"""Where a consumer group stands in each partition: rows that commit together with the effects.

A row's `epoch` says who may move it. Whoever takes a partition raises the epoch and so shuts out
its former holder, who may not know yet: Kafka tells a consumer that was paused or cut off only once
it asks. Rows are locked in one order always, so that no two holders can wait for each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

from services.topics import Partition

Connection = psycopg.Connection[Any]

# Each batch rewrites its rows; with room in the page their index entries can stay as they are.
POSITIONS_DDL: Final = """
CREATE TABLE IF NOT EXISTS consumer_position (
    cluster text NOT NULL,
    consumer_group text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    topic_id uuid NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    epoch bigint NOT NULL,
    PRIMARY KEY (cluster, consumer_group, topic, partition)
) WITH (fillfactor = 50)
"""


class Position(NamedTuple):
    """Where a partition is to be read on, by whom, and in which of the topics of that name."""

    next_offset: int
    epoch: int
    topic_id: UUID


class Step(NamedTuple):
    """How a batch moves the position of one partition."""

    topic: str
    partition: int
    from_offset: int
    to_offset: int
    epoch: int


class Standing(Enum):
    """What became of a batch."""

    COMMITTED = auto()
    UNTOUCHED = auto()
    LOST = auto()


class PositionsLostError(Exception):
    """Another consumer has taken a partition of the batch: the transaction must be rolled back."""


@dataclass(frozen=True)
class Positions:
    """The rows of one consumer group on one cluster."""

    cluster: str
    group: str

    def take(
        self,
        connection: Connection,
        beginnings: Mapping[Partition, int],
        topic_ids: Mapping[str, UUID],
    ) -> dict[Partition, Position]:
        """Makes the caller the only one who can move these positions, and gives them.

        A partition that the group never read starts at its beginning. Waits for the transactions of
        former holders to end.
        """
        partitions = sorted(beginnings)
        rows = connection.execute(
            """
            INSERT INTO consumer_position AS held
                (cluster, consumer_group, topic, partition, topic_id, next_offset, epoch)
            SELECT %(cluster)s, %(group)s, topic, partition, topic_id, beginning, 1
            FROM unnest(%(topics)s::text[], %(partitions)s::integer[], %(topic_ids)s::uuid[],
                        %(beginnings)s::bigint[])
                 WITH ORDINALITY AS taken (topic, partition, topic_id, beginning, number)
            ORDER BY number
            ON CONFLICT (cluster, consumer_group, topic, partition)
                DO UPDATE SET epoch = held.epoch + 1
            RETURNING topic, partition, next_offset, epoch, topic_id
            """,
            {
                "cluster": self.cluster,
                "group": self.group,
                "topics": [topic for topic, _ in partitions],
                "partitions": [number for _, number in partitions],
                "topic_ids": [topic_ids[topic] for topic, _ in partitions],
                "beginnings": [beginnings[partition] for partition in partitions],
            },
        )
        return {(topic, number): Position(*position) for topic, number, *position in rows}

    def advance(self, connection: Connection, steps: Sequence[Step]) -> None:
        """Moves the positions of a batch; raises PositionsLostError unless it can move all."""
        group = {"cluster": self.cluster, "group": self.group}
        with connection.cursor() as cursor:
            cursor.executemany(
                """
                UPDATE consumer_position SET next_offset = %(to_offset)s
                WHERE cluster = %(cluster)s AND consumer_group = %(group)s
                  AND topic = %(topic)s AND partition = %(partition)s
                  AND next_offset = %(from_offset)s AND epoch = %(epoch)s
                """,
                [group | step._asdict() for step in sorted(steps)],
            )
            if cursor.rowcount != len(steps):
                raise PositionsLostError

    def standing(self, connection: Connection, steps: Sequence[Step]) -> Standing:
        """Finds out whether a batch was committed: its positions moved together or not at all."""
        rows = connection.execute(
            """
            SELECT topic, partition, next_offset, epoch FROM consumer_position
            WHERE cluster = %s AND consumer_group = %s AND topic = ANY(%s)
            """,
            (self.cluster, self.group, [step.topic for step in steps]),
        )
        found = {(topic, number): position for topic, number, *position in rows}
        if all(found.get(step[:2]) == [step.to_offset, step.epoch] for step in steps):
            return Standing.COMMITTED
        if all(found.get(step[:2]) == [step.from_offset, step.epoch] for step in steps):
            return Standing.UNTOUCHED
        return Standing.LOST

    def next_offsets(self, connection: Connection) -> dict[Partition, int]:
        """Where the group reads on, in each partition that it ever took."""
        rows = connection.execute(
            """
            SELECT topic, partition, next_offset FROM consumer_position
            WHERE cluster = %s AND consumer_group = %s ORDER BY topic, partition
            """,
            (self.cluster, self.group),
        )
        return {(topic, number): next_offset for topic, number, next_offset in rows}
