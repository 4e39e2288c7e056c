"""Changing thresholds with care: first what exactly would happen, then exactly that. Product rules 5 and 11.

A plan is tried: in one transaction at the journal's head the change is made, everything due is granted, the outcome is
looked at, and all of it is taken back, so that a plan leaves nothing behind. Applying does the same again, and keeps it
where the outcome is the same.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct, structs

from projections.badges import BADGES_BY_CODE
from projections.rows import ORGANIZATIONS, PLATFORM, PROGRAMS
from schemas import learning
from schemas.awards import Kind
from schemas.journal import AwardGranted, BadgeThresholdSet, PlanApplied
from services.achievements import plan_effects
from services.achievements.errors import DomainError, UnknownCertificateError
from services.achievements.grants import advance_to_head, at_head
from services.achievements.plan_effects import (
    BadgeChange,
    Below,
    CertificateChange,
    Change,
    Standing,
)
from services.achievements.recording import Streams, platform_stream, program_route
from services.journal import Entry, Journal, stream_id

MAX_THRESHOLD: Final = 10_000

Connection = psycopg.Connection[Any]


class PlanError(Exception):
    """A change that can't be made; the text says which and why."""


class AppliedAlreadyError(Exception):
    """The plan was applied before, which can be done once only."""

    def __init__(self, by: str, at: datetime) -> None:
        super().__init__(f"this plan was applied already, by {by}, {at:%Y-%m-%d %H:%M} UTC")


class OutcomeMovedError(Exception):
    """The facts have moved since the plan was made; `moved` says how."""

    def __init__(self, moved: Iterable[str]) -> None:
        self.moved = list(moved)
        super().__init__("; ".join(self.moved))


class Gain(Struct, frozen=True):
    """Somebody who would be granted something."""

    organization_id: str
    user_id: str
    kind: Kind
    code: str
    program_id: str | None
    earned_at: datetime


class Outcome(Struct, frozen=True):
    """All that would happen, in a fixed order; `emails` are those that could be sent now."""

    grants: tuple[Gain, ...]
    emails: int
    below: tuple[Below, ...]

    def digest(self) -> str:
        """SHA-256, in hexadecimal."""
        return sha256(msgspec.json.encode(self)).hexdigest()


class Forecast(Struct, frozen=True):
    """What is told of an outcome beside it: how progress moves, why not all are mailed, what else is to be known."""

    standings: tuple[Standing, ...]
    unmailed: dict[str, int]
    notes: tuple[str, ...]


class Plan(Struct, frozen=True):
    """A plan as its file holds it. Its id is a digest of the rest: what was changed by hand is no plan."""

    plan_id: str
    made_at: datetime
    made_by: str
    position: int
    change: Change
    outcome_digest: str
    outcome: Outcome
    forecast: Forecast

    def identified(self) -> Self:
        """The plan with the id that it must have."""
        content = msgspec.json.encode(structs.replace(self, plan_id=""))
        return structs.replace(self, plan_id=sha256(content).hexdigest()[:32])


def make(journal: Journal, change: Change, by: str, now: datetime) -> Plan:
    """Tries a change and takes it back. `PlanError` where it can't be made.

    Nobody else appends to the journal or grants meanwhile; see `at_head` for what it raises.
    """
    with at_head(journal) as connection:
        position = journal.head(connection)
        outcome, forecast = _carry_out(journal, connection, change, _Hand(by, now, mailed=True))
        raise psycopg.Rollback
    return Plan("", now, by, position, change, outcome.digest(), outcome, forecast).identified()


def apply(journal: Journal, plan: Plan, by: str, now: datetime, *, mailed: bool) -> Plan:
    """Does what was planned, once, in one transaction; gives what it came to.

    `OutcomeMovedError` where anything else would happen, `AppliedAlreadyError` the second time. How many emails are sent is no part of it where none is to
    be sent.
    """
    if plan.identified() != plan or plan.outcome.digest() != plan.outcome_digest:
        raise PlanError("the plan was changed after it was made; make another")
    its_stream = plan_stream(plan.plan_id)
    with at_head(journal) as connection:
        for (recorded,) in journal.load(connection, [its_stream]).values():
            raise AppliedAlreadyError(recorded.event.by, recorded.recorded_at)
        try:
            outcome, forecast = _carry_out(journal, connection, plan.change, _Hand(by, now, mailed))
        except PlanError as error:
            raise OutcomeMovedError([str(error)]) from None
        if moved := list(_differences(plan.outcome, outcome, mailed)):
            raise OutcomeMovedError(moved)
        applied = PlanApplied(
            plan_id=plan.plan_id,
            outcome_digest=plan.outcome_digest,
            grants=len(outcome.grants),
            mailed=mailed,
            by=by,
        )
        journal.append(connection, [Entry(its_stream, 1, applied)])
        advance_to_head(journal, connection)
    return structs.replace(plan, outcome=outcome, forecast=forecast)


def plan_stream(plan_id: str) -> UUID:
    """The stream whose only event tells that a plan was applied."""
    return stream_id(PLATFORM, "plan", plan_id)


class _Hand(NamedTuple):
    """Whose hand makes the change, when, and whether members are mailed about it."""

    by: str
    now: datetime
    mailed: bool


def _carry_out(
    journal: Journal, connection: Connection, change: Change, hand: _Hand
) -> tuple[Outcome, Forecast]:
    """Makes the change at the journal's head, grants what is due by it, and looks at what came of it."""
    _check_badges(connection, change)
    before = plan_effects.thresholds(connection, change)
    for badge in change.badges:
        _set_badge(journal, connection, change.organization_id, badge, hand.by)
    for certificate in change.certificates:
        _set_certificate(journal, connection, certificate, hand)
    granted = advance_to_head(journal, connection, mailed=hand.mailed)
    after = plan_effects.thresholds(connection, change)
    unmailed = plan_effects.unmailed(connection, granted)
    outcome = Outcome(
        grants=tuple(sorted(map(_gain, granted), key=_place)),
        emails=len(granted) - unmailed.total(),
        below=tuple(sorted(plan_effects.below(connection, before, after), key=_place)),
    )
    standings = plan_effects.standings(connection, before, after)
    notes = plan_effects.notes(connection, change)
    return outcome, Forecast(tuple(standings), dict(sorted(unmailed.items())), tuple(notes))


def _check_badges(connection: Connection, change: Change) -> None:
    for badge in change.badges:
        if badge.code not in BADGES_BY_CODE:
            raise PlanError(
                f"--badge {badge.code}: there is no such badge; there are {', '.join(BADGES_BY_CODE)}"
            )
        if badge.threshold is not None and not 1 <= badge.threshold <= MAX_THRESHOLD:
            raise PlanError(f"--badge {badge.code}: the threshold must be 1 to {MAX_THRESHOLD}")
    one = change.organization_id
    if one is not None and not ORGANIZATIONS.select(connection, [(one,)]):
        raise PlanError(f"--organization {one}: it was never configured")


def _set_badge(
    journal: Journal,
    connection: Connection,
    organization_id: str | None,
    badge: BadgeChange,
    by: str,
) -> None:
    its_stream = (
        platform_stream() if organization_id is None else stream_id(organization_id, "organization")
    )
    known = journal.load(connection, [its_stream]).get(its_stream)
    version = known[-1].originator_version if known else 0
    event = BadgeThresholdSet(
        organization_id=organization_id, code=badge.code, threshold=badge.threshold, by=by
    )
    journal.append(connection, [Entry(its_stream, version + 1, event)])


def _set_certificate(
    journal: Journal, connection: Connection, certificate: CertificateChange, hand: _Hand
) -> None:
    command = learning.CertificateChanged(
        organization_id=certificate.organization_id,
        program_id=certificate.program_id,
        required_sessions=certificate.required_sessions,
        changed_by=hand.by,
        changed_at=hand.now,
    )
    its_route = program_route(certificate.organization_id, certificate.program_id)
    try:
        added = Streams(journal, connection, [its_route]).handle(its_route, command, None)
    except DomainError as error:
        raise PlanError(_why_not(connection, certificate, error)) from None
    journal.append(connection, added)


def _why_not(connection: Connection, certificate: CertificateChange, error: DomainError) -> str:
    """What the rules refuse, in words for who typed the command."""
    key = (certificate.organization_id, certificate.program_id)
    why = error.detail.partition(": ")[2]
    if isinstance(error, UnknownCertificateError):
        if not ORGANIZATIONS.select(connection, [key[:1]]):
            why += f"; an organization {key[0]} was never configured"
        elif not PROGRAMS.select(connection, [key]):
            why += f"; a program {key[1]} was never configured"
    return f"--certificate {'/'.join(key)}: {why}"


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


def _differences(planned: Outcome, now: Outcome, mailed: bool) -> Iterator[str]:
    """What would happen now and wasn't planned, and the other way round."""
    for one in sorted(set(now.grants) - set(planned.grants), key=_place):
        yield f"would be granted, too: {_words(one)}, earned {one.earned_at.isoformat()}"
    for one in sorted(set(planned.grants) - set(now.grants), key=_place):
        yield f"would not be granted any more: {_words(one)}, earned {one.earned_at.isoformat()}"
    for other in sorted(set(now.below) - set(planned.below), key=_place):
        yield f"would stay though below, too: {_words(other)}"
    for other in sorted(set(planned.below) - set(now.below), key=_place):
        yield f"is not below any more: {_words(other)}"
    if mailed and now.emails != planned.emails:
        yield f"emails that would be sent: {now.emails} instead of {planned.emails}"


def _words(one: Gain | Below) -> str:
    program = f" of {one.program_id}" if one.program_id else ""
    return f"{one.organization_id}, {one.user_id}: {one.code}{program}"
