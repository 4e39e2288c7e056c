"""Read models built again from the journal: the same, byte for byte, while reading and writing go on."""

import asyncio
import threading
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.rows import AWARDS, MEMBERS
from schemas import learning
from schemas.journal import Event
from services.achievements.grants import advance
from services.achievements.reading import Reading, read_pool
from services.achievements.rebuilding import (
    Batches,
    Rebuilt,
    rebuild,
)
from services.achievements.verifying import verify
from services.achievements.views import views_key
from services.journal import Journal
from tests.histories import thresholds, whatever
from tests.integration.operating import killed_at_work, killed_waiting, run, state
from tests.integration.service import append, empty, migrated, project, rows, take
from tests.integration.test_granting import LOW, told
from tests.scenario import organization, session


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(f"{database_url}?application_name=the%20test") as its_journal:
        yield its_journal


def silent(_what: str, _done: int, _of: int) -> None:
    """Nobody watches."""


def is_as_before(rebuilt: Rebuilt) -> bool:
    return all(before == after for _, before, after in rebuilt.read_models)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.one_of(whatever, whatever, whatever, thresholds), min_size=5, max_size=60),
    st.lists(st.integers(1, 30), min_size=1, max_size=20),
    st.builds(Batches, st.integers(1, 40), st.sampled_from((0, 10, 60, 1_000))),
)
def test_rebuilding_gives_the_same(
    journal: Journal,
    history: list[learning.Inbound | Event],
    limits: list[int],
    batches: Batches,
) -> None:
    """Whatever a journal holds, and however far it was projected, rebuilding gives what the projection has built, byte
    for byte; so does rebuilding once more; and the projection goes on from there to the same awards."""
    empty(journal)
    append(journal, told([*LOW, organization(), *history]).journal)
    with journal.transaction() as connection:
        advance(journal, connection, sum(limits) // 3)
    assert is_as_before(rebuild(journal, silent, batches=batches))
    project(journal, chain(limits, repeat(limits[-1])))
    assert is_as_before(rebuild(journal, silent, batches=batches))
    assert is_as_before(rebuild(journal, silent))


def forty_sessions(journal: Journal) -> None:
    take(journal, organization(), *(session(n) for n in range(1, 41)))
    project(journal, repeat(1_000))


def test_nothing_is_granted_or_sent(journal: Journal) -> None:
    """Rule 19: rebuilding appends nothing to the journal and moves no reader of it."""
    take(journal, organization(), *(session(n) for n in range(1, 41)))
    project(journal, repeat(7))
    take(journal, *(session(n, "zoe", "eve") for n in range(41, 61)))

    def outside() -> list[Any]:
        with journal.connection() as connection:
            positions = connection.execute("SELECT * FROM journal_position ORDER BY 1").fetchall()
            return [journal.head(connection), positions]

    before = outside()
    rebuild(journal, silent)
    assert outside() == before


def test_what_was_wrong_is_right_again(journal: Journal) -> None:
    """A row that was changed, one that was lost, and read models that were dropped come back."""
    forty_sessions(journal)
    right = state(journal)
    with journal.connection() as connection:
        connection.execute("UPDATE member SET people_met = 7 WHERE user_id = 'mia'")
        connection.execute("DELETE FROM award WHERE code = 'mentor'")
    rebuilt = rebuild(journal, silent)
    wrong = [name for name, before, after in rebuilt.read_models if before != after]
    assert (wrong, state(journal)) == (["member", "award"], right)
    with journal.connection() as connection:
        connection.execute("DROP SCHEMA achievements_views CASCADE")
    assert all(before is None for _, before, _ in rebuild(journal, silent).read_models)
    assert state(journal) == right


def test_one_read_model_can_be_replaced(journal: Journal) -> None:
    """`--projection` replaces the one that it names and leaves the others alone; other names are wrong usage."""
    forty_sessions(journal)
    right = state(journal)
    with journal.connection() as connection:
        connection.execute("DELETE FROM award")
    done = run(journal, "rebuild", "--projection", "award")
    assert (done.exit_code, done.stdout.count("differed")) == (0, 1), done.stdout
    assert state(journal) == right
    assert run(journal, "rebuild", "--projection", "nothing").exit_code == 2


def test_two_at_once(journal: Journal) -> None:
    """A second rebuild is refused while one is running, and the first one ends well."""
    forty_sessions(journal)
    refused: list[int] = []

    def meanwhile(_what: str, _done: int, _of: int) -> None:
        if not refused:
            refused.append(run(journal, "rebuild").exit_code)

    assert is_as_before(rebuild(journal, meanwhile))
    assert refused == [1]


SWITCHED = 3
"""What is told of the progress first after the switch."""


class StoppedError(Exception):
    """Somebody pressed Ctrl-C."""


@pytest.mark.parametrize("at", range(5))
def test_interrupted_anywhere_it_can_begin_again(journal: Journal, at: int) -> None:
    """An interrupted rebuild leaves the live read models as they were or switched as a whole, and can begin again."""
    forty_sessions(journal)
    right = state(journal)
    with journal.connection() as connection:
        connection.execute("DELETE FROM award")
    wrong = state(journal)
    steps = iter(range(100))

    def interrupt(_what: str, _done: int, _of: int) -> None:
        if next(steps) == at:
            raise StoppedError

    with pytest.raises(StoppedError):
        rebuild(journal, interrupt)
    assert state(journal) == (right if at >= SWITCHED else wrong)
    rebuild(journal, silent)
    assert state(journal) == right
    with journal.connection() as connection:
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'achievements%' ORDER BY 1"
        ).fetchall()
    assert schemas == [("achievements",), ("achievements_views",)]


def test_killed_anywhere_it_can_begin_again(journal: Journal, database_url: str) -> None:
    """A process killed in the middle of `rebuild` leaves the old read models or the new ones, never others."""
    take(journal, organization(), *(session(n, f"m{n % 9}", f"n{n % 7}") for n in range(900)))
    project(journal, repeat(1_000))
    right = state(journal)
    with journal.connection() as connection:
        connection.execute("UPDATE member SET people_met = people_met + 1")
    wrong = state(journal)
    reading = f"SELECT pg_advisory_xact_lock_shared({views_key(journal)})"
    killed_waiting(journal, database_url, reading, "rebuild")  # all is built, and can't be switched
    assert state(journal) == wrong
    for _ in range(4):
        killed_at_work(journal, database_url, "rebuild")
        assert state(journal) in (wrong, right)
    rebuild(journal, silent)
    assert state(journal) == right


def test_reading_and_projecting_go_on(journal: Journal) -> None:
    """While facts come in and read models are built again and verified over and over, no read fails, and none goes
    back in time."""
    take(journal, organization(), session(0))
    project(journal, repeat(1_000))
    stop = threading.Event()
    errors: list[BaseException] = []

    def write() -> None:
        try:
            for n in range(1, 121):
                take(journal, session(n, "mia", f"n{n}"))
                project(journal, repeat(3))
        except BaseException as error:
            errors.append(error)
        finally:
            stop.set()

    def check() -> None:
        try:
            while not stop.is_set():
                assert verify(journal, lambda _done, _of: None).differences == []
        except BaseException as error:
            errors.append(error)

    def build() -> None:
        try:
            while not stop.is_set():
                assert is_as_before(rebuild(journal, silent, batches=Batches(50, 200)))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for work in (write, build, check)]
    for thread in threads:
        thread.start()
    reads = asyncio.run(read_on(journal, stop))
    for thread in threads:
        thread.join()
    assert not errors
    assert reads > 20
    (mia,) = [member for member in rows(journal, MEMBERS).values() if member.user_id == "mia"]
    assert (mia.sessions_as_mentor, mia.people_met) == (121, 121)
    assert len([one for one in rows(journal, AWARDS).values() if one.user_id == "mia"]) == 3


async def read_on(journal: Journal, stop: threading.Event) -> int:
    """Reads as HTTP does, on connections that live through the switches."""
    reads = 0

    async def read(reading: Reading) -> None:
        nonlocal reads
        seen = (0, 0)
        while not stop.is_set():
            activity = await reading.activity("acme", "mia")
            in_progress = {badge.code: badge.count for badge in activity.badges.in_progress}
            earned = len(activity.badges.earned)
            now = (earned, in_progress.get("super_mentor", 1_000))
            assert now >= seen
            assert {badge.code for badge in activity.badges.earned} | set(in_progress) == {
                "connector",
                "mentor",
                "super_mentor",
            }
            seen = now
            reads += 1

    async with read_pool(journal.conninfo, 4) as pool:
        reading = Reading(pool, lambda *_: None)
        await asyncio.gather(*(read(reading) for _ in range(4)))
    return reads


def test_verified_meanwhile_it_waits_to_switch(journal: Journal) -> None:
    """Who reads the read models at length holds up the switch, and nothing else."""
    forty_sessions(journal)
    with psycopg.connect(journal.conninfo, autocommit=True) as reader:
        reader.execute("SELECT pg_advisory_lock_shared(%s)", (views_key(journal),))
        thread = threading.Thread(target=rebuild, args=(journal, silent))
        thread.start()
        take(journal, session(41))
        project(journal, repeat(10))
        assert thread.is_alive()
    thread.join(30)
    assert not thread.is_alive()
    assert is_as_before(rebuild(journal, silent))
