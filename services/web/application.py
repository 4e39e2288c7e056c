"""The FastAPI application that both services begin with."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from services.web.health import Check, health_routes
from services.web.observing import Failures, Observing
from services.web.openapi import complete
from services.web.problems import Problem, Translate, exception_handlers
from services.web.routes import ApiRoute, BareRoute
from services.web.tokens import TokenVerifier

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


class Api(FastAPI):
    """A FastAPI application with a complete OpenAPI document (`services.web.openapi`)."""

    _completed: dict[str, Any] | None = None

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        if document is not self._completed:  # FastAPI makes a new one when there are new routes
            complete(document, self.routes)
            self._completed = document
        return document


def create_api(
    title: str,
    *,
    version: str,
    description: str,
    verifier: TokenVerifier,
    checks: Mapping[str, Check],
    routes: Sequence[BaseRoute] = (),
    problems: Mapping[type[Exception], Translate] | None = None,
    unobserved: Collection[str] = (),
    middleware: Sequence[Middleware] = (),
    lifespan: Lifespan | None = None,
) -> Api:
    """An application with tokens, problems, health, metrics, request log and OpenAPI in place.

    `checks` are what `/readyz` asks, by name (the issuer's keys are asked, too); `routes` are bare
    ones, matched first; `problems` say the service's own exceptions; `unobserved` are path prefixes
    of hot routes, which are neither logged nor measured; `middleware` goes around the router only,
    so that its failures are answered, too. Calls are added with `include_router`.
    """
    if verifier.keys is not None:
        checks = {**checks, "token_keys": verifier.keys.check}
    api = Api(
        title=title,
        version=version,
        description=description,
        routes=[*routes, *health_routes(checks), BareRoute("/openapi.json", _openapi)],
        exception_handlers=exception_handlers(problems or {}) | {405: _method_not_allowed},
        middleware=[
            Middleware(Observing, unobserved=unobserved),
            Middleware(Failures),
            *middleware,
        ],
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
        openapi_url=None,  # ours is above; FastAPI's pages beside it load scripts of third parties
        redirect_slashes=False,  # an address has one form
        telemetry={"tracing": False, "metrics": False, "logs": False},  # it would record paths
    )
    api.router.route_class = ApiRoute
    api.state.verifier = verifier
    return api


async def _openapi(request: Request) -> Response:
    return Response(msgspec.json.encode(request.app.openapi()), media_type="application/json")


async def _method_not_allowed(request: Request, _: HTTPException) -> Response:
    """Starlette names the methods of one route; an address can have several (RFC 9110, 10.2.1)."""
    allowed: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.methods and route.path_regex.match(request.scope["path"]):
            allowed |= route.methods
    return Problem(405, headers={"Allow": ", ".join(sorted(allowed))}).response()
