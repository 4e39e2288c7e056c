"""Sessions of owners over HTTP: who gets one, and what other sites can't do with it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from devstack import Addresses
from services.journal import Journal
from services.web import Principal, issue_token
from tests.integration.sharing_owners import ASK, AWARDS, COOKIE, OURS, PLATFORM, Browser
from tests.integration.sharing_processes import (
    PUBLIC_URL,
    SECRET,
    bearer,
    fresh_database,
    new_journal,
    serving,
)
from tests.integration.sharing_world import World
from tests.sharing_samples import BADGE, CERTIFICATE


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
