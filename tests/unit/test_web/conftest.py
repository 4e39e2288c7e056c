"""A small API on services.web, and a client that calls it as a user."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import msgspec
import psycopg
import pytest
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from schemas import checks
from services.web import (
    Admin,
    Api,
    ApiRoute,
    BareRoute,
    BytesBody,
    Caller,
    JsonBody,
    Page,
    Paging,
    Principal,
    Problem,
    ProblemDocument,
    QueryId,
    QueryInstant,
    Themselves,
    ThemselvesOrAdmin,
    TokenVerifier,
    answers,
    create_api,
    invalid_field,
    issue_token,
    json_response,
    problem_type,
)

SECRET = b"a secret of at least 32 bytes, for tests"
AUDIENCE = "achievements"


class Named(msgspec.Struct):
    """Somebody."""

    user_id: str


class Award(msgspec.Struct):
    user_ids: Annotated[list[Annotated[str, checks.id_problem]], msgspec.Meta(min_length=1)]
    note: Annotated[str, checks.text_problem] | None = None
    required_sessions: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Awarded(msgspec.Struct):
    granted: list[str]
    at: datetime


class StaleProblem(ProblemDocument):
    preview: Awarded


class OddError(Exception):
    """An exception of the service's own."""


AWARDED = Awarded([], datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
router = APIRouter(prefix="/v1/organizations/{organization_id}", route_class=ApiRoute)


async def known_program(_: Admin, program_id: str) -> str:
    """A program that exists; a dependency, so that it is missed before any parameter is judged."""
    if program_id != "p1":
        raise Problem(404)
    return program_id


@router.get("/members/{user_id}/home")
async def home(_: Themselves, user_id: str) -> Named:
    """What is in progress."""
    return Named(user_id)


@router.get("/members/{user_id}/activity")
async def activity(
    user_id: str,
    caller: ThemselvesOrAdmin,
    as_of: QueryInstant | None = None,
    program_id: QueryId | None = None,
) -> dict[str, Any]:
    return {"user_id": user_id, "caller": caller.user_id, "as_of": as_of, "program_id": program_id}


@router.post("/programs/{program_id}/awards", responses=answers({409: StaleProblem}))
async def award(_: Admin, program_id: str, body: JsonBody[Award]) -> Awarded:
    if program_id != "p1":
        raise Problem(404)
    wanted = await body.read()
    if wanted.note == "stale":
        raise Problem(409, type=problem_type("stale"), title="Stale", preview=AWARDED)
    if "erased" in wanted.user_ids:
        raise invalid_field("user_ids", "erased is erased")
    return msgspec.structs.replace(AWARDED, granted=wanted.user_ids)


@router.get("/programs/{program_id}/report")
async def report(
    paging: Paging, program: Annotated[str, Depends(known_program)], _: Admin
) -> Page[Named]:
    after = paging.after(str) or ""
    rows = [Named(f"{program}-{number:03}") for number in range(250)]
    behind = [row for row in rows if row.user_id > after][: paging.limit + 1]
    return paging.page(behind, lambda row: row.user_id)


@router.delete("/programs/{program_id}/certificate")
async def disable(_: Admin) -> None:
    pass


@router.put(
    "/assets/{sha256}",
    responses={201: {"description": "Kept"}, 204: {"description": "Known"}},
)
async def put_asset(
    _: Admin, sha256: str, body: Annotated[BytesBody, "image/png", "image/jpeg"]
) -> Response:
    image = await body.read(max_bytes=1000)
    return json_response({"sha256": sha256, "size_bytes": len(image)}, 201)


@router.get("/whoami")
async def whoami(caller: Caller) -> dict[str, Any]:
    return {"user_id": caller.user_id, "roles": sorted(caller.roles)}


@router.get("/failures/{kind}")
async def fail(_: Caller, kind: str) -> None:
    match kind:
        case "database":
            raise psycopg.OperationalError("connection to server at 10.0.0.1 failed")
        case "odd":
            raise OddError("odd")
        case _:
            raise RuntimeError("the secret is 42")


async def page(request: Request) -> Response:
    return PlainTextResponse(f"page {request.path_params['token']}")


def make_api(**options: Any) -> Api:
    """The API, with what a test wants otherwise."""
    usual: dict[str, Any] = {
        "verifier": TokenVerifier(keys=None, secret=SECRET, audience=AUDIENCE),
        "checks": {},
        "routes": [BareRoute("/s/{token}", page)],
        "problems": {OddError: lambda error: Problem(409, str(error), type=problem_type("odd"))},
    }
    api = create_api("Sample", version="1", description="For tests", **usual | options)
    api.include_router(router)
    return api


class Client:
    """Calls an API in this process."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.call_all([(method, path, options)])[0]

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def call_all(self, calls: Iterable[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
        """Several calls at once."""

        async def gather() -> Sequence[httpx.Response]:
            transport = httpx.ASGITransport(self._api)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await asyncio.gather(
                    *(client.request(method, path, **options) for method, path, options in calls)
                )

        return list(asyncio.run(gather()))


Headers = Callable[..., dict[str, str]]


@pytest.fixture
def api() -> Api:
    return make_api()


@pytest.fixture
def client(api: Api) -> Client:
    return Client(api)


@pytest.fixture
def client_of() -> Callable[..., Client]:
    """A client of an API that a test wants otherwise."""
    return lambda **options: Client(make_api(**options))


@pytest.fixture
def as_user() -> Headers:
    """The headers of somebody's request: `as_user("ada", "admin")` is of the organization acme."""

    def headers(user_id: str = "ada", *roles: str, organization_id: str = "acme") -> dict[str, str]:
        token = issue_token(
            SECRET,
            Principal(user_id, organization_id, frozenset(roles)),
            audience=AUDIENCE,
            expires_at=datetime.now(UTC) + timedelta(minutes=5),
        )
        return {"Authorization": f"Bearer {token}"}

    return headers
