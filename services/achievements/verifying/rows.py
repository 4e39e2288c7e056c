"""What the read models must hold of an organization, row by row."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.journal import AwardGranted
from services.achievements.verifying.facts import Organization

Row = tuple[Any, ...]


class Awarded(NamedTuple):
    """A grant as the journal has it, and whether it was revoked."""

    event: AwardGranted
    granted_at: datetime
    revoked: bool


Awards = Iterable[Awarded]


class ReadModel(NamedTuple):
    """A table: its key comes first among its columns; `rows` gives what it must hold, in that order.

    Rows in which a column `user_id` stands belong to a member.
    """

    table: str
    columns: tuple[str, ...]
    key_length: int
    rows: Callable[[Organization, Awards], Iterator[Row]]


def _organization(organization: Organization, _: Awards) -> Iterator[Row]:
    its = organization.configured
    if its is not None:
        yield (
            its.organization_id,
            its.name,
            its.timezone,
            its.logo,
            its.linkedin_organization_id,
            organization.badges,
            organization.certificates,
        )


def _badge_thresholds(organization: Organization, _: Awards) -> Iterator[Row]:
    for code, threshold in organization.thresholds.items():
        yield organization.organization_id, code, threshold


def _programs(organization: Organization, _: Awards) -> Iterator[Row]:
    for its in organization.programs.values():
        yield its.organization_id, its.program_id, its.program_type, its.name, its.banner


def _certificates(organization: Organization, _: Awards) -> Iterator[Row]:
    for program_id, certificate in organization.designs.items():
        enabled, design = certificate.enabled, certificate.design
        yield (
            organization.organization_id,
            program_id,
            enabled.program_type,
            enabled.program_name,
            certificate.is_enabled,
            *(design[name] for name in ("required_sessions", "name", "text", "colour")),
            *(design[name] for name in ("banner", "logo", "guidance")),
        )


def _members(organization: Organization, _: Awards) -> Iterator[Row]:
    for user_id, person in organization.people.items():
        yield (
            organization.organization_id,
            user_id,
            "mentor" in person.registered_roles,
            "mentee" in person.registered_roles,
            "mentor" in person.active_roles,
            "mentee" in person.active_roles,
            person.erased,
            len(person.sessions_as["mentor"]),
            len(person.sessions_as["mentee"]),
            len(person.met_at),
        )


def _enrolments(organization: Organization, _: Awards) -> Iterator[Row]:
    for (user_id, program_id), enrolment in organization.enrolments.items():
        yield (
            organization.organization_id,
            program_id,
            user_id,
            enrolment.sessions_completed,
            len(enrolment.counted_at),
        )


def _sessions(organization: Organization, _: Awards) -> Iterator[Row]:
    for session_id, session in organization.sessions.items():
        yield (
            organization.organization_id,
            session_id,
            session.program_id,
            session.program_type,
            session.completed_at,
            list(session.people),
            list(session.people.values()),
            list(session.feedback),
            list(session.feedback.values()),
            session.counts_at,
        )


def _participations(organization: Organization, _: Awards) -> Iterator[Row]:
    for session_id, session in organization.sessions.items():
        for user_id, role in session.people.items():
            others = [other for other in session.people if other != user_id]
            yield (
                organization.organization_id,
                user_id,
                session_id,
                session.program_id,
                session.program_type,
                role,
                others[0] if session.program_type == "one_to_one" else None,
                session.completed_at,
                session.counts_at,
            )


def _awards(_: Organization, awards: Awards) -> Iterator[Row]:
    for event, granted_at, revoked in awards:
        yield (
            event.organization_id,
            event.user_id,
            event.award_id,
            event.code,
            event.program_id or "",
            event.title,
            event.how,
            event.grant_number,
            event.earned_at,
            granted_at,
            revoked,
        )


def _waiting_awards(organization: Organization, _: Awards) -> Iterator[Row]:
    for (user_id, program_id), awarded_at in organization.waiting.items():
        yield organization.organization_id, program_id, user_id, awarded_at


def _read_model(
    table: str, columns: str, key_length: int, rows: Callable[[Organization, Awards], Iterator[Row]]
) -> ReadModel:
    return ReadModel(table, tuple(columns.split()), key_length, rows)


READ_MODELS: Final = (
    _read_model(
        "organization",
        "organization_id name timezone logo linkedin_organization_id badges certificates",
        1,
        _organization,
    ),
    _read_model("badge_threshold", "organization_id code threshold", 2, _badge_thresholds),
    _read_model("program", "organization_id program_id program_type name banner", 2, _programs),
    _read_model(
        "certificate",
        "organization_id program_id program_type program_name enabled required_sessions"
        " name text colour banner logo guidance",
        2,
        _certificates,
    ),
    _read_model(
        "member",
        "organization_id user_id registered_mentor registered_mentee active_mentor active_mentee"
        " erased sessions_as_mentor sessions_as_mentee people_met",
        2,
        _members,
    ),
    _read_model(
        "enrolment",
        "organization_id program_id user_id sessions_completed sessions_counted",
        3,
        _enrolments,
    ),
    _read_model(
        "session",
        "organization_id session_id program_id program_type completed_at participants roles"
        " feedback_by feedback_at feedback_counts_at",
        2,
        _sessions,
    ),
    _read_model(
        "participation",
        "organization_id user_id session_id program_id program_type role partner_id"
        " completed_at feedback_counts_at",
        3,
        _participations,
    ),
    _read_model(
        "award",
        "organization_id user_id award_id code program_id title how grant_number"
        " earned_at granted_at revoked",
        3,
        _awards,
    ),
    _read_model(
        "waiting_award", "organization_id program_id user_id awarded_at", 3, _waiting_awards
    ),
)
