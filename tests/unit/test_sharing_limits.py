"""How often one client may ask for links that are not there, and who a client is."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import httpx
import psycopg
import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.environment import read_settings
from services.journal import Journal
from services.sharing import api, limits
from services.sharing.application import Sharing
from services.sharing.clients import UNKNOWN, client_of, is_of_a_reader
from services.sharing.limits import FLOOD, MAX_CLIENTS, MAX_MISSES, WINDOW_SECONDS, Misses
from services.sharing.lookups import Lookups
from services.sharing.pages import refuse_page
from services.sharing.public import PublicRoutes
from services.sharing.reading import PublicLink, Reading
from services.sharing.settings import SharingSettings
from services.web import Api, TokenVerifier

MINUTE = 29_000_000
NOW = MINUTE * WINDOW_SECONDS + 15.5
"""In the first half of a window."""


class Memory:
    """A ledger that processes share, as long as it is not `broken`."""

    def __init__(self) -> None:
        self.totals: dict[int, dict[str, int]] = {}
        self.calls = 0
        self.broken = False

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def add(self, window: int, misses: Mapping[str, int]) -> Mapping[str, int]:
        self.calls += 1
        if self.broken:
            raise psycopg.OperationalError("down")
        totals = self.totals.setdefault(window, {})
        for client, count in misses.items():
            totals[client] = totals.get(client, 0) + count
        return {client: totals[client] for client in misses}

    async def forget(self, window: int) -> None:
        for number in [number for number in self.totals if number <= window]:
            del self.totals[number]


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SHARE_EVERY_SECONDS", 0.01)


def test_only_too_many_misses_are_refused() -> None:
    """A client may miss so often in a window, then it has to wait until the window ends."""

    async def test() -> None:
        misses = Misses(Memory())
        assert [misses.count("eve", NOW) for _ in range(MAX_MISSES)] == [0] * MAX_MISSES
        assert misses.count("eve", NOW) == 45  # whole seconds, and not too few
        assert misses.count("ada", NOW) == 0
        assert misses.count("eve", NOW + 44.4) == 1
        assert misses.count("eve", NOW + 44.5) == 0
        await misses.close()

    run(test())


def test_processes_count_together() -> None:
    """What a client misses in one process counts in all others, as soon as it misses there."""

    async def test() -> None:
        ledger = Memory()
        one, other = Misses(ledger), Misses(ledger)
        for _ in range(MAX_MISSES):
            assert one.count("eve", NOW) == 0
        await asyncio.sleep(0.05)
        assert other.count("eve", NOW) == 0  # a process hears of a client when it meets it
        await asyncio.sleep(0.05)
        assert other.count("eve", NOW) > 0
        assert one.count("eve", NOW) > 0
        await one.close()
        await other.close()

    run(test())


def test_a_flood_costs_next_to_nothing() -> None:
    """However often a client misses, no more is written than it takes to know that it was too often."""

    async def test() -> None:
        ledger = Memory()
        misses = Misses(ledger)
        for _ in range(100_000):
            misses.count("eve", NOW)
        await asyncio.sleep(0.1)
        assert ledger.calls == 1
        assert ledger.totals[MINUTE] == {"eve": MAX_MISSES + 1}
        await misses.close()

    run(test())


def test_a_flood_is_refused_unasked() -> None:
    """Who misses many times too often is not even looked up any more, until the window ends; nobody else is refused."""

    async def test() -> None:
        misses = Misses(Memory())
        for _ in range(FLOOD):
            misses.count("203.0.113.9", NOW)
        assert not misses.has_floods
        assert misses.wait("203.0.113.9", NOW) == 0
        misses.count("203.0.113.9", NOW)
        assert misses.has_floods
        assert misses.wait("203.0.113.9", NOW) == 45
        assert misses.wait("203.0.113.8", NOW) == 0
        assert misses.wait("203.0.113.9", NOW + 44.5) == 0
        await misses.close()

    run(test())


@pytest.mark.parametrize(("flooding", "looked_up"), [(0, 1), (30, 0)])
def test_who_floods_costs_the_database_nothing(flooding: int, looked_up: int) -> None:
    """A request of a client that floods is answered before anything is looked up, and not counted."""
    asked: list[bytes] = []
    counted: list[Request] = []

    async def fetch(digests: Sequence[bytes]) -> Mapping[bytes, PublicLink]:
        asked.extend(digests)
        return {}

    def limit(request: Request) -> int:
        counted.append(request)
        return 0

    async def test() -> Response:
        routes = PublicRoutes(Lookups(fetch), limit, lambda _: flooding)
        return await routes.answer(request("192.0.2.1"), "token", never_shown, refuse_page)

    answer = asyncio.run(test())
    assert answer.status_code == (429 if flooding else 404)
    assert answer.headers.get("retry-after") == (str(flooding) if flooding else None)
    assert answer.headers["cache-control"] == "no-store"
    assert len(asked) == len(counted) == looked_up


def test_the_service_refuses_who_floods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who floods is answered without the database, which is not there; others, and what may be our proxy, need it."""
    flooding, quiet, proxy = "203.0.114.9", "203.0.114.8", "10.0.0.1"
    environment = {
        "SHARING_DATABASE_URL": "postgresql://127.0.0.1:1/nowhere",
        "PUBLIC_URL": "https://awards.example",
        "AUTH_SECRET": "a secret of thirty-two characters",
    }
    settings = read_settings(SharingSettings, environment)
    monkeypatch.setattr(api, "time", lambda: NOW)

    async def status(app: Api, asking: str) -> int:
        transport = httpx.ASGITransport(app, client=(asking, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return (await client.get("/s/token")).status_code

    async def test() -> list[int]:
        misses = Misses(Memory())
        for client in [flooding, proxy] * (FLOOD + 1):
            misses.count(client, NOW)
        sharing = Sharing(Journal(settings.database_url, "sharing", {}))
        reading = Reading(settings.database_url)
        verifier = TokenVerifier.from_settings(settings.auth)
        app = api.create(sharing, reading, misses, verifier, settings)
        await reading.open()
        try:
            return await asyncio.gather(*(status(app, one) for one in (flooding, quiet, proxy)))
        finally:
            await reading.close()
            await misses.close()

    assert asyncio.run(test()) == [429, 503, 503]


async def never_shown(_: Request, __: PublicLink) -> Response:
    raise AssertionError


@pytest.mark.parametrize(
    ("client", "stands_alone"),
    [
        ("203.0.114.9", True),
        ("2a02:2e0::/64", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("172.18.0.1", False),
        ("100.64.0.1", False),
        ("fd00::/64", False),
        ("fe80::/64", False),
        (UNKNOWN, False),
    ],
)
def test_an_address_of_our_own_is_never_taken_for_one_client(
    client: str, stands_alone: bool
) -> None:
    """Behind a proxy that nobody told us of, all readers have its address: a flood of one must not shut out all."""
    assert is_of_a_reader(client) is stands_alone


def test_memory_is_bounded() -> None:
    """Of more clients than fit, the further ones are not counted; those that are stay so."""

    async def test() -> None:
        misses = Misses(Memory())
        for n in range(MAX_CLIENTS):
            misses.count(f"client {n}", NOW)
        for _ in range(MAX_MISSES + 1):
            assert misses.count("one too many", NOW) == 0
            waits = misses.count("client 0", NOW)
        assert waits > 0
        await misses.close()

    run(test())


def test_a_process_alone_still_counts() -> None:
    """Without the database each process goes on counting by itself."""

    async def test() -> None:
        ledger = Memory()
        ledger.broken = True
        misses = Misses(ledger)
        for _ in range(MAX_MISSES):
            assert misses.count("eve", NOW) == 0
            await asyncio.sleep(0.001)
        assert ledger.calls > 0
        assert misses.count("eve", NOW) > 0
        await misses.close()

    run(test())


def test_a_window_is_forgotten_when_it_ends() -> None:
    """Clients are remembered, here and in the database, no longer than the window lasts."""

    async def test() -> None:
        ledger = Memory()
        misses = Misses(ledger)
        ledger.totals = {MINUTE - 1: {"of a process that was killed": 1}, MINUTE: {"bob": 1}}
        await misses.open(NOW)
        await asyncio.sleep(0.01)
        assert set(ledger.totals) == {MINUTE}
        at_the_end = (MINUTE + 1) * WINDOW_SECONDS - 0.1
        misses.count("eve", at_the_end)
        await asyncio.sleep(0.05)
        assert "eve" in ledger.totals[MINUTE]
        await asyncio.sleep(0.15)
        assert ledger.totals == {}
        assert "eve" not in misses._window.misses
        await misses.close()

    run(test())


def request(peer: str | None, *forwarded_for: str) -> Request:
    return Request(
        {
            "type": "http",
            "client": peer and (peer, 50_000),
            "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded_for],
        }
    )


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a socket", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_a_client_is_an_address_or_a_network(peer: str | None, client: str) -> None:
    """An IPv4 address is one client; so are all IPv6 addresses that one client may use."""
    assert client_of(request(peer, "203.0.113.9"), 0) == client


@pytest.mark.parametrize(
    ("trusted_proxies", "forwarded_for", "client"),
    [
        (1, ["203.0.113.9"], "203.0.113.9"),
        (1, ["made up, 203.0.113.9"], "203.0.113.9"),
        (1, ["198.51.100.7", "203.0.113.9"], "203.0.113.9"),
        (2, ["198.51.100.7, 203.0.113.9, 10.0.0.1"], "203.0.113.9"),
        (2, ["203.0.113.9"], "192.0.2.1"),
        (1, ["203.0.113.9:4711"], "203.0.113.9"),
        (1, ["[2001:db8::1]:4711"], "2001:db8::/64"),
        (1, ["2001:db8::1"], "2001:db8::/64"),
        (1, ["unknown"], "192.0.2.1"),
        (1, [], "192.0.2.1"),
    ],
)
def test_only_our_own_proxies_are_believed(
    trusted_proxies: int, forwarded_for: list[str], client: str
) -> None:
    """Of X-Forwarded-For counts what our outermost proxy added: all before it can be made up."""
    assert client_of(request("192.0.2.1", *forwarded_for), trusted_proxies) == client
