"""What every answer of sharing tells browsers, whichever room it comes from."""

import json
from collections import defaultdict
from collections.abc import Iterator
from tempfile import NamedTemporaryFile

import httpx
import pytest

from devstack import Addresses
from services.journal import Journal
from services.sharing.credentials.keys import new_keys
from tests.integration.sharing_processes import PUBLIC_URL, fresh_database, new_journal, serving
from tests.integration.sharing_world import World
from tests.sharing_samples import BADGE, CERTIFICATE

ON_EVERYTHING = {
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "x-robots-tag": "noindex, noarchive",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, new_journal(url) as journal:
        yield journal


@pytest.fixture
def world(journal: Journal) -> World:
    world = World(journal)
    world.available()
    world.grant(BADGE, CERTIFICATE)
    return world


def answers(http: httpx.Client, world: World) -> Iterator[httpx.Response]:
    """Of each call in the API's description, as somebody signed in, and as nobody; of no call, too."""
    url = http.put("/v1/awards/award-2/link", headers=world.ada).json()["url"]
    token = url.rpartition("/")[2]
    bearer = world.ada["Authorization"]
    signed_in = {
        "Authorization": bearer,
        "Cookie": bearer.replace("Bearer ", "__Host-awards-session="),
    }
    for path, operations in http.get("/openapi.json").json()["paths"].items():
        for method in operations:
            for known, headers in ((True, signed_in), (False, {})):
                values = defaultdict(lambda: "x", award_id="award-2")
                values["token"] = token if known else "unknown"
                address = path.format_map(values)
                if (method, address) != ("delete", "/v1/awards/award-2/link"):
                    yield http.request(method, address, headers=headers)
    for path in ("/", "/nothing/here", "/openapi.json", "/s/", f"/s/{token}", "/issuers/acme"):
        yield http.get(path)
        yield http.options(path)
        yield http.post(path)
    yield http.get("/oembed")
    yield http.get("/oembed?format=xml")
    yield http.get("/issuers/acme/status/" + "9" * 5000)


def test_every_answer_is_safe_in_a_browser(journal: Journal, world: World) -> None:
    """No answer is sniffed, framed or opened into, none reaches for the machine; the address of none that is a
    key is passed on, and by https no browser comes by http again."""
    with serving(journal.conninfo) as http:
        pages = 0
        for answer in answers(http, world):
            about = f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
            headers = answer.headers
            for name, value in ON_EVERYTHING.items():
                assert headers.get_list(name) == [value], about
            assert headers["strict-transport-security"] == "max-age=31536000", about
            policy = headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy or "sandbox" in policy, about
            assert headers["referrer-policy"] in ("no-referrer", "same-origin"), about
            assert len(headers.get_list("cache-control")) == 1, about
            if answer.request.url.path.startswith(("/s/", "/oembed", "/issuers/")):
                is_live = answer.status_code in (200, 206, 304)
                kept = "no-cache" if is_live else "no-store"
                assert headers["cache-control"] == kept, about
            if answer.request.url.path.startswith("/s/"):
                assert headers["referrer-policy"] == "no-referrer", about
            if headers.get("content-type", "").startswith("text/html"):
                pages += 1
                assert "default-src 'none'" in policy, about
                assert "base-uri 'none'" in policy, about
                assert "form-action" in policy, about
                assert "unsafe" not in policy, about
        assert pages > 10


def test_a_fault_of_ours_is_as_safe(database_url: str) -> None:
    """Rule 22: where we fail the answer is 500, says nothing more, and no cache and no search engine keeps it."""
    keys, journal = new_keys(), new_journal(database_url)
    with NamedTemporaryFile("w") as file, journal:
        file.write(keys)
        file.flush()
        with serving(database_url, SIGNING_KEY=file.name) as http:
            with journal.connection() as connection:
                connection.execute("ALTER TABLE award RENAME TO gone")
            page = f"{PUBLIC_URL}/s/unknown"
            paths = ["/s/unknown", "/s/unknown/image.png", f"/oembed?url={page}", "/issuers/acme"]
            for path in paths:
                answer = http.get(path)
                assert answer.status_code == answer.json()["status"] == 500, path
                assert answer.json().keys() == {"type", "title", "status"}
                assert answer.headers["cache-control"] == "no-store"
                for name, value in ON_EVERYTHING.items():
                    assert answer.headers.get_list(name) == [value], path
            failures = [
                line["route"]
                for line in map(json.loads, http.process.log.splitlines())
                if line["event"] == "request_failed"
            ]
        assert failures == ["/s/{token}", "/s/{token}/image.png", "/oembed", "/issuers/{issuer}"]


def test_http_stays_http(journal: Journal) -> None:
    """Where readers come by http, no browser is told to come by https."""
    with serving(journal.conninfo, PUBLIC_URL=PUBLIC_URL.replace("https", "http")) as http:
        assert "strict-transport-security" not in http.get("/s/unknown").headers
