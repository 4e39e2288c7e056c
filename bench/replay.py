"""Seconds that an operator waits on a large history: for what a change of thresholds would do, for doing it, for the
read models built again while they are read, and for everything derived a second time."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from time import perf_counter
from typing import TypeVar

from bench.tables import Table
from devstack import Addresses, create_database
from schemas import learning
from schemas.cloudevents import CloudEvent
from schemas.journal import EVENT_TYPES
from services.achievements import planning
from services.achievements.grants import advance
from services.achievements.migration import migrate
from services.achievements.plan_effects import BadgeChange, Change
from services.achievements.reading import Reading, read_pool
from services.achievements.rebuilding import rebuild
from services.achievements.recording import Fact, record
from services.achievements.verifying import verify
from services.commands import collect_garbage_seldom
from services.journal import Journal
from services.kafka import Message

T = TypeVar("T")

SESSIONS = 200_000
ORGANIZATIONS = 4
MEMBERS = 5_000  # in each organization, of which a third are mentors
PROGRAMS = 20  # in each organization
START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 4_000
CHANGE = Change(None, (BadgeChange("mentee", 5), BadgeChange("super_mentor", 20)), ())


def run(addresses: Addresses, sessions: int = SESSIONS, members: int = MEMBERS) -> None:
    """Makes the history once, and prints what each command takes on it."""
    url = create_database(addresses.database_url, "bench_replay")
    collect_garbage_seldom()
    with Journal(url, "achievements", EVENT_TYPES) as journal:
        migrate(journal)
        told, telling = timed(lambda: tell(journal, history(sessions, members)))
        with journal.connection() as connection:
            connection.execute("VACUUM ANALYZE")
        now = datetime.now(UTC)
        plan, planned = timed(lambda: planning.make(journal, CHANGE, "bench", now))
        _, applied = timed(lambda: planning.apply(journal, plan, "bench", now, mailed=True))
        with reading(journal, members) as reads:
            rebuilt, rebuilding = timed(lambda: rebuild(journal, lambda *_: None))
        verified, verifying = timed(lambda: verify(journal, lambda *_: None))
    if verified.differences or any(old != new for _, old, new in rebuilt.read_models):
        raise AssertionError("what was derived again differs")
    table = Table(
        f"{sessions:,} sessions of {ORGANIZATIONS * members:,} members", ("seconds", "a second")
    )
    table.row("record, project and grant", *rate(told, telling))
    table.row(f"plan: {len(plan.outcome.grants):,} awards", *rate(None, planned))
    table.row("apply", *rate(None, applied))
    table.row("rebuild", *rate(verified.events, rebuilding))
    slowest = f"reads meanwhile, the slowest {max(reads) * 1000:.0f} ms"
    table.row(slowest, *rate(len(reads), rebuilding))
    table.row("verify", *rate(verified.events, verifying))
    table.show()


def rate(count: int | None, seconds: float) -> tuple[str, str]:
    return f"{seconds:.1f}", f"{count / seconds:,.0f}" if count else ""


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work gives, and its seconds."""
    started = perf_counter()
    return work(), perf_counter() - started


@contextmanager
def reading(journal: Journal, members: int) -> Iterator[list[float]]:
    """Reads activities one after the other for the block, as HTTP does; gives how long each took, in seconds."""
    stop = threading.Event()
    took: list[float] = []

    async def read() -> None:
        random_ = random.Random(11)
        async with read_pool(journal.conninfo, 1) as pool:
            asked = Reading(pool, lambda *_: None)
            while not stop.is_set():
                started = perf_counter()
                found = await asked.activity("org-0", _user(random_.randrange(members)))
                took.append(perf_counter() - started)
                assert found.available.badges

    with ThreadPoolExecutor(1) as threads:
        reads = threads.submit(asyncio.run, read())
        try:
            yield took
        finally:
            stop.set()
            reads.result()


def history(sessions: int, members: int) -> Iterator[learning.Inbound]:
    """Organizations with certificates, their members, and sessions of which four in five have feedback.

    Some members are far busier than others.
    """
    random_ = random.Random(7)
    organizations = [f"org-{number}" for number in range(ORGANIZATIONS)]
    for organization_id in organizations:
        yield from _organization(organization_id, members)
    for number in range(sessions):
        organization_id = random_.choice(organizations)
        session = _session(organization_id, number, members, random_)
        yield session
        if random_.random() < 0.8:
            yield _feedback(session, random_)


def _organization(organization_id: str, members: int) -> Iterator[learning.Inbound]:
    yield learning.OrganizationConfigured(
        organization_id=organization_id, name="Bench", plan="enterprise", badges_enabled=True
    )
    for number in range(PROGRAMS):
        yield learning.CertificateEnabled(
            organization_id=organization_id,
            program_id=f"program-{number:02d}",
            program_type="one_to_one",
            program_name="Bench",
            required_sessions=5,
            name="Bench",
            text="Bench",
            colour="#0a5c36",
            enabled_by="admin",
            enabled_at=START,
        )
    for number in range(members):
        yield learning.MemberRegistered(
            organization_id=organization_id,
            user_id=_user(number),
            display_name="Somebody",
            email="somebody@example.org" if number % 10 else None,
            roles=("mentor",) if number < members // 3 else ("mentee",),
        )


def _session(
    organization_id: str, number: int, members: int, random_: random.Random
) -> learning.SessionCompleted:
    mentors = members // 3
    mentor = int(mentors * random_.random() ** 2)
    mentee = mentors + int((members - mentors) * random_.random() ** 2)
    return learning.SessionCompleted(
        organization_id=organization_id,
        program_id=f"program-{mentee % PROGRAMS:02d}",
        program_type="one_to_one",
        session_id=f"session-{number:08d}",
        participants=(
            learning.Participant(_user(mentor), "mentor"),
            learning.Participant(_user(mentee), "mentee"),
        ),
        completed_at=START + timedelta(minutes=number),
    )


def _feedback(
    session: learning.SessionCompleted, random_: random.Random
) -> learning.FeedbackSubmitted:
    return learning.FeedbackSubmitted(
        organization_id=session.organization_id,
        program_id=session.program_id,
        session_id=session.session_id,
        user_id=random_.choice(session.participants).user_id,
        submitted_at=session.completed_at + timedelta(hours=1),
    )


def _user(number: int) -> str:
    return f"user-{number:06d}"


def tell(journal: Journal, facts: Iterator[learning.Inbound]) -> int:
    """Records facts and grants what is due by them, as `consume` and `project` do; gives how many there were."""
    told = 0
    while batch := list(islice(facts, BATCH)):
        with journal.transaction() as connection:
            record(journal, connection, _facts(batch, told))
        told += len(batch)
        while True:
            with journal.transaction() as connection:
                if not advance(journal, connection).folded:
                    break
    return told


def _facts(batch: Sequence[learning.Inbound], told: int) -> list[Fact]:
    message = Message("bench", 0, 0, None, b"{}", ())
    return [
        Fact.of(message, CloudEvent("/bench", str(number), data))
        for number, data in enumerate(batch, start=told)
    ]
