"""An award as it is shared, and its link: pure decisions (rules 21 and 22)."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from schemas.links import (
    AvailabilityChanged,
    AwardReceived,
    AwardWithdrawn,
    Event,
    LinkDisabled,
    LinkIssued,
    RecipientErased,
)
from services.sharing import availability
from services.sharing.availability import Availability
from services.sharing.errors import NotTheOwnerError, RevokedAwardError, UnknownAwardError


class ReceiveAward(Struct, frozen=True, kw_only=True):
    """Achievements granted an award."""

    award: AwardReceived


class WithdrawAward(Struct, frozen=True, kw_only=True):
    """Achievements revoked an award."""

    organization_id: str
    award_id: str
    user_id: str
    at: datetime


class IssueLink(Struct, frozen=True, kw_only=True):
    """Somebody wants the award's link, under this id where there is none yet."""

    organization_id: str
    award_id: str
    link_id: UUID
    by: str
    at: datetime


class DisableLink(Struct, frozen=True, kw_only=True):
    """Somebody wants the award's link dead: the one of this id alone, if one is named."""

    organization_id: str
    award_id: str
    link_id: UUID | None = None
    by: str
    at: datetime


Command = ReceiveAward | WithdrawAward | IssueLink | DisableLink


class SharedAward(Struct, frozen=True):
    """What decisions on an award rest on: its own events, its recipient's and its organization's.

    `link` is the active one.
    """

    award: AwardReceived | None = None
    withdrawn: AwardWithdrawn | None = None
    link: LinkIssued | None = None
    erased: bool = False
    availability: Availability = Availability()

    @property
    def shown(self) -> bool:
        """Whether anybody may see it."""
        return (
            self.award is not None
            and not self.erased
            and self.availability.includes(self.award.kind)
        )


def decide(command: Command, state: SharedAward) -> list[Event]:
    """What happens, which is nothing where it has happened already.

    `UnknownAwardError`, `NotTheOwnerError` and `RevokedAwardError` say why it can't.
    """
    match command:
        case ReceiveAward():
            return _receive(command, state)
        case WithdrawAward():
            return _withdraw(command, state)
        case IssueLink():
            return _issue(command, state)
        case DisableLink():
            return _disable(command, state)


def evolve(state: SharedAward, event: Event) -> SharedAward:
    """The state after the event."""
    match event:
        case AwardReceived():
            return replace(state, award=event)
        case AwardWithdrawn():
            return replace(state, withdrawn=event)
        case LinkIssued():
            return replace(state, link=event)
        case LinkDisabled():
            return replace(state, link=None)
        case RecipientErased():
            return replace(state, erased=True)
        case AvailabilityChanged():
            return replace(state, availability=availability.evolve(state.availability, event))
        case _:
            return state


def check_owner(caller: str, owner: str | None, *, shown: bool) -> None:
    """Lets the owner of an award pass; `owner` is None where there is no such award.

    Whose it is goes before whether it is shown, so that the answer to a stranger doesn't depend on
    it.
    """
    if owner is None:
        raise UnknownAwardError
    if owner != caller:
        raise NotTheOwnerError
    if not shown:
        raise UnknownAwardError


def _receive(command: ReceiveAward, state: SharedAward) -> list[Event]:
    if state.award is not None:
        return []  # what was granted first stands
    if state.withdrawn is None:
        return [command.award]
    return [command.award, state.withdrawn]  # said again: now there is something to withdraw


def _withdraw(command: WithdrawAward, state: SharedAward) -> list[Event]:
    if state.withdrawn is not None:
        return []
    return [
        AwardWithdrawn(
            organization_id=command.organization_id,
            award_id=command.award_id,
            user_id=command.user_id,
            at=command.at,
        )
    ]


def _issue(command: IssueLink, state: SharedAward) -> list[Event]:
    _check_owner(command, state)
    if state.link is not None:
        return []
    if state.withdrawn is not None:
        # An existing link lives on to tell those who hold it; a new one could only spread a claim
        # that fell.
        raise RevokedAwardError
    return [
        LinkIssued(
            organization_id=command.organization_id,
            link_id=command.link_id,
            award_id=command.award_id,
            user_id=command.by,
            by=command.by,
            at=command.at,
        )
    ]


def _disable(command: DisableLink, state: SharedAward) -> list[Event]:
    _check_owner(command, state)
    if state.link is None or command.link_id not in (None, state.link.link_id):
        return []
    return [
        LinkDisabled(
            organization_id=command.organization_id,
            link_id=state.link.link_id,
            award_id=command.award_id,
            user_id=command.by,
            by=command.by,
            at=command.at,
        )
    ]


def _check_owner(command: IssueLink | DisableLink, state: SharedAward) -> None:
    owner = state.award.user_id if state.award is not None else None
    check_owner(command.by, owner, shown=state.shown)
