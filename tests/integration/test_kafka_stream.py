"""A group's records as the consumer loop asks for them, while partitions come and go."""

from collections.abc import Iterator

import pytest

from devstack import Addresses
from services.stream import Stream
from services.topics import KafkaSettings, Partition, TopicSpec, create_topics
from tests.integration.kafka_consumers import eventually


@pytest.fixture
def stream(stack: Addresses, topic_prefix: str) -> Iterator[Stream]:
    """The only member of a group, on a topic of one partition."""
    kafka = KafkaSettings(
        bootstrap_servers=stack.kafka_bootstrap_servers,
        topic_prefix=topic_prefix,
        group_prefix=topic_prefix,
    )
    topic = kafka.topic("a")
    create_topics(kafka, [TopicSpec(name=topic, partitions=1)])
    its_stream = Stream(kafka, group=kafka.group("g"), topics=[topic], session_timeout_ms=6_000)
    yield its_stream
    its_stream.close()


def test_a_partition_that_others_hold_by_now(stream: Stream) -> None:
    """A partition that went to another member at this moment is no failure: it is passed over, and nothing is known
    of it; those that are ours are begun all the same."""
    assigned: list[Partition] = []

    def is_assigned() -> bool:
        stream.poll(1)
        assigned.extend(stream.new_assignment() or ())
        return bool(assigned)

    eventually(is_assigned)
    (ours,) = assigned
    others = (ours[0], 7)
    stream.begin({others: 3, ours: 0})
    assert stream.reached(others) == 0
    assert stream.end(others) is None
    eventually(lambda: not stream.poll(1) and stream.end(ours) == 0)
    assert stream.reached(ours) == 0
