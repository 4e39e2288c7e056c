"""What publishers send us: the inbound events' data, as the contract lists it.

Each class is the `data` of the CloudEvents type `<class name>.v1`. Unknown fields are ignored; null is
the same as absent, but in `CertificateChanged` it clears.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas import checks

Id = Annotated[str, checks.id_problem]
Text = Annotated[str, checks.text_problem]
DisplayName = Annotated[str, checks.display_name_problem]
Email = Annotated[str, checks.email_problem]
Locale = Annotated[str, checks.locale_problem]
Timezone = Annotated[str, checks.timezone_problem]
AssetId = Annotated[str, checks.asset_id_problem]
Colour = Annotated[str, checks.colour_problem]

Role = Literal["mentor", "mentee"]
ProgramType = Literal["one_to_one", "group", "development"]
RequiredSessions = Annotated[int, Meta(ge=1, le=10_000)]


class Inbound(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """The data of an inbound event; every one belongs to an organization."""

    organization_id: Id


class OrganizationConfigured(Inbound, frozen=True, kw_only=True):
    name: Text
    plan: Text
    badges_enabled: bool
    timezone: Timezone | None = None
    logo: AssetId | None = None
    linkedin_organization_id: Text | None = None


class ProgramConfigured(Inbound, frozen=True, kw_only=True):
    program_id: Id
    program_type: ProgramType
    name: Text
    banner: AssetId | None = None


class ProgramJoined(Inbound, frozen=True, kw_only=True):
    program_id: Id
    user_id: Id
    role: Role
    joined_at: datetime


class MemberRegistered(Inbound, frozen=True, kw_only=True):
    user_id: Id
    display_name: DisplayName
    email: Email | None = None
    roles: tuple[Role, ...]
    locale: Locale | None = None


class MemberErased(Inbound, frozen=True, kw_only=True):
    user_id: Id


class Participant(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    user_id: Id
    role: Role


class SessionCompleted(Inbound, frozen=True, kw_only=True):
    program_id: Id
    program_type: ProgramType
    session_id: Id
    match_id: Id | None = None
    participants: Annotated[tuple[Participant, ...], Meta(min_length=1, max_length=500)]
    completed_at: datetime

    def __post_init__(self) -> None:
        if len({participant.user_id for participant in self.participants}) < len(self.participants):
            raise ValueError("participants: one person is named twice")
        if self.program_type == "one_to_one" and len(self.participants) != 2:
            raise ValueError("participants: a one_to_one session has exactly two people")


class FeedbackSubmitted(Inbound, frozen=True, kw_only=True):
    program_id: Id
    session_id: Id
    user_id: Id
    submitted_at: datetime


class CertificateEnabled(Inbound, frozen=True, kw_only=True):
    program_id: Id
    program_type: ProgramType
    program_name: Text
    required_sessions: RequiredSessions | None = None
    name: Text
    text: Text
    colour: Colour
    banner: AssetId | None = None
    logo: AssetId | None = None
    guidance: Text | None = None
    enabled_by: Id
    enabled_at: datetime


class CertificateChanged(Inbound, frozen=True, kw_only=True):
    program_id: Id
    required_sessions: RequiredSessions | UnsetType | None = UNSET
    name: Text | UnsetType = UNSET
    text: Text | UnsetType = UNSET
    colour: Colour | UnsetType = UNSET
    banner: AssetId | UnsetType | None = UNSET
    logo: AssetId | UnsetType | None = UNSET
    guidance: Text | UnsetType | None = UNSET
    changed_by: Id
    changed_at: datetime


class CertificateDisabled(Inbound, frozen=True, kw_only=True):
    program_id: Id
    disabled_by: Id
    disabled_at: datetime


class ManualAward(Inbound, frozen=True, kw_only=True):
    program_id: Id
    user_ids: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=1_000)]
    awarded_by: Id
    awarded_at: datetime
    note: Text | None = None


class AwardRevoked(Inbound, frozen=True, kw_only=True):
    award_id: Id
    reason: Text
    revoked_by: Id
    revoked_at: datetime


INBOUND_TYPES: tuple[type[Inbound], ...] = (
    OrganizationConfigured,
    ProgramConfigured,
    ProgramJoined,
    MemberRegistered,
    MemberErased,
    SessionCompleted,
    FeedbackSubmitted,
    CertificateEnabled,
    CertificateChanged,
    CertificateDisabled,
    ManualAward,
    AwardRevoked,
)
