"""Kafka and PostgreSQL come, are shared, and go, whatever happens to those who use them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import LiteralString

import psutil  # type: ignore[import-untyped]  # it ships no types
import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

import devstack
from devstack.jars import Jar

TIMEOUT_SECONDS = 120
CHECKOUT = Path(devstack.__file__).parent.parent
SHARED_USER = """
import devstack, sys
with devstack.shared() as addresses:
    print(addresses.kafka_bootstrap_servers, addresses.database_url, flush=True)
    sys.stdin.read()
"""
PRIVATE_USER = """
import devstack, pathlib, sys
with devstack.private(pathlib.Path(sys.argv[1])) as stack:
    print(stack.addresses.kafka_bootstrap_servers, stack.addresses.database_url, flush=True)
    sys.stdin.read()
"""

Start = Callable[..., "User"]


class User:
    """A process that uses a stack until it is told to leave, or is killed."""

    def __init__(self, program: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def addresses(self) -> tuple[str, str]:
        assert self.process.stdout
        kafka_bootstrap_servers, database_url = self.process.stdout.readline().split()
        return kafka_bootstrap_servers, database_url

    def leave(self) -> None:
        self.process.communicate(timeout=TIMEOUT_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=TIMEOUT_SECONDS)


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as cleanup:

        def start_user(program: str, *arguments: str) -> User:
            user = User(program, *arguments)
            cleanup.callback(user.kill)
            return user

        yield start_user


@pytest.fixture
def folder(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Shared stacks of this test have a folder of their own and end soon, and nothing is given."""
    monkeypatch.setenv("DEVSTACK_FOLDER", str(open_folder))
    monkeypatch.setenv("DEVSTACK_LINGER_SECONDS", "0.5")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return open_folder


def test_users_share_one_stack_until_the_last_has_gone(folder: Path, start: Start) -> None:
    """Users get the same servers, which stay for the last of them and go even if it is killed."""
    first, second = start(SHARED_USER), start(SHARED_USER)
    assert first.addresses() == (addresses := second.addresses())
    servers = _servers_of_shared_stack(folder)
    first.leave()
    time.sleep(1.5)  # longer than the stack lingers without users
    assert _answers(addresses)
    second.kill()
    _wait_until(lambda: not any(map(_lives, servers)))
    assert not list((folder / "shared-kafka-postgres").glob("data/*"))


def test_a_killed_supervisor_takes_its_servers_along(folder: Path, start: Start) -> None:
    """No java and no postgres outlives its supervisor, and the next user gets new ones."""
    start(SHARED_USER).addresses()
    supervisor, *servers = _servers_of_shared_stack(folder)
    supervisor.kill()
    _wait_until(lambda: not any(map(_lives, servers)))
    assert _answers(start(SHARED_USER).addresses())


def test_a_killed_owner_takes_a_private_stack_along(open_folder: Path, start: Start) -> None:
    """No java and no postgres outlives the process whose private stack they are."""
    owner = start(PRIVATE_USER, str(open_folder))
    owner.addresses()
    servers = psutil.Process(owner.process.pid).children(recursive=True)
    assert {"java", "postgres"} <= {server.name() for server in servers}
    owner.kill()
    _wait_until(lambda: not any(map(_lives, servers)))


@pytest.mark.parametrize("ending", ["kill", "stop"])
def test_private_servers_keep_what_was_acknowledged(
    private_stack: devstack.Stack, ending: str
) -> None:
    """After SIGKILL as after an orderly stop, both answer at the same address with their data."""
    _publish(private_stack.addresses.kafka_bootstrap_servers, topic=ending, value=b"kept")
    database_url = devstack.create_database(private_stack.addresses.database_url, ending)
    _execute(database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    for server in (private_stack.kafka, private_stack.postgres):
        getattr(server, ending)()
        assert not server.running
        server.start()
    assert _read(private_stack.addresses.kafka_bootstrap_servers, topic=ending) == b"kept"
    assert _execute(database_url, "TABLE kept") == [(42,)]


def test_create_database_begins_anew(private_stack: devstack.Stack) -> None:
    """It returns the URL of an empty database, though one of that name was there and in use."""
    first = devstack.create_database(private_stack.addresses.database_url, "odd name/1")
    with psycopg.connect(first, autocommit=True) as connection:
        connection.execute("CREATE TABLE thing ()")
        assert devstack.create_database(private_stack.addresses.database_url, "odd name/1") == first
    assert _execute(first, "SELECT current_database(), to_regclass('thing')") == [
        ("odd name/1", None)
    ]


def test_the_environment_comes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With both addresses given nothing is started, and a command is given them too."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "broker:1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/postgres")
    with devstack.shared() as addresses:
        assert addresses == devstack.Addresses("broker:1", "postgresql://elsewhere/postgres")
    command = [
        sys.executable,
        "-c",
        "import os; exit(int(os.environ['KAFKA_BOOTSTRAP_SERVERS'][-1]))",
    ]
    assert _devstack("exec", "--", *command).returncode == 1
    assert not list(folder.iterdir())


def test_only_what_is_not_given_is_started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Kafka given only PostgreSQL is started; its data can't be removed while it is used."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "broker:1")
    with devstack.shared() as addresses:
        assert addresses.kafka_bootstrap_servers == "broker:1"
        supervisor, *servers = _servers_of_shared_stack(folder)
        names = {server.name() for server in servers}
        assert "postgres" in names
        assert "java" not in names
        refusal = _devstack("clean")
        assert (refusal.returncode, "is in use" in refusal.stderr) == (1, True)
        assert _execute(addresses.database_url, "SELECT 1") == [(1,)]
    _wait_until(lambda: not _lives(supervisor))
    assert _devstack("clean").returncode == 0


def test_half_a_download_is_not_taken_for_whole(tmp_path: Path) -> None:
    """A jar counts only if it is, to the last byte, the one that the lock file names."""
    whole = b"all of it"
    jar = Jar("group", "artifact", "1.0", hashlib.sha256(whole).hexdigest(), len(whole))
    path = jar.path_in(tmp_path)
    found = []
    for content in (whole[:-1], whole):
        path.write_bytes(content)
        found.append(jar.is_whole(path))
    assert found == [False, True]


def _servers_of_shared_stack(folder: Path) -> list[psutil.Process]:
    """The supervisor and all processes below it."""
    (state,) = folder.glob("shared-*/state.json")
    supervisor = psutil.Process(json.loads(state.read_text())["supervisor"])
    return [supervisor, *supervisor.children(recursive=True)]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _devstack(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "devstack", *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def _answers(addresses: tuple[str, str]) -> bool:
    kafka_bootstrap_servers, database_url = addresses
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap_servers)
    try:
        return admin.list_topics() == [] and _execute(database_url, "SELECT 1") == [(1,)]
    finally:
        admin.close()


def _execute(database_url: str, statement: LiteralString) -> list[tuple[object, ...]]:
    with psycopg.connect(database_url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _publish(bootstrap_servers: str, topic: str, value: bytes) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    producer.send(topic, value).get(TIMEOUT_SECONDS)
    producer.close()


def _read(bootstrap_servers: str, topic: str) -> bytes:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning()
    try:
        (record,) = consumer.poll(TIMEOUT_SECONDS * 1000)[partition]
        return bytes(record.value)
    finally:
        consumer.close()
