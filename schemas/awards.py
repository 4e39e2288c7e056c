"""What we send: the outbound events' data, as the contract lists it.

Each class is the `data` of the CloudEvents type `<class name>.v1` on the awards topic.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.learning import AssetId, Colour, Id, Text, Timezone

Kind = Literal["badge", "certificate"]
How = Literal["automatic", "manual"]


class Outbound(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The data of an outbound event; every one belongs to an organization."""

    organization_id: Id


class AwardGranted(Outbound, frozen=True, kw_only=True, omit_defaults=True):
    """A member was granted a badge or a certificate; its design is as it was at the grant.

    `count` is how many sessions (for Connector, people) met the condition, the first of them at `first_at`, the last
    at `earned_at`. A manual award has neither; one that was granted before `first_at` was noted lacks that.
    """

    award_id: Id
    kind: Kind
    code: Text
    organization_name: Text
    program_id: Id | None = None
    program_name: Text | None = None
    user_id: Id
    title: Text
    text: Text
    colour: Colour
    banner: AssetId | None = None
    logo: AssetId | None = None
    criteria: Text
    count: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    first_at: datetime | None = None
    earned_at: datetime
    granted_at: datetime
    how: How
    timezone: Timezone
    linkedin_organization_id: Text | None = None


class AwardWithdrawn(Outbound, frozen=True, kw_only=True, omit_defaults=True):
    award_id: Id
    user_id: Id
    at: datetime


class RecipientErased(Outbound, frozen=True, kw_only=True, omit_defaults=True):
    user_id: Id
    at: datetime


class AvailabilityChanged(Outbound, frozen=True, kw_only=True, omit_defaults=True):
    """What the organization's plan and settings allow from now on."""

    badges: bool
    certificates: bool
    at: datetime


OUTBOUND_TYPES: tuple[type[Outbound], ...] = (
    AwardGranted,
    AwardWithdrawn,
    RecipientErased,
    AvailabilityChanged,
)
