"""The story of a small organization: who its people are, and the facts its platform publishes.

`expectations.py` says what the rules make of them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

ORGANIZATION: Final = "lantern"
ORGANIZATION_NAME: Final = "Lantern Collective"
TIMEZONE: Final = "Europe/Athens"
ADMIN: Final = "ines"
REQUIRED_SESSIONS: Final = 4


class Person(NamedTuple):
    """`locale` is the language they get mail in; English without one, and for one not known."""

    user_id: str
    name: str
    role: str
    locale: str | None = None

    @property
    def email(self) -> str:
        return f"{self.user_id}@lantern.example"


class Program(NamedTuple):
    program_id: str
    type: str
    name: str
    certificate: str | None


class Fact(NamedTuple):
    """An event as a publisher sends it; the same `id` again is the same event."""

    type: str
    id: str
    data: dict[str, Any]


class Session(NamedTuple):
    """A session of two, and who gave feedback the morning after, if anybody did."""

    session_id: str
    program_id: str
    mentor: str
    mentee: str
    completed_at: datetime
    feedback_by: str | None

    @property
    def feedback_at(self) -> datetime:
        return self.completed_at + timedelta(hours=18)


def day(month: int, number: int) -> datetime:
    """An afternoon in 2026."""
    return datetime(2026, month, number, 15, tzinfo=UTC)


PEOPLE: Final = (
    Person("amara", "Amara Okafor", "mentor"),
    Person("joao", "João Gonçalves", "mentor"),
    Person("asuka", "佐藤 明日香", "mentee"),
    Person("leila", "ليلى حداد", "mentee", "ar"),
    Person("dmytro", "Дмитро Коваленко", "mentee"),
    Person("sofia", "Σοφία Παπαδάκη", "mentee", "fr-CA"),
    Person("liat", "ליאת ברק", "mentee"),
)
PROGRAMS: Final = (
    Program("borders", "one_to_one", "Across Borders", "Across Borders"),
    Program("returners", "one_to_one", "Back to Work", None),
    Program("leadership", "development", "Leadership Lab", "Leadership Lab"),
)
SEASON: Final = (
    Session("b01", "borders", "amara", "asuka", day(1, 13), "asuka"),
    Session("b07", "borders", "amara", "leila", day(1, 20), "leila"),
    Session("b02", "borders", "amara", "asuka", day(1, 27), "amara"),
    Session("r01", "returners", "joao", "asuka", day(2, 3), "asuka"),
    Session("r06", "returners", "amara", "dmytro", day(2, 5), "dmytro"),
    Session("b03", "borders", "amara", "asuka", day(2, 10), "asuka"),
    Session("l01", "leadership", "joao", "sofia", day(2, 12), "sofia"),
    Session("r02", "returners", "joao", "asuka", day(2, 16), "joao"),
    Session("b08", "borders", "amara", "leila", day(2, 17), "leila"),
    Session("b04", "borders", "amara", "asuka", day(2, 24), None),
    Session("r03", "returners", "joao", "asuka", day(3, 2), "asuka"),
    Session("b09", "borders", "joao", "leila", day(3, 3), "leila"),
    Session("r07", "returners", "amara", "dmytro", day(3, 5), "dmytro"),
    Session("b05", "borders", "amara", "asuka", day(3, 10), "asuka"),
    Session("r05", "returners", "joao", "leila", day(3, 20), None),
    Session("b06", "borders", "amara", "asuka", day(3, 24), "asuka"),
    Session("r04", "returners", "joao", "asuka", day(3, 27), "asuka"),
    Session("b10", "borders", "joao", "leila", day(3, 31), None),
    Session("l02", "leadership", "joao", "sofia", day(4, 9), "sofia"),
)
SESSIONS: Final = {session.session_id: session for session in SEASON}
NAMES: Final = {person.user_id: person.name for person in PEOPLE}
PROGRAMS_BY_ID: Final = {program.program_id: program for program in PROGRAMS}

EARLY_FEEDBACK: Final = "b03"
DELIVERED_TWICE: Final = "b08"
POISON: Final = "r07"
LATE_FEEDBACK: Final = "b10"
LATE_FEEDBACK_AT: Final = day(6, 2)
AWARDED_BY_HAND: Final = "sofia"
AWARDED_AT: Final = day(6, 12)


def directory() -> list[Fact]:
    """The organization, its programs and its people. Liat has joined a program, and done no more."""
    organization = {
        "name": ORGANIZATION_NAME,
        "plan": "professional",
        "badges_enabled": True,
        "timezone": TIMEZONE,
    }
    joined = {"program_id": "leadership", "role": "mentee", "joined_at": _text(day(1, 9))}
    return [
        _fact("OrganizationConfigured", "organization", **organization),
        *(
            _fact(
                "ProgramConfigured",
                f"program-{program.program_id}",
                program_id=program.program_id,
                program_type=program.type,
                name=program.name,
            )
            for program in PROGRAMS
        ),
        *(
            _fact(
                "MemberRegistered",
                f"member-{person.user_id}",
                user_id=person.user_id,
                display_name=person.name,
                email=person.email,
                roles=[person.role],
                locale=person.locale,
            )
            for person in PEOPLE
        ),
        _fact("ProgramJoined", "joined-liat", user_id="liat", **joined),
    ]


def season() -> list[Fact]:
    """All sessions and the feedback about them, but what was told before; one without time zone."""
    told: list[Fact] = []
    for session in SEASON:
        completed = session_completed(session)
        if session.session_id == POISON:
            completed.data["completed_at"] = completed.data["completed_at"].removesuffix("Z")
        told.append(completed)
        if session.feedback_by is not None and session.session_id != EARLY_FEEDBACK:
            told.append(feedback(session, session.feedback_by, session.feedback_at))
    return told


def session_completed(session: Session) -> Fact:
    """The very same event each time it is asked for."""
    participants = [
        {"user_id": session.mentor, "role": "mentor"},
        {"user_id": session.mentee, "role": "mentee"},
    ]
    return _fact(
        "SessionCompleted",
        f"session-{session.session_id}",
        program_id=session.program_id,
        program_type=PROGRAMS_BY_ID[session.program_id].type,
        session_id=session.session_id,
        participants=participants,
        completed_at=_text(session.completed_at),
    )


def feedback(session: Session, by: str, at: datetime) -> Fact:
    return _fact(
        "FeedbackSubmitted",
        f"feedback-{session.session_id}-{by}",
        program_id=session.program_id,
        session_id=session.session_id,
        user_id=by,
        submitted_at=_text(at),
    )


def certificate_enabled(program_id: str, required_sessions: int | None, guidance: str) -> Fact:
    program = PROGRAMS_BY_ID[program_id]
    return _fact(
        "CertificateEnabled",
        f"certificate-{program_id}",
        program_id=program_id,
        program_type=program.type,
        program_name=program.name,
        required_sessions=required_sessions,
        name=program.certificate,
        text=f"For taking part in {program.name}.",
        colour="#0a5c36",
        guidance=guidance,
        enabled_by=ADMIN,
        enabled_at=_text(day(4, 15)),
    )


def awarded_by_hand() -> Fact:
    return _fact(
        "ManualAward",
        f"award-{AWARDED_BY_HAND}",
        program_id="leadership",
        user_ids=[AWARDED_BY_HAND],
        awarded_by=ADMIN,
        awarded_at=_text(AWARDED_AT),
    )


def _fact(type_: str, id_: str, **data: Any) -> Fact:
    return Fact(type_, id_, {"organization_id": ORGANIZATION, **data})


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
