"""Who may call what, and in which order that is checked."""

from typing import Any

import pytest
from fastapi import APIRouter

from services.web import ApiRoute

from .conftest import Client, Headers

HOME = "/v1/organizations/acme/members/{}/home"
ACTIVITY = "/v1/organizations/acme/members/{}/activity"
AWARDS = "/v1/organizations/{}/programs/{}/awards"
REPORT = "/v1/organizations/{}/programs/{}/report?limit=x"
BROKEN = {"content": b"{"}


@pytest.mark.parametrize(
    ("who", "organization", "program", "status"),
    [
        (None, "other", "unknown", 401),
        ("admin", "other", "unknown", 404),
        ("member", "other", "unknown", 404),
        ("member", "acme", "unknown", 403),
        ("admin", "acme", "unknown", 404),
        ("admin", "acme", "p1", 422),
    ],
)
@pytest.mark.parametrize(
    ("method", "address", "options"), [("POST", AWARDS, BROKEN), ("GET", REPORT, {})]
)
def test_order_of_checks(
    client: Client,
    as_user: Headers,
    who: str | None,
    organization: str,
    program: str,
    status: int,
    method: str,
    address: str,
    options: dict[str, Any],
) -> None:
    """401, 404 for the organization, 403, 404 for what it holds, then body and query: whatever else is wrong."""
    headers = as_user("ada", who) if who else {}
    answer = client.call(method, address.format(organization, program), headers=headers, **options)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_stranger_is_not_told_what_is_wrong(client: Client) -> None:
    """Who has no token learns nothing about the request's other faults."""
    answer = client.call("POST", AWARDS.format("acme", "p1") + "?limit=x", **BROKEN)
    assert "errors" not in answer.json()


def test_another_organization_is_like_none(client: Client, as_user: Headers) -> None:
    """An organization that is not the token's gives the same answer whether it exists or not."""
    bob = as_user("bob", "admin", organization_id="other")
    seen = [
        client.get(f"/v1/organizations/{organization}/whoami", headers=bob).json()
        for organization in ("acme", "never-heard-of", "a:b")
    ]
    assert seen == [{"type": "about:blank", "title": "Not Found", "status": 404}] * 3


@pytest.mark.parametrize(
    ("user_id", "roles", "address", "status"),
    [
        ("ada", (), HOME.format("ada"), 200),
        ("bob", (), HOME.format("ada"), 403),
        ("bob", ("admin",), HOME.format("ada"), 403),
        ("bob", (), ACTIVITY.format("ada"), 403),
        ("bob", ("operator",), ACTIVITY.format("ada"), 403),
        ("bob", ("admin",), ACTIVITY.format("ada"), 200),
        ("bob", (), "/v1/organizations/acme/whoami", 200),
    ],
)
def test_rules(
    client: Client,
    as_user: Headers,
    user_id: str,
    roles: tuple[str, ...],
    address: str,
    status: int,
) -> None:
    """A call is for those whom any of its rules lets, and for everybody signed in without a rule."""
    assert client.get(address, headers=as_user(user_id, *roles)).status_code == status


def test_me(client: Client, as_user: Headers) -> None:
    """`me` is the token's own user id, for the rules and for the call."""
    ada, admin = as_user("ada"), as_user("root", "admin")
    assert client.get(HOME.format("me"), headers=ada).json() == {"user_id": "ada"}
    assert client.get(ACTIVITY.format("me"), headers=admin).json()["user_id"] == "root"


def test_ids_are_percent_encoded(client: Client, as_user: Headers) -> None:
    """An id in an address is percent-encoded, and may be of any script."""
    answer = client.get(HOME.format("%C3%85sa%20%E2%82%AC%3F"), headers=as_user("Åsa €?"))
    assert answer.json() == {"user_id": "Åsa €?"}


@pytest.mark.parametrize("user_id", ["a%3Ab", "%00", "x" * 129, "%7F", "%E2%80%8B"])
def test_impossible_ids(client: Client, as_user: Headers, user_id: str) -> None:
    """An id that nothing can have is 404 for who may ask, and 403 as ever for who may not."""
    address = ACTIVITY.format(user_id)
    assert client.get(address, headers=as_user("bob", "admin")).status_code == 404
    assert client.get(address, headers=as_user("bob")).status_code == 403


def test_a_call_says_who_may_make_it() -> None:
    """A call that does not say who may make it can't be defined; nor one that would block all others."""
    router = APIRouter(route_class=ApiRoute)

    async def open_to_all() -> None: ...

    def blocking() -> None: ...

    with pytest.raises(TypeError, match="does not say who may call it"):
        router.get("/open")(open_to_all)
    with pytest.raises(TypeError, match="is not an async function"):
        router.get("/blocking")(blocking)
