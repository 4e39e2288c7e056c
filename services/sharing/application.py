"""The verbs of sharing, over its journal: each decides on what is true and writes what follows.

Every writer takes the journal's lock before it reads. Writes are few here, so nobody waits long,
and none can clash: an erasure can't pass a link that is being made, nor two requests make two
links.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import reduce
from secrets import token_urlsafe
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import psycopg

from schemas.links import AwardReceived, Event, LinkDisabled
from services.journal import Entry, Journal
from services.sharing import links, personal, views
from services.sharing.credentials import statuses
from services.sharing.credentials.statuses import StatusEntry
from services.sharing.links import DisableLink, IssueLink, SharedAward
from services.sharing.personal import Person, Registration
from services.sharing.recipients import EraseRecipient, NameRecipient
from services.sharing.streams import (
    Fact,
    Streams,
    availability_stream,
    award_stream,
    recipient_stream,
    route,
    shared_award,
)

Connection = psycopg.Connection[Any]

TOKEN_BYTES: Final = 24  # 192 bits: rule 21 asks for 128 at least
LOCK_SECONDS: Final = 4
WRITE_SECONDS: Final = 10
"""What a request may wait for the journal's lock, and keep it; it takes a hundredth of a second."""


class OwnersLink(NamedTuple):
    """The active link of an award, as its owner gets it."""

    award: AwardReceived
    token: str
    is_new: bool


class Sharing:
    """What sharing does. Errors are those of `services.sharing.errors`, and psycopg's own.

    What is done for a request ends soon: OperationalError where the database or its lock can't be
    had in time.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def take_in(self, connection: Connection, facts: Sequence[Fact]) -> list[bool]:
        """Takes in facts, in this order, in the transaction of the connection.

        Tells of each whether it changed something: what was heard before changes nothing.
        """
        self._journal.lock(connection)
        routes = [route(fact) for fact in facts]
        streams = Streams(self._journal.load(connection, {where.stream for where in routes}))
        changed = [
            bool(streams.decide(where, fact)) for where, fact in zip(routes, facts, strict=True)
        ]
        self._write(connection, streams.entries)
        _name_and_erase(connection, (fact for fact, new in zip(facts, changed, strict=True) if new))
        return changed

    def issue_link(self, who: Person, award_id: str, now: datetime) -> OwnersLink:
        """Gives the award's active link, made now where there is none."""
        command = IssueLink(
            organization_id=who.organization_id,
            award_id=award_id,
            link_id=uuid4(),
            by=who.user_id,
            at=now,
        )
        with self._answering() as connection:
            state, events = self._decide(connection, command)
            assert state.award is not None  # decide has seen to both
            assert state.link is not None
            if events:
                token = token_urlsafe(TOKEN_BYTES)
                personal.keep_token(connection, who, command.link_id, token)
            else:
                token = personal.token_of(connection, state.link.link_id)
        return OwnersLink(state.award, token, is_new=bool(events))

    def disable_link(
        self, who: Person, award_id: str, now: datetime, *, link_id: UUID | None = None
    ) -> bool:
        """Kills the award's active link for good, if there is one and it is `link_id` or that is None.

        Tells whether the award has no active link now.
        """
        command = DisableLink(
            organization_id=who.organization_id,
            award_id=award_id,
            link_id=link_id,
            by=who.user_id,
            at=now,
        )
        with self._answering() as connection:
            state, events = self._decide(connection, command)
            for event in events:
                if isinstance(event, LinkDisabled):
                    personal.forget_token(connection, event.link_id)
        return state.link is None

    def give_status_entry(self, organization_id: str, link_id: UUID) -> StatusEntry:
        """The link's place in the status lists of its organization, given now where it has none."""
        with self._answering() as connection:
            return statuses.entry_of(connection, organization_id, link_id)

    def _answering(self) -> AbstractContextManager[Connection]:
        """A transaction that somebody waits for, and others behind it."""
        return self._journal.transaction(seconds=WRITE_SECONDS, lock_seconds=LOCK_SECONDS)

    def _decide(
        self, connection: Connection, command: IssueLink | DisableLink
    ) -> tuple[SharedAward, Sequence[Event]]:
        """Writes what a command on a link leads to; gives the state after it, and its events."""
        self._journal.lock(connection)
        organization_id = command.organization_id
        stream = award_stream(organization_id, command.award_id)
        others = recipient_stream(organization_id, command.by), availability_stream(organization_id)
        recorded = self._journal.load(connection, (stream, *others))
        state = shared_award(recorded)
        events = links.decide(command, state)
        version = len(recorded.get(stream, ()))
        self._write(
            connection, [Entry(stream, version + n, event) for n, event in enumerate(events, 1)]
        )
        return reduce(links.evolve, events, state), events

    def _write(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Appends entries and carries them into the read models."""
        if entries:
            self._journal.append(connection, entries)
            views.use(connection)
            views.fold(connection, [entry.event for entry in entries])


def _name_and_erase(connection: Connection, facts: Iterable[Fact]) -> None:
    """Writes personal data, and destroys it. Nobody is named after being erased: names go first."""
    named: dict[Person, Registration] = {}
    erased: list[Person] = []
    for fact in facts:
        match fact:
            case NameRecipient(display_name=display_name, locale=locale):
                person = Person(fact.organization_id, fact.user_id)
                named[person] = Registration(display_name, locale)
            case EraseRecipient():
                erased.append(Person(fact.organization_id, fact.user_id))
    personal.register(connection, named)
    personal.erase(connection, erased)
