"""The OpenAPI document."""

from typing import Any

import msgspec
import pytest
from fastapi import APIRouter
from fastapi.openapi.models import OpenAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from services.web import Api, ApiRoute, BareRoute, Caller, JsonBody

from .conftest import Client, make_api


class Award(msgspec.Struct):
    """Not that of the sample API."""

    other: int


ORGANIZATION = "/v1/organizations/{organization_id}"


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][ORGANIZATION + path][method]
    return found


def references(part: Any) -> set[str]:
    """Every `$ref` anywhere in a part of the document."""
    if isinstance(part, list):
        return {reference for item in part for reference in references(item)}
    if not isinstance(part, dict):
        return set()
    own = {part["$ref"]} if "$ref" in part else set()
    return own.union(*(references(item) for item in part.values()))


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    """It parses as OpenAPI 3.1, and each reference leads somewhere."""
    OpenAPI.model_validate(document)
    assert document["openapi"].startswith("3.1")
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known
    assert "HTTPValidationError" not in str(document)


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    """Each operation has an id of its own, the name of its function."""
    ids = [found["operationId"] for path in document["paths"].values() for found in path.values()]
    assert len(ids) == len(set(ids))
    assert {"home", "award", "put_asset", "readyz"} <= set(ids)


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("get", "/members/{user_id}/home", "200 401 403 404 500 503"),
        ("get", "/members/{user_id}/activity", "200 401 403 404 422 500 503"),
        ("post", "/programs/{program_id}/awards", "200 401 403 404 409 413 422 500 503"),
        ("get", "/programs/{program_id}/report", "200 401 403 404 422 500 503"),
        ("delete", "/programs/{program_id}/certificate", "204 401 403 404 500 503"),
        ("put", "/assets/{sha256}", "201 204 401 403 404 413 422 500 503"),
        ("get", "/whoami", "200 401 404 500 503"),
    ],
)
def test_every_answer_is_listed(
    document: dict[str, Any], method: str, path: str, statuses: str
) -> None:
    """A call lists its answers and the problems that follow from what it declares, each with a schema."""
    responses = operation(document, method, path)["responses"]
    assert sorted(responses) == statuses.split()
    for status, response in responses.items():
        assert response["description"]
        if status >= "400":
            assert list(response["content"]) == ["application/problem+json"]
            assert response["content"]["application/problem+json"]["schema"]["$ref"]


def test_answers_have_schemas(document: dict[str, Any]) -> None:
    """An answer's schema is that of what the call's function gives, and a problem's of its kind."""
    responses = operation(document, "post", "/programs/{program_id}/awards")["responses"]
    given = responses["200"]["content"]["application/json"]["schema"]
    stale = responses["409"]["content"]["application/problem+json"]["schema"]
    assert given == {"$ref": "#/components/schemas/Awarded"}
    assert stale == {"$ref": "#/components/schemas/StaleProblem"}
    assert "preview" in document["components"]["schemas"]["StaleProblem"]["required"]
    page = operation(document, "get", "/programs/{program_id}/report")["responses"]["200"]
    name = page["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert set(document["components"]["schemas"][name]["properties"]) == {"items", "next"}


def test_bodies(document: dict[str, Any]) -> None:
    """A body is required, with its schema or its media types."""
    posted = operation(document, "post", "/programs/{program_id}/awards")["requestBody"]
    assert posted == {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Award"}}},
    }
    assert set(operation(document, "put", "/assets/{sha256}")["requestBody"]["content"]) == {
        "image/png",
        "image/jpeg",
    }
    assert "requestBody" not in operation(document, "get", "/whoami")


def test_parameters(document: dict[str, Any]) -> None:
    """Path parameters are listed, even those that a function does not take, and queries with limits."""
    report = operation(document, "get", "/programs/{program_id}/report")["parameters"]
    listed = {(found["in"], found["name"]): found for found in report}
    assert len(listed) == len(report) == 4
    assert listed["path", "organization_id"]["required"]
    assert listed["path", "program_id"]["schema"]["maxLength"] == 128
    assert listed["query", "limit"]["schema"]["maximum"] == 1000
    assert listed["query", "cursor"]["schema"]["type"] == "string"
    activity = operation(document, "get", "/members/{user_id}/activity")["parameters"]
    as_of = next(found for found in activity if found["name"] == "as_of")
    assert (as_of["required"], as_of["schema"]["format"]) == (False, "date-time")


def test_security(document: dict[str, Any]) -> None:
    """Calls need the bearer scheme, the operators' routes do not."""
    assert document["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    for path, methods in document["paths"].items():
        for found in methods.values():
            assert found.get("security") == ([{"bearer": []}] if path.startswith("/v1") else None)


def test_documentation_from_the_function(document: dict[str, Any]) -> None:
    """A function's docstring describes its call."""
    home = operation(document, "get", "/members/{user_id}/home")
    assert home["description"] == "What is in progress."


def test_bare_routes() -> None:
    """A bare route is in the document with the operation that it is given, and else not at all."""

    async def page(_: Request) -> Response:
        return PlainTextResponse("")

    told = {"summary": "A shared award", "responses": {"200": {"description": "Its page"}}}
    routes = [BareRoute("/s/{token}", page, operation=told), BareRoute("/hidden", page)]
    paths = make_api(routes=routes).openapi()["paths"]
    assert paths["/s/{token}"]["get"] == told | {
        "operationId": "page",
        "parameters": [
            {"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}
        ],
    }
    assert "/hidden" not in paths


def test_calls_added_later(api: Api) -> None:
    """Calls that are added after the document was made are in the next one."""
    assert "/v1/late" not in api.openapi()["paths"]

    async def late(_: Caller) -> None: ...

    api.get("/v1/late")(late)
    assert "/v1/late" in api.openapi()["paths"]
    assert "/healthz" in api.openapi()["paths"]


def test_two_types_of_one_name(api: Api) -> None:
    """Two types that would be one component are refused rather than mixed up."""

    async def call(_: Caller, body: JsonBody[Award]) -> None: ...

    router = APIRouter(route_class=ApiRoute)
    router.post("/v1/other")(call)
    api.include_router(router)
    with pytest.raises(ValueError, match="two types of the API are called Award"):
        api.openapi()


def test_operations_share_no_id() -> None:
    """Clients are generated from operation ids: two operations can't have one."""

    async def show(_: Request) -> Response:
        return PlainTextResponse("")

    operation_object: dict[str, Any] = {"responses": {}}
    routes = [BareRoute(path, show, operation=operation_object) for path in ("/one", "/two")]
    api = make_api(routes=routes)
    with pytest.raises(ValueError, match="several operations of the API are called show"):
        api.openapi()
