"""The owners' calls and the public pages, over HTTP, from processes of sharing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from msgspec.structs import replace

from devstack import Addresses
from services.journal import Journal
from tests.integration.sharing_processes import (
    PUBLIC_URL,
    bearer,
    fresh_database,
    new_journal,
    serving,
)
from tests.integration.sharing_world import World
from tests.sharing_samples import BADGE, CERTIFICATE, NOW

LINK = "/v1/awards/award-1/link"


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, new_journal(url) as journal:
        yield journal


@pytest.fixture(scope="module")
def http(journal: Journal) -> Iterator[httpx.Client]:
    with serving(journal.conninfo) as client:
        yield client


@pytest.fixture
def world(journal: Journal) -> World:
    """Where Ada has a badge and a certificate, and both kinds are available."""
    return World.of_ada(journal, BADGE, CERTIFICATE)


def share(http: httpx.Client, world: World, award_id: str = "award-1") -> str:
    """Shares an award of Ada's; gives the path of its page."""
    url = str(http.put(f"/v1/awards/{award_id}/link", headers=world.ada).json()["url"])
    assert url.startswith(f"{PUBLIC_URL}/s/")
    return url.removeprefix(PUBLIC_URL)


def test_the_life_of_a_link(http: httpx.Client, world: World) -> None:
    """Rules 21 and 22: made, copied, opened, disabled, dead for good; sharing again makes a new one."""
    made = http.put(LINK, headers=world.ada)
    assert made.status_code == 201
    assert made.json().keys() == {"url", "linkedin_url"}
    again = http.put(LINK, headers=world.ada)
    assert (again.status_code, again.json()) == (200, made.json())
    assert http.get("/v1/awards/award-1", headers=world.ada).json()["link"] == made.json()

    page = made.json()["url"].removeprefix(PUBLIC_URL)
    assert len(page.removeprefix("/s/")) >= 22  # 128 bits in base64
    assert "Ada Lovelace" in http.get(page).text

    for _ in range(2):
        assert http.delete(LINK, headers=world.ada).status_code == 204
    assert http.get(page).status_code == 410
    assert http.get("/v1/awards/award-1", headers=world.ada).json()["link"] is None
    another = http.put(LINK, headers=world.ada)
    assert another.status_code == 201
    assert another.json()["url"] != made.json()["url"]
    assert http.get(page).status_code == 410


def test_an_award_in_the_contracts_shape(http: httpx.Client, world: World) -> None:
    """The owner's view of an award has exactly the contract's members."""
    share(http, world, "award-2")
    assert http.get("/v1/awards/award-2", headers=world.ada).json() == {
        "award_id": "award-2",
        "kind": "certificate",
        "code": "certificate",
        "program_id": "leaders",
        "title": "Leadership & Listening",
        "earned_at": "2026-03-31T22:30:00Z",
        "granted_at": "2026-04-01T08:00:00Z",
        "revoked": False,
        "link": http.put("/v1/awards/award-2/link", headers=world.ada).json(),
    }
    assert http.get("/v1/awards/award-1", headers=world.ada).json()["program_id"] is None


def test_the_list_is_whole_in_pages(http: httpx.Client, world: World) -> None:
    """Every page is read by the cursor of the one before; all together are the caller's awards."""
    more = [
        replace(BADGE, award_id=f"more-{n}", earned_at=NOW - timedelta(hours=n)) for n in range(5)
    ]
    world.grant(*more)
    listed: list[Any] = []
    query = {"limit": "3"}
    while True:
        page = http.get("/v1/awards", params=query, headers=world.ada).json()
        listed += page["items"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert [award["award_id"] for award in listed] == [
        *(award.award_id for award in more),
        "award-2",
        "award-1",
    ]
    assert listed == http.get("/v1/awards", headers=world.ada).json()["items"]


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwWiJd", "é"])
def test_a_foreign_cursor_is_refused(http: httpx.Client, world: World, cursor: str) -> None:
    """A cursor that the call has not given is 422 and named."""
    answer = http.get("/v1/awards", params={"cursor": cursor}, headers=world.ada)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"


OWNERS_CALLS = pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/awards/{}"), ("PUT", "/v1/awards/{}/link"), ("DELETE", "/v1/awards/{}/link")],
)


@OWNERS_CALLS
def test_only_the_owner_is_served(http: httpx.Client, world: World, method: str, path: str) -> None:
    """Rules 21 and 26: 401 goes first, then 404 for another organization's award, then 403 for another
    person's, then 404 for one that is not shown."""

    def status(award_id: str, headers: dict[str, str] | None) -> int:
        answer = http.request(method, path.format(quote(award_id, safe="")), headers=headers)
        if answer.is_error:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code
        return answer.status_code

    assert status("award-1", None) == 401
    assert status("award-1", {"Authorization": "Bearer nonsense"}) == 401
    assert status("award-1", bearer("ada", "globex")) == 404
    assert status("award-1", world.bearer("eve")) == 403
    assert status("award-1", world.bearer("eve", "admin", "operator")) == 403
    assert status("no-such-award", world.ada) == 404
    assert status("no:award", world.ada) == 404
    world.available(badges=False)
    assert status("award-1", world.bearer("eve")) == 403
    assert status("award-1", world.ada) == 404
    world.available()
    world.erase("ada")
    assert status("award-1", world.ada) == 404


def test_a_revoked_award_can_not_be_shared_anew(http: httpx.Client, world: World) -> None:
    """Rule 20: a new link to a revoked award is refused with 409; an active one stays, and says so."""
    page = share(http, world)
    for award_id in ("award-1", "award-2"):
        world.revoke(award_id)
    refused = http.put("/v1/awards/award-2/link", headers=world.ada)
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:problem-type:award-revoked"
    assert http.get("/v1/awards/award-2", headers=world.ada).json()["revoked"] is True
    assert http.put(LINK, headers=world.ada).status_code == 200
    assert "Revoked." in http.get(page).text


def test_what_is_not_available_is_nowhere(http: httpx.Client, world: World) -> None:
    """Rules 1 and 2: while unavailable, badges are in no list and on no page (404, disabled ones too);
    then they are back."""
    page = share(http, world)
    world.available(badges=False)
    assert [
        award["kind"] for award in http.get("/v1/awards", headers=world.ada).json()["items"]
    ] == ["certificate"]
    assert http.get(page).status_code == 404
    world.available()
    assert http.get(page).status_code == 200
    http.delete(LINK, headers=world.ada)
    assert http.get(page).status_code == 410
    world.available(badges=False)
    assert http.get(page).status_code == 404


def test_an_erased_members_page_is_gone(http: httpx.Client, world: World) -> None:
    """Rules 22 and 27: after an erasure the page is 410 with nothing personal, and the list is empty."""
    page = share(http, world)
    world.erase("ada")
    gone = http.get(page)
    assert gone.status_code == 410
    assert "Ada" not in gone.text
    assert http.get("/v1/awards", headers=world.ada).json() == {"items": [], "next": None}


def test_a_disabled_link_is_dead_in_every_process(
    http: httpx.Client, journal: Journal, world: World
) -> None:
    """Rule 22: what is disabled in one process is dead at the next request of another, ETag or not."""
    with serving(journal.conninfo) as other:
        for _ in range(5):
            page = share(http, world)
            alive = other.get(page)
            tag = {"If-None-Match": alive.headers["etag"]}
            assert other.get(page, headers=tag).status_code == 304
            assert http.delete(LINK, headers=world.ada).status_code == 204
            assert other.get(page, headers=tag).status_code == 410
            assert http.get(page, headers=tag).status_code == 410


def test_headers_on_the_wire(http: httpx.Client, world: World) -> None:
    """Rule 22: GET and HEAD carry the same headers, and HEAD, 304 no body."""
    page = share(http, world)
    tag = http.get(page).headers["etag"]
    for path, asked, status, cache in (
        (page, {}, 200, "no-cache"),
        (page, {"If-None-Match": tag}, 304, "no-cache"),
        ("/s/never-issued", {"If-None-Match": tag}, 404, "no-store"),
    ):
        get, head = http.get(path, headers=asked), http.head(path, headers=asked)
        assert (get.status_code, head.status_code) == (status, status)
        for name in (
            "cache-control",
            "etag",
            "x-robots-tag",
            "referrer-policy",
            "content-security-policy",
            "content-type",
            "content-length",
        ):
            assert get.headers.get(name) == head.headers.get(name)
        assert get.headers["cache-control"] == cache
        assert get.headers["x-robots-tag"] == "noindex, noarchive"
        assert head.content == b""
        assert bool(get.content) == (status != 304)


@pytest.mark.parametrize(
    "path", ["/s/", "/s/a/b", "/s/%00", "/s/%FF", "/s/..%2F..", "/s/" + "a" * 8_000, "/s/a%20b"]
)
def test_a_mistyped_token_is_not_found(http: httpx.Client, path: str) -> None:
    """Rule 22: whatever stands where a token should is answered like a token never issued."""
    mistyped, unknown = http.get(path), http.get("/s/" + "x" * 32)
    assert mistyped.status_code == 404
    assert mistyped.content == unknown.content
    assert mistyped.headers["cache-control"] == "no-store"


def test_pages_can_only_be_read(http: httpx.Client, world: World) -> None:
    """A public page takes no other method than GET and HEAD."""
    answer = http.post(share(http, world))
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_no_token_is_told_to_operators(journal: Journal, world: World) -> None:
    """Rule 21: metrics and logs tell of pages by the route's template, never by a token or a name."""
    with serving(journal.conninfo, LOG_LEVEL="debug") as http:
        page = share(http, world)
        for method in ("GET", "HEAD", "POST"):
            http.request(method, page)
        http.delete(LINK, headers=world.ada)
        http.get(page)
        http.get(f"{page}/certificate.pdf")
        told = http.get("/metrics").text + http.process.log
    assert 'route="/s/{token}"' in told
    assert "/v1/awards/{award_id}/link" in told
    for secret in (page.removeprefix("/s/"), "Lovelace"):
        assert secret not in told


def test_operators_find_what_they_need(http: httpx.Client, world: World) -> None:
    """Process, dependencies and the API's description answer where every service has them."""
    assert http.get("/healthz").status_code == 200
    assert http.get("/readyz").status_code == 200
    paths = http.get("/openapi.json").json()["paths"]
    assert paths.keys() >= {
        "/v1/awards",
        "/v1/awards/{award_id}",
        "/v1/awards/{award_id}/link",
        "/s/{token}",
    }
    assert paths["/v1/awards/{award_id}/link"]["put"]["responses"].keys() >= {
        "200",
        "201",
        "401",
        "403",
        "404",
        "409",
    }


def test_an_instant_stays_what_it_was(http: httpx.Client, world: World) -> None:
    """Times are RFC 3339 in UTC, whatever zone they came in, at the edges of the calendar too."""
    for award_id, instant in (
        ("first", datetime(1, 1, 1, tzinfo=UTC)),
        ("last", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ):
        world.grant(replace(BADGE, award_id=award_id, earned_at=instant, timezone="Asia/Kathmandu"))
        award = http.get(f"/v1/awards/{award_id}", headers=world.ada).json()
        assert award["earned_at"] == instant.isoformat().replace("+00:00", "Z")
        assert http.get(share(http, world, award_id)).status_code == 200
