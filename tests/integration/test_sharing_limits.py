"""Unknown links are limited by client, over HTTP and across processes; live ones never are."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from devstack import Addresses
from services.journal import Journal
from services.sharing.limits import MAX_MISSES, WINDOW_SECONDS, PostgresLedger
from tests.integration.sharing_processes import (
    PUBLIC_URL,
    fresh_database,
    new_journal,
    rows,
    serving,
)
from tests.integration.sharing_world import World
from tests.sharing_samples import BADGE

TABLES = ("sharing.miss_window", "sharing.miss")


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, new_journal(url) as journal:
        yield journal


@pytest.fixture(scope="module")
def http(journal: Journal) -> Iterator[httpx.Client]:
    with serving(journal.conninfo, TRUSTED_PROXIES="1") as client:
        yield client


@pytest.fixture
def world(journal: Journal) -> World:
    world = World(journal)
    world.available()
    world.grant(BADGE)
    return world


def from_(address: str) -> dict[str, str]:
    """The header of a proxy that heard from this address."""
    return {"X-Forwarded-For": address}


def wait_for_room() -> None:
    """Waits until a window has begun that lasts for a test."""
    left = WINDOW_SECONDS - time.time() % WINDOW_SECONDS
    if left < 10:
        time.sleep(left)


def exhaust(http: httpx.Client, address: str) -> httpx.Response:
    """Asks for links that are not there until it is too often; gives the first answer that says so."""
    for n in range(MAX_MISSES * 2):
        answer = http.get(f"/s/never-issued-{n}", headers=from_(address))
        if answer.status_code == 429:
            return answer
        assert answer.status_code == 404
    raise AssertionError("never too often")


def test_too_many_unknown_links_are_refused(http: httpx.Client, world: World) -> None:
    """After too many of them an unknown link is 429, mistyped or never issued alike, and says when to come back;
    a live one is shown, a disabled one is 410 all the same, and nobody else is refused anything."""
    live = http.put("/v1/awards/award-1/link", headers=world.ada).json()["url"]
    live = live.removeprefix(PUBLIC_URL)
    wait_for_room()
    refused = exhaust(http, "192.0.2.1")
    assert 1 <= int(refused.headers["retry-after"]) <= WINDOW_SECONDS
    assert refused.headers["cache-control"] == "no-store"
    assert refused.headers["x-robots-tag"] == "noindex, noarchive"
    for path in ("/s/" + "x" * 32, "/s/mistyped%00", "/s/", "/s/a/b"):
        again = http.get(path, headers=from_("192.0.2.1"))
        assert again.status_code == 429
        assert again.content == refused.content
    assert http.get(live, headers=from_("192.0.2.1")).status_code == 200
    assert http.get("/s/unknown", headers=from_("192.0.2.2")).status_code == 404
    http.delete("/v1/awards/award-1/link", headers=world.ada)
    assert http.get(live, headers=from_("192.0.2.1")).status_code == 410


def test_what_is_not_available_counts_like_what_is_not_there(
    http: httpx.Client, world: World
) -> None:
    """Rule 2: a link that is hidden for now is told from no link neither by its answer nor by the limit."""
    hidden = http.put("/v1/awards/award-1/link", headers=world.ada).json()["url"]
    hidden = hidden.removeprefix(PUBLIC_URL)
    world.available(badges=False)
    wait_for_room()
    for _ in range(MAX_MISSES):
        assert http.get(hidden, headers=from_("192.0.2.3")).status_code == 404
    assert http.get(hidden, headers=from_("192.0.2.3")).status_code == 429
    assert http.get("/s/unknown", headers=from_("192.0.2.3")).status_code == 429
    world.available()
    assert http.get(hidden, headers=from_("192.0.2.3")).status_code == 200


def test_all_processes_refuse(journal: Journal, http: httpx.Client) -> None:
    """Who missed too often in one process is refused by another, too, a moment after it meets them."""
    address = "2001:db8:1:2::1"
    neighbour = from_("2001:db8:1:2:3:4:5:6")  # the same network: one client
    with serving(journal.conninfo, TRUSTED_PROXIES="1") as other:
        wait_for_room()
        exhaust(http, address)
        time.sleep(1.5)  # so often each process shares what it has counted
        assert other.get("/s/unknown", headers=neighbour).status_code == 404
        time.sleep(1.5)
        assert other.get("/s/unknown", headers=neighbour).status_code == 429


def test_addresses_are_kept_by_nobody(http: httpx.Client, journal: Journal) -> None:
    """What the database keeps of clients are hashes, and it keeps them no longer than their window."""
    wait_for_room()
    http.get("/s/unknown", headers=from_("198.51.100.77"))
    time.sleep(1.5)
    everything = rows(journal.conninfo)
    assert all(everything[table] for table in TABLES)
    for kept in everything.values():
        assert not any("198.51.100.77" in row or b"198.51.100.77".hex() in row for row in kept)


def test_a_window_is_destroyed_with_its_key(database_url: str) -> None:
    """Totals add up under the key that all share; when a window is forgotten, its key and its rows are gone."""
    with new_journal(database_url) as journal:
        ledgers = [PostgresLedger(journal.conninfo) for _ in range(4)]

    async def test() -> None:
        for ledger in ledgers:
            await ledger.open()
        try:
            added = await asyncio.gather(
                *(ledger.add(1, {"eve": 2, "bob": 1}) for ledger in ledgers for _ in range(5))
            )
            assert max(totals["eve"] for totals in added) == 40
            assert max(totals["bob"] for totals in added) == 20
            await ledgers[0].add(2, {"eve": 1})
            await ledgers[1].forget(1)
            with psycopg.connect(database_url) as connection:
                numbers = connection.execute(
                    "SELECT w.number, count(m.*) FROM sharing.miss_window w"
                    " LEFT JOIN sharing.miss m USING (number) GROUP BY 1"
                ).fetchall()
            assert numbers == [(2, 1)]
        finally:
            for ledger in ledgers:
                await ledger.close()

    asyncio.run(test())
