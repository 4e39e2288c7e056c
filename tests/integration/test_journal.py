"""The journal on a real database: order, positions, clocks, clashes and those who wait for it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from time import sleep
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from schemas.journal import EVENT_TYPES, MemberErased, MemberRegistered
from services.achievements.migration import migrate
from services.journal import TABLE, Appended, Entry, Journal, stream_id
from services.patience import TooLongError
from tests.integration.service import append

ADA = stream_id("acme", "member", "ada")
BEN = stream_id("acme", "member", "ben")


def entry(stream: UUID = ADA, version: int = 1, user_id: str = "ada") -> Entry:
    return Entry(stream, version, MemberErased(organization_id="acme", user_id=user_id))


def positions(journal: Journal) -> list[int]:
    with journal.connection() as connection:
        return [one.position for one in journal.read(connection, 0, 1_000_000)]


def until_a_writer_waits(journal: Journal) -> None:
    """Returns once a transaction waits for the journal's lock."""
    with journal.connection() as connection:
        query = (
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        while connection.execute(query).fetchone() == (0,):
            sleep(0.01)


def test_what_is_appended_is_read(journal: Journal) -> None:
    """Events are read as they were appended: in order of appending, and each stream in order of its versions."""
    registered = MemberRegistered(cause="c", organization_id="acme", user_id="ben", roles=())
    entries = [entry(BEN), Entry(ADA, 1, registered), entry(ADA, 2), entry(BEN, 2, "日本")]
    with journal.transaction() as connection:
        appended = journal.append(connection, entries)
    assert (appended.first, appended.last) == (1, 4)
    with journal.connection() as connection:
        recorded = journal.read(connection, 0, 10)
        streams = journal.load(connection, [BEN, ADA, stream_id("acme", "member", "nobody")])
        assert journal.head(connection) == 4
    assert [one.position for one in recorded] == [1, 2, 3, 4]
    assert [
        Entry(one.originator_id, one.originator_version, one.event) for one in recorded
    ] == entries
    assert {one.recorded_at for one in recorded} == {appended.recorded_at}
    assert streams == {ADA: [recorded[1], recorded[2]], BEN: [recorded[0], recorded[3]]}


def test_reading_on(journal: Journal) -> None:
    """A reader gets what lies behind its position, at most as much as it asks for, of the names it asks for."""
    registered = MemberRegistered(organization_id="acme", user_id="ada", roles=())
    append(journal, [entry(version=n) for n in range(1, 5)] + [Entry(ADA, 5, registered)])
    with journal.connection() as connection:

        def read(after: int, limit: int, names: list[str] | None = None) -> list[int]:
            return [one.position for one in journal.read(connection, after, limit, names)]

        assert read(0, 2) == [1, 2]
        assert read(2, 2) == [3, 4]
        assert read(4, 2) == [5]
        assert read(5, 2) == []
        assert read(0, 9, ["member-registered.1"]) == [5]
        assert read(0, 9, ["member-registered.1", "member-erased.1"]) == [1, 2, 3, 4, 5]
        assert read(0, 9, []) == []


def test_appending_nothing(journal: Journal) -> None:
    """Nothing can be appended, too: it tells where the journal ends, and leaves no trace."""
    for head in (0, 1):
        with journal.transaction() as connection:
            appended = journal.append(connection, [])
        assert (appended.first, appended.last) == (head + 1, head)
        append(journal, [entry(version=head + 1)])


def test_a_large_batch(journal: Journal) -> None:
    """Thousands of events are appended at once, and their positions follow each other."""
    append(journal, [entry(version=n) for n in range(1, 5_001)])
    assert positions(journal) == list(range(1, 5_001))


def test_a_clash(journal: Journal) -> None:
    """Of two who append the same version of a stream one gets UniqueViolation, and nothing of its batch stays."""
    append(journal, [entry()])
    with pytest.raises(errors.UniqueViolation):
        append(journal, [entry(BEN), entry(), entry(BEN, 2)])
    with pytest.raises(errors.UniqueViolation):
        append(journal, [entry(BEN), entry(BEN)])
    with journal.connection() as connection:
        assert journal.load(connection, [BEN]) == {}
    append(journal, [entry(BEN), entry(ADA, 2)])
    assert len(positions(journal)) == 3


def test_a_rollback_leaves_nothing(journal: Journal) -> None:
    """What is rolled back was never appended, nor is its reader's position kept; later events lie behind it."""
    append(journal, [entry()])
    with journal.transaction() as connection:
        journal.append(connection, [entry(BEN)])
        journal.advance(connection, "reader", 2)
        raise psycopg.Rollback
    with journal.connection() as connection:
        assert journal.load(connection, [BEN]) == {}
        assert journal.position(connection, "reader") == 0
        assert journal.head(connection) == 1
    append(journal, [entry(BEN)])
    assert positions(journal)[-1] > 1


def test_readers_positions(journal: Journal) -> None:
    """Each reader has a position of its own, 0 before it ever began."""
    with journal.transaction() as connection:
        for position in (5, 7):
            journal.advance(connection, "a", position)
        journal.advance(connection, "b", 3)
    with journal.connection() as connection:
        found = [journal.position(connection, name) for name in ("a", "b", "c")]
    assert found == [7, 3, 0]


def test_writers_at_once(journal: Journal) -> None:
    """Positions of four writers at once have no gap, each batch lies together, and whoever reads on meanwhile misses
    nothing: what is committed later lies behind."""
    batches, done = 25, Event()
    seen: list[int] = []

    def write(number: int) -> list[Appended]:
        stream = stream_id("acme", "writer", str(number))
        appended = []
        for batch in range(batches):
            entries = [entry(stream, batch * 4 + n + 1) for n in range(1 + batch % 4)]
            with journal.transaction() as connection:
                appended.append(journal.append(connection, entries))
        return appended

    def read() -> None:
        with psycopg.connect(journal.conninfo, autocommit=True) as connection:
            while not done.is_set() or journal.read(connection, max(seen, default=0), 1):
                seen.extend(r.position for r in journal.read(connection, max(seen, default=0), 7))

    reader = Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(4) as writers:
        appended = sorted(one for of_writer in writers.map(write, range(4)) for one in of_writer)
    done.set()
    reader.join()
    total = 4 * sum(1 + batch % 4 for batch in range(batches))
    assert seen == list(range(1, total + 1))
    assert [one.first for one in appended] == [1, *(one.last + 1 for one in appended[:-1])]
    times = [one.recorded_at for one in appended]
    assert times == sorted(times)


def test_the_clock_never_goes_back(journal: Journal) -> None:
    """Where the server's clock goes back, events carry the last event's instant until it has caught up."""
    append(journal, [entry()])
    future = datetime.now(UTC) + timedelta(days=1)
    with journal.transaction() as connection:
        connection.execute(f"UPDATE {TABLE} SET recorded_at = %s", (future,))
    for version in (2, 3):
        with journal.transaction() as connection:
            assert journal.lock(connection) == future
            assert journal.append(connection, [entry(version=version)]).recorded_at == future
    with journal.connection() as connection:
        assert {one.recorded_at for one in journal.read(connection, 0, 9)} == {future}


def test_a_writer_waits_for_the_one_before(journal: Journal) -> None:
    """A second writer waits until the first has committed, and comes behind it, with no earlier instant."""
    with ThreadPoolExecutor(1) as threads:
        with journal.transaction() as connection:
            first = journal.append(connection, [entry()])
            second = threads.submit(append, journal, [entry(BEN)])
            until_a_writer_waits(journal)
            assert not second.done()
        second.result(timeout=10)
    with journal.connection() as connection:
        ours, theirs = journal.read(connection, 0, 9)
    assert (ours.position, ours.originator_id) == (first.first, ADA)
    assert theirs.recorded_at >= ours.recorded_at


def test_two_journals_in_one_database(journal: Journal) -> None:
    """Journals of two schemas have positions of their own, and none waits for the other."""
    with Journal(journal.conninfo, "another", EVENT_TYPES) as another:
        another.create_tables()
        with journal.transaction() as connection:
            journal.append(connection, [entry(), entry(BEN)])
            append(another, [entry()])
        assert (positions(journal), positions(another)) == ([1, 2], [1])


def test_who_listens_is_told(journal: Journal) -> None:
    """A listener is told of what was committed, once it was, and of nothing that was rolled back."""
    with psycopg.connect(journal.conninfo, autocommit=True) as listener:
        listener.execute(f"LISTEN {TABLE}")
        with journal.transaction() as connection:
            journal.append(connection, [entry()])
            assert list(listener.notifies(timeout=0.2)) == []
        assert len(list(listener.notifies(timeout=5, stop_after=1))) == 1
        with journal.transaction() as connection:
            journal.append(connection, [entry(BEN)])
            raise psycopg.Rollback
        assert list(listener.notifies(timeout=0.2)) == []


def test_migrating_again_and_at_once(database_url: str) -> None:
    """Migrating is safe to repeat and to run several times at once; nothing is lost by it."""

    def migrate_it(_: int) -> None:
        with Journal(database_url, "achievements", EVENT_TYPES) as journal:
            migrate(journal)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate_it, range(4)))
    with Journal(database_url, "achievements", EVENT_TYPES) as journal:
        append(journal, [entry()])
        migrate(journal)
        assert positions(journal) == [1]


def test_a_writer_that_falls_silent(journal: Journal) -> None:
    """A transaction that has a limit is ended by the server, others go on, and nothing of it is left."""

    def fall_silent() -> None:
        with journal.transaction(seconds=1) as connection, ThreadPoolExecutor(1) as pool:
            journal.append(connection, [entry()])
            pool.submit(append, journal, [entry(BEN)]).result(timeout=10)

    with pytest.raises(TooLongError):
        fall_silent()
    with journal.connection() as connection:
        assert list(journal.load(connection, [ADA, BEN])) == [BEN]


def test_a_writer_that_does_not_wait_long(journal: Journal) -> None:
    """Where another one keeps the lock, a transaction that has a limit for it gives up, and may try again."""
    with journal.transaction() as connection:
        journal.lock(connection)
        with pytest.raises(errors.LockNotAvailable), journal.transaction(lock_seconds=1) as second:
            journal.append(second, [entry()])
    with journal.transaction(lock_seconds=1) as second:
        journal.append(second, [entry()])
    assert len(positions(journal)) == 1
