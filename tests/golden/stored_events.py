"""What each golden file of achievements' journal means: the event that must be read from its bytes for ever.

Names are those of the files, without `.json`: a stored name, and what is particular about this event, if anything:
`sparse` is one whose optional fields are all left out.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from schemas.journal import (
    AvailabilityChanged,
    AwardedByHand,
    AwardGranted,
    AwardRevoked,
    BadgeThresholdSet,
    CertificateChanged,
    CertificateDisabled,
    CertificateEnabled,
    Event,
    FeedbackSubmitted,
    MemberErased,
    MemberRegistered,
    OrganizationConfigured,
    PlanApplied,
    ProgramConfigured,
    ProgramJoined,
    SessionCompleted,
)
from schemas.learning import Participant

CAUSE: Final = "9f86d081884c7d659a2feaa0c55ad015"
LOGO: Final = "sha256:" + "0a" * 32
BANNER: Final = "sha256:" + "ff" * 32
AWARD: Final = "0b5ab8bc-6e59-8c5c-8f0e-3c6c6c1f9a51"
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
A_LITTLE_LATER: Final = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def stored_name(name: str) -> str:
    """The stored name in the name of a golden file: `award-granted.1` of `award-granted.1.sparse`."""
    return ".".join(name.split(".")[:2])


STORED_EVENTS: Final[Mapping[str, Event]] = {
    "organization-configured.1": OrganizationConfigured(
        cause=CAUSE,
        organization_id="acme",
        name='Acmé "日本" 👩‍🚀\n\\',
        plan="enterprise",
        badges_enabled=True,
        timezone="Europe/Paris",
        logo=LOGO,
        linkedin_organization_id="1337",
    ),
    "organization-configured.1.sparse": OrganizationConfigured(
        organization_id="acme", name="Acme", plan="free", badges_enabled=False
    ),
    "availability-changed.1": AvailabilityChanged(
        organization_id="acme", badges=False, certificates=True
    ),
    "badge-threshold-set.1": BadgeThresholdSet(
        organization_id="acme", code="super_mentor", threshold=30, by="op"
    ),
    "badge-threshold-set.1.sparse": BadgeThresholdSet(code="mentor", by="op"),
    "plan-applied.1": PlanApplied(
        plan_id="2f0c7f0e-6f4e-4a51-9d8e-0d7a6f1f3c11",
        outcome_digest="9f86d081884c7d659a2feaa0c55ad015",
        grants=12,
        mailed=False,
        by="op",
    ),
    "program-configured.1": ProgramConfigured(
        cause=CAUSE,
        organization_id="acme",
        program_id="p1",
        program_type="development",
        name="Spring",
        banner=BANNER,
    ),
    "program-configured.1.sparse": ProgramConfigured(
        organization_id="acme", program_id="p1", program_type="group", name=""
    ),
    "certificate-enabled.1": CertificateEnabled(
        cause=CAUSE,
        organization_id="acme",
        program_id="p1",
        program_type="one_to_one",
        program_name="Spring",
        required_sessions=3,
        name="Spring certificate",
        text="For taking part",
        colour="#0a5C36",
        banner=BANNER,
        logo=LOGO,
        guidance="Give feedback",
        enabled_by="root",
        enabled_at=NOON,
    ),
    "certificate-enabled.1.sparse": CertificateEnabled(
        organization_id="acme",
        program_id="p1",
        program_type="development",
        program_name="Spring",
        name="Spring certificate",
        text="",
        colour="#0a5c36",
        enabled_by="root",
        enabled_at=NOON,
    ),
    "certificate-changed.1": CertificateChanged(
        cause=CAUSE,
        organization_id="acme",
        program_id="p1",
        required_sessions=5,
        name="Summer certificate",
        text="For staying",
        colour="#ffffff",
        banner=None,
        logo=LOGO,
        guidance=None,
        changed_by="root",
        changed_at=A_LITTLE_LATER,
    ),
    "certificate-changed.1.sparse": CertificateChanged(
        organization_id="acme", program_id="p1", changed_by="root", changed_at=NOON
    ),
    "certificate-disabled.1": CertificateDisabled(
        cause=CAUSE, organization_id="acme", program_id="p1", disabled_by="root", disabled_at=NOON
    ),
    "certificate-disabled.1.sparse": CertificateDisabled(
        organization_id="acme", program_id="p1", disabled_by="root", disabled_at=NOON
    ),
    "awarded-by-hand.1": AwardedByHand(
        cause=CAUSE,
        organization_id="acme",
        program_id="p1",
        user_ids=("ada", "ben"),
        awarded_by="root",
        awarded_at=A_LITTLE_LATER,
    ),
    "awarded-by-hand.1.sparse": AwardedByHand(
        organization_id="acme",
        program_id="p1",
        user_ids=("ada",),
        awarded_by="root",
        awarded_at=NOON,
    ),
    "member-registered.1": MemberRegistered(
        cause=CAUSE, organization_id="acme", user_id="ada", roles=("mentee", "mentor")
    ),
    "member-registered.1.sparse": MemberRegistered(organization_id="acme", user_id="ada", roles=()),
    "program-joined.1": ProgramJoined(
        cause=CAUSE,
        organization_id="acme",
        program_id="p1",
        user_id="ada",
        role="mentor",
        joined_at=NOON,
    ),
    "program-joined.1.sparse": ProgramJoined(
        organization_id="acme", program_id="p1", user_id="ada", role="mentee", joined_at=NOON
    ),
    "member-erased.1": MemberErased(organization_id="acme", user_id="ada"),
    "session-completed.1": SessionCompleted(
        organization_id="acme",
        program_id="p1",
        program_type="one_to_one",
        session_id="s1",
        match_id="m1",
        participants=(Participant("ada", "mentor"), Participant("ben", "mentee")),
        completed_at=A_LITTLE_LATER,
    ),
    "session-completed.1.sparse": SessionCompleted(
        organization_id="acme",
        program_id="p1",
        program_type="group",
        session_id="s1",
        participants=(Participant("ada", "mentee"),),
        completed_at=datetime(1, 1, 1, tzinfo=UTC),
    ),
    "feedback-submitted.1": FeedbackSubmitted(
        organization_id="acme",
        session_id="s1",
        user_id="ben",
        submitted_at=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ),
    "award-granted.1": AwardGranted(
        award_id=AWARD,
        kind="certificate",
        code="certificate",
        organization_id="acme",
        organization_name="Acme",
        program_id="p1",
        program_name="Spring",
        user_id="ada",
        title="Spring certificate",
        text="For taking part",
        colour="#0a5c36",
        banner=BANNER,
        logo=LOGO,
        criteria="Completed 3 mentoring sessions with feedback in Spring.",
        earned_at=NOON,
        how="automatic",
        timezone="Europe/Paris",
        linkedin_organization_id="1337",
        grant_number=2,
        decided_at_position=4_711,
        threshold=3,
        threshold_from="program",
    ),
    "award-granted.1.unmailed": AwardGranted(
        award_id=AWARD,
        kind="badge",
        code="mentor",
        organization_id="acme",
        organization_name="Acme",
        user_id="ada",
        title="Mentor",
        text="Shares time.",
        colour="#1d4f91",
        criteria="Completed 5 one-to-one mentoring sessions as mentor.",
        earned_at=NOON,
        how="automatic",
        timezone="UTC",
        decided_at_position=2,
        threshold=5,
        threshold_from="platform",
        mailed=False,
    ),
    "award-granted.1.first": AwardGranted(
        award_id=AWARD,
        kind="badge",
        code="connector",
        organization_id="acme",
        organization_name="Acme",
        user_id="ada",
        title="Connector",
        text="Meets many.",
        colour="#1d4f91",
        criteria="Met 10 different people in one-to-one mentoring sessions.",
        first_at=NOON,
        earned_at=A_LITTLE_LATER,
        how="automatic",
        timezone="UTC",
        decided_at_position=2,
        threshold=10,
        threshold_from="default",
    ),
    "award-granted.1.sparse": AwardGranted(
        award_id=AWARD,
        kind="badge",
        code="mentor",
        organization_id="acme",
        organization_name="Acme",
        user_id="ada",
        title="Mentor",
        text="Shares time.",
        colour="#1d4f91",
        criteria="Completed 10 one-to-one mentoring sessions as mentor.",
        earned_at=NOON,
        how="manual",
        timezone="UTC",
        decided_at_position=1,
    ),
    "award-revoked.1": AwardRevoked(
        award_id=AWARD,
        organization_id="acme",
        user_id="ada",
        code="certificate",
        program_id="p1",
        revoked_by="root",
        revoked_at=NOON,
    ),
    "award-revoked.1.sparse": AwardRevoked(
        award_id=AWARD,
        organization_id="acme",
        user_id="ada",
        code="mentor",
        revoked_by="root",
        revoked_at=NOON,
    ),
}
