"""Changing thresholds with care: first what exactly would happen, then exactly that. Product rules 5 and 11.

A plan is tried: in one transaction at the journal's head the change is made, everything due is granted, the outcome is
looked at, and all of it is taken back. Applying does the same again, and keeps it where the outcome is the same.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import uuid4

import msgspec
import psycopg
from msgspec import Struct

from projections.badges import BADGES_BY_CODE, CERTIFICATE
from schemas import learning
from schemas.awards import Kind
from schemas.journal import AwardGranted, BadgeThresholdSet, PlanApplied
from services.achievements.errors import DomainError
from services.achievements.grants import advance, advance_to_head, at_head
from services.achievements.mail import recipients
from services.achievements.mail.recipients import Member
from services.achievements.recording import Route, Streams, platform_stream, program_route
from services.journal import Entry, Journal, stream_id

MAX_THRESHOLD: Final = 10_000


class PlanError(Exception):
    """A change that can't be made; the text says which and why."""


class OutcomeMovedError(Exception):
    """The facts have moved since the plan was made, or it was applied already; `moved` says how."""

    def __init__(self, moved: Sequence[str]) -> None:
        super().__init__("; ".join(moved))
        self.moved = moved


class BadgeChange(Struct, frozen=True):
    """`threshold` None: back to the one for all, or to the catalogue's."""

    code: str
    threshold: int | None


class CertificateChange(Struct, frozen=True):
    organization_id: str
    program_id: str
    required_sessions: int


class Change(Struct, frozen=True):
    """What an operator asks for; badges of one organization, or of all without one."""

    organization_id: str | None
    badges: tuple[BadgeChange, ...]
    certificates: tuple[CertificateChange, ...]


class Gain(Struct, frozen=True):
    """Somebody who would be granted something."""

    organization_id: str
    user_id: str
    kind: Kind
    code: str
    program_id: str | None
    earned_at: datetime


class Below(Struct, frozen=True):
    """Somebody who would keep an automatic award though below the new threshold."""

    organization_id: str
    user_id: str
    code: str
    program_id: str | None


class Outcome(Struct, frozen=True):
    """All that would happen, in a fixed order; `emails` are those that could be sent now."""

    grants: tuple[Gain, ...]
    emails: int
    below: tuple[Below, ...]

    def digest(self) -> str:
        """SHA-256 in hexadecimal of who would be granted what, earned when."""
        return sha256(msgspec.json.encode(self.grants)).hexdigest()


class Plan(Struct, frozen=True):
    """A plan as its file holds it."""

    plan_id: str
    made_at: datetime
    position: int
    change: Change
    outcome_digest: str
    outcome: Outcome


def make(journal: Journal, change: Change, now: datetime) -> Plan:
    """Tries a change and takes it back. `PlanError` where it can't be made."""
    _catch_up(journal)
    with at_head(journal) as connection:
        position = journal.head(connection)
        outcome = Outcome((), 0, ())
        with connection.transaction() as attempt:
            outcome = _carry_out(journal, connection, change, _Hand("plan", now, mailed=True))
            raise psycopg.Rollback(attempt)
    return Plan(str(uuid4()), now, position, change, outcome.digest(), outcome)


def apply(journal: Journal, plan: Plan, by: str, now: datetime, *, mailed: bool) -> Outcome:
    """Does what was planned, once, in one transaction; `OutcomeMovedError` where anything else would happen."""
    _catch_up(journal)
    with at_head(journal) as connection:
        its_stream = stream_id("", "plan", plan.plan_id)
        if journal.load(connection, [its_stream]):
            raise OutcomeMovedError([f"plan {plan.plan_id} was applied already"])
        outcome = _carry_out(journal, connection, plan.change, _Hand(by, now, mailed))
        if outcome.digest() != plan.outcome_digest:
            raise OutcomeMovedError(_moved(plan.outcome.grants, outcome.grants))
        applied = PlanApplied(
            plan_id=plan.plan_id,
            outcome_digest=plan.outcome_digest,
            grants=len(outcome.grants),
            mailed=mailed,
            by=by,
        )
        journal.append(connection, [Entry(its_stream, 1, applied)])
        advance_to_head(journal, connection)
        return outcome


class _Hand(NamedTuple):
    """Whose hand makes the change, when, and whether members are mailed about it."""

    by: str
    now: datetime
    mailed: bool


def _catch_up(journal: Journal) -> None:
    """Brings the read models near the head in steps of their own, as `project` would; so the trial is short."""
    folded = True
    while folded:
        with journal.transaction() as connection:
            folded = advance(journal, connection).folded > 0


def _carry_out(
    journal: Journal, connection: psycopg.Connection[Any], change: Change, hand: _Hand
) -> Outcome:
    granted: list[AwardGranted] = []
    for badge in change.badges:
        _set_badge(journal, connection, change.organization_id, badge, hand.by)
        granted += advance_to_head(journal, connection, mailed=hand.mailed)
    for certificate in change.certificates:
        _set_certificate(journal, connection, certificate, hand)
        granted += advance_to_head(journal, connection, mailed=hand.mailed)
    return Outcome(
        grants=tuple(sorted(map(_gain, granted), key=_place)),
        emails=_emails(connection, granted),
        below=tuple(sorted(_below(connection, change), key=_place)),
    )


def _set_badge(
    journal: Journal,
    connection: psycopg.Connection[Any],
    organization_id: str | None,
    badge: BadgeChange,
    by: str,
) -> None:
    if badge.code not in BADGES_BY_CODE:
        raise PlanError(f"--badge {badge.code}: there is no such badge; there are {_codes()}")
    if badge.threshold is not None and not 1 <= badge.threshold <= MAX_THRESHOLD:
        raise PlanError(f"--badge {badge.code}: the threshold must be 1 to {MAX_THRESHOLD}")
    its_stream = (
        platform_stream()
        if organization_id is None
        else stream_id(organization_id, "organization")
    )
    known = journal.load(connection, [its_stream]).get(its_stream, [])
    if organization_id is not None and not known:
        raise PlanError(f"--organization {organization_id}: it was never configured")
    version = known[-1].originator_version if known else 0
    event = BadgeThresholdSet(
        organization_id=organization_id, code=badge.code, threshold=badge.threshold, by=by
    )
    journal.append(connection, [Entry(its_stream, version + 1, event)])


def _set_certificate(
    journal: Journal,
    connection: psycopg.Connection[Any],
    certificate: CertificateChange,
    hand: _Hand,
) -> None:
    name = f"--certificate {certificate.organization_id}/{certificate.program_id}"
    command = learning.CertificateChanged(
        organization_id=certificate.organization_id,
        program_id=certificate.program_id,
        required_sessions=certificate.required_sessions,
        changed_by=hand.by,
        changed_at=hand.now,
    )
    its_route: Route = program_route(certificate.organization_id, certificate.program_id)
    try:
        added = Streams(journal, connection, [its_route]).handle(its_route, command, None)
    except DomainError as error:
        raise PlanError(f"{name}: {error}") from None
    journal.append(connection, added)


def _gain(award: AwardGranted) -> Gain:
    return Gain(
        award.organization_id,
        award.user_id,
        award.kind,
        award.code,
        award.program_id,
        award.earned_at,
    )


def _place(one: Gain | Below) -> tuple[str, ...]:
    return (one.organization_id, one.code, one.program_id or "", one.user_id)


def _emails(connection: psycopg.Connection[Any], granted: Iterable[AwardGranted]) -> int:
    """How many of the grants a mail can be sent about, as things are now."""
    members = [Member(award.organization_id, award.user_id) for award in granted]
    known = recipients.find(connection, set(members))
    return sum(1 for member in members if known[member].obstacle is None)


def _below(connection: psycopg.Connection[Any], change: Change) -> list[Below]:
    below: list[Below] = []
    for badge in change.badges:
        counter = BADGES_BY_CODE[badge.code].measure.counter
        rows = connection.execute(
            f"""
            SELECT award.organization_id, award.user_id
            FROM award JOIN member USING (organization_id, user_id)
            LEFT JOIN badge_threshold AS own
                   ON own.organization_id = award.organization_id AND own.code = award.code
            LEFT JOIN badge_threshold AS platform
                   ON platform.organization_id = '' AND platform.code = award.code
            WHERE award.code = %(code)s AND NOT revoked AND how = 'automatic' AND NOT erased
              AND (%(organization_id)s::text IS NULL OR award.organization_id = %(organization_id)s)
              AND {counter} < coalesce(own.threshold, platform.threshold, %(default)s)
            """,
            {
                "code": badge.code,
                "organization_id": change.organization_id,
                "default": BADGES_BY_CODE[badge.code].default_threshold,
            },
        )
        below += [
            Below(organization_id, user_id, badge.code, None) for organization_id, user_id in rows
        ]
    for certificate in change.certificates:
        below += _below_certificate(connection, certificate)
    return below


def _below_certificate(
    connection: psycopg.Connection[Any], certificate: CertificateChange
) -> list[Below]:
    rows = connection.execute(
        """
        SELECT award.organization_id, award.user_id, award.code, award.program_id
        FROM award JOIN enrolment USING (organization_id, program_id, user_id)
        JOIN member USING (organization_id, user_id)
        WHERE award.organization_id = %s AND award.program_id = %s AND award.code = %s
          AND NOT revoked AND how = 'automatic' AND NOT erased AND sessions_counted < %s
        """,
        (
            certificate.organization_id,
            certificate.program_id,
            CERTIFICATE,
            certificate.required_sessions,
        ),
    )
    return [Below(*row) for row in rows]


def _moved(planned: Sequence[Gain], now: Sequence[Gain]) -> list[str]:
    """What would be granted now and wasn't planned, and the other way round."""
    gone = sorted(set(planned) - set(now), key=_place)
    come = sorted(set(now) - set(planned), key=_place)
    return [
        *(f"no longer: {_words(gain)}" for gain in gone),
        *(f"new: {_words(gain)}" for gain in come),
    ]


def _words(gain: Gain) -> str:
    program = f" of {gain.program_id}" if gain.program_id else ""
    return f"{gain.organization_id}, {gain.user_id}: {gain.code}{program}, earned {gain.earned_at.isoformat()}"


def _codes() -> str:
    return ", ".join(BADGES_BY_CODE)
