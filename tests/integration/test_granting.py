"""The projection on a real database: batches, positions, and two that do it at once."""

from collections.abc import Iterator
from itertools import chain, repeat
from threading import Thread
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.rows import AWARDS, TABLES
from schemas import learning
from schemas.journal import AwardGranted, BadgeThresholdSet, Event, MemberErased
from services.achievements.grants import advance
from services.journal import Entry, Journal
from tests.histories import thresholds, whatever
from tests.integration.service import append, empty, migrated, project, rows, take, timeless
from tests.scenario import World, certificate, erased, feedback, organization, session


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as its_journal:
        yield its_journal


def told(history: list[learning.Inbound | Event]) -> World:
    """A world that has recorded a history, and not projected it yet."""
    world = World()
    for platform_version, item in enumerate(history, start=1):
        if isinstance(item, learning.Inbound):
            world.take(item)
        else:
            world.journal.append(Entry(UUID(int=platform_version), 1, item))
    return world


LOW = [
    BadgeThresholdSet(code=code, threshold=2, by="op") for code in ("mentor", "mentee", "connector")
]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.one_of(whatever, whatever, whatever, thresholds), min_size=5, max_size=60),
    st.lists(st.integers(1, 30), min_size=1, max_size=20),
)
def test_any_batches_give_what_single_events_give(
    journal: Journal, history: list[learning.Inbound | Event], limits: list[int]
) -> None:
    """Rules 2, 5, 11, 18, 20 and 27: the same journal cut into any batches, whatever it holds, builds the same rows
    and grants the same awards, earned at the same instants, as each event folded alone."""
    empty(journal)
    world = told([*LOW, organization(), *history])
    append(journal, world.journal)
    project(journal, chain(limits, repeat(limits[-1])))
    gone = {entry.event.user_id for entry in world.journal if isinstance(entry.event, MemberErased)}
    world.advance()
    for table in TABLES:
        alone = {
            key: timeless(row)
            for key, row in world.progress.rows[table.name].items()
            if not (table is AWARDS and row.user_id in gone)
        }
        batched = {
            key: row
            for key, row in rows(journal, table).items()
            if not (table is AWARDS and row.user_id in gone)
        }
        assert batched == alone, table.name


def test_two_at_once_grant_once(journal: Journal) -> None:
    """An award is granted once, however many processes fold at the same time."""
    take(journal, organization(), certificate(1), *(session(n) for n in range(1, 41)))
    take(journal, *(feedback(n) for n in range(1, 41)))

    def fold() -> None:
        project(journal, repeat(3))

    threads = [Thread(target=fold) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with journal.connection() as connection:
        granted = journal.read(connection, 0, 1000, [journal.mapper.names[AwardGranted]])
    assert sorted((one.event.user_id, one.event.code) for one in granted) == [
        ("ben", "certificate"),
        ("ben", "mentee"),
        ("mia", "certificate"),
        ("mia", "mentor"),
        ("mia", "super_mentor"),
    ]


def test_a_step_that_fails_leaves_nothing(journal: Journal) -> None:
    """Position, rows and grants commit together or not at all."""
    take(journal, organization(), *(session(n) for n in range(1, 11)))
    with journal.transaction() as connection:
        assert len(advance(journal, connection).granted) == 2
        raise psycopg.Rollback
    assert all(rows(journal, table) == {} for table in TABLES)
    project(journal, repeat(100))
    assert len(rows(journal, AWARDS)) == 2


def test_an_erasure_not_folded_yet_stops_a_grant(journal: Journal) -> None:
    """Rule 27: nothing is granted to a member whose erasure is in the journal, folded or not."""
    take(journal, organization(), *(session(n) for n in range(1, 11)), erased("mia"))
    project(journal, repeat(1))
    assert {award.user_id for award in rows(journal, AWARDS).values()} == {"ben"}


def test_a_grant_tells_what_it_was_decided_from(journal: Journal) -> None:
    """Rule 17: a grant says up to which fact it looked, which threshold held and who had set it."""
    take(journal, organization(), *(session(n) for n in range(1, 11)), session(11, "mia", "eve"))
    project(journal, repeat(100))
    with journal.connection() as connection:
        (mentor, _) = journal.read(connection, 0, 1000, [journal.mapper.names[AwardGranted]])
    assert (mentor.event.threshold, mentor.event.threshold_from) == (10, "default")
    assert mentor.event.decided_at_position == 12
    assert str(mentor.originator_id) == mentor.event.award_id
    assert mentor.originator_version == 1
