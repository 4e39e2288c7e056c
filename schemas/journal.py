"""What achievements stores for ever: the events of its journal.

A stored name (`session-completed.1`) never changes its meaning and is never used again; a class may move or be
renamed. A changed event is a new name, and `EVENT_TYPES` keeps a way to read the old one. Ids and codes only:
names, addresses and an admin's free words live in tables of their own, where they can be erased.

`cause` is the hash of the CloudEvents source and id that brought the fact, null for what came by HTTP or command.
"""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from schemas.awards import How, Kind
from schemas.learning import Participant, ProgramType, Role


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A fact of the journal."""


class OrganizationConfigured(Event, frozen=True, kw_only=True, omit_defaults=True):
    cause: str | None = None
    organization_id: str
    name: str
    plan: str
    badges_enabled: bool
    timezone: str = "UTC"
    logo: str | None = None
    linkedin_organization_id: str | None = None


class AvailabilityChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The organization's plan or settings allow something else from now on."""

    organization_id: str
    badges: bool
    certificates: bool


class BadgeThresholdSet(Event, frozen=True, kw_only=True, omit_defaults=True):
    """An operator set a badge's threshold: for one organization, or for all where there is none.

    Without a threshold, what was set before no longer holds.
    """

    organization_id: str | None = None
    code: str
    threshold: int | None = None
    by: str


class PlanApplied(Event, frozen=True, kw_only=True, omit_defaults=True):
    """An operator changed thresholds by a plan; the only event of the plan's stream, so it can't be applied twice.

    What was changed and granted lies beside it, in the same transaction. `outcome_digest` is of what was planned.
    """

    plan_id: str
    outcome_digest: str
    grants: int
    mailed: bool
    by: str


class ProgramConfigured(Event, frozen=True, kw_only=True, omit_defaults=True):
    cause: str | None = None
    organization_id: str
    program_id: str
    program_type: ProgramType
    name: str
    banner: str | None = None


class CertificateEnabled(Event, frozen=True, kw_only=True, omit_defaults=True):
    cause: str | None = None
    organization_id: str
    program_id: str
    program_type: ProgramType
    program_name: str
    required_sessions: int | None = None
    name: str
    text: str
    colour: str
    banner: str | None = None
    logo: str | None = None
    guidance: str | None = None
    enabled_by: str
    enabled_at: datetime


class CertificateChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What is unset stays; what is null is cleared."""

    cause: str | None = None
    organization_id: str
    program_id: str
    required_sessions: int | UnsetType | None = UNSET
    name: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    colour: str | UnsetType = UNSET
    banner: str | UnsetType | None = UNSET
    logo: str | UnsetType | None = UNSET
    guidance: str | UnsetType | None = UNSET
    changed_by: str
    changed_at: datetime


class CertificateDisabled(Event, frozen=True, kw_only=True, omit_defaults=True):
    cause: str | None = None
    organization_id: str
    program_id: str
    disabled_by: str
    disabled_at: datetime


class AwardedByHand(Event, frozen=True, kw_only=True, omit_defaults=True):
    """An admin named members who are to hold the program's certificate; the admin's note lies elsewhere."""

    cause: str | None = None
    organization_id: str
    program_id: str
    user_ids: tuple[str, ...]
    awarded_by: str
    awarded_at: datetime


class MemberRegistered(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The member's name and address lie elsewhere."""

    cause: str | None = None
    organization_id: str
    user_id: str
    roles: tuple[Role, ...]


class ProgramJoined(Event, frozen=True, kw_only=True, omit_defaults=True):
    cause: str | None = None
    organization_id: str
    program_id: str
    user_id: str
    role: Role
    joined_at: datetime


class MemberErased(Event, frozen=True, kw_only=True, omit_defaults=True):
    organization_id: str
    user_id: str


class SessionCompleted(Event, frozen=True, kw_only=True, omit_defaults=True):
    organization_id: str
    program_id: str
    program_type: ProgramType
    session_id: str
    match_id: str | None = None
    participants: tuple[Participant, ...]
    completed_at: datetime


class FeedbackSubmitted(Event, frozen=True, kw_only=True, omit_defaults=True):
    organization_id: str
    session_id: str
    user_id: str
    submitted_at: datetime


class AwardGranted(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Version 1 of an award's stream, with what it was decided from.

    `decided_at_position` is the journal position of the fact that met the condition: `earned_at` was found from
    all facts up to it, and so was `first_at`, the first of the instants that the condition needed (the last is
    `earned_at`); it is null for a manual award, and where it was granted before this was noted. `threshold` is null for a manual award; `threshold_from` tells who set it. One that is not
    `mailed` was granted by a plan that was applied without emails.
    `grant_number` counts the awards of one achievement to one member, from 1: more than one after a revocation.
    """

    award_id: str
    kind: Kind
    code: str
    organization_id: str
    organization_name: str
    program_id: str | None = None
    program_name: str | None = None
    user_id: str
    title: str
    text: str
    colour: str
    banner: str | None = None
    logo: str | None = None
    criteria: str
    first_at: datetime | None = None
    earned_at: datetime
    how: How
    timezone: str
    linkedin_organization_id: str | None = None
    grant_number: int = 1
    decided_at_position: int
    threshold: int | None = None
    threshold_from: Literal["default", "platform", "organization", "program"] | None = None
    mailed: bool = True


class AwardRevoked(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The admin's reason lies elsewhere."""

    award_id: str
    organization_id: str
    user_id: str
    code: str
    program_id: str | None = None
    revoked_by: str
    revoked_at: datetime


EVENT_TYPES: dict[str, type[Event]] = {
    "organization-configured.1": OrganizationConfigured,
    "availability-changed.1": AvailabilityChanged,
    "badge-threshold-set.1": BadgeThresholdSet,
    "plan-applied.1": PlanApplied,
    "program-configured.1": ProgramConfigured,
    "certificate-enabled.1": CertificateEnabled,
    "certificate-changed.1": CertificateChanged,
    "certificate-disabled.1": CertificateDisabled,
    "awarded-by-hand.1": AwardedByHand,
    "member-registered.1": MemberRegistered,
    "program-joined.1": ProgramJoined,
    "member-erased.1": MemberErased,
    "session-completed.1": SessionCompleted,
    "feedback-submitted.1": FeedbackSubmitted,
    "award-granted.1": AwardGranted,
    "award-revoked.1": AwardRevoked,
}
