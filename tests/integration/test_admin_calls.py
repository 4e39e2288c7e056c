"""What admins tell over HTTP: previews and their confirmation, manual awards, revocations. Rules 6, 7, 9, 11, 12, 20."""

from asyncio import Runner
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any, NamedTuple

import httpx
import pytest
from structlog.testing import capture_logs

from schemas import learning
from services.achievements import api
from services.achievements.settings import AchievementsSettings
from services.environment import read_settings
from services.journal import Journal
from services.web import Principal, TokenVerifier, issue_token
from tests.integration.service import migrated, project, take
from tests.scenario import certificate, erased, feedback, joined, organization, registered, session

SECRET = b"0123456789abcdef0123456789abcdef"
BASE = "/v1/organizations/acme"
CERTIFICATE = f"{BASE}/programs/p1/certificate"
DESIGN = {"name": "Spring", "text": "Well done", "colour": "#0a5c36"}


class Client(NamedTuple):
    """The application, and the loop that it lives in."""

    runner: Runner
    transport: httpx.ASGITransport

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            client = httpx.AsyncClient(transport=self.transport, base_url="http://test")
            return await client.request(method, path, **options)

        return self.runner.run(call())


class Caller:
    """One who calls the API with a token."""

    def __init__(self, client: Client, user_id: str, role: str, organization_id: str = "acme"):
        self._client = client
        token = issue_token(
            SECRET,
            Principal(user_id, organization_id, frozenset({role})),
            audience="achievements",
            expires_at=datetime.now(UTC) + timedelta(hours=1),
        )
        self._headers = {"authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        return self._client.request(method, path, json=body, headers=self._headers)


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as its_journal:
        yield its_journal


@pytest.fixture
def client(journal: Journal) -> Iterator[Client]:
    verifier = TokenVerifier(keys=None, secret=SECRET, audience="achievements")
    settings = read_settings(AchievementsSettings, {})
    app = api.create(journal, settings, verifier)
    lifespan = app.router.lifespan_context(app)
    with Runner() as runner:
        runner.run(lifespan.__aenter__())
        yield Client(runner, httpx.ASGITransport(app))
        runner.run(lifespan.__aexit__(None, None, None))


@pytest.fixture
def admin(client: Client) -> Caller:
    return Caller(client, "boss", "admin")


def program(type_: learning.ProgramType = "one_to_one") -> learning.ProgramConfigured:
    return learning.ProgramConfigured(
        organization_id="acme", program_id="p1", program_type=type_, name="Spring"
    )


def enable(admin: Caller, required: int | None, **more: Any) -> Any:
    """Looks at a preview and confirms it."""
    preview = admin("POST", f"{CERTIFICATE}/previews", {"required_sessions": required}).json()
    body = {**DESIGN, "required_sessions": required, "preview_id": preview["preview_id"], **more}
    return admin("PUT", CERTIFICATE, body)


def test_a_preview_is_confirmed_exactly(journal: Journal, admin: Caller) -> None:
    """Rule 9: enabling shows first who would be granted the certificate, and grants them on confirmation."""
    take(journal, organization(), program(), registered("ben", name="Ben"), session(1), feedback(1))
    answer = admin("POST", f"{CERTIFICATE}/previews", {"required_sessions": 1})
    assert answer.status_code == 201
    shown = answer.json()["would_grant"]
    assert shown["count"] == 2
    assert [(one["user_id"], one["display_name"]) for one in shown["members"]] == [
        ("ben", "Ben"),
        ("mia", None),
    ]
    assert shown["members"][0]["earned_at"] == "2026-01-02T21:00:00Z"
    body = {**DESIGN, "required_sessions": 1, "preview_id": answer.json()["preview_id"]}
    assert admin("PUT", CERTIFICATE, body).status_code == 200
    earned = admin("GET", f"{BASE}/members/ben/activity").json()["certificates"]["earned"]
    assert [one["title"] for one in earned] == ["Spring"]
    assert admin("PUT", CERTIFICATE, body).status_code == 200, "a double click changes nothing"


def test_operators_are_told_what_was_granted(journal: Journal, admin: Caller) -> None:
    """The log names the awards that a call has granted, with the position of what they were decided at; a preview, which
    is tried and taken back, grants none, and neither does a call that is refused."""
    take(journal, organization(), program(), session(1), feedback(1))
    with capture_logs() as logs:
        assert admin("POST", f"{CERTIFICATE}/previews", {"required_sessions": 1}).is_success
        assert admin("PUT", CERTIFICATE, {**DESIGN, "required_sessions": 1}).status_code == 428
    assert not [line for line in logs if line["event"] == "awards_granted"]
    with capture_logs() as logs:
        assert enable(admin, 1).status_code == 200
    with journal.connection() as connection:
        told = {type(one.event).__name__: one for one in journal.read(connection, 0, 100)}
        grants = journal.read(connection, told["CertificateEnabled"].position, 100)
    (line,) = [line for line in logs if line["event"] == "awards_granted"]
    assert len(grants) == 2
    assert line["awards"] == {
        one.event.award_id: told["CertificateEnabled"].position for one in grants
    }


def test_without_a_preview_a_fresh_one_is_shown(journal: Journal, admin: Caller) -> None:
    """Rule 9: without a preview enabling is refused with 428, and the problem carries one that can be confirmed."""
    take(journal, organization(), program(), session(1), feedback(1))
    body: dict[str, Any] = {**DESIGN, "required_sessions": 1}
    refused = admin("PUT", CERTIFICATE, body)
    assert refused.status_code == 428
    assert refused.json()["preview"]["would_grant"]["count"] == 2
    body["preview_id"] = refused.json()["preview"]["preview_id"]
    assert admin("PUT", CERTIFICATE, body).status_code == 200


def test_a_stale_preview_is_refused(journal: Journal, admin: Caller) -> None:
    """Rule 9: where the facts have moved so that the outcome differs, the confirmation is refused with a fresh preview."""
    take(journal, organization(), program(), session(1), feedback(1))
    preview = admin("POST", f"{CERTIFICATE}/previews", {"required_sessions": 1}).json()
    take(journal, session(2, "mia", "eve"), feedback(2, "eve"))
    body = {**DESIGN, "required_sessions": 1, "preview_id": preview["preview_id"]}
    refused = admin("PUT", CERTIFICATE, body)
    assert refused.status_code == 409
    assert refused.json()["preview"]["would_grant"]["count"] == 3
    other_number = {**body, "required_sessions": 2}
    assert admin("PUT", CERTIFICATE, other_number).status_code == 409
    assert admin("GET", f"{BASE}/members/ben/activity").json()["certificates"]["earned"] == []


def test_facts_that_change_nothing_leave_a_preview_good(journal: Journal, admin: Caller) -> None:
    """Rule 9: facts that have moved without another outcome don't matter."""
    take(journal, organization(), program(), session(1), feedback(1))
    preview = admin("POST", f"{CERTIFICATE}/previews", {"required_sessions": 1}).json()
    take(journal, session(2), joined("zoe"))
    body = {**DESIGN, "required_sessions": 1, "preview_id": preview["preview_id"]}
    assert admin("PUT", CERTIFICATE, body).status_code == 200


def test_changes_need_a_preview_only_for_the_number(journal: Journal, admin: Caller) -> None:
    """Rule 9: a change of words takes effect at once; one of the number is to be confirmed."""
    take(journal, organization(), program(), session(1), feedback(1))
    assert enable(admin, 5).status_code == 200
    assert admin("PATCH", CERTIFICATE, {"name": "Summer", "guidance": "Go on"}).status_code == 200
    refused = admin("PATCH", CERTIFICATE, {"required_sessions": 1})
    assert refused.status_code == 428
    confirmed = {"required_sessions": 1, "preview_id": refused.json()["preview"]["preview_id"]}
    assert admin("PATCH", CERTIFICATE, confirmed).status_code == 200
    (earned,) = admin("GET", f"{BASE}/members/ben/activity").json()["certificates"]["earned"]
    assert earned["title"] == "Summer"
    assert admin("PATCH", CERTIFICATE, {"name": None}).status_code == 422


def test_what_programs_cannot_have(journal: Journal, admin: Caller) -> None:
    """Rule 6: no certificate for an unconfigured or a group program, and no number in a development program: 409."""
    take(journal, organization())
    number = {"required_sessions": 1}
    assert admin("POST", f"{CERTIFICATE}/previews", number).status_code == 409
    take(journal, program("group"))
    assert admin("POST", f"{CERTIFICATE}/previews", number).status_code == 409
    assert admin("POST", f"{CERTIFICATE}/awards", {"user_ids": ["ben"]}).status_code == 409
    take(journal, program("development"))
    assert admin("POST", f"{CERTIFICATE}/previews", number).status_code == 409
    assert enable(admin, None).status_code == 200


def test_disabling(journal: Journal, admin: Caller) -> None:
    """Rule 11: disabling is answered 204 however often, and 404 where there never was one."""
    take(journal, organization(), program(), session(1), feedback(1))
    assert admin("DELETE", CERTIFICATE).status_code == 404
    assert enable(admin, 1).status_code == 200
    assert [admin("DELETE", CERTIFICATE).status_code for _ in range(2)] == [204, 204]
    assert admin("PUT", CERTIFICATE, {**DESIGN, "required_sessions": 1}).status_code == 428


def test_awards_by_hand(journal: Journal, admin: Caller) -> None:
    """Rule 12: named members are granted it, holders are skipped, and it waits where it can't be had yet."""
    take(journal, organization(), program())
    awards = f"{CERTIFICATE}/awards"
    assert admin("POST", awards, {"user_ids": ["ben", "ben"]}).json() == {
        "granted": [],
        "already_held": [],
        "pending": ["ben"],
    }
    preview = admin("POST", f"{CERTIFICATE}/previews", {}).json()
    assert preview["would_grant"]["count"] == 1, "previews include waiting awards"
    assert enable(admin, None).status_code == 200
    became = admin("POST", awards, {"user_ids": ["zoe", "ben"], "note": "Thanks"}).json()
    assert [one["user_id"] for one in became["granted"]] == ["zoe"]
    assert (became["already_held"], became["pending"]) == (["ben"], [])
    take(journal, erased("eve"))
    refused = admin("POST", awards, {"user_ids": ["eve"]})
    assert refused.status_code == 422
    assert "eve" in refused.text


def test_revocation(journal: Journal, admin: Caller) -> None:
    """Rule 20: an award is revoked with a reason, 204 however often; by hand it can be granted again."""
    take(journal, organization(), program())
    assert enable(admin, None).status_code == 200
    awards = f"{CERTIFICATE}/awards"
    (granted,) = admin("POST", awards, {"user_ids": ["ben"]}).json()["granted"]
    revocation = f"{BASE}/awards/{granted['award_id']}/revocation"
    assert admin("POST", f"{BASE}/awards/nope/revocation", {}).status_code == 404
    assert admin("POST", revocation, {}).status_code == 422
    assert [admin("POST", revocation, {"reason": "x"}).status_code for _ in range(2)] == [204, 204]
    (unearned,) = admin("GET", f"{BASE}/members/ben/activity").json()["certificates"]["unearned"]
    assert unearned["revoked"] is True
    (again,) = admin("POST", awards, {"user_ids": ["ben"]}).json()["granted"]
    assert again["award_id"] != granted["award_id"]


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "most"),
    [
        ("PUT", CERTIFICATE, DESIGN, "name", 500),
        ("PUT", CERTIFICATE, DESIGN, "text", 5_000),
        ("PUT", CERTIFICATE, DESIGN, "guidance", 5_000),
        ("PATCH", CERTIFICATE, {}, "name", 500),
        ("PATCH", CERTIFICATE, {}, "text", 5_000),
        ("PATCH", CERTIFICATE, {}, "guidance", 5_000),
        ("POST", f"{CERTIFICATE}/awards", {"user_ids": ["zoe"]}, "note", 5_000),
        ("POST", f"{BASE}/awards/{{award_id}}/revocation", {}, "reason", 5_000),
    ],
)
def test_what_is_typed_is_bounded(
    journal: Journal,
    admin: Caller,
    method: str,
    path: str,
    body: dict[str, str],
    field: str,
    most: int,
) -> None:
    """Free text of an admin's is taken up to a bound, and refused beyond it by the field's name; Kafka knows no bound."""
    take(journal, organization(), program(), certificate(None, text="x" * 50_000))
    (granted,) = admin("POST", f"{CERTIFICATE}/awards", {"user_ids": ["ben"]}).json()["granted"]
    path = path.format(award_id=granted["award_id"])
    refused = admin(method, path, {**body, field: "é" * (most + 1)})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert admin(method, path, {**body, field: "é" * most}).is_success


def test_only_admins_of_the_organization(journal: Journal, client: Client) -> None:
    """Rule 26: members may not, and another organization's admins meet 404, before the body is judged."""
    take(journal, organization(), program())
    member = Caller(client, "ben", "member")
    stranger = Caller(client, "boss", "admin", "other")
    for method, path in (
        ("PUT", CERTIFICATE),
        ("PATCH", CERTIFICATE),
        ("DELETE", CERTIFICATE),
        ("POST", f"{CERTIFICATE}/previews"),
        ("POST", f"{CERTIFICATE}/awards"),
        ("POST", f"{BASE}/awards/x/revocation"),
    ):
        assert member(method, path, []).status_code == 403
        assert stranger(method, path, []).status_code == 404


def test_a_write_sees_facts_not_projected_yet(journal: Journal, admin: Caller) -> None:
    """A preview is of the journal's head, however far the projection has come; the projection then grants nothing anew."""
    take(journal, organization(), program(), *(session(n) for n in range(1, 11)), feedback(1))
    assert enable(admin, 1).status_code == 200
    project(journal, repeat(100))
    badges = admin("GET", f"{BASE}/members/ben/activity").json()["badges"]["earned"]
    assert [one["code"] for one in badges] == ["mentee"]
