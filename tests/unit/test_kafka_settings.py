"""Settings of Kafka become names and what its clients are told."""

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from structlog.testing import capture_logs

from services.presence import Presence
from services.topics import KafkaSettings


def test_names_begin_with_their_prefix() -> None:
    """A topic's and a group's name each get the prefix of their own, or none."""
    kafka = KafkaSettings(bootstrap_servers="b:1", topic_prefix="t-", group_prefix="g-")
    assert (kafka.topic("facts"), kafka.group("readers")) == ("t-facts", "g-readers")
    bare = KafkaSettings(bootstrap_servers="b:1")
    assert (bare.topic("facts"), bare.group("readers")) == ("facts", "readers")


def test_every_client_understands_what_it_is_told() -> None:
    """Consumers, producers and admin clients know all settings, and each server on its own."""
    told = KafkaSettings(bootstrap_servers="a:1, b:2", sasl_username="u").client()
    assert told["bootstrap_servers"] == ["a:1", "b:2"]
    assert told["sasl_plain_username"] == "u"
    for client in (KafkaConsumer, KafkaProducer, KafkaAdminClient):
        assert told.keys() <= client.DEFAULT_CONFIG.keys()


def test_a_password_is_not_shown() -> None:
    """Settings can be logged: the password is not among what they show."""
    assert "secret" not in repr(KafkaSettings(bootstrap_servers="b:1", sasl_password="secret"))


def test_an_absence_is_told_once() -> None:
    """Only going and coming back is logged, however often one looks."""
    with capture_logs() as logs:
        broker = Presence("broker")
        broker.found()
        for _ in range(3):
            broker.missed("no answer")
        for _ in range(3):
            broker.found()
    assert [entry["event"] for entry in logs] == ["broker_gone", "broker_back"]
    assert logs[0]["why"] == "no answer"
