"""What sharing asks of achievements: checked, bounded, and never again at once of one that is down."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from hashlib import sha256

import pytest

from services.sharing import achievements_client
from services.sharing.achievements_client import (
    PAUSE_SECONDS,
    AchievementsClient,
    DownError,
    NotThereError,
    Organization,
)
from tests.asset_servers import (
    AssetServer,
    Serve,
    answering,
    asset_id,
    asset_server,
    dripping,
    endless,
    hanging_up,
    picture,
)

RED = picture("red")
BLUE = picture("blue")
BEARER = "Bearer some.good.token"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


Test = Callable[[AssetServer, AchievementsClient, Clock], Awaitable[None]]


def served(serve: Serve, test: Test) -> None:
    """Runs a test with a client of a server that answers so."""

    async def run() -> None:
        clock = Clock()
        async with asset_server(serve) as server:
            client = AchievementsClient(server.url, clock=clock)
            try:
                await test(server, client, clock)
            finally:
                await client.close()

    asyncio.run(run())


def test_an_asset_by_its_hash() -> None:
    """A picture is asked for where achievements keeps it, without a token, and is what its hash says."""

    async def test(server: AssetServer, client: AchievementsClient, _: Clock) -> None:
        assert await client.asset("acme & söhne", asset_id(RED)) == RED
        (head,) = server.requests
        address = f"/v1/organizations/acme%20%26%20s%C3%B6hne/assets/{sha256(RED).hexdigest()}"
        assert head.startswith(f"GET {address} HTTP/1.1\r\n")
        assert "authorization" not in head.lower()

    served(answering(RED), test)


@pytest.mark.parametrize("place", ["{}", "/v1/organizations/acme/assets/{}", "sha256:{}"])
def test_an_asset_that_was_cut(place: str) -> None:
    """A picture kept without its metadata has another hash, which the answer names."""

    async def test(_: AssetServer, client: AchievementsClient, __: Clock) -> None:
        assert await client.asset("acme", asset_id(BLUE)) == RED

    named = place.format(sha256(RED).hexdigest())
    served(answering(RED, Content_Location=named), test)


@pytest.mark.parametrize(
    "serve",
    [
        answering(RED),
        answering(RED, Content_Location=sha256(BLUE).hexdigest()),
        answering(RED, Content_Location=""),
        answering(b"", "404 Not Found"),
        answering(BLUE, "302 Found", Location="http://127.0.0.1:1/"),
        answering(BLUE, "206 Partial Content"),
        endless,
    ],
    ids=["other", "misnamed", "unnamed", "unknown", "elsewhere", "part", "endless"],
)
def test_what_is_not_believed(serve: Serve) -> None:
    """Anything but the very content of the hash, whole and not too large, is no asset; others may be asked for."""

    async def test(server: AssetServer, client: AchievementsClient, _: Clock) -> None:
        for asked in (1, 2):
            with pytest.raises(NotThereError):
                await client.asset("acme", asset_id(BLUE))
            assert len(server.requests) == asked

    served(serve, test)


@pytest.mark.parametrize(
    "serve",
    [answering(b"", "503 Service Unavailable"), hanging_up, dripping],
    ids=["unavailable", "hanging up", "dripping"],
)
def test_one_that_is_down_is_left_alone(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that fails, or takes too long, is not asked for anything for a while, and then again."""
    monkeypatch.setattr(achievements_client, "CALL_SECONDS", 0.5)

    async def test(server: AssetServer, client: AchievementsClient, clock: Clock) -> None:
        for hash_ in (RED, BLUE):
            with pytest.raises(DownError):
                await client.asset("acme", asset_id(hash_))
        with pytest.raises(DownError):
            await client.organization("acme", BEARER)
        assert len(server.requests) == 1
        clock.now += PAUSE_SECONDS
        server.serve = answering(BLUE)
        assert await client.asset("acme", asset_id(BLUE)) == BLUE

    served(serve, test)


def test_one_that_is_not_there() -> None:
    """Where nobody listens the answer is there at once: it is down."""

    async def run() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            client = AchievementsClient(f"http://127.0.0.1:{free.getsockname()[1]}")
            with pytest.raises(DownError):
                await client.asset("acme", asset_id(RED))
            await client.close()

    asyncio.run(run())


def test_an_organization_with_its_admins_token() -> None:
    """What is told of an organization is asked for with the header of the admin who wants to see it."""
    said = b'{"name":"Acme","plan":"enterprise","badges_enabled":true,"timezone":"Europe/Paris","logo":null}'

    async def test(server: AssetServer, client: AchievementsClient, _: Clock) -> None:
        found = await client.organization("acme", BEARER)
        assert found == Organization("Acme", "Europe/Paris", None)
        (head,) = server.requests
        assert head.startswith("GET /v1/organizations/acme/settings HTTP/1.1\r\n")
        assert f"authorization: {BEARER}\r\n" in head.lower().replace(BEARER.lower(), BEARER)

    served(answering(said), test)


@pytest.mark.parametrize("said", [b"", b"[]", b'{"name":1}', b"\xff", b"{" * 100_000])
def test_what_is_no_organization(said: bytes) -> None:
    """Whatever else is answered is no organization."""

    async def test(_: AssetServer, client: AchievementsClient, __: Clock) -> None:
        with pytest.raises(NotThereError):
            await client.organization("acme", BEARER)

    served(answering(said), test)
