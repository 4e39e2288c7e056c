"""Which awards had to be granted, and since when they were earned: the product's rules 1 to 8, 12, 18, 20 and 27."""

from datetime import datetime

from services.achievements.verifying.facts import (
    BADGE,
    CERTIFICATE,
    DEFAULT_THRESHOLDS,
    Grant,
    Look,
    Organization,
)
from services.journal import stream_id


def grant_due(organization: Organization, look: Look, position: int) -> None:
    """Grants what is due to a member by the event at a position: badges, or the certificate of a program."""
    user_id, program_id = look
    if organization.people[user_id].erased:
        return
    if program_id == BADGE:
        if organization.badges:
            _grant_badges(organization, user_id, position)
    elif organization.certificates:
        _grant_certificate(organization, user_id, program_id, position)


def badge_threshold(organization: Organization, badge: str) -> tuple[int, str]:
    """The threshold in force and who set it: the organization's own, else the platform's, else the default."""
    own = organization.thresholds.get(badge)
    if own is not None:
        return own, "organization"
    platform = organization.platform_thresholds.get(badge)
    if platform is not None:
        return platform, "platform"
    return DEFAULT_THRESHOLDS[badge], "default"


def _grant_badges(organization: Organization, user_id: str, position: int) -> None:
    for badge in DEFAULT_THRESHOLDS:
        if organization.granted(user_id, badge, BADGE):
            continue  # held, or revoked and so never granted again automatically
        threshold, set_by = badge_threshold(organization, badge)
        instants = organization.people[user_id].instants(badge)
        if len(instants) >= threshold:
            needed = sorted(instants)[:threshold]
            _grant(organization, (user_id, badge, BADGE), needed, (threshold, set_by), position)


def _grant_certificate(
    organization: Organization, user_id: str, program_id: str, position: int
) -> None:
    certificate = organization.designs.get(program_id)
    what = user_id, CERTIFICATE, program_id
    if certificate is None or not certificate.is_enabled or organization.holds(*what):
        return
    needed: list[datetime] = []
    required: int | None = certificate.design["required_sessions"]
    instants = organization.enrolments[user_id, program_id].counted_at.values()
    if required is not None and len(instants) >= required and not organization.granted(*what):
        needed = sorted(instants)[:required]
    by_hand = organization.waiting.get((user_id, program_id))
    if needed and (by_hand is None or needed[-1] <= by_hand):
        _grant(organization, what, needed, (required, "program"), position)
    elif by_hand is not None:
        _grant(organization, what, [by_hand], None, position)


def _grant(
    organization: Organization,
    what: tuple[str, str, str],
    instants: list[datetime],
    threshold: tuple[int | None, str] | None,
    position: int,
) -> None:
    """Grants an achievement at the last of the instants that it needed; without a threshold it is awarded by hand."""
    user_id, code, program_id = what
    number = len(organization.granted(*what)) + 1
    award_id = stream_id(
        organization.organization_id, "award", user_id, code, program_id, str(number)
    )
    organization.waiting.pop((user_id, program_id), None)
    organization.grants.setdefault(what, []).append(
        Grant(
            award_id=str(award_id),
            user_id=user_id,
            code=code,
            program_id=program_id,
            how="manual" if threshold is None else "automatic",
            first_at=instants[0] if threshold else None,
            earned_at=instants[-1],
            threshold=threshold[0] if threshold else None,
            threshold_from=threshold[1] if threshold else None,
            grant_number=number,
            decided_at_position=position,
        )
    )
