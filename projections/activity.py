"""What a member sees: product rules 4, 11, 13 and 16. The shapes are the contract's."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from projections.badges import BADGES, CERTIFICATE, Badge
from projections.counting import Participation
from projections.entitlement import badge_threshold
from projections.progress import Progress
from projections.rows import (
    AWARDS,
    BADGE_PROGRAM,
    BADGE_THRESHOLDS,
    CERTIFICATES,
    ENROLMENTS,
    MEMBERS,
    ORGANIZATIONS,
    PARTICIPATIONS,
    PLATFORM,
    Award,
    BadgeThreshold,
    Certificate,
    Enrolment,
    Member,
    Organization,
)
from schemas.awards import How

FeedbackUrl = Callable[[str, str, str], str | None]
"""Where feedback is given: organization, program and session to an address."""


class Available(Struct):
    badges: bool
    certificates: bool


class EarnedBadge(Struct):
    award_id: str
    code: str
    name: str
    earned_at: datetime
    granted_at: datetime


class BadgeInProgress(Struct):
    code: str
    name: str
    count: int
    threshold: int
    missing: int
    revoked: bool


class Badges(Struct):
    earned: list[EarnedBadge]
    in_progress: list[BadgeInProgress]


class EarnedCertificate(Struct):
    award_id: str
    program_id: str
    title: str
    earned_at: datetime
    granted_at: datetime
    how: How


class UnearnedCertificate(Struct):
    program_id: str
    title: str
    count: int
    required_sessions: int | None
    missing: int | None
    guidance: str | None
    revoked: bool


class Certificates(Struct):
    earned: list[EarnedCertificate]
    unearned: list[UnearnedCertificate]


class SessionWithoutFeedback(Struct):
    session_id: str
    program_id: str
    completed_at: datetime
    feedback_url: str | None


class Activity(Struct):
    organization_id: str
    user_id: str
    available: Available
    badges: Badges
    certificates: Certificates
    sessions_without_feedback: list[SessionWithoutFeedback]


class Home(Struct):
    badges: list[BadgeInProgress]
    certificates: list[UnearnedCertificate]


class MemberRows(Struct):
    """The rows that tell a member's activity; `participations` are those without valid feedback."""

    organization: Organization | None
    member: Member | None
    thresholds: list[BadgeThreshold]
    enrolments: list[Enrolment]
    certificates: list[Certificate]
    awards: list[Award]
    participations: list[Participation]

    def progress(self) -> Progress:
        """The rows as the rules read them; those of an erased member tell nothing."""
        progress = Progress()
        if self.organization is not None:
            progress.put_loaded(ORGANIZATIONS, self.organization)
        for threshold in self.thresholds:
            progress.put_loaded(BADGE_THRESHOLDS, threshold)
        for certificate in self.certificates:
            progress.put_loaded(CERTIFICATES, certificate)
        if self.member is None or self.member.erased:
            return progress
        progress.put_loaded(MEMBERS, self.member)
        for enrolment in self.enrolments:
            progress.put_loaded(ENROLMENTS, enrolment)
        for award in self.awards:
            progress.put_loaded(AWARDS, award)
        for part in self.participations:
            progress.put_loaded(PARTICIPATIONS, part)
        return progress


MEMBER_ROWS_QUERY = f"""
SELECT json_build_object(
    'organization', (SELECT to_json(o) FROM organization AS o WHERE organization_id = %(organization_id)s),
    'member', (SELECT to_json(m) FROM member AS m
               WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s),
    'thresholds', (SELECT coalesce(json_agg(t), '[]') FROM badge_threshold AS t
                   WHERE organization_id IN (%(organization_id)s, '{PLATFORM}')),
    'enrolments', (SELECT coalesce(json_agg(e), '[]') FROM enrolment AS e
                   WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s),
    'certificates', (SELECT coalesce(json_agg(c), '[]') FROM certificate AS c
                     JOIN enrolment AS e USING (organization_id, program_id)
                     WHERE organization_id = %(organization_id)s AND e.user_id = %(user_id)s),
    'awards', (SELECT coalesce(json_agg(a), '[]') FROM award AS a
               WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s),
    'participations', (SELECT coalesce(json_agg(p), '[]') FROM participation AS p
                       WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s
                         AND feedback_counts_at IS NULL)
)::text
"""
"""One statement, so that all rows are of one instant; takes `organization_id` and `user_id`."""

decode_member_rows: Callable[[str], MemberRows] = msgspec.json.Decoder(MemberRows).decode


def activity(
    progress: Progress, organization_id: str, user_id: str, feedback_url: FeedbackUrl
) -> Activity:
    """All that a member has earned and can earn."""
    organization = progress.get(ORGANIZATIONS, organization_id)
    available = Available(
        badges=organization is not None and organization.badges,
        certificates=organization is not None and organization.certificates,
    )
    held = [
        award for award in progress.awards[organization_id, user_id].values() if not award.revoked
    ]
    badges = Badges(earned=[], in_progress=[])
    if available.badges:
        badges = Badges(
            earned=_earned_badges(held),
            in_progress=_badges_in_progress(progress, organization_id, user_id),
        )
    certificates = Certificates(earned=[], unearned=[])
    without_feedback: list[SessionWithoutFeedback] = []
    if available.certificates:
        certificates = Certificates(
            earned=_earned_certificates(held),
            unearned=_unearned(progress, organization_id, user_id),
        )
        without_feedback = _without_feedback(progress, organization_id, user_id, feedback_url)
    return Activity(organization_id, user_id, available, badges, certificates, without_feedback)


def home(full: Activity) -> Home:
    """Only what is in progress."""
    return Home(
        badges=[badge for badge in full.badges.in_progress if badge.count >= 1],
        certificates=[
            one for one in full.certificates.unearned if one.required_sessions is not None
        ],
    )


def _earned_badges(held: list[Award]) -> list[EarnedBadge]:
    return [
        EarnedBadge(award.award_id, award.code, award.title, award.earned_at, _granted_at(award))
        for award in sorted(held, key=lambda award: award.code)
        if award.code != CERTIFICATE
    ]


def _badges_in_progress(
    progress: Progress, organization_id: str, user_id: str
) -> list[BadgeInProgress]:
    member = progress.get(MEMBERS, organization_id, user_id) or Member(organization_id, user_id)
    return [
        _badge_in_progress(progress, member, badge)
        for badge in BADGES
        if _is_shown(badge, member)
        and progress.held(organization_id, user_id, badge.code, BADGE_PROGRAM) is None
    ]


def _is_shown(badge: Badge, member: Member) -> bool:
    match badge.shown_to:
        case "mentor":
            return member.registered_mentor or member.active_mentor
        case "mentee":
            return member.registered_mentee or member.active_mentee
    return True


def _badge_in_progress(progress: Progress, member: Member, badge: Badge) -> BadgeInProgress:
    count: int = getattr(member, badge.measure.counter)
    threshold = badge_threshold(progress, member.organization_id, badge).value
    earlier = progress.awards_for(member.organization_id, member.user_id, badge.code, BADGE_PROGRAM)
    return BadgeInProgress(
        code=badge.code,
        name=badge.name,
        count=count,
        threshold=threshold,
        missing=max(0, threshold - count),
        revoked=any(earlier),
    )


def _earned_certificates(held: list[Award]) -> list[EarnedCertificate]:
    return [
        EarnedCertificate(
            award.award_id,
            award.program_id,
            award.title,
            award.earned_at,
            _granted_at(award),
            award.how,
        )
        for award in sorted(held, key=lambda award: award.program_id)
        if award.code == CERTIFICATE
    ]


def _unearned(progress: Progress, organization_id: str, user_id: str) -> list[UnearnedCertificate]:
    unearned: list[UnearnedCertificate] = []
    for enrolment in _enrolments(progress, organization_id, user_id):
        program_id = enrolment.program_id
        certificate = progress.get(CERTIFICATES, organization_id, program_id)
        if certificate is None or not certificate.enabled:
            continue
        if progress.held(organization_id, user_id, CERTIFICATE, program_id) is not None:
            continue
        required = certificate.required_sessions
        unearned.append(
            UnearnedCertificate(
                program_id=program_id,
                title=certificate.name,
                count=enrolment.sessions_counted,
                required_sessions=required,
                missing=None if required is None else max(0, required - enrolment.sessions_counted),
                guidance=certificate.guidance,
                revoked=any(progress.awards_for(organization_id, user_id, CERTIFICATE, program_id)),
            )
        )
    return unearned


def _enrolments(progress: Progress, organization_id: str, user_id: str) -> list[Enrolment]:
    """Those of the member, by program."""
    mine: list[Any] = [
        enrolment
        for enrolment in progress.rows[ENROLMENTS.name].values()
        if (enrolment.organization_id, enrolment.user_id) == (organization_id, user_id)
    ]
    return sorted(mine, key=lambda enrolment: enrolment.program_id)


def _without_feedback(
    progress: Progress, organization_id: str, user_id: str, feedback_url: FeedbackUrl
) -> list[SessionWithoutFeedback]:
    missing = [
        part
        for part in progress.participations[organization_id, user_id].values()
        if part.program_type == "one_to_one" and part.feedback_counts_at is None
    ]
    return [
        SessionWithoutFeedback(
            session_id=part.session_id,
            program_id=part.program_id,
            completed_at=part.completed_at,
            feedback_url=feedback_url(organization_id, part.program_id, part.session_id),
        )
        for part in sorted(missing, key=lambda part: (part.completed_at, part.session_id))
    ]


def _granted_at(award: Award) -> datetime:
    if award.granted_at is None:
        raise ValueError("an award is shown before it was recorded")
    return award.granted_at
