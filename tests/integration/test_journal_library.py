"""The library's stock recorder and our journal, over the same tables: a way back, should we need one."""

from collections.abc import Iterator

import msgspec
import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent, Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresProcessRecorder
from psycopg.rows import dict_row

from schemas.journal import EVENT_TYPES, MemberErased
from services.journal import POSITIONS_TABLE, TABLE, Entry, Journal, stream_id
from tests.golden.stored_events import STORED_EVENTS
from tests.integration.service import append

STREAM = stream_id("acme", "member", "ada")
ERASED = MemberErased(organization_id="acme", user_id="ada")


@pytest.fixture
def recorder(journal: Journal) -> Iterator[PostgresProcessRecorder]:
    """The library's own recorder, told of our tables and of nothing else."""
    with PostgresDatastore("", "", "", "", "", schema=journal.schema) as datastore:
        datastore.pool.conninfo = journal.conninfo
        datastore.pool.kwargs = {"row_factory": dict_row}
        yield PostgresProcessRecorder(
            datastore, events_table_name=TABLE, tracking_table_name=POSITIONS_TABLE
        )


def test_it_reads_what_we_wrote(journal: Journal, recorder: PostgresProcessRecorder) -> None:
    """The stock recorder selects each of our events as what our mapper stored, whatever is in it."""
    entries = [
        Entry(STREAM, version, event)
        for version, event in enumerate(STORED_EVENTS.values(), start=1)
    ]
    assert recorder.max_notification_id() is None
    append(journal, entries)
    stored = [journal.mapper.to_stored_event(entry) for entry in entries]
    assert recorder.select_events(STREAM) == stored
    assert recorder.select_events(STREAM, gt=3, lte=5) == stored[3:5]
    assert recorder.select_events(STREAM, desc=True, limit=1) == stored[-1:]
    assert recorder.max_notification_id() == len(entries)


def test_it_reads_on_as_we_do(journal: Journal, recorder: PostgresProcessRecorder) -> None:
    """The stock recorder's notifications are our positions, by number and by topic."""
    append(journal, [Entry(STREAM, version, ERASED) for version in (1, 2, 3)])
    append(journal, [Entry(STREAM, 4, STORED_EVENTS["member-registered.1"])])
    assert [one.id for one in recorder.select_notifications(start=2, limit=2)] == [2, 3]
    (last,) = recorder.select_notifications(start=1, limit=9, topics=["member-registered.1"])
    assert (last.id, last.originator_id, last.originator_version) == (4, STREAM, 4)
    assert journal.mapper.to_domain_event(last) == Entry(
        STREAM, 4, STORED_EVENTS["member-registered.1"]
    )


def test_we_read_what_it_wrote(journal: Journal, recorder: PostgresProcessRecorder) -> None:
    """An event that the stock recorder inserts is read by us, behind what we wrote, with an instant of its own."""
    append(journal, [Entry(STREAM, 1, ERASED)])
    theirs = StoredEvent(STREAM, 2, "member-erased.1", msgspec.json.encode(ERASED))
    assert recorder.insert_events([theirs]) == [2]
    append(journal, [Entry(STREAM, 3, ERASED)])
    with journal.connection() as connection:
        recorded = journal.read(connection, 0, 9)
        assert journal.load(connection, [STREAM]) == {STREAM: recorded}
    assert [one.position for one in recorded] == [1, 2, 3]
    assert [one.event for one in recorded] == [ERASED] * 3
    times = [one.recorded_at for one in recorded]
    assert times == sorted(times)


def test_both_meet_in_a_stream(journal: Journal, recorder: PostgresProcessRecorder) -> None:
    """A version that we wrote is taken for the stock recorder, too."""
    append(journal, [Entry(STREAM, 1, ERASED)])
    theirs = StoredEvent(STREAM, 1, "member-erased.1", b"{}")
    with pytest.raises(IntegrityError):
        recorder.insert_events([theirs])


def test_both_know_readers_positions(journal: Journal, recorder: PostgresProcessRecorder) -> None:
    """A reader's position is where the stock recorder tracks it, and the other way round."""
    with journal.transaction() as connection:
        journal.advance(connection, "reader", 5)
    assert recorder.max_tracking_id("reader") == 5
    recorder.insert_tracking(Tracking("reader", 6))
    with journal.connection() as connection:
        assert journal.position(connection, "reader") == 6


def test_a_table_of_the_library_is_upgraded(database_url: str) -> None:
    """A journal that the stock recorder has begun gets what ours needs on top, and keeps its events."""
    with Journal(database_url, "achievements", EVENT_TYPES) as journal:
        with journal.connection() as connection:
            connection.execute("CREATE SCHEMA achievements")
        with PostgresDatastore("", "", "", "", "", schema="achievements") as datastore:
            datastore.pool.conninfo = journal.conninfo
            datastore.pool.kwargs = {"row_factory": dict_row}
            stock = PostgresProcessRecorder(
                datastore, events_table_name=TABLE, tracking_table_name=POSITIONS_TABLE
            )
            stock.create_table()
            stock.datastore.register_type_adapters()
            stock.insert_events(
                [StoredEvent(STREAM, 1, "member-erased.1", msgspec.json.encode(ERASED))]
            )
        journal.create_tables()
        with journal.connection() as connection:
            assert [one.event for one in journal.read(connection, 0, 9)] == [ERASED]
