"""The owner's pages and sessions over HTTP: who may do what, and what other sites can't."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import quote, urlsplit

import httpx
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from devstack import Addresses
from services.journal import Journal
from services.web import Principal, issue_token
from tests.integration.sharing_processes import (
    PUBLIC_URL,
    SECRET,
    bearer,
    fresh_database,
    new_journal,
    serving,
)
from tests.integration.sharing_world import World
from tests.sharing_samples import BADGE, CERTIFICATE, NOW

COOKIE = "__Host-awards-session"
PLATFORM = "https://platform.example"
AWARDS = "/me/awards"
ASK = "/me/awards/award-1/disable-link"
OURS = {"Sec-Fetch-Site": "same-origin"}


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
    world = World(journal)
    world.available()
    world.grant(BADGE, CERTIFICATE)
    world.name("ada", "Ada Lovelace")
    return world


class Browser:
    """Somebody signed in, with the pages that they were shown."""

    def __init__(self, http: httpx.Client, authorization: dict[str, str]) -> None:
        self._http = http
        self.token = authorization["Authorization"].removeprefix("Bearer ")
        self.headers = {"Cookie": f"{COOKIE}={self.token}"}
        self.path = AWARDS

    def get(self, path: str = AWARDS) -> httpx.Response:
        return self._http.get(path, headers=self.headers)

    def form_of(self, page: str) -> dict[str, str]:
        """The hidden fields of a page, once each."""
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
        return {name: unescape(value) for name, value in found}

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Sends a form of the list, or this one, as a browser sends it from a page of ours."""
        form = self.form_of(self.get().text) if form is None else form
        return self._http.post(path, data=form, headers=self.headers | OURS | headers)

    def link(self, award_id: str = "award-1") -> str | None:
        """The award's active link, as the API tells it."""
        authorization = {"Authorization": f"Bearer {self.token}"}
        link = self._http.get(f"/v1/awards/{award_id}", headers=authorization).json()["link"]
        return None if link is None else str(link["url"])


@pytest.fixture
def ada(http: httpx.Client, world: World) -> Browser:
    return Browser(http, world.ada)


def signed_in(response: httpx.Response) -> bool:
    """Whether an answer opens a session."""
    found: str = response.headers.get("set-cookie", "")
    return found.startswith(f"{COOKIE}=ey")


def test_the_platform_signs_its_members_in(http: httpx.Client, world: World) -> None:
    """The platform's form with the member's token opens a session and leads to the awards, and nowhere else."""
    token = world.ada["Authorization"].removeprefix("Bearer ")
    form = {"token": token, "next": "https://evil.example"}
    answer = http.post(
        "/session", data=form, headers={"Origin": PLATFORM, "Sec-Fetch-Site": "cross-site"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, AWARDS)
    assert signed_in(answer)
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert "Ada Lovelace" in http.get(AWARDS, headers={"Cookie": cookie}).text


def test_a_header_signs_in_too(http: httpx.Client, world: World) -> None:
    """What can set a header opens the session by the bearer token in it."""
    answer = http.post("/session", headers=world.ada)
    assert (answer.status_code, answer.content) == (204, b"")
    assert signed_in(answer)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Origin": f"{PLATFORM}.evil.example"},
        {"Origin": "http://platform.example"},
    ],
)
def test_no_other_site_signs_anybody_in(
    http: httpx.Client, world: World, headers: dict[str, str]
) -> None:
    """A site that is not the platform can't put visitors into a session, not even with a good token."""
    token = world.ada["Authorization"].removeprefix("Bearer ")
    answer = http.post("/session", data={"token": token}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def token(
    secret: bytes = SECRET,
    audience: str = "achievements",
    life: timedelta = timedelta(hours=1),
) -> str:
    principal = Principal("ada", "acme", frozenset({"member"}))
    return issue_token(secret, principal, audience=audience, expires_at=datetime.now(UTC) + life)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "nonsense",
        token(audience="another"),
        token(life=timedelta(hours=-1)),
        token(secret=b"another secret that is long enough"),
    ],
    ids=["none", "nonsense", "another audience", "expired", "forged"],
)
def test_a_bad_token_opens_nothing(http: httpx.Client, bad: str) -> None:
    """Rule 26: a token of another audience, an expired or a forged one signs nobody in, nor serves as a cookie."""
    by_form = http.post("/session", data={"token": bad})
    assert by_form.status_code == 401
    assert by_form.headers["content-type"].startswith("text/html")
    by_header = http.post("/session", headers={"Authorization": f"Bearer {bad}".strip()})
    assert by_header.status_code == 401
    assert by_header.headers["content-type"] == "application/problem+json"
    for answer in (by_form, by_header):
        assert "set-cookie" not in answer.headers
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert http.get(AWARDS, headers={"Cookie": f"{COOKIE}={bad}"}).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", AWARDS),
        ("GET", ASK),
        ("POST", ASK),
        ("POST", "/me/awards/award-1/link"),
        ("GET", "/me/awards/award-2/certificate.pdf"),
        ("POST", "/session/end"),
    ],
)
def test_nobody_is_served_without_a_session(
    http: httpx.Client, world: World, method: str, path: str
) -> None:
    """Without a session there is a friendly page, 401, that leads to the platform; a bearer token is none."""
    for headers in ({}, world.ada):
        answer = http.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert f'href="{PLATFORM}/home"' in answer.text
        assert "Lovelace" not in answer.text


def test_signing_out_ends_the_session(http: httpx.Client, ada: Browser) -> None:
    """Signing out takes the cookie away, by the page's form and by a call; again is the same."""
    by_form = ada.post("/session/end")
    assert (by_form.status_code, by_form.headers["location"]) == (303, AWARDS)
    by_call = http.delete("/session", headers=ada.headers | OURS)
    assert by_call.status_code == 204
    again = http.delete("/session")
    assert again.status_code == 204
    for answer in (by_form, by_call, again):
        assert answer.headers["set-cookie"].startswith(f'{COOKIE}="";')
        assert "Max-Age=0" in answer.headers["set-cookie"]
    foreign = http.delete("/session", headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403


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


FOREIGN = pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://other.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": PLATFORM},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)


@FOREIGN
def test_another_site_can_do_nothing(ada: Browser, headers: dict[str, str]) -> None:
    """A form of another site changes nothing, even if it knew everything that ours holds."""
    ada.post("/me/awards/award-1/link")
    link = ada.link()
    form = ada.form_of(ada.get(ASK).text)
    for path in (ASK, "/me/awards/award-2/link", "/session/end"):
        answer = ada.post(path, form, **headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    assert ada.link() == link
    assert ada.link("award-2") is None


def test_an_older_browser_names_the_origin(http: httpx.Client, ada: Browser) -> None:
    """Where a browser knows no Fetch Metadata, the form's origin must be ours."""
    form = ada.form_of(ada.get().text)
    for origin, status in (("https://evil.example", 403), ("null", 403), (PUBLIC_URL, 303)):
        headers = ada.headers | {"Origin": origin}
        answer = http.post("/me/awards/award-1/link", data=form, headers=headers)
        assert answer.status_code == status


def test_a_form_without_its_key_does_nothing(
    http: httpx.Client, ada: Browser, world: World
) -> None:
    """A form that was made for another session, or by guessing, changes nothing; so does no form."""
    other = Browser(http, world.bearer("bob"))
    others = other.form_of(other.get().text)
    for form in ({}, {"form_key": ""}, {"form_key": "0" * 64}, others):
        assert ada.post("/me/awards/award-1/link", form).status_code == 403
    as_json = http.post(
        "/me/awards/award-1/link",
        json=ada.form_of(ada.get().text),
        headers=ada.headers | OURS,
    )
    assert as_json.status_code == 403
    assert ada.link() is None


def test_a_renewed_session_says_so_to_older_pages(
    ada: Browser, world: World, http: httpx.Client
) -> None:
    """Two tabs: a page from before signing in again changes nothing, and says what to do."""
    form = ada.form_of(ada.get().text)
    again = Browser(http, bearer("ada", world.organization_id, "member", "admin"))
    refused = again.post("/me/awards/award-1/link", form)
    assert refused.status_code == 403
    assert "Nothing was changed" in refused.text
    assert f'href="{AWARDS}"' in refused.text


def test_a_form_is_bounded(ada: Browser) -> None:
    """A form that is far too long is not read to its end."""
    assert ada.post(ASK, {"form_key": "x" * 100_000}).status_code == 413


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


def test_no_session_is_told_to_operators(journal: Journal, world: World) -> None:
    """Neither tokens nor keys of forms are in logs or metrics, nor who came."""
    with serving(journal.conninfo, LOG_LEVEL="debug") as http:
        ada = Browser(http, world.ada)
        http.post("/session", data={"token": ada.token})
        form = ada.form_of(ada.get().text)
        ada.post("/me/awards/award-1/link", form)
        told = http.get("/metrics").text + http.process.log
    assert "/me/awards/{award_id}/link" in told
    for secret in (ada.token, ada.token.rpartition(".")[2], form["form_key"], "Lovelace"):
        assert secret not in told


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


def test_keys_that_are_away_are_told(journal: Journal) -> None:
    """While nobody can tell whether a token is good, pages and signing in say so: 503, not 401."""
    claims = {"sub": "ada", "org": "acme", "roles": [], "aud": "achievements", "exp": 4_000_000_000}
    unverifiable = jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256")
    away = {"AUTH_SECRET": "", "AUTH_JWKS": "http://127.0.0.1:9/keys"}
    with serving(journal.conninfo, **away) as http:
        for answer in (
            http.get(AWARDS, headers={"Cookie": f"{COOKIE}={unverifiable}"}),
            http.post("/session", data={"token": unverifiable}),
            http.post("/session", headers={"Authorization": f"Bearer {unverifiable}"}),
        ):
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "2"
            assert "set-cookie" not in answer.headers
