"""The consumer loop outlasts its broker and its database, which may die and come back any time."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from devstack import Stack, create_database
from tests.integration.kafka_consumers import Consumer, Publisher, World, eventually

# kafka-python leaves sockets of refused connections to the garbage collector (3.0.12).
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def world(private_stack: Stack) -> Iterator[World]:
    name = f"test_{uuid4().hex}"
    addresses = private_stack.addresses
    yield World(
        bootstrap_servers=addresses.kafka_bootstrap_servers,
        database_url=create_database(addresses.database_url, name),
        topic=f"{name}.facts",
        group=f"{name}.group",
    ).create()
    private_stack.kafka.start()
    private_stack.postgres.start()


@pytest.fixture
def publisher(world: World) -> Publisher:
    return Publisher(world)


def test_the_broker_is_killed_and_started_again(
    world: World, publisher: Publisher, private_stack: Stack
) -> None:
    """Nothing is lost or doubled; the log says once that it has gone, once that it is back."""
    with capture_logs() as logs, Consumer(world, max_batch=20):
        publisher.publish(2_000)
        eventually(lambda: world.effects() != {})
        private_stack.kafka.kill()
        eventually(lambda: _has(logs, "broker_gone"))
        private_stack.kafka.start()
        eventually(lambda: _has(logs, "broker_back"))
        publisher.publish(200)
        publisher.assert_each_takes_effect_once_and_in_order()
    assert [entry["event"] for entry in logs if "broker" in entry["event"]] == [
        "broker_gone",
        "broker_back",
    ]


def test_the_database_is_killed_and_started_again(
    world: World, publisher: Publisher, private_stack: Stack
) -> None:
    """Nothing is lost or doubled by it, and the consumer stays in its group meanwhile."""
    with capture_logs() as logs, Consumer(world, max_batch=20):
        publisher.publish(2_000)
        eventually(lambda: world.effects() != {})
        private_stack.postgres.kill()
        eventually(lambda: _has(logs, "database_gone"))
        publisher.publish(200)
        private_stack.postgres.start()
        publisher.assert_each_takes_effect_once_and_in_order()
    assert _has(logs, "database_back")
    assert [entry["event"] for entry in logs].count("partitions_taken") == 1


def test_broker_and_database_are_killed_and_started_again(
    world: World, publisher: Publisher, private_stack: Stack
) -> None:
    """Nothing is lost or doubled where both go at once, either."""
    with Consumer(world, max_batch=20):
        publisher.publish(2_000)
        eventually(lambda: world.effects() != {})
        private_stack.kafka.kill()
        private_stack.postgres.kill()
        private_stack.kafka.start()
        publisher.publish(200)
        private_stack.postgres.start()
        publisher.assert_each_takes_effect_once_and_in_order()


def test_it_can_be_stopped_while_the_database_is_gone(
    world: World, publisher: Publisher, private_stack: Stack
) -> None:
    """A consumer that waits for the database ends when asked to, and its batch is not lost."""
    with capture_logs() as logs, Consumer(world):
        publisher.publish(20)
        publisher.assert_each_takes_effect_once_and_in_order()
        private_stack.postgres.kill()
        publisher.publish(20)
        eventually(lambda: _has(logs, "database_gone"))
    private_stack.postgres.start()
    with Consumer(world):
        publisher.assert_each_takes_effect_once_and_in_order()


def _has(logs: list[EventDict], event: str) -> bool:
    return any(entry["event"] == event for entry in logs)
