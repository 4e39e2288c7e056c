"""Places in status lists: given once, kept for ever, to nobody twice (Bitstring Status List 1.0)."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from services.journal import Journal
from services.sharing import upkeep
from services.sharing.application import Sharing
from services.sharing.credentials.statuses import LIST_LENGTH, StatusEntry, entry_of
from services.sharing.personal import Person
from services.sharing.reading import Reading
from tests.integration.sharing_processes import new_journal
from tests.integration.sharing_world import World
from tests.sharing_samples import BADGE

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def journal(database_url: str) -> Journal:
    return new_journal(database_url)


def entry(journal: Journal, link_id: UUID, organization_id: str = "acme") -> StatusEntry:
    return Sharing(journal).give_status_entry(organization_id, link_id)


def entries(journal: Journal) -> dict[UUID, tuple[int, int]]:
    with journal.connection() as connection:
        found = connection.execute("SELECT link_id, list, position FROM credential_status")
        return {link_id: (number, position) for link_id, number, position in found}


def crowd(journal: Journal, number: int) -> None:
    """Fills a whole list of acme's with other links."""
    with journal.connection() as connection:
        connection.execute(
            """
            INSERT INTO credential_status
            SELECT gen_random_uuid(), 'acme', %s, position
            FROM generate_series(0, %s) AS position
            ON CONFLICT DO NOTHING
            """,
            (number, LIST_LENGTH - 1),
        )


def test_a_place_is_given_once(journal: Journal) -> None:
    """A link keeps its place; links differ in theirs, and organizations have lists of their own."""
    first, second = uuid4(), uuid4()
    given = entry(journal, first)
    assert entry(journal, first) == given
    assert entry(journal, second) != given
    assert given.list == 1
    assert 0 <= given.position < LIST_LENGTH
    link_id = uuid4()
    assert entry(journal, link_id, "globex").list == 1
    assert len(entries(journal)) == 3


def test_many_at_once_get_places_of_their_own(journal: Journal) -> None:
    """However many ask at the same time, the same link gets one place, and no place two links."""
    links = [uuid4() for _ in range(30)]
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda link_id: entry(journal, link_id), links * 4))
    assert given == given[:30] * 4
    assert len(set(given)) == 30
    assert entries(journal) == dict(zip(links, given, strict=False))


def test_two_links_that_want_one_place_at_once_both_get_one(journal: Journal) -> None:
    """A place that another transaction is just taking is waited for, and left to it."""
    link_id, other = uuid4(), uuid4()
    with journal.connection() as first, ThreadPoolExecutor(1) as pool:
        with first.transaction():
            wanted = entry_of(first, "acme", link_id)
            first.execute(
                "UPDATE credential_status SET link_id = %s WHERE link_id = %s", (other, link_id)
            )
            second = pool.submit(entry, journal, link_id)
            with pytest.raises(TimeoutError):
                second.result(timeout=0.3)
        assert second.result(timeout=10) != wanted
    assert entries(journal).keys() == {link_id, other}


def test_a_crowded_list_is_followed_by_another(journal: Journal) -> None:
    """Where a list has no room for a link any more, the next list begins."""
    crowd(journal, 1)
    assert entry(journal, uuid4()).list == 2
    crowd(journal, 2)
    assert entry(journal, uuid4()).list == 3


def test_places_tell_no_order(journal: Journal) -> None:
    """Places are spread over the whole list: when a link was made can't be read from its place."""
    positions = [entry(journal, uuid4()).position for _ in range(200)]
    below = sum(position < LIST_LENGTH // 2 for position in positions)
    assert 60 <= below <= 140  # of a fair coin outside of this once in 10 to the 8
    assert sorted(positions) != positions


def test_a_restored_backup_gives_the_same_places(journal: Journal) -> None:
    """A place that was given after the backup is given again: copies of the credential name it."""
    links = [uuid4() for _ in range(5)]
    given = [entry(journal, link_id) for link_id in links]
    with journal.connection() as connection:
        connection.execute("TRUNCATE credential_status")
    assert [entry(journal, link_id) for link_id in reversed(links)] == given[::-1]


def test_rebuilding_changes_no_place_and_no_status(journal: Journal) -> None:
    """Places lie beside the read models: after a rebuild, copies are dead or alive as before."""
    world = World(journal, "acme")
    world.available()
    world.grant(BADGE)
    ada, sharing = Person("acme", "ada"), Sharing(journal)
    sharing.issue_link(ada, BADGE.award_id, NOW)
    dead = entry(journal, active_link(journal))
    sharing.disable_link(ada, BADGE.award_id, NOW)
    sharing.issue_link(ada, BADGE.award_id, NOW)
    alive = entry(journal, active_link(journal))
    before = entries(journal)
    assert dead_positions(journal) == [dead.position]
    upkeep.rebuild(journal)
    assert entries(journal) == before
    assert dead_positions(journal) == [dead.position]
    world.erase("ada")
    upkeep.rebuild(journal)
    assert dead_positions(journal) == sorted([dead.position, alive.position])


def active_link(journal: Journal) -> UUID:
    with journal.connection() as connection:
        ((link_id,),) = connection.execute("SELECT link_id FROM link WHERE active")
    return UUID(str(link_id))


def dead_positions(journal: Journal) -> Sequence[int] | None:
    """What is set in acme's first list, as the process that serves it asks."""

    async def ask() -> Sequence[int] | None:
        reading = Reading(journal.conninfo, pool_size=1)
        await reading.open()
        try:
            return await reading.dead_positions("acme", 1)
        finally:
            await reading.close()

    return asyncio.run(ask())


def test_a_list_costs_no_more_when_many_links_have_died(journal: Journal) -> None:
    """What a list takes is bounded by its own length, not by all links of the organization that ever died."""
    with journal.connection() as connection:
        connection.execute("ALTER TABLE link SET (autovacuum_enabled = off)")  # it would be counted
        connection.execute(
            """
            WITH dead AS (
                INSERT INTO link (link_id, organization_id, award_id, user_id, active)
                SELECT gen_random_uuid(), 'acme', 'award-' || number, 'ada', false
                FROM generate_series(1, 50000) AS number RETURNING link_id
            )
            INSERT INTO credential_status
            SELECT link_id, 'acme', 1, row_number() OVER () FROM dead LIMIT 3
            """
        )
        connection.execute("ANALYZE link, credential_status")
    before = settled(journal)
    assert dead_positions(journal) == [1, 2, 3]
    assert settled(journal) - before < 50


def settled(journal: Journal) -> int:
    """How many blocks of links were ever looked at, when all who did have told."""
    counted = -1
    while counted != (counted := blocks_of_links(journal)):
        time.sleep(1.5)  # a process tells once a second, or when it ends
    return counted


def blocks_of_links(journal: Journal) -> int:
    with journal.connection() as connection:
        row = connection.execute(
            """
            SELECT heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit
            FROM pg_statio_user_tables WHERE relname = 'link'
            """
        ).fetchone()
    assert row is not None
    return int(row[0])
