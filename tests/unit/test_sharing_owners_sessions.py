"""Sessions of owners: the cookie, what forms show, and where requests come from."""

import asyncio
from datetime import UTC, datetime, timedelta
from http.cookies import Morsel, SimpleCookie

import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.sharing.owners.sessions import (
    MAX_AGE_SECONDS,
    MAX_COOKIE_CHARACTERS,
    Session,
    Sessions,
    is_from,
    origin_of,
)
from services.sharing.personal import Person
from services.web import BadTokenError, Principal, TokenVerifier, issue_token

SECRET = b"a secret for tests that is long enough"
NOW = datetime.now(UTC)
PAGE = "https://awards.example"
ADA = Person("acme", "ada")


def verifier(secret: bytes = SECRET, audience: str = "achievements") -> TokenVerifier:
    return TokenVerifier(keys=None, secret=secret, audience=audience)


def token(expires_at: datetime = NOW + timedelta(hours=1), role: str = "member") -> str:
    principal = Principal("ada", "acme", frozenset({role}))
    return issue_token(SECRET, principal, audience="achievements", expires_at=expires_at)


def cookie(sessions: Sessions, token: str) -> Morsel[str]:
    """The cookie that opens a session."""
    response = Response()
    asyncio.run(sessions.open(response, token, datetime.now(UTC).timestamp()))
    (morsel,) = SimpleCookie(response.headers["set-cookie"]).values()
    return morsel


def found(sessions: Sessions, name: str, value: str) -> Session | None:
    headers = [(b"cookie", f"{name}={value}".encode())]
    return asyncio.run(sessions.find(Request({"type": "http", "headers": headers})))


def test_the_cookie_is_for_nobody_else() -> None:
    """No script, no other site's form and no other host gets at the session, nor plain http."""
    morsel = cookie(Sessions(verifier(), PAGE), token())
    assert morsel.key.startswith("__Host-")
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"]) == (True, True, "lax")
    assert (morsel["path"], morsel["domain"]) == ("/", "")


def test_the_cookie_works_without_https_for_development() -> None:
    """Where links begin with http, the cookie has none of what only https allows."""
    morsel = cookie(Sessions(verifier(), "http://127.0.0.1:8002"), token())
    assert not morsel.key.startswith("__")
    assert not morsel["secure"]
    assert morsel["httponly"]


@pytest.mark.parametrize(
    ("life", "seconds"),
    [
        (timedelta(hours=1), 3600),
        (timedelta(seconds=-5), 1),  # the verifier allows for clocks that differ
        (timedelta(days=4000), MAX_AGE_SECONDS),
    ],
)
def test_the_cookie_ends_with_its_token(life: timedelta, seconds: int) -> None:
    """A session lasts as long as its token, and no longer than browsers keep a cookie."""
    morsel = cookie(Sessions(verifier(), PAGE), token(datetime.now(UTC) + life))
    assert seconds - 5 <= int(morsel["max-age"]) <= seconds


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "nonsense",
        token(NOW - timedelta(hours=1)),
        f"{token()};Domain=evil.example",
        f"{token()}\r\nX: y",
        token(role="x" * MAX_COOKIE_CHARACTERS),
    ],
    ids=["none", "nonsense", "expired", "an attribute", "a header", "too long"],
)
def test_a_bad_token_opens_nothing(bad: str) -> None:
    """What proves nothing, can't stand in a cookie or would not be kept opens no session."""
    response = Response()
    with pytest.raises(BadTokenError):
        asyncio.run(Sessions(verifier(), PAGE).open(response, bad, NOW.timestamp()))
    assert "set-cookie" not in response.headers


def test_a_session_is_verified_at_each_request() -> None:
    """Rule 26: a cookie whose token is bad by now, or was never good, is no session."""
    sessions = Sessions(verifier(), PAGE)
    assert found(sessions, sessions.cookie, token()) == Session(ADA, token())
    for stranger in (verifier(b"another secret that is long enough"), verifier(audience="other")):
        assert found(Sessions(stranger, PAGE), sessions.cookie, token()) is None
    assert found(sessions, sessions.cookie, token(NOW - timedelta(hours=1))) is None
    assert found(sessions, sessions.cookie, "nonsense") is None
    assert found(sessions, sessions.cookie.removeprefix("__Host-"), token()) is None


def test_a_form_shows_which_session_it_was_made_for() -> None:
    """Only a form that holds the key of this very session is taken; the key is not the token."""
    session = Session(ADA, token())
    another = Session(ADA, token(NOW + timedelta(hours=2)))
    assert session.made({"form_key": session.form_key})
    assert session.form_key not in session.token
    assert session.token not in session.form_key
    for form in ({}, {"form_key": ""}, {"form_key": another.form_key}, {"form_key": "é"}):
        assert not session.made(form)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://awards.example", "https://awards.example"),
        ("https://Awards.Example:443/under/this", "https://awards.example"),
        ("http://awards.example:443", "http://awards.example:443"),
        ("http://127.0.0.1:8002", "http://127.0.0.1:8002"),
        ("http://[::1]:8002", "http://[::1]:8002"),
    ],
)
def test_origins_are_written_as_browsers_write_them(url: str, origin: str) -> None:
    """An origin has its host in lower case, and a port only where it is not the usual one."""
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ({"sec-fetch-site": "same-site", "origin": PAGE}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": PAGE}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "https://sub.awards.example"}, False),
        ({"origin": "http://awards.example"}, False),
        ({"origin": "null"}, False),
        ({}, True),
    ],
)
def test_other_sites_are_told_from_ours(headers: dict[str, str], ours: bool) -> None:
    """A request that a browser says another site made is not ours, whatever else it says."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert is_from(Request({"type": "http", "headers": raw}), PAGE) is ours
