"""Folding a history from its beginning into new tables, with a bounded number of rows in memory.

Until the first rows are written there is nothing to be looked up in the tables, and they need no indexes. After that
what an event can touch is fetched unless it is in memory, so it is known of every row whether it is a new one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg
from msgspec import Struct

from projections import store
from projections.counting import Participation
from projections.progress import Progress, fold
from projections.rows import (
    AWARDS,
    BADGE_PROGRAM,
    CERTIFICATES,
    ENROLMENTS,
    MEMBERS,
    ORGANIZATIONS,
    PARTICIPATIONS,
    SESSIONS,
    TABLES,
    WAITING_AWARDS,
    Award,
    Key,
    Session,
    Table,
)
from schemas import journal

MAX_ROWS: Final = 1_000_000  # of half a kilobyte each

_MANY_ROWS: Final = (MEMBERS, ENROLMENTS, SESSIONS, PARTICIPATIONS, AWARDS)


class Past(NamedTuple):
    """An event, and when it was recorded."""

    event: journal.Event
    recorded_at: datetime


class Replay:
    """The read models as they come to be, in the first schema of the connection's path: it must be empty.

    `fold` and `write` each need a transaction of the caller.
    """

    def __init__(self, connection: psycopg.Connection[Any], max_rows: int = MAX_ROWS) -> None:
        self._connection = connection
        self._max_rows = max_rows
        self._has_indexes = False
        self._begin()
        for table in TABLES:
            connection.execute(table.create_bare())

    def fold(self, history: Sequence[Past]) -> None:
        """Changes the rows by these events; writes them once there are too many in memory."""
        if self._has_indexes:
            self._fetch([past.event for past in history])
        for event, recorded_at in history:
            fold(self._rows, event, recorded_at)
        if sum(map(len, self._rows.rows.values())) > self._max_rows:
            self.write()

    def write(self) -> None:
        """Writes all rows that have changed; none stays in memory."""
        for table in _MANY_ROWS:
            self._insert_new(table)
        if not self._has_indexes:
            for table in TABLES:
                for statement in table.complete_bare():
                    self._connection.execute(statement)
            self._has_indexes = True
        store.save(self._connection, self._rows)
        self._begin()

    def _begin(self) -> None:
        self._rows = _Rows()
        self._written: defaultdict[str, set[Key]] = defaultdict(set)
        self._members_with_awards: set[Key] = set()

    def _insert_new(self, table: Table[Any]) -> None:
        changed, rows = self._rows.changed[table.name], self._rows.rows[table.name]
        new = [key for key in changed if key not in self._written[table.name]]
        table.insert(self._connection, [rows[key] for key in new])
        for key in new:
            del changed[key]

    def _fetch(self, events: Sequence[journal.Event]) -> None:
        """Fetches what folding these events can touch."""
        self._fetch_rows(SESSIONS, store.sessions_of(events))
        touched = set(store.touched_by(self._rows, events))
        organizations = {(organization_id,) for organization_id, _, _ in touched}
        programs: set[Key] = set()
        for event in events:
            organizations.add((getattr(event, "organization_id", None) or "",))
            match event:
                case journal.CertificateChanged() | journal.CertificateDisabled():
                    programs.add((event.organization_id, event.program_id))
        self._fetch_rows(ORGANIZATIONS, organizations)
        self._fetch_rows(CERTIFICATES, programs)
        self._fetch_rows(MEMBERS, ((one.organization_id, one.user_id) for one in touched))
        self._fetch_rows(
            ENROLMENTS,
            (
                (one.organization_id, one.program_id, one.user_id)
                for one in touched
                if one.program_id != BADGE_PROGRAM
            ),
        )
        self._fetch_awards(_with_awards_at_stake(events))
        self._rows.met.update(store.ask_met(self._connection, events) or ())

    def _fetch_rows(self, table: Table[Any], keys: Iterable[Key]) -> None:
        known = self._rows.rows[table.name]
        self._take_in(
            table, table.select(self._connection, [key for key in keys if key not in known])
        )

    def _fetch_awards(self, members: set[Key]) -> None:
        members -= self._members_with_awards
        self._members_with_awards |= members
        for table in (AWARDS, WAITING_AWARDS):
            of_member = ("organization_id", "user_id")
            self._take_in(table, table.select(self._connection, members, of_member))

    def _take_in(self, table: Table[Any], rows: Iterable[Any]) -> None:
        written = self._written[table.name]
        for row in rows:
            self._rows.put_loaded(table, row)
            written.add(table.key_of(row))
            if isinstance(row, Session) and row.completed_at is not None:
                self._written[PARTICIPATIONS.name].update(
                    (row.organization_id, user_id, row.session_id) for user_id in row.participants
                )


class _Rows(Progress):
    """Rows that are folded only: nobody asks which participations are a member's."""

    def _index(self, row: Struct) -> None:
        if isinstance(row, Participation):
            if row.partner_id is not None:
                self.met.add((row.organization_id, row.user_id, row.partner_id))
        elif isinstance(row, Award):
            self.awards[row.organization_id, row.user_id][row.award_id] = row


def _with_awards_at_stake(events: Iterable[journal.Event]) -> set[Key]:
    """The members whose awards, granted or waiting, matter to folding these events."""
    members: set[Key] = set()
    for event in events:
        match event:
            case journal.AwardedByHand():
                members.update((event.organization_id, user_id) for user_id in event.user_ids)
            case (
                journal.AwardRevoked()
                | journal.MemberErased()
                | journal.AwardGranted(kind="certificate")
            ):
                members.add((event.organization_id, event.user_id))
    return members
