"""Mixed facts for benchmarks: the same every time."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from schemas import learning
from schemas.cloudevents import encode_structured

START = datetime(2026, 1, 1, tzinfo=UTC)
ORGANIZATIONS = 20
MEMBERS = 2_000  # in each organization
PROGRAMS = 10  # in each organization


class Encoded(NamedTuple):
    """A fact as it is published; `topic` is a topic of the contract."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def encoded(data: learning.Inbound, number: int) -> Encoded:
    """The fact as its publisher sends it, with an id of its own."""
    value, headers = encode_structured("/bench", f"{number:032x}", START, data)
    program_id = getattr(data, "program_id", None)
    if isinstance(data, learning.SessionCompleted):
        return Encoded("mentoring.sessions.v1", _key(data, program_id), value, headers)
    if isinstance(data, learning.FeedbackSubmitted):
        return Encoded("mentoring.feedback.v1", _key(data, program_id), value, headers)
    if isinstance(data, learning.CertificateEnabled):
        return Encoded("mentoring.certificates.v1", _key(data, program_id), value, headers)
    return Encoded("mentoring.directory.v1", data.organization_id.encode(), value, headers)


def _key(data: learning.Inbound, program_id: str | None) -> bytes:
    return f"{data.organization_id}:{program_id}".encode()


def organizations() -> Iterator[learning.Inbound]:
    """Organizations that may use everything, and a certificate for each of their programs."""
    for number in range(ORGANIZATIONS):
        organization_id = f"org-{number:03d}"
        yield learning.OrganizationConfigured(
            organization_id=organization_id, name="Bench", plan="enterprise", badges_enabled=True
        )
        for program in range(PROGRAMS):
            yield learning.CertificateEnabled(
                organization_id=organization_id,
                program_id=f"program-{program:03d}",
                program_type="one_to_one",
                program_name="Bench",
                required_sessions=5,
                name="Bench",
                text="Bench",
                colour="#0a5c36",
                enabled_by="admin",
                enabled_at=START,
            )


def mixed(count: int, seed: int = 1) -> Iterator[learning.Inbound]:
    """Sessions and feedback, some of it early, and registrations and joinings: 45, 45, 5 and 5 of a hundred."""
    random_ = random.Random(seed)
    for number in range(count):
        kind = random_.random()
        organization_id = f"org-{random_.randrange(ORGANIZATIONS):03d}"
        if kind < 0.45:
            yield _session(organization_id, number, random_)
        elif kind < 0.9:
            yield _feedback(organization_id, random_.randrange(max(1, number)), number, random_)
        elif kind < 0.95:
            yield learning.MemberRegistered(
                organization_id=organization_id,
                user_id=_user(random_),
                display_name="Somebody",
                email="somebody@example.org",
                roles=("mentor",),
            )
        else:
            yield learning.ProgramJoined(
                organization_id=organization_id,
                program_id=f"program-{random_.randrange(PROGRAMS):03d}",
                user_id=_user(random_),
                role="mentee",
                joined_at=START,
            )


def _session(
    organization_id: str, number: int, random_: random.Random
) -> learning.SessionCompleted:
    mentor, mentee = random_.sample(range(MEMBERS), 2)
    return learning.SessionCompleted(
        organization_id=organization_id,
        program_id=f"program-{random_.randrange(PROGRAMS):03d}",
        program_type="one_to_one",
        session_id=f"session-{number:08d}",
        participants=(
            learning.Participant(f"user-{mentor:06d}", "mentor"),
            learning.Participant(f"user-{mentee:06d}", "mentee"),
        ),
        completed_at=START + timedelta(seconds=number),
    )


def _feedback(
    organization_id: str, session: int, number: int, random_: random.Random
) -> learning.FeedbackSubmitted:
    return learning.FeedbackSubmitted(
        organization_id=organization_id,
        program_id="program-000",
        session_id=f"session-{session:08d}",
        user_id=_user(random_),
        submitted_at=START + timedelta(seconds=number),
    )


def _user(random_: random.Random) -> str:
    return f"user-{random_.randrange(MEMBERS):06d}"
