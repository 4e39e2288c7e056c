"""From a fact's commit to its effect in `activity`, at a steady rate of facts.

The real processes run; facts are published at the rate, and a member's activity is asked over and over. A fact's
latency is the time from `recorded_at` in the journal to the first answer that shows it.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from time import perf_counter, sleep
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from bench.facts import encoded, mixed
from bench.tables import Table
from devstack import Addresses, create_database
from schemas import learning
from services.achievements.topics import specs
from services.kafka import KafkaSettings
from services.topics import create_topics, producer
from services.web import Principal, issue_token

RATE_PER_SECOND = 1_000
SECONDS = 20
WARM_UP_SECONDS = 3  # in which what was published while the processes started is caught up with
SECRET = "bench-secret-bench-secret-bench-secret"
PORT = 18_411
PROBE = "probe"


def run(addresses: Addresses) -> None:
    """Prints the median and the 99th percentile."""
    with ExitStack() as until_done:
        environment, kafka = _surroundings(addresses)
        _command(environment, "migrate")
        create_topics(kafka, specs(kafka))
        for name in ("consume", "project", "serve"):
            until_done.enter_context(_process(environment, name))
        latencies = _measure(kafka, environment["DATABASE_URL"])
    table = Table(f"Commit to activity at {RATE_PER_SECOND:,} facts/s, milliseconds", ("",))
    for name, share in (("median", 0.5), ("p99", 0.99), ("maximum", 1.0)):
        index = min(len(latencies) - 1, int(len(latencies) * share))
        table.row(name, f"{sorted(latencies)[index] * 1000:,.0f}")
    table.row("samples", f"{len(latencies)}")
    table.show()


def _surroundings(addresses: Addresses) -> tuple[dict[str, str], KafkaSettings]:
    prefix = f"bench-{uuid4().hex[:8]}."
    environment = {
        **os.environ,
        "DATABASE_URL": create_database(addresses.database_url, "bench_latency"),
        "KAFKA_BOOTSTRAP_SERVERS": addresses.kafka_bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": prefix,
        "KAFKA_GROUP_PREFIX": prefix,
        "AUTH_SECRET": SECRET,
        "ACHIEVEMENTS_LISTEN": f"127.0.0.1:{PORT}",
        "LOG_LEVEL": "warning",
    }
    kafka = KafkaSettings(
        bootstrap_servers=addresses.kafka_bootstrap_servers,
        topic_prefix=prefix,
        group_prefix=prefix,
    )
    return environment, kafka


def _command(environment: dict[str, str], name: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "services.achievements", name], env=environment, check=True
    )


@contextmanager
def _process(environment: dict[str, str], name: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "services.achievements", name], env=environment
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _measure(kafka: KafkaSettings, database_url: str) -> list[float]:
    stop = threading.Event()
    load = threading.Thread(target=_publish, args=(kafka, stop))
    seen: dict[str, datetime] = {}
    load.start()
    try:
        began = _watch(seen)
    finally:
        stop.set()
        load.join()
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            """
            SELECT convert_from(state, 'UTF8')::json ->> 'session_id', recorded_at
            FROM achievements.journal WHERE topic = 'session-completed.1'
              AND convert_from(state, 'UTF8') LIKE %s
            """,
            (f'%"{PROBE}"%',),
        ).fetchall()
    return [
        (seen[session_id] - recorded_at).total_seconds()
        for session_id, recorded_at in rows
        if session_id in seen and recorded_at > began + timedelta(seconds=WARM_UP_SECONDS)
    ]


def _publish(kafka: KafkaSettings, stop: threading.Event) -> None:
    """Facts at the rate; every fiftieth is a session of the member who is watched."""
    sender = producer(kafka, linger_ms=5)
    started = perf_counter()
    sender.send(*_send(kafka, 0, _organization()))
    for number, fact in enumerate(mixed(RATE_PER_SECOND * (SECONDS + 30)), start=1):
        if stop.is_set():
            break
        wait = started + number / RATE_PER_SECOND - perf_counter()
        if wait > 0:
            sleep(wait)
        told = _probe(number) if number % 50 == 0 else fact
        sender.send(*_send(kafka, number, told))
    sender.close(timeout=10)


def _send(kafka: KafkaSettings, number: int, fact: learning.Inbound) -> tuple[Any, ...]:
    topic, key, value, headers = encoded(fact, number)
    return kafka.topic(topic), value, key, headers


def _organization() -> learning.OrganizationConfigured:
    return learning.OrganizationConfigured(
        organization_id="org-probe", name="Probe", plan="enterprise", badges_enabled=True
    )


def _probe(number: int) -> learning.SessionCompleted:
    return learning.SessionCompleted(
        organization_id="org-probe",
        program_id="p",
        program_type="one_to_one",
        session_id=f"probe-{number:08d}",
        participants=(
            learning.Participant(PROBE, "mentor"),
            learning.Participant("other", "mentee"),
        ),
        completed_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
    )


def _watch(seen: dict[str, datetime]) -> datetime:
    """Asks for the activity of the member again and again, and notes when each session is first in it.

    Gives when the first one was.
    """
    token = issue_token(
        SECRET.encode(),
        Principal(PROBE, "org-probe", frozenset({"member"})),
        audience="achievements",
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    address = f"http://127.0.0.1:{PORT}/v1/organizations/org-probe/members/me/activity"
    first: datetime | None = None
    with httpx.Client(headers={"authorization": f"Bearer {token}"}) as client:
        while first is None or datetime.now(UTC) - first < timedelta(
            seconds=WARM_UP_SECONDS + SECONDS
        ):
            try:
                answer = client.get(address)
            except httpx.TransportError:
                sleep(0.1)
                continue
            now = datetime.now(UTC)
            for session in answer.json().get("sessions_without_feedback", ()):
                first = first or now
                seen.setdefault(session["session_id"], now)
            sleep(0.005)
    return first
