"""What sharing does while the database, or who holds its locks, keeps it waiting."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from devstack import Addresses
from services.journal import Journal
from services.patience import ANSWER_SECONDS
from services.sharing.application import LOCK_SECONDS
from services.sharing.credentials.keys import new_keys
from services.web.server import GRACE_SECONDS
from services.web.threads import TURN_SECONDS
from tests.integration.sharing_processes import (
    PUBLIC_URL,
    Served,
    fresh_database,
    new_journal,
    serving,
)
from tests.integration.sharing_world import World
from tests.integration.silent_servers import silent_way
from tests.sharing_samples import BADGE

LINK = f"/v1/awards/{BADGE.award_id}/link"
SOON = 2.0
"""Seconds in which a machine that is busy otherwise does what takes none."""


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, new_journal(url) as journal:
        yield journal


@pytest.fixture
def world(journal: Journal) -> World:
    world = World(journal)
    world.available()
    world.grant(BADGE)
    return world


def shared_page(http: Served, world: World) -> str:
    """The path of the award's page."""
    shared = http.put(LINK, headers=world.ada)
    return str(shared.json()["url"]).removeprefix(PUBLIC_URL)


def timed(http: Served, method: str, path: str, world: World) -> tuple[httpx.Response, float]:
    """An answer, and the seconds it took."""
    started = time.monotonic()
    response = httpx.request(method, f"{http.base_url}{path}", headers=world.ada, timeout=60)
    return response, time.monotonic() - started


def test_a_lock_that_is_not_given_back(
    journal: Journal, world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Who has to wait for other writers is told to come back, and nobody else waits for them."""
    keys = tmp_path_factory.mktemp("keys") / "keys.pem"
    keys.write_text(new_keys())
    with (
        serving(journal.conninfo, SIGNING_KEY=str(keys)) as http,
        ThreadPoolExecutor(12) as pool,
    ):
        page = shared_page(http, world)
        assert http.get(f"{page}/credential.json").status_code == 200
        with journal.transaction() as connection:
            journal.lock(connection)
            waiting = [pool.submit(timed, http, "DELETE", LINK, world) for _ in range(12)]
            time.sleep(1)
            for path in (page, f"{page}/credential.json", f"{page}/badge.png"):
                shown, seconds = timed(http, "GET", path, world)
                assert (shown.status_code, seconds < SOON) == (200, True)
            for refused, seconds in (one.result() for one in waiting):
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
                assert seconds < TURN_SECONDS + LOCK_SECONDS + SOON
        assert http.delete(LINK, headers=world.ada).status_code == 204


def test_a_silent_database(journal: Journal, world: World) -> None:
    """While the database says nothing, readers are told to come back; once it speaks again, they are shown all."""
    with (
        silent_way(journal.conninfo) as way,
        serving(way.url) as http,
        ThreadPoolExecutor(20) as pool,
    ):
        page = shared_page(http, world)
        assert http.get(page).status_code == 200
        with way.silent():
            paths = [page, f"{page}/image.png", "/v1/awards"] * 4
            asked = [pool.submit(timed, http, "GET", path, world) for path in paths]
            for refused, seconds in (one.result() for one in asked):
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
                assert seconds < 2 * ANSWER_SECONDS + SOON  # one may wait for another's question
            assert timed(http, "GET", "/readyz", world)[0].status_code == 503
            assert http.get("/healthz").status_code == 200
        deadline = time.monotonic() + 10
        while http.get(page).status_code != 200:
            assert time.monotonic() < deadline
        for path in paths:
            shown, seconds = timed(http, "GET", path, world)
            assert (shown.status_code, seconds < SOON) == (200, True)


def test_ending_while_the_database_is_silent(journal: Journal, world: World) -> None:
    """A process that is told to stop does, though it waits for a database that says nothing."""
    with (
        silent_way(journal.conninfo) as way,
        serving(way.url) as http,
        ThreadPoolExecutor(8) as pool,
    ):
        page = shared_page(http, world)
        with way.silent():
            asked = [
                pool.submit(timed, http, method, path, world)
                for method, path in (("PUT", LINK), ("DELETE", LINK), ("GET", page))
            ]
            time.sleep(1)
            process = http.process.process
            process.terminate()
            assert process.wait(GRACE_SECONDS + 10) == 0
            for one in asked:
                one.exception()
