"""Folding a history from its beginning into empty tables, with a bounded number of rows in memory.

What was never written can't be in a table: nothing is looked up there before the first rows are written, and of what
is written later, rows that are new are copied in at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg

from projections import store
from projections.progress import Progress, fold
from projections.counting import Participation
from projections.rows import (
    Award,
    AWARDS,
    CERTIFICATES,
    ENROLMENTS,
    MEMBERS,
    ORGANIZATIONS,
    PARTICIPATIONS,
    SESSIONS,
    TABLES,
    WAITING_AWARDS,
    Key,
    Session,
    Table,
)
from schemas import journal

MAX_ROWS: Final = 250_000

_LARGE: Final = (MEMBERS, ENROLMENTS, SESSIONS, PARTICIPATIONS, AWARDS)
"""Tables of which it is known, for each row in memory, whether it has been written before."""


class Past(NamedTuple):
    """An event and when it was recorded."""

    event: journal.Event
    recorded_at: datetime


class _Rows(Progress):
    def _index(self, row):
        if isinstance(row, Participation):
            if row.partner_id is not None:
                self.met.add((row.organization_id, row.user_id, row.partner_id))
        elif isinstance(row, Award):
            self.awards[row.organization_id, row.user_id][row.award_id] = row

class Replay:
    """The read models as they come to be, in the first schema of the connection's path that has their tables."""

    def __init__(self, connection: psycopg.Connection[Any], max_rows: int = MAX_ROWS) -> None:
        self._connection = connection
        self._max_rows = max_rows
        self._begin()
        self._has_written = False
        for table in TABLES:
            connection.execute(table.create_bare())

    def fold(self, past: Sequence[Past]) -> None:
        """Changes the rows by these events; writes them once there are too many in memory."""
        if self._has_written:
            self._load([one.event for one in past])
        for event, recorded_at in past:
            fold(self._progress, event, recorded_at)
        if sum(map(len, self._progress.rows.values())) > self._max_rows:
            self.write()

    def write(self) -> None:
        """Writes all that has changed; nothing stays in memory."""
        for table in _LARGE:
            self._copy_new(table)
        if not self._has_written:
            for table in TABLES:
                for statement in table.complete_bare():
                    self._connection.execute(statement)
        store.save(self._connection, self._progress)
        self._begin()
        self._has_written = True

    def _begin(self) -> None:
        self._progress = _Rows()
        self._written: defaultdict[str, set[Key]] = defaultdict(set)
        self._loaded_members: set[Key] = set()

    def _copy_new(self, table: Table[Any]) -> None:
        changed = self._progress.changed[table.name]
        new = [key for key in changed if key not in self._written[table.name]]
        rows = self._progress.rows[table.name]
        table.insert(self._connection, [rows[key] for key in new])
        for key in new:
            del changed[key]

    def _load(self, events: Sequence[journal.Event]) -> None:
        """Fetches what folding these events can touch, unless it is in memory already."""
        self._fetch(SESSIONS, store.sessions_of(events))
        self._fetch(ORGANIZATIONS, {(e.organization_id,) for e in events if isinstance(e, journal.AvailabilityChanged | journal.OrganizationConfigured)})
        self._fetch(CERTIFICATES, {(e.organization_id, e.program_id) for e in events if isinstance(e, journal.CertificateChanged | journal.CertificateDisabled)})
        touched = set(store.touched_by(self._progress, events))
        self._fetch(MEMBERS, {(one.organization_id, one.user_id) for one in touched})
        self._fetch(ENROLMENTS, {(one.organization_id, one.program_id, one.user_id) for one in touched if one.program_id})
        self._progress.met.update(store.ask_met(self._connection, events) or ())
        self._load_awards(events)

    def _load_awards(self, events: Iterable[journal.Event]) -> None:
        members: set[Key] = set()
        for event in events:
            match event:
                case journal.AwardedByHand():
                    members.update((event.organization_id, user_id) for user_id in event.user_ids)
                case journal.AwardRevoked() | journal.MemberErased() | journal.AwardGranted(kind="certificate"):
                    members.add((event.organization_id, event.user_id))
        members -= self._loaded_members
        self._loaded_members |= members
        for table in (AWARDS, WAITING_AWARDS):
            for row in table.select(self._connection, members, by=("organization_id", "user_id")):
                self._put(table, row)

    def _fetch(self, table: Table[Any], keys: Iterable[Key]) -> None:
        known = self._progress.rows[table.name]
        for row in table.select(self._connection, [key for key in keys if key not in known]):
            self._put(table, row)

    def _put(self, table: Table[Any], row: Any) -> None:
        self._progress.put_loaded(table, row)
        self._written[table.name].add(table.key_of(row))
        if isinstance(row, Session) and row.completed_at is not None:
            self._written[PARTICIPATIONS.name].update(
                (row.organization_id, user_id, row.session_id) for user_id in row.participants
            )
