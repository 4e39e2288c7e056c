"""Streams of the journal, folded to the states that decisions rest on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from schemas.links import Event
from services.journal import Entry, Recorded, stream_id
from services.sharing import availability, links, recipients
from services.sharing.availability import Availability, ChangeAvailability
from services.sharing.links import ReceiveAward, SharedAward, WithdrawAward
from services.sharing.recipients import EraseRecipient, NameRecipient, Recipient

Fact = ReceiveAward | WithdrawAward | NameRecipient | EraseRecipient | ChangeAvailability
"""What other services tell sharing."""


class Route(NamedTuple):
    """The stream that a fact belongs to, and the rules that decide on it."""

    stream: UUID
    initial: Any
    decide: Callable[[Any, Any], Sequence[Event]]
    evolve: Callable[[Any, Event], Any]


def award_stream(organization_id: str, award_id: str) -> UUID:
    """Where an award's own events are, and those of its links."""
    return stream_id(organization_id, "award", award_id)


def recipient_stream(organization_id: str, user_id: str) -> UUID:
    """Where a member's registrations and erasure are."""
    return stream_id(organization_id, "recipient", user_id)


def availability_stream(organization_id: str) -> UUID:
    """Where an organization's availability is."""
    return stream_id(organization_id, "availability")


def route(fact: Fact) -> Route:
    """Where a fact belongs."""
    match fact:
        case ReceiveAward(award=award):
            stream = award_stream(award.organization_id, award.award_id)
            return Route(stream, SharedAward(), links.decide, links.evolve)
        case WithdrawAward(organization_id=organization_id, award_id=award_id):
            stream = award_stream(organization_id, award_id)
            return Route(stream, SharedAward(), links.decide, links.evolve)
        case (
            NameRecipient(organization_id=organization_id, user_id=user_id)
            | EraseRecipient(organization_id=organization_id, user_id=user_id)
        ):
            stream = recipient_stream(organization_id, user_id)
            return Route(stream, Recipient(), recipients.decide, recipients.evolve)
        case ChangeAvailability(organization_id=organization_id):
            stream = availability_stream(organization_id)
            return Route(stream, Availability(), availability.decide, availability.evolve)


class Streams:
    """The streams that a batch of facts touches, and the entries that the batch adds to them."""

    def __init__(self, recorded: Mapping[UUID, Sequence[Recorded]]) -> None:
        self._recorded = recorded
        self._states: dict[UUID, Any] = {}
        self._versions: dict[UUID, int] = {}
        self.entries: list[Entry] = []

    def decide(self, route: Route, fact: Fact) -> Sequence[Event]:
        """What a fact leads to; the next one meets the state behind it."""
        if route.stream not in self._states:
            self._fold(route)
        events = route.decide(fact, self._states[route.stream])
        for event in events:
            self._evolve(route, event)
            self.entries.append(Entry(route.stream, self._versions[route.stream], event))
        return events

    def _fold(self, route: Route) -> None:
        self._states[route.stream] = route.initial
        self._versions[route.stream] = 0
        for recorded in self._recorded.get(route.stream, ()):
            self._evolve(route, recorded.event)

    def _evolve(self, route: Route, event: Event) -> None:
        self._states[route.stream] = route.evolve(self._states[route.stream], event)
        self._versions[route.stream] += 1


def shared_award(recorded: Mapping[UUID, Sequence[Recorded]]) -> SharedAward:
    """An award's state from all the streams that a decision on it rests on."""
    state = SharedAward()
    for stream in recorded.values():
        for entry in stream:
            state = links.evolve(state, entry.event)
    return state
