"""What calls are sent, and the problems that are answered."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest
from psycopg_pool import PoolTimeout
from structlog.testing import capture_logs

from schemas import checks
from services.web import Problem, json_response
from services.web.bodies import MAX_BODY_BYTES, decode_json
from services.web.pages import PageQuery

from .conftest import Client, Headers

AWARDS = "/v1/organizations/acme/programs/p1/awards"
REPORT = "/v1/organizations/acme/programs/p1/report"
ACTIVITY = "/v1/organizations/acme/members/me/activity"
ASSET = "/v1/organizations/acme/assets/0"


@pytest.fixture
def admin(as_user: Headers) -> dict[str, str]:
    return as_user("ada", "admin")


def fields(answer: Any) -> list[str]:
    """The fields that an answer 422 names."""
    document = answer.json()
    assert (answer.status_code, document["type"]) == (422, "urn:problem-type:invalid-input")
    assert all(error["field"] in document["detail"] for error in document["errors"])
    return [error["field"] for error in document["errors"]]


def test_a_body(client: Client, admin: dict[str, str]) -> None:
    """A body is taken whatever its Content-Type says, and what we don't know in it is ignored."""
    for content_type in ("application/json", "text/plain", ""):
        answer = client.call(
            "POST",
            AWARDS,
            headers=admin | {"Content-Type": content_type},
            content=b'{"user_ids":["bob"],"colour":"\\u0000"}',
        )
        assert answer.json() == {"granted": ["bob"], "at": "2026-03-01T09:30:00Z"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", ["body"]),
        (b"{", ["body"]),
        (b"nonsense", ["body"]),
        (b'{"user_ids":["\xff"]}', ["body"]),
        (b'{"user_ids":["\\ud800 and more"]}', ["body"]),
        (b'{"user_ids":["b"],"required_sessions":NaN}', ["body"]),
        (b'{"x":' + b"[" * 100_000, ["body"]),
        (b"[]", ["body"]),
        (b"null", ["body"]),
        (b"{}", ["user_ids"]),
        (b'{"user_ids":null}', ["user_ids"]),
        (b'{"user_ids":[]}', ["user_ids"]),
        (b'{"user_ids":["b",7]}', ["user_ids[1]"]),
        (b'{"user_ids":["b"],"required_sessions":0}', ["required_sessions"]),
        (b'{"user_ids":["b"],"required_sessions":true}', ["required_sessions"]),
        (b'{"user_ids":["b"],"required_sessions":1e400}', ["required_sessions"]),
        (b'{"user_ids":["a:b","b","me"]}', ["user_ids[0]", "user_ids[2]"]),
        (b'{"user_ids":["b"],"note":"\\u0000"}', ["note"]),
        (b'{"user_ids":["erased"]}', ["user_ids"]),
    ],
)
def test_bad_bodies(client: Client, admin: dict[str, str], body: bytes, named: list[str]) -> None:
    """A body that can't be used is 422 and names the fields, all that a check has found."""
    assert fields(client.call("POST", AWARDS, headers=admin, content=body)) == named


class Person(msgspec.Struct):
    name: str
    colour: Annotated[str, checks.colour_problem] | None = None


class Group(msgspec.Struct):
    people: tuple[Person, ...] = ()
    by_name: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.people) > 1:
            raise ValueError("people: one is enough")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ('{"people":[{"name":"a","colour":"red"}]}', {"people[0].colour"}),
        ('{"people":[{}]}', {"people[0].name"}),
        ('{"people":[{"name":"a"},{"name":"b"}]}', {"people"}),
        ('{"people":[{"name":"\\u0000"}]}', {"people[0].name"}),
        ('{"by_name":{"x":"\\u0000"}}', {"by_name.x"}),
        ('{"by_name":{"x":"a","y":"\\\\u0000"}}', set()),
    ],
)
def test_fields_inside_of_others(body: str, named: set[str]) -> None:
    """A field inside of others is named by its path; NUL is found in any text, and only NUL."""
    found = set()
    try:
        decode_json(body.encode(), Group)
    except Problem as problem:
        found = {error.field for error in problem.document["errors"]}  # type: ignore[attr-defined] # they are FieldErrors
    assert found == named


def test_a_large_body(client: Client, admin: dict[str, str]) -> None:
    """A body over the limit is 413, whether its length is declared or not, and read no further."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 65_536
            yield bytes(65_536)

    declared = client.call("POST", AWARDS, headers=admin, content=bytes(MAX_BODY_BYTES + 1))
    streamed = client.call("POST", AWARDS, headers=admin, content=endless())
    assert [declared.status_code, streamed.status_code] == [413, 413]
    assert declared.json()["detail"] == f"The body may have {MAX_BODY_BYTES} bytes at most."
    assert read <= MAX_BODY_BYTES + 2 * 65_536


def test_a_body_of_bytes(client: Client, admin: dict[str, str]) -> None:
    """A body of bytes comes as it is, within the limit of its call."""
    kept = client.call("PUT", ASSET, headers=admin, content=bytes(1000))
    assert (kept.status_code, kept.json()["size_bytes"]) == (201, 1000)
    assert client.call("PUT", ASSET, headers=admin, content=bytes(1001)).status_code == 413
    assert client.call("PUT", ASSET, content=bytes(2_000_000)).status_code == 401


def test_pages(client: Client, admin: dict[str, str]) -> None:
    """Following `next` from page to page gives every item once, and null on the last page."""
    sizes, seen, query = [], [], "?limit=100"
    while True:
        found = client.get(REPORT + query, headers=admin).json()
        sizes.append(len(found["items"]))
        seen += [item["user_id"] for item in found["items"]]
        if found["next"] is None:
            break
        query = f"?cursor={found['next']}"
    assert sizes == [100, 100, 50]
    assert seen == [f"p1-{number:03}" for number in range(250)]


def test_a_page_that_ends_with_the_last_item(client: Client, admin: dict[str, str]) -> None:
    """A full last page has no next one."""
    assert client.get(f"{REPORT}?limit=250", headers=admin).json()["next"] is None
    assert client.get(f"{REPORT}?limit=249", headers=admin).json()["next"] is not None


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1.5", ""])
def test_bad_limits(client: Client, admin: dict[str, str], limit: str) -> None:
    """A limit is a whole number from 1 to 1000."""
    assert fields(client.get(f"{REPORT}?limit={limit}", headers=admin)) == ["limit"]


def cursor(document: bytes) -> str:
    return base64.urlsafe_b64encode(document).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!",
        "x",
        "é",
        "null",
        cursor(b"7"),
        cursor(b"{"),
        cursor(b'"\\u0000"'),
        cursor(b'"\xff"'),
        cursor(b"[" * 2000),
        "x" * 5000,
    ],
)
def test_bad_cursors(client: Client, admin: dict[str, str], text: str) -> None:
    """A cursor that we can't have given is 422 and named."""
    assert fields(client.get(REPORT, params={"cursor": text}, headers=admin)) == ["cursor"]


def test_cursors_keep_types() -> None:
    """A sort key comes back as it was, instants included."""
    key = (datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC), "ünï")
    page = PageQuery(1, None).page([key, key], lambda item: item)
    assert PageQuery(1, page.next).after(tuple[datetime, str]) == key
    assert PageQuery(1, None).after(tuple[datetime, str]) is None


def test_query_parameters(client: Client, admin: dict[str, str]) -> None:
    """Instants are taken with any offset and are UTC then; ids are checked."""
    query = {"as_of": "2026-03-01T10:30:00+01:00", "program_id": "p1"}
    answer = client.get(ACTIVITY, params=query, headers=admin).json()
    assert (answer["as_of"], answer["program_id"]) == ("2026-03-01T09:30:00Z", "p1")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("as_of=2026-03-01T10:30:00", ["as_of"]),
        ("as_of=1700000000", ["as_of"]),
        ("as_of=", ["as_of"]),
        ("as_of=x&program_id=a:b", ["as_of", "program_id"]),
        ("program_id=%00", ["program_id"]),
        ("program_id=", ["program_id"]),
    ],
)
def test_bad_query_parameters(
    client: Client, admin: dict[str, str], query: str, named: list[str]
) -> None:
    """Parameters that can't be used are 422, all of them named."""
    assert fields(client.get(f"{ACTIVITY}?{query}", headers=admin)) == named


def test_the_form_of_a_problem(client: Client, admin: dict[str, str]) -> None:
    """A problem has type, title, status and detail, and the members of its kind."""
    answer = client.call("POST", AWARDS, headers=admin, json={"user_ids": ["bob"], "note": "stale"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:problem-type:stale",
        "title": "Stale",
        "status": 409,
        "preview": {"granted": [], "at": "2026-03-01T09:30:00Z"},
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("GET", f"{REPORT}/", 404),
        ("GET", AWARDS, 405),
        ("TRACE", "/healthz", 405),
    ],
)
def test_problems_of_the_framework(client: Client, method: str, path: str, status: int) -> None:
    """What no call of ours has answered is a problem document, too."""
    answer = client.call(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.json()["type"] == "about:blank"
    assert answer.headers["content-type"] == "application/problem+json"


def test_allow(client: Client) -> None:
    """405 names every method that the address has, whichever calls they belong to."""
    certificate = "/v1/organizations/acme/programs/p1/certificate"
    assert client.call("POST", certificate).headers["allow"] == "DELETE"
    assert client.call("POST", "/s/x").headers["allow"] == "GET, HEAD"


def test_exceptions_of_the_service(client: Client, admin: dict[str, str]) -> None:
    """A service says its own exceptions as problems."""
    answer = client.get("/v1/organizations/acme/failures/odd", headers=admin)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:problem-type:odd")


def test_the_database_is_away(client: Client, admin: dict[str, str]) -> None:
    """While the database does not answer it is 503 with Retry-After, without a word on where it is."""
    with capture_logs() as logs:
        answer = client.get("/v1/organizations/acme/failures/database", headers=admin)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "10.0.0.1" not in answer.text + json.dumps(logs)


def test_a_pool_without_connections_is_a_database_that_is_away() -> None:
    """Waiting in vain for a connection is answered like a database that does not answer."""
    assert issubclass(PoolTimeout, psycopg.OperationalError)


def test_a_fault_of_ours(client: Client, admin: dict[str, str]) -> None:
    """An exception that nobody expected is 500 and tells nothing, but is logged with its traceback."""
    with capture_logs() as logs:
        answer = client.get("/v1/organizations/acme/failures/unexpected", headers=admin)
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
    }
    failed = next(line for line in logs if line["event"] == "request_failed")
    assert (failed["log_level"], failed["exc_info"]) == ("error", True)
    assert failed["route"] == "/v1/organizations/{organization_id}/failures/{kind}"


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("UTC"), timezone(timedelta())])
def test_instants_end_in_z(zone: Any) -> None:
    """An instant in UTC is written with `Z`, whichever of Python's UTCs it has."""
    answer = json_response({"at": datetime(2026, 3, 1, 9, 30, tzinfo=zone)})
    assert answer.body == b'{"at":"2026-03-01T09:30:00Z"}'
