"""A Kafka cluster seen from outside of its streams: how to reach it, topics, producers, lag."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaProducer, OffsetSpec, TopicPartition
from kafka.errors import NoError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

Partition = tuple[str, int]
"""A topic's name and the number of a partition of it. kafka-python's TopicPartition is one, too."""

_TOPIC_READY_TIMEOUT_MS: Final = 30_000
_PATIENCE_MS: Final = 5_000
"""How long somebody at a terminal waits for a broker."""


@dataclass(frozen=True, kw_only=True)
class KafkaSettings:
    """How to reach a cluster, and what every name of ours on it begins with.

    Whatever takes a topic or a group takes its real name: `topic()` and `group()` make it.
    """

    bootstrap_servers: str
    """`host:port`, several separated by commas."""
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ssl_cafile: str | None = None
    topic_prefix: str = ""
    group_prefix: str = ""

    def topic(self, name: str) -> str:
        """The real name of a topic of the contract."""
        return self.topic_prefix + name

    def group(self, name: str) -> str:
        """The real name of a consumer group."""
        return self.group_prefix + name

    def client(self) -> dict[str, Any]:
        """The keyword arguments that consumers, producers and admin clients have in common."""
        return {
            "bootstrap_servers": [host.strip() for host in self.bootstrap_servers.split(",")],
            "security_protocol": self.security_protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
            "ssl_cafile": self.ssl_cafile,
            # By default a client would go on waiting for 30 s after its broker has come back.
            "reconnect_backoff_max_ms": 1_000,
        }


@dataclass(frozen=True, kw_only=True)
class TopicSpec:
    """A topic to be created, under its real name."""

    name: str
    partitions: int
    replication_factor: int = -1
    """How many brokers hold each partition; -1 leaves it to the brokers' default."""
    config: Mapping[str, str] = field(default_factory=dict)
    """The topic's own settings, such as `{"retention.ms": "-1"}`."""


def producer(
    kafka: KafkaSettings,
    *,
    transactional_id: str | None = None,
    max_request_size: int = 1_048_576,
    **options: Any,
) -> KafkaProducer:
    """A producer whose retries neither double nor reorder, acknowledged by all replicas.

    `max_request_size` bounds a message with its key and headers, in bytes. With `transactional_id`
    it fences off any older producer of that id; `init_transactions()` must be called first. Raises
    KafkaTimeoutError where no broker answers within 30 s.
    """
    return KafkaProducer(
        **kafka.client(),
        enable_idempotence=True,
        acks="all",
        transactional_id=transactional_id,
        max_request_size=max_request_size,
        **options,
    )


def create_topics(kafka: KafkaSettings, specs: Iterable[TopicSpec]) -> list[str]:
    """Creates the topics that are missing, waits until all can be used; gives the created names.

    A topic that exists stays as it is. Safe to repeat and to run several times at once.
    """
    wanted = {
        spec.name: {
            "num_partitions": spec.partitions,
            "replication_factor": spec.replication_factor,
            "configs": dict(spec.config),
        }
        for spec in specs
    }
    if not wanted:
        return []
    with KafkaAdminClient(**kafka.client()) as admin:
        answers = admin.create_topics(wanted, raise_errors=False)["topics"]
        created = [answer["name"] for answer in answers if _was_created(answer)]
        admin.wait_for_topics(wanted, timeout_ms=_TOPIC_READY_TIMEOUT_MS)
    return created


def cluster_id(kafka: KafkaSettings) -> str:
    """The id that a cluster keeps for ever, and that no other has."""
    with _admin_for_a_person(kafka) as admin:
        return str(admin.describe_cluster()["cluster_id"])


def lag(
    kafka: KafkaSettings, topics: Iterable[str], next_offsets: Mapping[Partition, int]
) -> dict[str, int | None]:
    """How many offsets of each topic a group has still to read, its partitions summed up.

    `next_offsets` are the group's, see `Positions.next_offsets`. A partition without one counts
    from its beginning; a topic that does not exist has None. Raises KafkaError where one may not be looked at.
    """
    behind: dict[str, int | None] = dict.fromkeys(topics)
    with _admin_for_a_person(kafka) as admin:
        partitions = [
            TopicPartition(topic["name"], partition["partition_index"])
            for topic in admin.describe_topics(list(behind))
            if _exists(topic)
            for partition in topic["partitions"]
        ]
        beginnings = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
        ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    for partition in partitions:
        reached = next_offsets.get(partition, beginnings[partition].offset)
        waiting = max(0, ends[partition].offset - reached)
        behind[partition.topic] = (behind[partition.topic] or 0) + waiting
    return behind


def _admin_for_a_person(kafka: KafkaSettings) -> KafkaAdminClient:
    return KafkaAdminClient(
        **kafka.client(), bootstrap_timeout_ms=_PATIENCE_MS, request_timeout_ms=_PATIENCE_MS
    )


def _exists(topic: Mapping[str, Any]) -> bool:
    error = for_code(topic["error_code"])
    if error not in (NoError, UnknownTopicOrPartitionError):
        raise error(topic["name"])
    return error is NoError


def _was_created(answer: Mapping[str, Any]) -> bool:
    error = for_code(answer["error_code"])
    if error not in (NoError, TopicAlreadyExistsError):
        raise error(f"{answer['name']}: {answer['error_message']}")
    return error is NoError
