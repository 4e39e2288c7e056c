"""What an organization may show: pure decisions (rules 1 and 2)."""

from datetime import datetime

from msgspec import Struct

from schemas.awards import Kind
from schemas.links import AvailabilityChanged, Event
from services.causes import Causes


class ChangeAvailability(Struct, frozen=True, kw_only=True):
    """Achievements says what the organization may show; `cause` tells a redelivery."""

    cause: str
    organization_id: str
    badges: bool
    certificates: bool
    at: datetime


class Availability(Struct, frozen=True):
    """An organization never heard of has neither badges nor certificates."""

    badges: bool = False
    certificates: bool = False
    causes: Causes = Causes()

    def includes(self, kind: Kind) -> bool:
        return self.badges if kind == "badge" else self.certificates


def decide(command: ChangeAvailability, state: Availability) -> list[Event]:
    """The last word consumed is the truth; one heard before says nothing, however late it comes."""
    if command.cause in state.causes:
        return []
    return [
        AvailabilityChanged(
            cause=command.cause,
            organization_id=command.organization_id,
            badges=command.badges,
            certificates=command.certificates,
            at=command.at,
        )
    ]


def evolve(state: Availability, event: Event) -> Availability:
    """The state after the event."""
    match event:
        case AvailabilityChanged(cause=cause, badges=badges, certificates=certificates):
            return Availability(badges, certificates, state.causes.adding(cause))
        case _:
            return state
