"""Who is due what: product rules 1, 2, 4, 5, 8, 12, 18 and 20. Pure, over rows in memory."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from projections.badges import BADGES, CERTIFICATE, Badge
from projections.counting import sessions_with_feedback
from projections.progress import Progress, Touched
from projections.rows import (
    BADGE_PROGRAM,
    BADGE_THRESHOLDS,
    CERTIFICATES,
    ENROLMENTS,
    MEMBERS,
    ORGANIZATIONS,
    PLATFORM,
    WAITING_AWARDS,
)
from schemas.awards import How

ThresholdFrom = Literal["default", "platform", "organization", "program"]


class Threshold(NamedTuple):
    """A number to be reached, and who set it."""

    value: int
    set_by: ThresholdFrom


class Due(NamedTuple):
    """An award that is due to a member now; `threshold` and `first_at` are None for one awarded by hand."""

    organization_id: str
    user_id: str
    code: str
    program_id: str
    how: How
    earned_at: datetime
    threshold: Threshold | None
    grant_number: int
    first_at: datetime | None = None


def badge_threshold(progress: Progress, organization_id: str, badge: Badge) -> Threshold:
    """The threshold that holds in an organization: its own, else the platform's, else the catalogue's."""
    own = progress.get(BADGE_THRESHOLDS, organization_id, badge.code)
    if own is not None and own.threshold is not None:
        return Threshold(own.threshold, "organization")
    platform = progress.get(BADGE_THRESHOLDS, PLATFORM, badge.code)
    if platform is not None and platform.threshold is not None:
        return Threshold(platform.threshold, "platform")
    return Threshold(badge.default_threshold, "default")


def due(progress: Progress, touched: Touched) -> Iterator[Due]:
    """What is due to a member and not held yet: badges, or the certificate of the program touched."""
    organization = progress.get(ORGANIZATIONS, touched.organization_id)
    member = progress.get(MEMBERS, touched.organization_id, touched.user_id)
    if organization is None or member is None or member.erased:
        return
    if touched.program_id == BADGE_PROGRAM:
        if organization.badges:
            yield from _badges_due(progress, touched)
    elif organization.certificates:
        certificate_due = _certificate_due(progress, touched)
        if certificate_due is not None:
            yield certificate_due


def everybody(progress: Progress) -> Iterator[Touched]:
    """All who are loaded, for badges and for each of their programs, in a fixed order."""
    for organization_id, user_id in sorted(progress.rows[MEMBERS.name]):
        yield Touched(organization_id, user_id)
    for organization_id, program_id, user_id in sorted(progress.rows[ENROLMENTS.name]):
        yield Touched(organization_id, user_id, program_id)


def may_come_due(progress: Progress, touched: Touched, more: int) -> bool:
    """Whether up to `more` further sessions could bring the member an award that needs looking at them all."""
    organization_id, user_id, program_id = touched
    if program_id == BADGE_PROGRAM:
        member = progress.get(MEMBERS, organization_id, user_id)
        return any(
            (getattr(member, badge.measure.counter) if member else 0) + more
            >= badge_threshold(progress, organization_id, badge).value
            and not any(progress.awards_for(organization_id, user_id, badge.code, BADGE_PROGRAM))
            for badge in BADGES
        )
    certificate = progress.get(CERTIFICATES, organization_id, program_id)
    if certificate is None or certificate.required_sessions is None:
        return False
    enrolment = progress.get(ENROLMENTS, organization_id, program_id, user_id)
    counted = enrolment.sessions_counted if enrolment else 0
    return counted + more >= certificate.required_sessions and not any(
        progress.awards_for(organization_id, user_id, CERTIFICATE, program_id)
    )


def _badges_due(progress: Progress, touched: Touched) -> Iterator[Due]:
    organization_id, user_id, _ = touched
    member = progress.get(MEMBERS, organization_id, user_id)
    for badge in BADGES:
        threshold = badge_threshold(progress, organization_id, badge)
        if getattr(member, badge.measure.counter) < threshold.value:
            continue
        if any(progress.awards_for(organization_id, user_id, badge.code, BADGE_PROGRAM)):
            continue  # held, or revoked and so never granted again automatically
        count = badge.measure.counting(progress.participations[organization_id, user_id].values())
        yield Due(
            organization_id=organization_id,
            user_id=user_id,
            code=badge.code,
            program_id=BADGE_PROGRAM,
            how="automatic",
            earned_at=count.earned_at(threshold.value),
            threshold=threshold,
            grant_number=1,
            first_at=count.first_at(),
        )


def _certificate_due(progress: Progress, touched: Touched) -> Due | None:
    organization_id, user_id, program_id = touched
    certificate = progress.get(CERTIFICATES, organization_id, program_id)
    if certificate is None or not certificate.enabled:
        return None
    if progress.held(organization_id, user_id, CERTIFICATE, program_id) is not None:
        return None
    candidates: list[Due] = []
    automatic = _automatic_certificate(progress, touched, certificate.required_sessions)
    if automatic is not None:
        candidates.append(automatic)
    waiting = progress.get(WAITING_AWARDS, organization_id, program_id, user_id)
    if waiting is not None:
        earlier = list(progress.awards_for(organization_id, user_id, CERTIFICATE, program_id))
        candidates.append(
            Due(
                organization_id=organization_id,
                user_id=user_id,
                code=CERTIFICATE,
                program_id=program_id,
                how="manual",
                earned_at=waiting.awarded_at,
                threshold=None,
                grant_number=len(earlier) + 1,
            )
        )
    return min(candidates, key=lambda candidate: candidate.earned_at, default=None)


def _automatic_certificate(
    progress: Progress, touched: Touched, required_sessions: int | None
) -> Due | None:
    organization_id, user_id, program_id = touched
    enrolment = progress.get(ENROLMENTS, organization_id, program_id, user_id)
    if (
        enrolment is None
        or required_sessions is None
        or enrolment.sessions_counted < required_sessions
    ):
        return None
    if any(progress.awards_for(organization_id, user_id, CERTIFICATE, program_id)):
        return None  # revoked, and so never granted again automatically
    count = sessions_with_feedback(program_id)(
        progress.participations[organization_id, user_id].values()
    )
    return Due(
        organization_id=organization_id,
        user_id=user_id,
        code=CERTIFICATE,
        program_id=program_id,
        how="automatic",
        earned_at=count.earned_at(required_sessions),
        threshold=Threshold(required_sessions, "program"),
        grant_number=1,
        first_at=count.first_at(),
    )
