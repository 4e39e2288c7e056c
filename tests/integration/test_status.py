"""How far everything has come, as operators are shown it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat
from uuid import uuid4

import pytest

from devstack import Addresses
from services.achievements.topics import INBOUND, SESSIONS, specs
from services.journal import Journal
from services.kafka import KafkaSettings
from services.positions import Positions, Step
from services.topics import cluster_id, create_topics, producer
from tests.integration.operating import run
from tests.integration.service import migrated, project, take
from tests.scenario import organization, session


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as its_journal:
        take(its_journal, organization(), *(session(n) for n in range(1, 11)))
        project(its_journal, repeat(1_000))
        take(its_journal, session(11), session(12))
        yield its_journal


@pytest.fixture
def kafka(stack: Addresses, topic_prefix: str) -> KafkaSettings:
    """The topics of the contract with five messages, of which the group has consumed two."""
    settings = KafkaSettings(
        bootstrap_servers=stack.kafka_bootstrap_servers,
        topic_prefix=topic_prefix,
        group_prefix=topic_prefix,
    )
    create_topics(settings, specs(settings))
    sender = producer(settings)
    for _ in range(5):
        sender.send(settings.topic(SESSIONS), value=b"{}", partition=0)
    sender.close()
    return settings


def consume_two(journal: Journal, kafka: KafkaSettings) -> None:
    group = Positions(cluster_id(kafka), kafka.group("achievements"))
    topic = kafka.topic(SESSIONS)
    with journal.transaction() as connection:
        group.take(connection, {(topic, 0): 0}, {topic: uuid4()})
        group.advance(connection, [Step(topic, 0, 0, 2, 1)])


def test_status_tells_lag_and_backlog(journal: Journal, kafka: KafkaSettings) -> None:
    """The contract: `status` tells the lag of each topic and the backlog of each process."""
    consume_two(journal, kafka)
    done = run(journal, "status", "--json", kafka=kafka)
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    lag = dict.fromkeys((kafka.topic(name) for name in INBOUND), 0)
    assert told["lag"] == {**lag, kafka.topic(SESSIONS): 3}
    assert told["backlog"] == {
        "consume": 3,
        "project": 2,
        "relay": 16,
        "notify": 16,
        "relay of dead letters": 0,
    }
    assert told["positions"][kafka.topic(SESSIONS)] == {"0": 2}
    assert told["positions"]["progress"] == 14
    said = run(journal, "status", kafka=kafka).stdout
    assert "The journal ends at 16: progress at 14, relay at 0, notify at 0." in said


def test_a_topic_that_is_not_there_is_told(journal: Journal, kafka: KafkaSettings) -> None:
    """Programs are told that nothing waits in it, as the contract has it; people, that it does not exist."""
    elsewhere = replace(kafka, topic_prefix=f"{kafka.topic_prefix}not-")
    topic = elsewhere.topic(SESSIONS)
    done = run(journal, "status", "--json", kafka=elsewhere)
    assert (done.exit_code, json.loads(done.stdout)["lag"][topic]) == (0, 0)
    (line,) = (
        line
        for line in run(journal, "status", kafka=elsewhere).stdout.splitlines()
        if topic in line
    )
    assert "no such topic" in line


def command(service: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", f"services.{service}", *arguments],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_kafka_the_rest_is_told(journal: Journal, database_url: str) -> None:
    """While Kafka is away `status` ends with status 1 and says so, once, and tells the backlog all the same."""
    nowhere = {"DATABASE_URL": database_url, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    done = command("achievements", "status", "--json", **nowhere)
    assert (done.returncode, json.loads(done.stdout)["backlog"]["project"]) == (1, 2)
    (line,) = done.stderr.splitlines()
    assert line.startswith("Kafka could not be asked")
    assert "127.0.0.1:1" in line


@pytest.mark.parametrize("service", ["achievements", "sharing"])
@pytest.mark.parametrize("name", ["status", "rebuild", "migrate"])
def test_without_the_database_who_waits_is_told_at_once(service: str, name: str) -> None:
    """Commands that somebody waits for end with status 1, one error and where they looked, and no password."""
    nowhere = "postgresql://somebody:secret@127.0.0.1:1/nothing"
    done = command(service, name, DATABASE_URL=nowhere, SHARING_DATABASE_URL=nowhere)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("127.0.0.1") == 1
    assert "port 1" in done.stderr
    assert "secret" not in done.stderr
