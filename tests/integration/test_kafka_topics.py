"""Topics are made, written to and measured as the services need it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, MessageSizeTooLargeError

from devstack import Addresses
from services.topics import (
    KafkaSettings,
    TopicSpec,
    cluster_id,
    create_topics,
    lag,
    producer,
)


@pytest.fixture
def kafka(stack: Addresses, topic_prefix: str) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=stack.kafka_bootstrap_servers,
        topic_prefix=topic_prefix,
        group_prefix=topic_prefix,
    )


def test_topics_are_made_once_as_they_are_described(kafka: KafkaSettings) -> None:
    """What is missing is made, with its partitions and settings; what is there stays."""
    first = TopicSpec(name=kafka.topic("a"), partitions=3, config={"retention.ms": "-1"})
    assert create_topics(kafka, [first]) == [first.name]
    second = TopicSpec(name=kafka.topic("b"), partitions=1)
    changed = TopicSpec(name=first.name, partitions=5)
    assert create_topics(kafka, [changed, second]) == [second.name]
    assert create_topics(kafka, [changed, second]) == []
    assert create_topics(kafka, []) == []
    with KafkaAdminClient(**kafka.client()) as admin:
        (described,) = admin.describe_topics([first.name])
        settings = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, first.name)])
    assert len(described["partitions"]) == 3
    assert settings["topic"][first.name]["retention.ms"]["value"] == "-1"


def test_topics_can_be_made_by_several_at_once(kafka: KafkaSettings) -> None:
    """However many make the same topics at once, one of them makes each topic and none fails."""
    specs = [TopicSpec(name=kafka.topic(str(number)), partitions=1) for number in range(5)]
    with ThreadPoolExecutor(4) as threads:
        created = threads.map(lambda _: create_topics(kafka, specs), range(4))
    assert sorted(name for names in created for name in names) == [spec.name for spec in specs]


def test_a_topic_that_brokers_refuse(kafka: KafkaSettings) -> None:
    """A topic that can't be made is an error that names it."""
    with pytest.raises(KafkaError, match=r"no-such\.setting"):
        create_topics(
            kafka,
            [TopicSpec(name=kafka.topic("a"), partitions=1, config={"no-such.setting": "1"})],
        )


def test_a_cluster_keeps_its_id(kafka: KafkaSettings) -> None:
    """The id of a cluster is the same at every look."""
    assert cluster_id(kafka) == cluster_id(kafka) != ""


def test_lag_is_what_a_group_has_still_to_read(kafka: KafkaSettings) -> None:
    """Lag counts from the next offset, or the beginning, to the end; what is missing has none."""
    read, unread, missing = kafka.topic("read"), kafka.topic("unread"), kafka.topic("missing")
    create_topics(kafka, [TopicSpec(name=name, partitions=2) for name in (read, unread)])
    sender = producer(kafka)
    for topic in (read, unread):
        for number in range(10):
            sender.send(topic, partition=number % 2, value=b"")
    sender.flush()
    sender.close()
    with KafkaAdminClient(**kafka.client()) as admin:
        admin.delete_records({TopicPartition(unread, 0): 2})
    behind = lag(kafka, [read, unread, missing], {(read, 0): 1, (read, 1): 5})
    assert behind == {read: 4, unread: 8, missing: None}


def test_a_producer_refuses_what_is_larger_than_asked(kafka: KafkaSettings) -> None:
    """The limit on a message is the caller's, below and above kafka-python's own."""
    topic = TopicSpec(
        name=kafka.topic("large"), partitions=1, config={"max.message.bytes": "3000000"}
    )
    create_topics(kafka, [topic])
    sender = producer(kafka, max_request_size=2_000_000)
    sender.send(topic.name, value=bytes(1_900_000)).get(timeout=60)
    with pytest.raises(MessageSizeTooLargeError):
        sender.send(topic.name, value=bytes(2_000_000))
    sender.close()


def test_a_producer_fences_off_the_one_before(kafka: KafkaSettings) -> None:
    """Of two producers with one transactional id the older can't commit any more."""
    topic = TopicSpec(name=kafka.topic("fenced"), partitions=1)
    create_topics(kafka, [topic])
    older, newer = (producer(kafka, transactional_id=topic.name) for _ in range(2))
    older.init_transactions()
    newer.init_transactions()
    older.begin_transaction()
    with pytest.raises(KafkaError):
        older.send(topic.name, value=b"").get(timeout=60)
    newer.begin_transaction()
    newer.send(topic.name, value=b"")
    newer.commit_transaction()
    newer.close()
    older.close(timeout=1)
