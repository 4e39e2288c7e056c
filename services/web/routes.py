"""Calls whose signature is their documentation, and bare routes for what must be fast.

The function of an `ApiRoute` declares who may call it (`services.web.access`), takes its body
unread (`services.web.bodies`) and gives a msgspec value. Its OpenAPI operation is made from just
that, so the two can't drift apart:

    router = APIRouter(prefix="/v1/organizations/{organization_id}", route_class=ApiRoute)

    @router.post("/programs/{program_id}/certificate/awards", responses=answers({409: Conflict}))
    async def award(admin: Admin, program_id: str, body: JsonBody[AwardByHand]) -> Awarded: ...
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import msgspec
from fastapi import Depends, Request
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.params import Depends as DependsNote
from fastapi.routing import APIRoute
from fastapi.utils import deep_dict_update
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from services.web.access import Access
from services.web.bodies import BytesBody, JsonBody
from services.web.problems import PROBLEM_MEDIA_TYPE, ProblemDocument

Endpoint = Callable[..., Awaitable[Any]]
Responses = dict[int | str, dict[str, Any]]

COMPONENTS: Final = "#/components/schemas/{name}"
_TEXT_HEADER: Final = {"required": True, "schema": {"type": "string"}}
_PROBLEM_NOTES: Final[dict[int, dict[str, Any]]] = {
    401: {
        "description": "No bearer token, or a bad one",
        "headers": {"WWW-Authenticate": _TEXT_HEADER},
    },
    403: {"description": "Not for this role or person"},
    404: {"description": "Another organization, or nothing there"},
    413: {"description": "The body is too large"},
    422: {"description": "Input that can't be used; `errors` name the fields"},
    500: {"description": "A fault of ours"},
    503: {
        "description": "What the call needs does not answer",
        "headers": {"Retry-After": _TEXT_HEADER},
    },
}
_encode = msgspec.json.Encoder().encode


def json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer in JSON. Instants must be in UTC, so that they end in `Z`."""
    return Response(_encode(content), status, headers, "application/json")


def answers(by_status: Mapping[int, Any]) -> Responses:
    """For `responses=`: the msgspec type of further answers, from 400 on those of problems."""
    return {
        status: {
            "content": {
                PROBLEM_MEDIA_TYPE if status >= 400 else "application/json": {"schema": model}
            },
            **_PROBLEM_NOTES.get(status, {}),
        }
        for status, model in by_status.items()
    }


class BareRoute(Route):
    """A Starlette route, without FastAPI's work for each request.

    `operation` documents it (an OpenAPI operation object); without one it is not in the document. `name` is its
    operation's id there, else the endpoint's own.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        *,
        methods: list[str] | None = None,
        operation: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(path, endpoint, methods=methods, name=name)
        self.operation = operation

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        if match is not Match.NONE:
            child_scope["route"] = self  # FastAPI's router does so for its own routes only
        return match, child_scope


class ApiRoute(APIRoute):
    """A call that needs a token; TypeError where its function does not say who may make it.

    What the function gives is encoded by msgspec, if it isn't a Response; `-> None` answers 204.
    The problems that follow from its signature are documented, too; `schemas` are the components
    that its operation refers to. Parameters in a prefix belong into that of the router itself, not
    into that of `include_router`.
    """

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        signature = _Signature(endpoint)
        options |= signature.answer_options(options)
        super().__init__(path, signature.responding(options["status_code"]), **options)
        self.schemas: dict[str, Any] = {}
        problems = answers(dict.fromkeys(self._problem_statuses(signature), ProblemDocument))
        self.responses = _with_references(problems | self.responses, self.schemas)
        extra = {"parameters": self._undeclared_parameters(), **signature.request_body()}
        self.openapi_extra = _with_references(extra | (self.openapi_extra or {}), self.schemas)

    def _problem_statuses(self, signature: "_Signature") -> Iterator[int]:
        dependants = list(_with_inner(self.dependant))
        accesses = [inner.call for inner in dependants if isinstance(inner.call, Access)]
        if not accesses:
            raise TypeError(f"{self.path}: {self.name} does not say who may call it")
        yield 401
        if any(access.rules for access in accesses):
            yield 403
        if self.param_convertors:
            yield 404
        if signature.body is not None:
            yield 413
        if signature.body or any(inner.query_params or inner.header_params for inner in dependants):
            yield 422
        yield from (500, 503)

    def _undeclared_parameters(self) -> list[dict[str, Any]]:
        dependants = _with_inner(self.dependant)
        declared = {field.alias for inner in dependants for field in inner.path_params}
        return [path_parameter(name) for name in self.param_convertors if name not in declared]


def path_parameter(name: str) -> dict[str, Any]:
    """The OpenAPI parameter object of a parameter in a path."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


class _Signature:
    """What the function of a call declares, and the function that FastAPI is given in its stead."""

    def __init__(self, endpoint: Endpoint) -> None:
        if not inspect.iscoroutinefunction(endpoint):
            raise TypeError(f"{endpoint} is not an async function")
        self._endpoint = endpoint
        self._hints = get_type_hints(endpoint, include_extras=True)
        self._answer = self._hints.pop("return")
        self.body = next((hint for hint in self._hints.values() if _is_body(hint)), None)

    def answer_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """FastAPI's options about the answer, completed from the signature."""
        responses = options["responses"] or {}
        status = options["status_code"] or self._usual_status(responses)
        completed = {"response_model": None, "status_code": status, "responses": responses}
        if self._gives_response():
            if isinstance(options["response_class"], DefaultPlaceholder):
                completed["response_class"] = Response  # of any content: `responses` tells it
        elif self._answer is not type(None):
            documented: dict[Any, Any] = answers({status: self._answer})
            deep_dict_update(documented, responses)
            completed["responses"] = documented
        return completed

    def request_body(self) -> dict[str, Any]:
        """The operation's `requestBody`, if any."""
        if self.body is None:
            return {}
        if get_origin(self.body) is JsonBody:
            content = {"application/json": {"schema": get_args(self.body)[0]}}
        else:
            binary = {"schema": {"type": "string", "format": "binary"}}
            content = dict.fromkeys(get_args(self.body)[1:], binary)
        return {"requestBody": {"required": True, "content": content}}

    def responding(self, status: int) -> Endpoint:
        """For FastAPI: who calls is checked first, the body is left unread, the result encoded."""
        endpoint = self._endpoint

        @functools.wraps(endpoint)
        async def respond(**arguments: Any) -> Response:
            result = await endpoint(**arguments)
            if isinstance(result, Response):
                return result
            return Response(status_code=status) if result is None else json_response(result, status)

        vars(respond)["__signature__"] = self._for_fastapi()
        return respond

    def _usual_status(self, responses: Responses) -> int:
        if self._answer is type(None):
            return 204
        told = [int(status) for status in responses if int(status) < 300]
        return told[0] if told and self._gives_response() else 200

    def _gives_response(self) -> bool:
        return inspect.isclass(self._answer) and issubclass(self._answer, Response)

    def _for_fastapi(self) -> inspect.Signature:
        parameters = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=parameter.default,
                annotation=_injected(self._hints[name]),
            )
            for name, parameter in inspect.signature(self._endpoint).parameters.items()
        ]
        parameters.sort(key=lambda parameter: not _checks_access(parameter.annotation))
        return inspect.Signature(parameters, return_annotation=Response)


def _is_body(hint: Any) -> bool:
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return bare is BytesBody or get_origin(bare) is JsonBody


def _injected(hint: Any) -> Any:
    """The hint of a body as a dependency that FastAPI knows, any other as it is."""
    if not _is_body(hint):
        return hint
    if get_origin(hint) is not JsonBody:
        return Annotated[BytesBody, Depends(_bytes_body)]
    model = get_args(hint)[0]

    async def json_body(request: Request) -> JsonBody[Any]:
        return JsonBody(request, model)

    return Annotated[Any, Depends(json_body)]


async def _bytes_body(request: Request) -> BytesBody:
    return BytesBody(request)


def _checks_access(hint: Any) -> bool:
    return any(
        isinstance(note, DependsNote) and isinstance(note.dependency, Access)
        for note in getattr(hint, "__metadata__", ())
    )


def _with_inner(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for inner in dependant.dependencies:
        yield from _with_inner(inner)


def _with_references(document: Any, schemas: dict[str, Any]) -> Any:
    """`document` with each msgspec type under `schema` replaced by its schema.

    The components that schemas refer to are added to `schemas`.
    """
    if not isinstance(document, dict):
        return document
    return {
        name: _schema(value, schemas)
        if name == "schema" and not isinstance(value, dict)
        else _with_references(value, schemas)
        for name, value in document.items()
    }


def _schema(model: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    (schema,), components = msgspec.json.schema_components([model], ref_template=COMPONENTS)
    schemas |= components
    return schema
