"""The owner's pages over HTTP: what they show, and what is done on them."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from urllib.parse import quote, urlsplit

import httpx
import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from devstack import Addresses
from services.journal import Journal
from tests.integration.sharing_owners import ASK, AWARDS, PLATFORM, Browser
from tests.integration.sharing_processes import (
    PUBLIC_URL,
    fresh_database,
    new_journal,
    serving,
)
from tests.integration.sharing_world import World
from tests.sharing_samples import BADGE, CERTIFICATE, NOW


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, new_journal(url) as journal:
        yield journal


@pytest.fixture(scope="module")
def http(journal: Journal) -> Iterator[httpx.Client]:
    with serving(journal.conninfo, PLATFORM_URL=f"{PLATFORM}/home") as client:
        yield client


@pytest.fixture
def world(journal: Journal) -> World:
    """Where Ada has a badge and a certificate, and both kinds are available."""
    return World.of_ada(journal, BADGE, CERTIFICATE)


@pytest.fixture
def ada(http: httpx.Client, world: World) -> Browser:
    return Browser(http, world.ada)


def test_the_list_shows_what_the_member_holds(ada: Browser, world: World) -> None:
    """Rules 18 and 20: each award with its kind and date; a revoked one is marked and can't be shared."""
    page = ada.get().text
    for expected in ("Mentor", "Leadership &amp; Listening", "Leaders of Tomorrow", "1 April 2026"):
        assert expected in page
    assert page.count("Create link") == 2
    assert page.count("certificate.pdf") == 1
    world.revoke("award-2")
    page = ada.get().text
    assert "Revoked" in page
    assert "Acme Mentoring</bdi> has withdrawn this award" in page
    assert page.count("Create link") == 1
    assert "certificate.pdf" not in page


def test_a_member_without_awards_is_told_so(http: httpx.Client, world: World) -> None:
    """Who has no award yet is told when there will be one."""
    page = Browser(http, world.bearer("bob")).get()
    assert page.status_code == 200
    assert "There are no awards yet" in page.text


def test_an_erased_member_sees_nothing(ada: Browser, world: World) -> None:
    """Rule 27: a session of an erased member shows no name and no award, and can share none."""
    form = ada.form_of(ada.get().text)
    world.erase("ada")
    page = ada.get()
    assert page.status_code == 200
    for gone in ("Lovelace", "Mentor", "Leadership"):
        assert gone not in page.text
    assert ada.post("/me/awards/award-1/link", form).status_code == 404


def test_the_list_goes_on_in_pages(ada: Browser, world: World) -> None:
    """All awards can be reached from page to page; what is done on one leads back to it."""
    world.grant(
        *(
            replace(BADGE, award_id=f"more-{n:02}", earned_at=NOW - timedelta(hours=n))
            for n in range(40)
        )
    )
    seen: list[str] = []
    path = AWARDS
    while True:
        page = ada.get(path).text
        seen += re.findall(r'id="award-([^"]+)"', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        if following is None:
            break
        path = unescape(following[1])
    assert seen == [*(f"more-{n:02}" for n in range(40)), "award-2", "award-1"]
    form = ada.form_of(page)
    assert form["cursor"]
    back = ada.post("/me/awards/award-1/link", form).headers["location"]
    assert back == f"{AWARDS}?cursor={quote(form['cursor'])}#award-award-1"
    assert "award-award-1" in ada.get(back).text
    assert ada.get(f"{AWARDS}?cursor=nonsense").text.count("more-00") > 0


def test_a_link_is_made_once(http: httpx.Client, ada: Browser) -> None:
    """Rule 21: a double click, or a second tab, makes one link, and shows it."""
    form = ada.form_of(ada.get().text)
    for _ in range(2):
        answer = ada.post("/me/awards/award-1/link", form)
        assert answer.headers["location"] == f"{AWARDS}#award-award-1"
        assert answer.status_code == 303
    link = ada.link()
    assert link is not None
    page = ada.get().text
    assert f'value="{link}"' in page
    linkedin = f"https://www.linkedin.com/sharing/share-offsite/?url={quote(link, safe='')}"
    assert f'href="{linkedin}"' in page
    assert http.get(link.removeprefix(PUBLIC_URL)).status_code == 200


def test_a_link_dies_only_when_it_is_confirmed(http: httpx.Client, ada: Browser) -> None:
    """Rule 21: asking changes nothing; confirming kills the link at once; again is the same."""
    ada.post("/me/awards/award-1/link")
    link = str(ada.link())
    question = ada.get(ASK)
    assert question.status_code == 200
    assert link in question.text
    assert ada.link() == link
    form = ada.form_of(question.text)
    for _ in range(2):
        assert ada.post(ASK, form).status_code == 303
        assert http.get(link.removeprefix(PUBLIC_URL)).status_code == 410
    assert ada.link() is None
    assert ada.get(ASK).status_code == 303  # there is nothing to ask any more


def test_a_stale_confirmation_kills_no_other_link(http: httpx.Client, ada: Browser) -> None:
    """Rule 21: what was confirmed for one link does not kill the one made since: it asks anew."""
    ada.post("/me/awards/award-1/link")
    stale = ada.form_of(ada.get(ASK).text)
    http.delete("/v1/awards/award-1/link", headers={"Authorization": f"Bearer {ada.token}"})
    ada.post("/me/awards/award-1/link")
    link = str(ada.link())
    asked_again = ada.post(ASK, stale)
    assert asked_again.status_code == 409
    assert "dead already" in asked_again.text
    assert link in asked_again.text
    assert ada.link() == link
    for forged in ("", "nonsense"):
        assert ada.post(ASK, stale | {"link_id": forged}).status_code == 409
    assert ada.link() == link
    assert ada.post(ASK, ada.form_of(asked_again.text)).status_code == 303
    assert ada.link() is None


def test_what_was_revoked_meanwhile_is_not_shared(ada: Browser, world: World) -> None:
    """Rules 20 and 24: an award revoked since the page was shown is neither shared nor downloaded."""
    form = ada.form_of(ada.get().text)
    world.revoke("award-2")
    refused = ada.post("/me/awards/award-2/link", form)
    assert refused.status_code == 409
    assert "This award was revoked" in refused.text
    assert ada.link("award-2") is None
    assert ada.get("/me/awards/award-2/certificate.pdf").status_code == 410


def test_a_certificate_downloads_with_the_session(ada: Browser) -> None:
    """Rule 24: the owner downloads a certificate, shared or not; a badge is none."""
    answer = ada.get("/me/awards/award-2/certificate.pdf")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.content.startswith(b"%PDF-")
    assert ada.get("/me/awards/award-1/certificate.pdf").status_code == 404


@pytest.mark.parametrize("path", [ASK, "/me/awards/award-2/certificate.pdf"])
def test_tenants_and_members_are_apart(
    http: httpx.Client, ada: Browser, world: World, journal: Journal, path: str
) -> None:
    """Rules 21 and 26: others' awards are not there, for members and admins, of this organization or another."""
    ada.post("/me/awards/award-1/link")
    elsewhere = World(journal)
    elsewhere.available()
    for stranger in (
        world.bearer("eve"),
        world.bearer("eve", "admin", "operator"),
        elsewhere.ada,
    ):
        browser = Browser(http, stranger)
        assert browser.get(path).status_code == 404
        assert "Leadership" not in browser.get().text
        form = browser.form_of(browser.get().text)
        assert browser.post("/me/awards/award-1/link", form).status_code == 404
        assert browser.post(ASK, form).status_code == 404
    assert ada.link() is not None


@pytest.mark.parametrize("award_id", ["none", "no:award", "%00", "%FF", "x" * 200])
def test_an_award_that_can_not_be_is_not_there(ada: Browser, award_id: str) -> None:
    """Whatever stands where an award's id should is answered like an award that is not there."""
    form = ada.form_of(ada.get().text)
    path = f"{AWARDS}/{award_id}"
    assert ada.get(f"{path}/disable-link").status_code == 404
    assert ada.get(f"{path}/certificate.pdf").status_code == 404
    assert ada.post(f"{path}/link", form).status_code == 404
    assert ada.post(f"{path}/disable-link", form).status_code == 404


def test_what_is_not_available_is_not_shown(ada: Browser, world: World) -> None:
    """Rule 2: while badges are not available, none is listed, shared or asked about."""
    form = ada.form_of(ada.get().text)
    world.available(badges=False)
    assert "Mentor</" not in ada.get().text
    assert "Leadership" in ada.get().text
    assert ada.get(ASK).status_code == 404
    assert ada.post("/me/awards/award-1/link", form).status_code == 404


def test_names_can_not_be_markup(ada: Browser, world: World) -> None:
    """Whatever a name or title holds is text on the page, never markup."""
    evil = '"><script>alert(1)</script>{{ 7*7 }}{name}'
    world.grant(
        replace(
            CERTIFICATE,
            award_id="award-3",
            title=evil,
            organization_name=evil,
            program_name=evil,
        )
    )
    world.name("ada", evil)
    ada.post("/me/awards/award-3/link")
    for path in (AWARDS, "/me/awards/award-3/disable-link"):
        page = ada.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}{name}" in page


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fr-CA,fr;q=0.9", ['lang="fr"', "Vos distinctions", "1 avril 2026"]),
        ("es", ['lang="es"', "Tus reconocimientos", "1 de abril de 2026"]),
        ("de", ['lang="de"', "Ihre Auszeichnungen", "1. April 2026"]),
        ("ar", ['lang="ar" dir="rtl"', "إنجازاتك", "أبريل"]),
        ("ja", ['lang="en" dir="ltr"', "Your awards", "1 April 2026"]),
    ],
)
def test_pages_speak_the_readers_language(
    http: httpx.Client, ada: Browser, language: str, expected: list[str]
) -> None:
    """The page's own words and dates are those of the language that the browser prefers."""
    page = http.get(AWARDS, headers=ada.headers | {"Accept-Language": language}).text
    for words in expected:
        assert words in page


def test_addresses_keep_what_public_url_begins_with(journal: Journal, world: World) -> None:
    """Under a PUBLIC_URL with a path, every address on the pages begins with it."""
    with serving(journal.conninfo, PUBLIC_URL="https://org.example/awards") as http:
        ada = Browser(http, world.ada)
        form = ada.form_of(ada.get().text)
        to = ada.post("/me/awards/award-1/link", form).headers["location"]
        assert to == "/awards/me/awards#award-award-1"
        page = ada.get().text
        for address in re.findall(r'(?:href|action)="([^"]+)"', page):
            assert address.startswith(("/awards/", "https://", "#art-")), address
        url = str(ada.link())
        assert urlsplit(url).path.startswith("/awards/s/")


def test_a_database_that_is_away_is_told(stack: Addresses, database_url: str, world: World) -> None:
    """While the database does not answer, pages say so and when to come back, and nobody is signed out."""
    with new_journal(database_url) as journal, serving(journal.conninfo) as http:
        ada = Browser(http, world.ada)
        form = ada.form_of(ada.get().text)
        _shut(stack, journal)
        http.timeout = httpx.Timeout(60)
        for answer in (ada.get(), ada.post("/me/awards/award-1/link", form)):
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "2"
            assert "right now" in answer.text
            assert "set-cookie" not in answer.headers


def _shut(stack: Addresses, journal: Journal) -> None:
    """Lets nobody into the journal's database any more."""
    name = conninfo_to_dict(journal.conninfo)["dbname"]
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(str(name)))
        )
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
