"""Who may see a member's activity and home, checked in the contract's order. Rule 26."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import jwt
import pytest

from services.journal import Journal
from tests.integration.http_calls import SECRET, Client, bearer, calling, know
from tests.scenario import organization, session

BEN: Final = "/v1/organizations/acme/members/ben/"
ACTIVITY: Final = BEN + "activity"
HOME: Final = BEN + "home"
OTHERS: Final = "/v1/organizations/globex/members/ben/activity"
NOWHERE: Final = "/v1/organizations/never-heard-of/members/ben/home"
NO_ID: Final = "/v1/organizations/acme/members/a%3Ab/activity"


@pytest.fixture(scope="module")
def client(database: Journal) -> Iterator[Client]:
    told(database)
    with calling(database) as client:
        yield client


def told(journal: Journal) -> None:
    """Two organizations, each with a Ben."""
    globex = session(2, organization_id="globex")
    know(journal, organization(), session(1), organization(organization_id="globex"), globex)


def status(client: Client, path: str, headers: dict[str, str] | None) -> int:
    """The status of an answer, which is a problem document where it is an error."""
    answer = client.call("GET", path, headers)
    if answer.is_error:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
        assert "ben" not in answer.text
    return answer.status_code


@pytest.mark.parametrize("path", [ACTIVITY, HOME, OTHERS, NOWHERE, NO_ID])
def test_without_a_good_token_it_is_401(client: Client, path: str) -> None:
    """Without a token, or with a bad one, every call is 401, whatever it asks for."""
    claims = {"sub": "ben", "org": "acme", "roles": ["member"], "aud": "achievements"}
    hour = timedelta(hours=1)
    forged = [
        jwt.encode(claims | {"exp": datetime.now(UTC) + hour}, b"another secret" * 4),
        jwt.encode(claims | {"exp": datetime.now(UTC) - hour}, SECRET),
        jwt.encode(claims | {"exp": datetime.now(UTC) + hour, "aud": "sharing"}, SECRET),
        jwt.encode(claims | {"exp": datetime.now(UTC) + hour, "org": "a/b"}, SECRET),
        jwt.encode(claims | {"exp": datetime.now(UTC) + hour}, "", algorithm="none"),
        jwt.encode(claims, SECRET),
        "nonsense",
    ]
    assert status(client, path, None) == 401
    for token in forged:
        assert status(client, path, {"Authorization": f"Bearer {token}"}) == 401
    answer = client.call("GET", path)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "roles", [(), ("member",), ("admin",), ("operator",), ("admin", "operator")]
)
def test_another_organization_is_404(client: Client, roles: tuple[str, ...]) -> None:
    """Another organization's data are not found, by nobody, and told from nothing that is not there."""
    for path in (OTHERS, NOWHERE):
        for user_id in ("ben", "eve", "me2"):
            assert status(client, path, bearer(user_id, *roles)) == 404
    answers = {client.call("GET", path, bearer("ben", *roles)).text for path in (OTHERS, NOWHERE)}
    assert len(answers) == 1


def test_who_sees_whom(client: Client) -> None:
    """Activity is for oneself and admins, home for oneself; an operator sees neither, unless they are an admin."""
    allowed = {
        ("ben", "member"): (200, 200),
        ("ben",): (200, 200),
        ("ben", "operator"): (200, 200),
        ("eve", "member"): (403, 403),
        ("eve",): (403, 403),
        ("eve", "operator"): (403, 403),
        ("eve", "wizard"): (403, 403),
        ("eve", "admin"): (200, 403),
        ("eve", "admin", "operator"): (200, 403),
    }
    for (user_id, *roles), expected in allowed.items():
        headers = bearer(user_id, *roles)
        assert (status(client, ACTIVITY, headers), status(client, HOME, headers)) == expected


def test_what_can_not_be_is_404_behind_403(client: Client) -> None:
    """An id that nothing can have is not found by those who may ask, and forbidden to those who may not."""
    for odd in ("a%3Ab", "%00", "x" * 129, "%C2%A0"):
        path = f"/v1/organizations/acme/members/{odd}/activity"
        assert status(client, path, bearer("ben", "member")) == 403
        assert status(client, path, bearer("eve", "admin")) == 404
    assert (
        status(client, "/v1/organizations/acme/members/a%2Fb/activity", bearer("eve", "admin"))
        == 404
    )


def test_somebody_elses_me(client: Client) -> None:
    """`me` of another organization is 404 like anybody's, and one's own is always allowed."""
    assert status(client, BEN.replace("ben", "me") + "home", bearer("eve")) == 200
    assert status(client, OTHERS.replace("ben", "me"), bearer("ben")) == 404


def test_an_admin_sees_what_the_member_sees(client: Client) -> None:
    """An admin's answer is the member's own; and each organization's Ben has his own sessions."""
    own = client.call("GET", ACTIVITY, bearer("ben"))
    assert client.call("GET", ACTIVITY, bearer("eve", "admin")).json() == own.json()
    theirs = client.call("GET", OTHERS, bearer("ben", organization_id="globex"))
    sessions = [one.json()["sessions_without_feedback"] for one in (own, theirs)]
    assert [[item["session_id"] for item in some] for some in sessions] == [["s1"], ["s2"]]


def test_only_get(client: Client) -> None:
    """Activity and home can only be read."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.call(method, ACTIVITY, bearer("ben"))
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
