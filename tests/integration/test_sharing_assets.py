"""Banners and logos in sharing: fetched once from achievements, checked, kept, never in the way."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from io import BytesIO

import pytest
from msgspec.structs import replace
from PIL import PngImagePlugin
from pypdf import PdfReader

from devstack import Addresses
from services.journal import Journal
from services.sharing import achievements_client, upkeep
from services.sharing import assets as module
from services.sharing.achievements_client import PAUSE_SECONDS, AchievementsClient
from services.sharing.assets import RETRY_SECONDS, Assets
from services.sharing.drawing_pool import DrawingPool
from services.sharing.reading import Reading
from tests.asset_servers import (
    AssetServer,
    Serve,
    answering,
    asset_id,
    asset_server,
    dripping,
    hanging_up,
    picture,
)
from tests.integration.achievements_process import achievements_serving
from tests.integration.sharing_processes import Served, fresh_database, new_journal, serving
from tests.integration.sharing_world import World
from tests.integration.test_sharing_downloads import share
from tests.sharing_samples import CERTIFICATE

BANNER = picture("#1d4f91")
LOGO = picture("#c02020", "JPEG")


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, new_journal(url) as journal:
        yield journal


@pytest.fixture(autouse=True)
def _nothing_here_yet(journal: Journal) -> None:
    with journal.transaction() as connection:
        connection.execute("TRUNCATE asset")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


Test = Callable[[AssetServer, Assets, Clock], Awaitable[None]]


def with_assets(
    journal: Journal,
    serve: Serve,
    test: Test,
    is_picture: Callable[[bytes], Awaitable[bool]] | None = None,
) -> None:
    """Runs a test where achievements would answer so; pictures are told by a drawing process, or as said."""

    async def run() -> None:
        clock, reading, pool = Clock(), Reading(journal.conninfo), DrawingPool(processes=1)
        await reading.open()
        async with asset_server(serve) as server:
            client = AchievementsClient(server.url, clock=clock)
            assets = Assets(reading.pool, client, is_picture or pool.is_picture, clock=clock)
            try:
                await test(server, assets, clock)
            finally:
                await assets.close()
                await client.close()
        await pool.close()
        await reading.close()

    asyncio.run(run())


def kept(journal: Journal) -> list[tuple[str, str, bytes]]:
    with journal.connection() as connection:
        found = connection.execute(
            "SELECT organization_id, asset_id, content FROM asset ORDER BY 1, 2"
        )
        return found.fetchall()


def test_fetched_once_and_kept(journal: Journal) -> None:
    """A picture is fetched by the first who needs it, however many come at once, and is here from then on."""

    async def test(server: AssetServer, assets: Assets, _: Clock) -> None:
        found = await asyncio.gather(*(assets.find("acme", asset_id(BANNER)) for _ in range(10)))
        assert len(set(found)) == 1
        assert found[0] is not None
        assert await assets.content(found[0]) == BANNER
        assert await assets.has("acme", asset_id(BANNER))
        assert len(server.requests) == 1

    with_assets(journal, answering(BANNER), test)
    assert kept(journal) == [("acme", asset_id(BANNER), BANNER)]

    async def later(server: AssetServer, assets: Assets, _: Clock) -> None:
        assert await assets.has("acme", asset_id(BANNER))
        assert await assets.find("acme", asset_id(BANNER))
        assert server.requests == []

    with_assets(journal, answering(b"", "404 Not Found"), later)


def test_a_page_waits_for_nobody(journal: Journal) -> None:
    """A page is told at once that a picture isn't here; the next reader's has it."""

    async def test(_: AssetServer, assets: Assets, __: Clock) -> None:
        assert not await assets.has("acme", asset_id(BANNER))
        assert await assets.find("acme", asset_id(BANNER))  # which waits
        assert await assets.has("acme", asset_id(BANNER))
        assert not await assets.has("acme", None)

    with_assets(journal, answering(BANNER), test)


def test_each_organization_has_its_own(journal: Journal) -> None:
    """Rule 26: a picture that is here for one organization is not so for another."""

    async def test(server: AssetServer, assets: Assets, _: Clock) -> None:
        await assets.find("acme", asset_id(BANNER))
        assert not await assets.has("globex", asset_id(BANNER))
        await assets.find("globex", asset_id(BANNER))
        assert ["/globex/" in head for head in server.requests] == [False, True]

    with_assets(journal, answering(BANNER), test)
    assert [organization_id for organization_id, _, _ in kept(journal)] == ["acme", "globex"]


@pytest.mark.parametrize(
    ("serve", "pause_seconds"),
    [
        (answering(b"", "404 Not Found"), RETRY_SECONDS),
        (answering(LOGO), RETRY_SECONDS),
        (answering(b"", "500 Oops"), PAUSE_SECONDS),
        (hanging_up, PAUSE_SECONDS),
        (dripping, PAUSE_SECONDS),
    ],
    ids=["unknown", "another", "failing", "hanging up", "dripping"],
)
def test_what_can_not_be_had_is_left_out(
    journal: Journal, serve: Serve, pause_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture that is wrong or can't be had is as if there were none, for a while; then it is asked for again."""
    monkeypatch.setattr(achievements_client, "CALL_SECONDS", 0.5)

    async def test(server: AssetServer, assets: Assets, clock: Clock) -> None:
        for _ in range(3):
            assert await assets.find("acme", asset_id(BANNER)) is None
            assert not await assets.has("acme", asset_id(BANNER))
        assert len(server.requests) == 1
        server.serve = answering(BANNER)
        clock.now += pause_seconds
        assert await assets.find("acme", asset_id(BANNER))

    with_assets(journal, serve, test)


def test_a_drawing_waits_only_so_long(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow achievements keeps nobody waiting: what comes late is there for the next one."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    go_on = asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await answering(BANNER)(writer)

    async def test(_: AssetServer, assets: Assets, __: Clock) -> None:
        assert await assets.find("acme", asset_id(BANNER)) is None
        assert await assets.borrow("acme", asset_id(LOGO)) is None
        go_on.set()
        while not await assets.has("acme", asset_id(BANNER)):
            await asyncio.sleep(0.01)

    with_assets(journal, slow, test)


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", BANNER[:60], b""], ids=str
)
def test_only_pictures_are_kept(journal: Journal, content: bytes) -> None:
    """What has the right hash but is no picture is not kept, and so never served from here."""

    async def test(_: AssetServer, assets: Assets, __: Clock) -> None:
        assert await assets.find("acme", asset_id(content)) is None

    with_assets(journal, answering(content), test)
    assert kept(journal) == []


def test_a_fault_of_ours_is_not_repeated_for_every_reader(journal: Journal) -> None:
    """Whatever goes wrong over a picture, it is left out, and left alone for a while like any that can't be had."""

    async def is_picture(_: bytes) -> bool:
        raise ValueError("nobody thought of this")

    async def test(server: AssetServer, assets: Assets, clock: Clock) -> None:
        for _ in range(3):
            assert await assets.find("acme", asset_id(BANNER)) is None
        assert len(server.requests) == 1
        clock.now += RETRY_SECONDS
        assert await assets.find("acme", asset_id(BANNER)) is None
        assert len(server.requests) == 2

    with_assets(journal, answering(BANNER), test, is_picture)


def test_a_borrowed_picture_is_not_kept(journal: Journal) -> None:
    """Rule 10: for a preview a picture is fetched, and nothing of it stays."""

    async def test(_: AssetServer, assets: Assets, __: Clock) -> None:
        assert await assets.borrow("acme", asset_id(BANNER)) == BANNER
        assert await assets.borrow("acme", asset_id(LOGO)) is None
        assert await assets.borrow("acme", None) is None

    with_assets(journal, answering(BANNER), test)
    assert kept(journal) == []


def test_pictures_outlive_a_rebuild(journal: Journal) -> None:
    """Pictures are no read model: after a rebuild they are still here."""

    async def test(_: AssetServer, assets: Assets, __: Clock) -> None:
        assert await assets.find("acme", asset_id(BANNER))

    with_assets(journal, answering(BANNER), test)
    upkeep.rebuild(journal)
    assert len(kept(journal)) == 1


@pytest.fixture(scope="module")
def achievements(stack: Addresses) -> Iterator[Served]:
    with achievements_serving(stack) as client:
        yield client


@pytest.fixture
def world(journal: Journal) -> World:
    world = World(journal)
    world.available()
    world.name("ada", "Ada Lovelace")
    return world


def upload(achievements: Served, world: World, content: bytes) -> str:
    """What an admin does in achievements; gives the id that they then may name."""
    address = f"/v1/organizations/{world.organization_id}/assets/{asset_id(content)}"
    headers = world.bearer("boss", "admin")
    made = achievements.put(address, content=content, headers=headers)
    assert made.status_code == 201, made.text
    return asset_id(content)


def test_from_achievements_to_the_certificate(
    journal: Journal, world: World, achievements: Served
) -> None:
    """Rules 10 and 22: banner and logo come from achievements, are on the PDF and served to the page by sharing
    itself, and stay when achievements has gone; what was uploaded with metadata is found by its upload's id."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Grace Hopper")
    with_metadata = picture("#1d4f91", pnginfo=info)
    banner, logo = upload(achievements, world, with_metadata), upload(achievements, world, LOGO)
    world.grant(replace(CERTIFICATE, banner=banner, logo=logo))
    with serving(journal.conninfo, ACHIEVEMENTS_URL=str(achievements.base_url)) as http:
        page = share(http, world)
        pdf = http.get(f"{page}/certificate.pdf")
        image = http.get(f"{page}/image.png")
        for name, content, kind in (("banner", BANNER, "image/png"), ("logo", LOGO, "image/jpeg")):
            shown = http.get(f"{page}/{name}")
            assert (shown.status_code, shown.headers["content-type"]) == (200, kind)
            assert shown.content == content
            assert "sandbox" in shown.headers["content-security-policy"]
            assert shown.headers["cache-control"] == "no-cache"
            tag = {"If-None-Match": shown.headers["etag"]}
            assert http.get(f"{page}/{name}", headers=tag).status_code == 304
        assert len(PdfReader(BytesIO(pdf.content)).pages[0].images) == 2
    with serving(journal.conninfo, ACHIEVEMENTS_URL="http://127.0.0.1:9") as http:
        for before in (pdf, image):
            path = before.request.url.path
            assert http.get(path).content == before.content
        http.delete("/v1/awards/award-2/link", headers=world.ada)
        assert http.get(f"{page}/banner").status_code == 410


def test_without_achievements_all_is_there_but_pictures(journal: Journal, world: World) -> None:
    """Where pictures can't be had, page, PDF and image are there without them; once they can, with them."""
    world.grant(replace(CERTIFICATE, banner=asset_id(BANNER), logo=asset_id(LOGO)))
    with serving(journal.conninfo, ACHIEVEMENTS_URL="http://127.0.0.1:9") as http:
        page = share(http, world)
        assert http.get(page).status_code == 200
        without = http.get(f"{page}/certificate.pdf")
        assert without.status_code == 200
        assert len(PdfReader(BytesIO(without.content)).pages[0].images) == 0
        assert http.get(f"{page}/image.png").status_code == 200
        for name in ("banner", "logo"):
            assert http.get(f"{page}/{name}").status_code == 404

    async def test(_: AssetServer, assets: Assets, __: Clock) -> None:
        assert await assets.find(world.organization_id, asset_id(BANNER))

    with_assets(journal, answering(BANNER), test)
    with serving(journal.conninfo, ACHIEVEMENTS_URL="http://127.0.0.1:9") as http:
        tag = {"If-None-Match": without.headers["etag"]}
        now = http.get(f"{page}/certificate.pdf", headers=tag)
        assert now.status_code == 200
        assert len(PdfReader(BytesIO(now.content)).pages[0].images) == 1


def test_lost_pictures(journal: Journal, world: World) -> None:
    """Where a restored database has lost pictures that a process has shown, it goes on without them."""
    world.grant(replace(CERTIFICATE, banner=asset_id(BANNER), logo=asset_id(LOGO)))

    async def keep(server: AssetServer, assets: Assets, _: Clock) -> None:
        assert await assets.find(world.organization_id, asset_id(BANNER))
        server.serve = answering(LOGO)
        assert await assets.find(world.organization_id, asset_id(LOGO))

    with_assets(journal, answering(BANNER), keep)
    with serving(journal.conninfo, ACHIEVEMENTS_URL="http://127.0.0.1:9") as http:
        page = share(http, world)
        with_pictures = http.get(f"{page}/certificate.pdf")
        assert len(PdfReader(BytesIO(with_pictures.content)).pages[0].images) == 2
        with journal.connection() as connection:
            connection.execute("TRUNCATE asset")
        assert http.get(f"{page}/banner").status_code == 404
        assert http.get(f"{page}/image.png").status_code == 200
        assert http.get(f"{page}/logo").status_code == 404
        without = http.get(f"{page}/certificate.pdf")
        assert len(PdfReader(BytesIO(without.content)).pages[0].images) == 0
        assert without.headers["etag"] != with_pictures.headers["etag"]
        assert http.get(page).status_code == 200
