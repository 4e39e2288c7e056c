"""Facts into the journal: a batch's streams are loaded at once, decided in order and appended at once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

import psycopg
from msgspec import Struct

from projections.rows import PLATFORM
from schemas import learning
from schemas.cloudevents import CloudEvent, names_in
from schemas.journal import AwardGranted, MemberErased, MemberRegistered
from services.achievements import dead_letters, people
from services.achievements.awards import AWARD
from services.achievements.dead_letters import Refused
from services.achievements.deciding import Decider
from services.achievements.errors import DomainError
from services.achievements.members import MEMBER
from services.achievements.organizations import ORGANIZATION
from services.achievements.people import Erasure, Registration, Remark
from services.achievements.programs import PROGRAM
from services.achievements.sessions import SESSION
from services.journal import Entry, Journal, stream_id
from services.kafka import Message


class Route(Struct, frozen=True, gc=False):
    """The stream that a command belongs to, and the rules it is decided by."""

    originator_id: UUID
    decider: Decider[Any]


class Fact(Struct, frozen=True, gc=False):
    """A message that could be decoded, and where it belongs: found before any transaction begins."""

    message: Message
    event: CloudEvent[learning.Inbound]
    route: Route

    @classmethod
    def of(cls, message: Message, event: CloudEvent[learning.Inbound]) -> Self:
        """The fact that this event is."""
        return cls(message, event, route(event.data))


def route(command: learning.Inbound) -> Route:
    """Where a command belongs."""
    organization_id = command.organization_id
    match command:
        case learning.SessionCompleted() | learning.FeedbackSubmitted():
            return Route(stream_id(organization_id, "session", command.session_id), SESSION)
        case learning.MemberRegistered() | learning.ProgramJoined() | learning.MemberErased():
            return Route(stream_id(organization_id, "member", command.user_id), MEMBER)
        case learning.OrganizationConfigured():
            return Route(stream_id(organization_id, "organization"), ORGANIZATION)
        case learning.AwardRevoked():
            return award_route(organization_id, command.award_id)
        case (
            learning.ProgramConfigured()
            | learning.CertificateEnabled()
            | learning.CertificateChanged()
            | learning.CertificateDisabled()
            | learning.ManualAward()
        ):
            return program_route(organization_id, command.program_id)
    raise TypeError(f"no stream is known for {type(command).__name__}")


def program_route(organization_id: str, program_id: str) -> Route:
    """Where a program's commands belong."""
    return Route(stream_id(organization_id, "program", program_id), PROGRAM)


def award_route(organization_id: str, award_id: str) -> Route:
    """Where an award's commands belong; an id that none can have leads to a stream that is always empty."""
    try:
        return Route(UUID(award_id), AWARD)
    except ValueError:
        return Route(stream_id(organization_id, "award that can't exist", award_id), AWARD)


def platform_stream() -> UUID:
    """The stream of what operators set for all organizations."""
    return stream_id(PLATFORM, "platform")


class Stream(Struct):
    """One stream: its rules, its last version, and its state with the events that are not yet in it."""

    originator_id: UUID
    decider: Decider[Any]
    state: Any
    version: int = 0
    unfolded: list[Any] = []

    def now(self) -> Any:
        """The state after all events; most streams of a batch are asked once only."""
        for event in self.unfolded:
            self.state = self.decider.evolve(self.state, event)
        self.unfolded.clear()
        return self.state


class Streams:
    """The streams that a batch touches, and the entries that the batch adds to them."""

    def __init__(
        self, journal: Journal, connection: psycopg.Connection[Any], routes: Iterable[Route]
    ) -> None:
        # By their ids' numbers: a UUID takes ten times as long to be found.
        self._streams: dict[int, Stream] = {}
        for its_route in routes:
            number, decider = its_route.originator_id.int, its_route.decider
            known = self._streams.get(number)
            if known is None or known.decider is AWARD:  # what is called an award may be none
                self._streams[number] = Stream(its_route.originator_id, decider, decider.initial)
        self.entries: list[Entry] = []
        ids = [stream.originator_id for stream in self._streams.values()]
        for originator_id, events in journal.load(connection, ids).items():
            stream = self._streams[originator_id.int]
            if stream.decider is AWARD and not isinstance(events[0].event, AwardGranted):
                continue
            stream.unfolded = [recorded.event for recorded in events]
            stream.version = events[-1].originator_version

    def state(self, route: Route) -> Any:
        """What a stream has come to."""
        return self._streams[route.originator_id.int].now()

    def handle(self, route: Route, command: Any, cause: str | None) -> Sequence[Entry]:
        """Decides a command; its events are part of the state that the next one meets."""
        stream = self._streams[route.originator_id.int]
        if stream.decider is not route.decider:
            stream = Stream(route.originator_id, route.decider, route.decider.initial)
        added: list[Entry] = []
        for event in stream.decider.decide(command, cause, stream.now()):
            stream.version += 1
            added.append(Entry(stream.originator_id, stream.version, event))
            stream.unfolded.append(event)
        self.entries += added
        return added


_REGISTRATION: Final = "MemberRegistered.v1"

Effect = Refused | Registration | Erasure | Remark
"""What a batch changes beside the journal."""

_WITH_EFFECTS: Final = frozenset(
    {
        learning.MemberRegistered,
        learning.MemberErased,
        learning.ManualAward,
        learning.AwardRevoked,
    }
)


class Record(NamedTuple):
    """What became of a batch: how many facts changed something (`recorded`), changed nothing (`unchanged`), were
    refused (by code), or refused without a trace (`dropped`); and the journal's positions that it led to, first and last.
    """

    outcome: Counter[str]
    positions: tuple[int, int] | None


def record(
    journal: Journal, connection: psycopg.Connection[Any], batch: Sequence[Fact | Refused]
) -> Record:
    """Takes in a batch in the transaction of the connection.

    What the rules refuse joins the refused ones among the dead letters. `UniqueViolation` tells that another
    writer was first in a stream: the same batch is to be recorded again, in a new transaction.
    """
    routes = (item.route for item in batch if isinstance(item, Fact))
    streams = Streams(journal, connection, routes)
    effects: list[Effect] = []
    outcome: Counter[str] = Counter(_take(streams, item, effects) for item in batch)
    positions: tuple[int, int] | None = None
    if streams.entries or effects:
        appended = journal.append(connection, streams.entries)
        if streams.entries:
            positions = appended.first, appended.last
        for letter in _carry_out(connection, effects, appended.recorded_at):
            outcome[letter.code] -= 1
            outcome["dropped"] += 1
    return Record(+outcome, positions)


def _take(streams: Streams, item: Fact | Refused, effects: list[Effect]) -> str:
    if isinstance(item, Refused):
        effects.append(item)
        return item.code
    message, command = item.message, item.event.data
    try:
        # A session and its feedback are known by their natural key.
        cause = None if item.route.decider is SESSION else item.event.cause
        added = streams.handle(item.route, command, cause)
    except DomainError as error:
        _, organization_id, user_ids = names_in(message.value, message.headers)
        effects.append(
            Refused(message, error.code, f"data.{error}", None, organization_id, user_ids)
        )
        return error.code
    if type(command) in _WITH_EFFECTS:
        effects += _effects(command, added)
    return "recorded" if added else "unchanged"


def _effects(command: learning.Inbound, added: Sequence[Entry]) -> Iterator[Effect]:
    """What goes with the events that a command has led to, but must not be in them."""
    for entry in added:
        match command, entry.event:
            case learning.MemberRegistered(), MemberRegistered():
                yield Registration(command)
            case learning.MemberErased(), MemberErased():
                yield Erasure(command.organization_id, command.user_id)
    yield from remarks(command, added)


def remarks(command: learning.Inbound, added: Sequence[Entry]) -> Iterator[Remark]:
    """The admin's words that go with the events that a command has led to."""
    match command:
        case learning.ManualAward(note=str(words)) | learning.AwardRevoked(reason=words):
            for entry in added:
                yield Remark(entry.originator_id, entry.originator_version, words)


def _carry_out(
    connection: psycopg.Connection[Any], effects: Sequence[Effect], now: datetime
) -> list[Refused]:
    """Changes personal data and dead letters in the order of the facts that led to it; gives the refused that left
    no trace."""
    dropped: list[Refused] = []
    for kind, group in groupby(effects, key=type):
        some: list[Any] = list(group)
        if kind is Refused:
            kept = _without_names_of_the_erased(connection, some)
            dropped += [letter for letter in some if letter not in kept]
            dead_letters.save(connection, kept, now)
        elif kind is Registration:
            people.save(connection, some)
        elif kind is Remark:
            people.save_remarks(connection, some)
        else:
            for erasure in some:
                dead_letters.erase(connection, erasure, people.erase(connection, erasure))
    return dropped


def _without_names_of_the_erased(
    connection: psycopg.Connection[Any], refused: Sequence[Refused]
) -> list[Refused]:
    """A registration of an erased member is dropped without a trace, valid or not: its bytes hold a name."""
    registrations = [letter for letter in refused if _is_registration(letter)]
    whose = {
        id(letter): Erasure(letter.organization_id, user_id)
        for letter in registrations
        if letter.organization_id is not None
        for user_id in letter.user_ids
    }
    erased = people.erased(connection, set(whose.values()))
    dropped = {id_ for id_, member in whose.items() if member in erased}
    for letter in registrations:
        if id(letter) not in whose and people.names_an_erased(connection, _text(letter)):
            dropped.add(id(letter))
    return [letter for letter in refused if id(letter) not in dropped]


def _is_registration(letter: Refused) -> bool:
    """Whether a letter says that it is one; where its type can't be read, whether it looks like one."""
    if letter.type is not None:
        return letter.type == _REGISTRATION
    return _REGISTRATION in _text(letter)


def _text(letter: Refused) -> str:
    return dead_letters.readable(letter.message.key, letter.message.value, letter.message.headers)
