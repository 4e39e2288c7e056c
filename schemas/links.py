"""What sharing stores for ever: the events of its journal.

A stored name (`link-issued.1`) never changes its meaning and is never used again; a class may move
or be renamed. A changed event is a new name, and `EVENT_TYPES` keeps a way to read the old one. Ids
only: names of people and link tokens lie in tables of their own, where they can be erased.

`cause` is the hash of the CloudEvents source and id that brought the fact. It is kept where nothing
else tells a redelivery from a new fact: an award is received, withdrawn, and a recipient erased
once only, whatever brings it.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.awards import How, Kind


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact of the journal; every one belongs to an organization."""

    organization_id: str


class AwardReceived(Event, frozen=True, kw_only=True, omit_defaults=True, cache_hash=True):
    """An award to show, with its design as it was granted; later edits never change it."""

    award_id: str
    kind: Kind
    code: str
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
    count: int | None = None
    first_at: datetime | None = None
    earned_at: datetime
    granted_at: datetime
    how: How
    timezone: str
    linkedin_organization_id: str | None = None


class AwardWithdrawn(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The award was revoked; it may be heard of before the award itself."""

    award_id: str
    user_id: str
    at: datetime


class LinkIssued(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The owner shared the award; at most one link of an award is active."""

    link_id: UUID
    award_id: str
    user_id: str
    by: str
    at: datetime


class LinkDisabled(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The link is dead for good."""

    link_id: UUID
    award_id: str
    user_id: str
    by: str
    at: datetime


class RecipientNamed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A registration was taken in; the name itself lies elsewhere."""

    cause: str
    user_id: str


class RecipientErased(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The member's name and links are gone, and none will come again."""

    user_id: str


class AvailabilityChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What the organization may show from now on."""

    cause: str
    badges: bool
    certificates: bool
    at: datetime


EVENT_TYPES: dict[str, type[Event]] = {
    "award-received.1": AwardReceived,
    "award-withdrawn.1": AwardWithdrawn,
    "link-issued.1": LinkIssued,
    "link-disabled.1": LinkDisabled,
    "recipient-named.1": RecipientNamed,
    "recipient-erased.1": RecipientErased,
    "availability-changed.1": AvailabilityChanged,
}
