"""Unsubscribing over HTTP, as people, mail programs and strangers do it; on a real database."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from itertools import repeat
from threading import Thread
from urllib.parse import urlsplit

import pytest

from schemas.journal import EVENT_TYPES
from services.achievements import api
from services.achievements.mail.languages import WORDS
from services.achievements.mail.recipients import UNSUBSCRIBE_PATH
from services.achievements.settings import AchievementsSettings
from services.environment import Address, read_settings
from services.journal import Journal
from services.web import TokenVerifier
from services.web.server import listening, uvicorn_server
from tests.integration.mail_server import mail_server
from tests.integration.notifying import eventually, grant, notifying, registered, settled
from tests.integration.service import migrated, project, take
from tests.scenario import erased, organization, session

USERS = ("mia", "ben")


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    """Of an organization that has mailed two members."""
    with migrated(database_url) as its_journal, mail_server() as server:
        take(its_journal, *(registered(user_id) for user_id in USERS))
        with notifying(its_journal, server):
            grant(its_journal, *USERS)
            eventually(lambda: settled(its_journal))
        yield its_journal


@pytest.fixture
def address(journal: Journal) -> Iterator[Address]:
    with served(journal) as its_address:
        yield its_address


@contextmanager
def served(journal: Journal) -> Iterator[Address]:
    """Where the API is served for the block."""
    verifier = TokenVerifier(keys=None, secret=None, audience="")
    settings = read_settings(AchievementsSettings, {})
    server = uvicorn_server(api.create(journal, settings, verifier))
    with listening(Address("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        eventually(lambda: server.started)
        yield Address("127.0.0.1", listener.getsockname()[1])
        server.should_exit = True
        thread.join()


class Answer:
    """What a bare client got."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.page = response.read().decode()


def ask(
    address: Address, method: str, path: str, body: str | None = None, **headers: str
) -> Answer:
    connection = HTTPConnection(*address, timeout=10)
    try:
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def path_of(journal: Journal, user_id: str) -> str:
    """Of the link in a member's mails."""
    with journal.connection() as connection:
        row = connection.execute("SELECT token FROM mail_recipient WHERE user_id = %s", (user_id,))
        (token,) = row.fetchone() or ("",)
    return f"{UNSUBSCRIBE_PATH}{token}"


def unsubscribed(journal: Journal) -> set[str]:
    with journal.connection() as connection:
        query = "SELECT user_id FROM mail_recipient WHERE unsubscribed_at IS NOT NULL"
        return {user_id for (user_id,) in connection.execute(query)}


def test_the_link_in_the_mail_leads_to_the_page(journal: Journal, address: Address) -> None:
    """Contract: GET shows a page in words, with a button and no script, and changes nothing."""
    with mail_server() as server, notifying(journal, server):
        grant(journal, "mia")
        eventually(lambda: settled(journal))
    (mail,) = server.accepted
    link = urlsplit(mail.message["List-Unsubscribe"].strip("<>"))
    assert link.path == path_of(journal, "mia")
    for _ in range(2):
        answer = ask(address, "GET", link.path)
        assert answer.status == 200
        assert "Acme" in answer.page
        assert '<form method="post"><button>Unsubscribe</button></form>' in answer.page
        assert "script" not in answer.page
    assert unsubscribed(journal) == set()


@pytest.mark.parametrize("body", [None, "List-Unsubscribe=One-Click", "anything"])
def test_one_click_unsubscribes(journal: Journal, address: Address, body: str | None) -> None:
    """RFC 8058: a POST by a bare client, without cookies or sign-in, unsubscribes at once; again is the same."""
    headers = {} if body is None else {"Content-Type": "application/x-www-form-urlencoded"}
    for _ in range(2):
        answer = ask(address, "POST", path_of(journal, "mia"), body, **headers)
        assert answer.status == 200
        assert "You are unsubscribed" in answer.page
    assert unsubscribed(journal) == {"mia"}
    assert "You are unsubscribed" in ask(address, "GET", path_of(journal, "mia")).page
    assert "<button>" in ask(address, "GET", path_of(journal, "ben")).page


def test_unsubscribing_holds_for_one_organization(journal: Journal, address: Address) -> None:
    """Rule 19: whoever has unsubscribed gets no mail of this organization any more, but that of others."""
    ask(address, "POST", path_of(journal, "mia"))
    take(journal, registered("mia", organization_id="other"), organization(organization_id="other"))
    others = [session(number, "mia", "ann", organization_id="other") for number in range(10)]
    take(journal, *others)
    with mail_server() as server, notifying(journal, server):
        grant(journal, *USERS)
        eventually(lambda: settled(journal))
    assert sorted(server.recipients) == ["ben@example.org", "mia@example.org"]
    with journal.connection() as connection:
        query = (
            "SELECT organization_id FROM mail WHERE user_id = 'mia' AND outcome = 'unsubscribed'"
        )
        assert connection.execute(query).fetchall() == [("acme",)]


@pytest.mark.parametrize(
    "token", ["a" * 24, "", "short", "%00" * 24, "%ED%A0%80", "..%2F..%2Fetc", "a/b", "x" * 5000]
)
def test_an_unknown_token_opens_nothing(journal: Journal, address: Address, token: str) -> None:
    """Contract: any other token answers 404, whatever it is."""
    for method in ("GET", "POST"):
        answer = ask(address, method, f"{UNSUBSCRIBE_PATH}{token}")
        assert answer.status == 404
        assert "There is nothing here" in answer.page
    assert unsubscribed(journal) == set()


def test_the_page_of_the_erased_tells_nothing(journal: Journal, address: Address) -> None:
    """Rule 27: for an erased member the page and its button answer exactly as for anybody else."""
    take(journal, erased("mia"))
    project(journal, repeat(1000))
    for method in ("GET", "POST"):
        mias, bens = (ask(address, method, path_of(journal, user_id)) for user_id in USERS)
        assert (mias.status, mias.page) == (bens.status, bens.page)
        assert mias.status == 200


def test_what_caches_and_search_engines_are_told(journal: Journal, address: Address) -> None:
    """Contract: nothing keeps or indexes the page, nothing on it leads elsewhere or runs, on 404 too."""
    for path in (path_of(journal, "mia"), f"{UNSUBSCRIBE_PATH}unknown"):
        for method in ("GET", "POST"):
            headers = ask(address, method, path).headers
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Robots-Tag"] == "noindex, noarchive"
            assert headers["Referrer-Policy"] == "no-referrer"
            policy = headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; style-src 'sha256-")
            assert "form-action 'self'" in policy
            assert headers.get("Set-Cookie") is None


@pytest.mark.parametrize("tag", WORDS)
def test_the_page_speaks_the_readers_language(journal: Journal, address: Address, tag: str) -> None:
    """The page has the words of the language that the browser asks for."""
    words = WORDS[tag].page
    accepted = {"Accept-Language": f"xx, {tag}-XX;q=0.8, en;q=0.1"}
    asked = ask(address, "GET", path_of(journal, "mia"), **accepted).page
    done = ask(address, "POST", path_of(journal, "mia"), **accepted).page
    assert f'<html lang="{tag}" dir="{"rtl" if tag == "ar" else "ltr"}">' in asked
    assert words.ask.title.replace("'", "&#39;") in asked
    assert words.done.title in done


def test_the_database_is_away() -> None:
    """Without a database the page says so and asks to come again; nothing is pretended."""
    with (
        Journal("postgresql://127.0.0.1:1/nowhere", "achievements", EVENT_TYPES) as nowhere,
        served(nowhere) as address,
    ):
        answer = ask(address, "POST", UNSUBSCRIBE_PATH + "a" * 24)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert "Please try again in a moment." in answer.page
