"""What an award is granted with: its identity for ever, its design as it is now, and how it was earned."""

from uuid import UUID

from msgspec import structs

from projections.badges import BADGES_BY_CODE, CERTIFICATE
from projections.entitlement import Due
from projections.progress import Progress
from projections.rows import CERTIFICATES, ORGANIZATIONS, PROGRAMS, Organization
from schemas.journal import AwardGranted
from services.journal import stream_id


def award_stream(due: Due) -> UUID:
    """The id of an award and of its stream: the same for one member, achievement and grant, so that a second
    grant meets the first."""
    return stream_id(
        due.organization_id, "award", due.user_id, due.code, due.program_id, str(due.grant_number)
    )


def award_granted(progress: Progress, due: Due, decided_at_position: int) -> AwardGranted:
    """The grant of what is due, in the words and the design of this moment."""
    bare = _certificate(progress, due) if due.code == CERTIFICATE else _badge(progress, due)
    return structs.replace(
        bare,
        grant_number=due.grant_number,
        decided_at_position=decided_at_position,
        threshold=due.threshold.value if due.threshold else None,
        threshold_from=due.threshold.set_by if due.threshold else None,
        first_at=due.first_at,
    )


def _badge(progress: Progress, due: Due) -> AwardGranted:
    badge = BADGES_BY_CODE[due.code]
    organization = _organization(progress, due)
    return AwardGranted(
        award_id=str(award_stream(due)),
        kind="badge",
        code=due.code,
        organization_id=due.organization_id,
        organization_name=organization.name,
        user_id=due.user_id,
        title=badge.name,
        text=badge.text,
        colour=badge.colour,
        logo=organization.logo,
        criteria=badge.criteria.format(threshold=due.threshold.value if due.threshold else ""),
        earned_at=due.earned_at,
        how=due.how,
        timezone=organization.timezone,
        linkedin_organization_id=organization.linkedin_organization_id,
        decided_at_position=0,
    )


def _certificate(progress: Progress, due: Due) -> AwardGranted:
    organization = _organization(progress, due)
    certificate = progress.get(CERTIFICATES, due.organization_id, due.program_id)
    program = progress.get(PROGRAMS, due.organization_id, due.program_id)
    if certificate is None:
        raise LookupError("no certificate is due in a program that never had one")
    return AwardGranted(
        award_id=str(award_stream(due)),
        kind="certificate",
        code=CERTIFICATE,
        organization_id=due.organization_id,
        organization_name=organization.name,
        program_id=due.program_id,
        program_name=certificate.program_name,
        user_id=due.user_id,
        title=certificate.name,
        text=certificate.text,
        colour=certificate.colour,
        banner=certificate.banner or (program.banner if program else None),
        logo=certificate.logo or organization.logo,
        criteria=_certificate_criteria(due, certificate.program_name),
        earned_at=due.earned_at,
        how=due.how,
        timezone=organization.timezone,
        linkedin_organization_id=organization.linkedin_organization_id,
        decided_at_position=0,
    )


def _certificate_criteria(due: Due, program_name: str) -> str:
    if due.threshold is None:
        return f"Awarded by the administrators of {program_name}."
    sessions = "session" if due.threshold.value == 1 else "sessions"
    return f"Completed {due.threshold.value} mentoring {sessions} with feedback in {program_name}."


def _organization(progress: Progress, due: Due) -> Organization:
    organization = progress.get(ORGANIZATIONS, due.organization_id)
    if organization is None:
        raise LookupError("nothing is due in an organization that was never configured")
    return organization
