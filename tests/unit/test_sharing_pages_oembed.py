"""Rule 25: oEmbed's endpoint, asked by a consumer that knows nothing of us (micawber), and by those who mean ill."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import micawber
import psycopg
import pytest
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import Request

from services.sharing.lookups import Lookups
from services.sharing.oembed import Embedding
from services.sharing.personal import digest
from services.sharing.public import PublicRoutes
from services.sharing.reading import PublicLink
from services.web.problems import exception_handlers
from tests.sharing_page_samples import EARNED_BADGE, EARNED_CERTIFICATE, PUBLIC_URL, TOKEN
from tests.sharing_samples import public_link

PAGE = f"{PUBLIC_URL}/s/{TOKEN}"
DESCRIPTION = {
    "version": "1.0",
    "type": "link",
    "title": "Mentor, awarded to Ada Lovelace",
    "provider_name": "Acme Mentoring",
    "provider_url": PUBLIC_URL,
    "cache_age": 0,
    "thumbnail_url": f"{PAGE}/image.png",
    "thumbnail_width": 1200,
    "thumbnail_height": 630,
}


class Client:
    """Asks an application in this process."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def get(self, address: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as asking:
                return await asking.get(address, **options)

        return asyncio.run(ask())


def client(link: PublicLink | Exception | None, too_many: bool = False) -> Client:
    """The endpoint over a link with `TOKEN`, or over none, or over a database that fails."""

    async def fetch(digests: Any) -> Mapping[bytes, PublicLink]:
        if isinstance(link, Exception):
            raise link
        return {digest(TOKEN): link} if link else {}

    def limit(_: Request) -> int:
        return 30 if too_many else 0

    routes = PublicRoutes(Lookups(fetch), limit, lambda _: 0)
    embedding = Embedding(routes, PUBLIC_URL)
    app = Starlette(routes=[embedding.route()], exception_handlers=exception_handlers({}))
    return Client(app)


def ask(link: PublicLink | Exception | None, url: str = PAGE, **parameters: Any) -> httpx.Response:
    return client(link).get("/oembed", params={"url": url, **parameters})


class Consumer(micawber.Provider):  # type: ignore[misc] # it has no types
    """micawber, its requests brought to the endpoint in this process."""

    def __init__(self, link: PublicLink) -> None:
        super().__init__(f"{PUBLIC_URL}/oembed")
        self._client = client(link)

    def fetch(self, url: str) -> str | None:
        answer = self._client.get(url.removeprefix(PUBLIC_URL))
        return answer.text if answer.is_success else None


def test_a_consumer_gets_title_and_picture() -> None:
    """Rule 25: who pastes a link into a site that asks oEmbed sees what it is, with its picture."""
    found = Consumer(public_link(EARNED_BADGE)).request(PAGE, maxwidth=1200, format="json")
    assert {name: found[name] for name in DESCRIPTION} == DESCRIPTION


def test_the_answer_is_what_the_specification_says() -> None:
    """Rule 25: JSON of version 1.0 and type link; nothing to frame, as our pages can't be framed."""
    answer = ask(public_link(EARNED_BADGE))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == DESCRIPTION


def test_it_is_live_as_the_page_is() -> None:
    """Rule 22: `no-cache` with an ETag, out of search engines, and 304 while nothing has changed."""
    answer = ask(public_link(EARNED_BADGE))
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-robots-tag"] == "noindex, noarchive"
    known = {"If-None-Match": answer.headers["etag"]}
    again = client(public_link(EARNED_BADGE)).get("/oembed", params={"url": PAGE}, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    dead = client(public_link(active=False)).get("/oembed", params={"url": PAGE}, headers=known)
    assert dead.status_code == 404


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_it_speaks_the_readers_language(language: str) -> None:
    """What it says is in the language that is preferred, as on the page."""
    headers = {"Accept-Language": language}
    answer = client(public_link(EARNED_BADGE)).get("/oembed", params={"url": PAGE}, headers=headers)
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"] == "Accept-Language"
    assert answer.json()["title"] != DESCRIPTION["title"]


def test_names_keep_to_themselves() -> None:
    """Rule 25: no name turns the title over, or the line that a site puts the issuer's name into."""
    award = replace(EARNED_BADGE, title="Mentor \u202e", organization_name="\u202eAcme")
    found = ask(public_link(award, recipient_name="ליאה")).json()
    assert found["title"] == "Mentor , awarded to \u2068ליאה\u2069"
    assert found["provider_name"] == "Acme"


@pytest.mark.parametrize(
    "link",
    [
        None,
        public_link(active=False),
        public_link(available=False),
        public_link(active=False, available=False),
    ],
)
def test_a_dead_link_is_not_found(link: PublicLink | None) -> None:
    """Rule 22: disabled, erased, unavailable or never issued: 404, not to be stored, and all the same."""
    answer = ask(link)
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "etag" not in answer.headers
    assert answer.content == ask(None).content


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/s/token",
        "https://awards.example.evil.example/s/token",
        "https://awards.example@evil.example/s/token",
        "//awards.example/s/token",
        "/s/token",
        "javascript:alert(1)",
        f"{PUBLIC_URL}/",
        f"{PUBLIC_URL}/s/",
        f"{PUBLIC_URL}/s",
        f"{PUBLIC_URL}/me/awards",
        f"{PUBLIC_URL}/s/../s/token",
        f"{PAGE}/certificate.pdf",
        f"x{PAGE}",
        "",
        "\x00",
    ],
)
def test_only_pages_of_ours_are_known(url: str) -> None:
    """Rule 25: no other address is answered, fetched or redirected to."""
    answer = ask(public_link(EARNED_BADGE), url)
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "evil" not in answer.text


@pytest.mark.parametrize("tail", ["?utm_source=feed", "#award", "?a#b"])
def test_what_sites_add_to_a_link_is_no_part_of_it(tail: str) -> None:
    """Rule 25: a link that was tagged on its way is still the link, and is told without the tags."""
    assert ask(public_link(EARNED_BADGE), PAGE + tail).json() == DESCRIPTION


@pytest.mark.parametrize(
    ("most", "thumbnail"),
    [
        ({"maxwidth": 1200, "maxheight": 630}, "image.png"),
        ({"maxwidth": 1199}, "badge.png"),
        ({"maxheight": 512}, "badge.png"),
        ({"maxwidth": 511}, None),
        ({"maxwidth": 0}, None),
        ({"maxheight": 10**20}, "image.png"),
    ],
)
def test_the_picture_fits(most: dict[str, Any], thumbnail: str | None) -> None:
    """Rule 25: no picture is named that is larger than what was asked for."""
    found = ask(public_link(EARNED_BADGE), **most).json()
    assert found.get("thumbnail_url") == (thumbnail and f"{PAGE}/{thumbnail}")
    assert found.get("thumbnail_width", 0) <= most.get("maxwidth", 1200)
    assert found.get("thumbnail_height", 0) <= most.get("maxheight", 630)
    assert len([name for name in found if name.startswith("thumbnail")]) in (0, 3)


@pytest.mark.parametrize(
    "link", [public_link(EARNED_CERTIFICATE), public_link(EARNED_BADGE, revoked=True)]
)
def test_only_a_badge_has_a_smaller_picture(link: PublicLink) -> None:
    """Rule 25: certificates have no picture in 512 by 512, and of revoked badges none is shown alone."""
    assert "thumbnail_url" not in ask(link, maxwidth=600).json()


def test_a_revoked_award_says_so() -> None:
    """Rule 20: what is told of a revoked award begins with that."""
    assert ask(public_link(EARNED_BADGE, revoked=True)).json()["title"] == "Revoked: Mentor"


@pytest.mark.parametrize("name", ["maxwidth", "maxheight"])
@pytest.mark.parametrize("size", ["-1", "1.5", "wide", "٣", ""])
def test_a_size_is_a_number_of_pixels(name: str, size: str) -> None:
    """Any other size is refused, naming the parameter."""
    answer = ask(public_link(EARNED_BADGE), **{name: size})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [name]


def test_the_address_must_be_given() -> None:
    """Without an address there is nothing to tell."""
    answer = client(public_link()).get("/oembed")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["url"]


@pytest.mark.parametrize("form", ["xml", "JSON", ""])
def test_there_is_only_json(form: str) -> None:
    """Rule 25: any other format is not implemented, as the specification has it."""
    assert ask(public_link(EARNED_BADGE), format=form).status_code == 501


@pytest.mark.parametrize("flood", ["a=b&", "&", "url=a&", "%"])
def test_an_address_that_is_too_long_is_not_read(flood: str) -> None:
    """No question that makes sense is so long, and a stranger's flood keeps nobody waiting."""
    query = f"url={PAGE}&" + flood * (60_000 // len(flood))
    answer = client(public_link(EARNED_BADGE)).get(f"/oembed?{query}")
    assert answer.status_code == answer.json()["status"] == 414


def test_who_misses_too_often_has_to_wait() -> None:
    """Guessing links here is limited as it is on pages."""
    answer = client(None, too_many=True).get("/oembed", params={"url": PAGE})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "30"


def test_an_outage_is_said() -> None:
    """A database that does not answer is no dead link."""
    answer = ask(psycopg.OperationalError("gone"))
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
