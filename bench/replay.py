"""Seconds that an operator waits on a large history: what a change of thresholds would do, doing it, building the read
models again, and deriving everything a second time."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from time import perf_counter

from devstack import Addresses, create_database
from schemas import learning
from schemas.cloudevents import CloudEvent
from schemas.journal import EVENT_TYPES
from services.achievements.grants import advance
from services.achievements.migration import migrate
from services.achievements.recording import Fact, record
from services.journal import Journal
from services.kafka import Message

SESSIONS = 200_000
ORGANIZATIONS = 4
MEMBERS = 5_000  # in each organization, of which a third are mentors
PROGRAMS = 20  # in each organization
START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 4_000


def run(addresses: Addresses) -> None:
    pass


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
    message = Message("bench", 0, 0, None, b"{}", (), 0)
    return [
        Fact(message, CloudEvent("/bench", str(number), data))
        for number, data in enumerate(batch, start=told)
    ]
