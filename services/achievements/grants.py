"""From the journal to the read models and back: folds what is new and grants what is due by it.

One transaction does it all, under one lock: read on from the view's position, fold, decide, append AwardGranted,
fold it in, save with the new position. Each event is judged as if it were folded alone, however the journal is cut
into batches: a run of events ends behind each one that concerns many members, and within a run what is due is
looked for after every event. So who is granted what, and since when it was earned, is a function of the journal.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from msgspec import structs

from projections import store
from projections.entitlement import due
from projections.progress import Progress, Touched, concerns_many, fold
from projections.rows import AWARDS
from schemas.journal import AwardGranted
from services.achievements import people
from services.achievements.errors import FarBehindError
from services.achievements.granting import award_granted
from services.achievements.people import Erasure
from services.journal import Entry, Journal, Recorded, lock_key

VIEW: Final = "progress"
MAX_EVENTS: Final = 4_000
MAX_CANDIDATES: Final = 1_000
MAX_EVENTS_BEHIND: Final = 20_000
LOCK_SECONDS: Final = 10


class Step(NamedTuple):
    """What one step did: the position it came to, how many events it folded, and what it granted."""

    position: int
    folded: int
    granted: list[AwardGranted]


def advance(
    journal: Journal,
    connection: psycopg.Connection[Any],
    limit: int = MAX_EVENTS,
    *,
    mailed: bool = True,
) -> Step:
    """Folds up to `limit` events behind the view's position, in the transaction of the connection.

    What is due by them is granted; `mailed` tells whether members get a mail about it.
    """
    hold_grants(journal, connection)
    position = journal.position(connection, VIEW)
    events = journal.read(connection, position, limit)
    granted: list[AwardGranted] = []
    for run in _runs(events):
        granted += _fold_run(journal, connection, run, mailed)
    if events:
        position = events[-1].position
        journal.advance(connection, VIEW, position)
    return Step(position, len(events), granted)


def advance_to_head(
    journal: Journal, connection: psycopg.Connection[Any], *, mailed: bool = True
) -> list[AwardGranted]:
    """Folds all there is, in the transaction of the connection; gives what was granted."""
    granted: list[AwardGranted] = []
    while (step := advance(journal, connection, mailed=mailed)).folded:
        granted += step.granted
    return granted


@contextmanager
def at_head(
    journal: Journal,
    committed: Callable[[list[AwardGranted]], None] | None = None,
    *,
    seconds: int | None = None,
) -> Iterator[psycopg.Connection[Any]]:
    """A transaction in which the read models are at the journal's head, which nobody else moves.

    `committed` is told of all that was granted in it, once it is committed. `FarBehindError` where they are so far
    behind that others would have to wait; `LockNotAvailable` likewise; `TooLongError` where it lasts `seconds`.
    """
    granted: list[AwardGranted] = []
    with journal.transaction(seconds=seconds, lock_seconds=LOCK_SECONDS) as connection:
        hold_grants(journal, connection)
        head = journal.head(connection)
        if head - journal.position(connection, VIEW) > MAX_EVENTS_BEHIND:
            raise FarBehindError
        advance_to_head(journal, connection)
        journal.lock(connection)
        advance_to_head(journal, connection)
        yield connection
        if committed is not None:
            granted = _granted_behind(journal, connection, head)
    if committed is not None:
        committed(granted)


def _granted_behind(
    journal: Journal, connection: psycopg.Connection[Any], position: int
) -> list[AwardGranted]:
    """The grants behind a position; what was tried and taken back is not among them."""
    names = [journal.mapper.names[AwardGranted]]
    behind = journal.head(connection) - position
    return [one.event for one in journal.read(connection, position, behind, names)]


def hold_grants(journal: Journal, connection: psycopg.Connection[Any]) -> None:
    """Waits to be the only one who folds and grants, until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (grants_key(journal),))


def grants_key(journal: Journal) -> int:
    """The lock that is held by the one who folds and grants."""
    return lock_key(journal.schema, "grants")


def _runs(events: Sequence[Recorded]) -> Iterator[list[Recorded]]:
    """Cuts behind each event that concerns many."""
    run: list[Recorded] = []
    for recorded in events:
        run.append(recorded)
        if concerns_many(recorded.event):
            yield run
            run = []
    if run:
        yield run


def _fold_run(
    journal: Journal, connection: psycopg.Connection[Any], run: Sequence[Recorded], mailed: bool
) -> list[AwardGranted]:
    progress = store.load(connection, [recorded.event for recorded in run])
    granted: list[AwardGranted] = []
    for recorded in run:
        touched = fold(progress, recorded.event, recorded.recorded_at)
        granted += grant(progress, touched, recorded.position, mailed)
    granted = _keep(journal, connection, progress, granted)
    last = run[-1]
    if concerns_many(last.event):
        granted += _grant_to_many(journal, connection, last, mailed)
    return granted


def _grant_to_many(
    journal: Journal, connection: psycopg.Connection[Any], cause: Recorded, mailed: bool
) -> list[AwardGranted]:
    candidates = iter(store.members_due(connection, cause.event))
    granted: list[AwardGranted] = []
    while some := list(islice(candidates, MAX_CANDIDATES)):
        progress = store.load_members(connection, some)
        granted += _keep(
            journal, connection, progress, grant(progress, some, cause.position, mailed)
        )
    return granted


def grant(
    progress: Progress, touched: Iterable[Touched], position: int, mailed: bool = True
) -> list[AwardGranted]:
    """Decides what is due to these members and folds it in at once, so that nothing is due twice."""
    granted: list[AwardGranted] = []
    for one in touched:
        for what in due(progress, one):
            event = structs.replace(award_granted(progress, what, position), mailed=mailed)
            fold(progress, event, None)
            granted.append(event)
    return granted


def _keep(
    journal: Journal,
    connection: psycopg.Connection[Any],
    progress: Progress,
    granted: Sequence[AwardGranted],
) -> list[AwardGranted]:
    """Appends grants and saves the rows; whoever was erased meanwhile is granted nothing any more."""
    kept: list[AwardGranted] = []
    if granted:
        journal.lock(connection)
        erased = people.erased(
            connection, {Erasure(one.organization_id, one.user_id) for one in granted}
        )
        for one in granted:
            if Erasure(one.organization_id, one.user_id) in erased:
                progress.delete(AWARDS, one.organization_id, one.user_id, one.award_id)
            else:
                kept.append(one)
        _append(journal, connection, progress, kept)
    store.save(connection, progress)
    return kept


def _append(
    journal: Journal,
    connection: psycopg.Connection[Any],
    progress: Progress,
    granted: Sequence[AwardGranted],
) -> None:
    entries = [Entry(UUID(one.award_id), 1, one) for one in granted]
    granted_at = journal.append(connection, entries).recorded_at
    for one in granted:
        award = progress.edit(AWARDS, one.organization_id, one.user_id, one.award_id)
        if award is not None:
            award.granted_at = granted_at
