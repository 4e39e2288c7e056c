"""`/healthz`, `/readyz` and `/metrics`: what orchestrators, balancers and Prometheus ask."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from services.web.problems import PROBLEM_MEDIA_TYPE, Problem
from services.web.routes import COMPONENTS, BareRoute, json_response

log = structlog.get_logger()

CHECK_TIMEOUT_SECONDS: Final = 2.0

Check = Callable[[], Awaitable[object]]
"""Asks a dependency; raises where it can't be used. It may be cancelled."""


def health_routes(checks: Mapping[str, Check]) -> list[BareRoute]:
    """The three routes.

    `/readyz` is 503 and names each dependency whose check raises or takes more than
    `CHECK_TIMEOUT_SECONDS`; why is logged, not told.
    """

    async def healthz(_: Request) -> Response:
        return json_response({"status": "ok"})

    async def readyz(_: Request) -> Response:
        usable = await asyncio.gather(*(_is_usable(*check) for check in checks.items()))
        failing = [name for name, good in zip(checks, usable, strict=True) if not good]
        if failing:
            raise Problem(503, f"Not usable now: {', '.join(failing)}.")
        return json_response({"status": "ready"})

    return [
        BareRoute("/healthz", healthz, operation=_operation("Is the process alive?", {})),
        BareRoute("/readyz", readyz, operation=_operation("Can it do its work?", _NOT_READY)),
        BareRoute("/metrics", metrics, operation=_operation("Metrics, for Prometheus", _METRICS)),
    ]


async def metrics(request: Request) -> Response:
    """All metrics of this process, in the form that the request accepts."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(REGISTRY), headers={"Content-Type": content_type})


async def _is_usable(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await check()
    except Exception as error:
        log.warning("not_ready", dependency=name, error=type(error).__name__)
        return False
    return True


def _operation(summary: str, responses: Mapping[str, Any]) -> dict[str, Any]:
    return {"summary": summary, "tags": ["operations"], "responses": {"200": _YES, **responses}}


def _described(description: str, media_type: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}


_YES: Final = _described(
    "Yes",
    "application/json",
    {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]},
)
_NOT_READY: Final = {
    "503": _described(
        "No; `detail` names the dependencies",
        PROBLEM_MEDIA_TYPE,
        {"$ref": COMPONENTS.format(name="ProblemDocument")},
    )
}
_METRICS: Final = {"200": _described("All of this process", "text/plain", {"type": "string"})}
