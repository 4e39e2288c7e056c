"""The OpenAPI document: FastAPI's, completed by what `services.web.routes` knows beyond it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from schemas import checks
from services.web.problems import ProblemDocument
from services.web.routes import COMPONENTS, ApiRoute, BareRoute, path_parameter

_ID_SCHEMA = {"type": "string", "minLength": 1, "maxLength": checks.MAX_ID_LENGTH}
_ID_DESCRIPTION = "Printable characters other than `:` and `/`, percent-encoded."
_USER_DESCRIPTION = f"{_ID_DESCRIPTION} `me` is the token's own user."
_FASTAPI_ERROR_SCHEMAS = ("HTTPValidationError", "ValidationError")


def complete(document: dict[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Adds the schemas of msgspec types and the bare routes to FastAPI's document.

    It also takes out the answer 422 that FastAPI presumes wherever there is a parameter. ValueError
    where two types share a name, or two operations an id.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPI_ERROR_SCHEMAS:
        schemas.pop(name, None)
    _, components = msgspec.json.schema_components([ProblemDocument], ref_template=COMPONENTS)
    _merge(schemas, components)
    for context in iter_route_contexts(list(routes)):
        route = context.original_route
        if isinstance(route, ApiRoute):
            _merge(schemas, route.schemas)
        elif isinstance(route, BareRoute) and route.operation is not None:
            _add_bare_route(document, route)
    for operation in _operations(document):
        _drop_presumed_answer(operation)
        for parameter in operation.get("parameters", ()):
            _describe(parameter)
    ids = Counter(operation["operationId"] for operation in _operations(document))
    if shared := [name for name, count in ids.items() if count > 1]:
        raise ValueError(f"several operations of the API are called {', '.join(shared)}")


def _merge(schemas: dict[str, Any], more: dict[str, Any]) -> None:
    for name, schema in more.items():
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two types of the API are called {name}")


def _add_bare_route(document: dict[str, Any], route: BareRoute) -> None:
    path = document["paths"].setdefault(route.path_format, {})
    methods = sorted((route.methods or set()) - {"HEAD"})
    for method in methods:
        path[method.lower()] = {
            "operationId": route.name if len(methods) == 1 else f"{route.name}_{method.lower()}",
            "parameters": [path_parameter(name) for name in route.param_convertors],
            **(route.operation or {}),
        }


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _drop_presumed_answer(operation: dict[str, Any]) -> None:
    content = operation["responses"].get("422", {}).get("content", {})
    if "HTTPValidationError" in str(content.get("application/json")):
        del operation["responses"]["422"]


def _describe(parameter: dict[str, Any]) -> None:
    if parameter["in"] == "path" and parameter["name"].endswith("_id"):
        is_user = parameter["name"] == "user_id"
        parameter["description"] = _USER_DESCRIPTION if is_user else _ID_DESCRIPTION
        parameter["schema"] = _ID_SCHEMA
    elif parameter["in"] == "query":
        parameter["schema"] = _without_null(parameter["schema"])


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """An optional parameter is left out: a query has no null, though pydantic's schema says so."""
    given = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(given) != 1:
        return schema
    return {**{name: value for name, value in schema.items() if name != "anyOf"}, **given[0]}
