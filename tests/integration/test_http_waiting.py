"""What the API of achievements does while the database, or who holds its locks, keeps it waiting."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from services.achievements.grants import LOCK_SECONDS, hold_grants
from services.journal import Journal
from services.patience import ANSWER_SECONDS
from services.web.server import GRACE_SECONDS
from services.web.threads import TURN_SECONDS
from tests.integration.achievements_process import serving_from
from tests.integration.sharing_processes import Served, bearer
from tests.integration.silent_servers import SilentWay, silent_way

SETTINGS = "/v1/organizations/acme/settings"
PROGRESS = "/v1/organizations/acme/members/ada/activity"
WANTED = {"name": "Acme", "plan": "enterprise", "badges_enabled": True}
SOON = 2.0
"""Seconds in which a machine that is busy otherwise does what takes none."""


@pytest.fixture
def way(database: Journal) -> Iterator[SilentWay]:
    with silent_way(database.conninfo) as way:
        yield way


def timed(http: Served, method: str, path: str) -> tuple[httpx.Response, float]:
    """An answer to an operator or admin, and the seconds it took."""
    started = time.monotonic()
    response = httpx.request(
        method,
        f"{http.base_url}{path}",
        headers=bearer("boss", "acme", "admin", "operator"),
        json=WANTED if method == "PUT" else None,
        timeout=60,
    )
    return response, time.monotonic() - started


def test_a_lock_that_is_not_given_back(way: SilentWay, journal: Journal) -> None:
    """Who has to wait for other writers is told to come back, and no reader waits for them."""
    with serving_from(way.url) as http, ThreadPoolExecutor(12) as pool:
        with journal.transaction() as connection:
            hold_grants(journal, connection)
            waiting = [pool.submit(timed, http, "PUT", SETTINGS) for _ in range(12)]
            time.sleep(1)
            shown, seconds = timed(http, "GET", PROGRESS)
            assert (shown.status_code, seconds < SOON) == (200, True)
            for refused, seconds in (one.result() for one in waiting):
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
                assert seconds < TURN_SECONDS + LOCK_SECONDS + SOON
        assert timed(http, "PUT", SETTINGS)[0].status_code == 200


def test_a_silent_database(way: SilentWay) -> None:
    """While the database says nothing, readers are told to come back; who writes keeps the process from no end."""
    with serving_from(way.url) as http, ThreadPoolExecutor(12) as pool:
        assert timed(http, "PUT", SETTINGS)[0].status_code == 200
        with way.silent():
            for _ in range(4):
                pool.submit(timed, http, "PUT", SETTINGS)
            reading = [pool.submit(timed, http, "GET", PROGRESS) for _ in range(4)]
            for refused, seconds in (one.result() for one in reading):
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
                assert seconds < 2 * ANSWER_SECONDS + SOON
            process = http.process.process
            process.terminate()
            assert process.wait(GRACE_SECONDS + 10) == 0
