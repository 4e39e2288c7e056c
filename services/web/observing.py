"""What operators see of each request: a log line, a metric, an id to speak of it by; safe headers.

All goes by the route's template (`/members/{user_id}/home`): addresses hold people's ids and links'
tokens, so neither paths nor query strings are logged or counted.
"""

import secrets
from collections.abc import Collection
from time import perf_counter
from typing import Final

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from services.web.problems import Problem

log = structlog.get_logger()

UNMATCHED: Final = "unmatched"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET_ROUTES: Final = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds
_DEFAULT_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)

_DURATIONS = Histogram(
    "http_request_duration_seconds",
    "Time from a request's head to the end of its answer, by route template.",
    ("method", "route", "status"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_children: dict[tuple[str, str, int], Histogram] = {}  # `labels()` costs more than `observe()`


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Counts a request; for hot routes, which the middleware leaves alone, to call themselves."""
    key = (method if method in _METHODS else "other", route, status)
    child = _children.get(key)
    if child is None:
        child = _children[key] = _DURATIONS.labels(key[0], route, str(status))
    child.observe(seconds)


class Failures:
    """ASGI middleware: what nobody handled is logged with its traceback and answered with 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def send_noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception:
            if has_begun or scope["type"] != "http":
                raise  # too late to answer otherwise: the server logs it and cuts the connection
            log.exception("request_failed", method=scope["method"], route=_template(scope))
            await Problem(500).response()(scope, receive, send)


class Observing:
    """ASGI middleware around all that answers.

    An answer gets those of the default headers that it has not got itself. Requests whose path
    begins with one of `unobserved` pass untouched: hot routes do without all this.
    """

    def __init__(self, app: ASGIApp, unobserved: Collection[str] = ()) -> None:
        self._app = app
        self._unobserved = tuple(unobserved)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self._unobserved):
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        answer = _Answer(send, secrets.token_hex(8))
        clear_contextvars()
        bind_contextvars(request_id=answer.request_id)
        try:
            await self._app(scope, receive, answer.send)
        finally:
            _report(scope, answer.status, perf_counter() - started)


class _Answer:
    """An answer on its way out; its `status` is 0 until it begins."""

    __slots__ = ("_send", "request_id", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"] = list(message.get("headers", ()))
            names = {name for name, _ in headers}
            headers += [header for header in _DEFAULT_HEADERS if header[0] not in names]
            headers.append((b"x-request-id", self.request_id.encode()))
        await self._send(message)


def _report(scope: Scope, status: int, seconds: float) -> None:
    method, route = scope["method"], _template(scope)
    observe_request(method, route, status, seconds)
    write = log.debug if route in _QUIET_ROUTES else log.info
    duration_ms = round(seconds * 1000, 2)
    write("request", method=method, route=route, status=status, duration_ms=duration_ms)


def _template(scope: Scope) -> str:
    return getattr(scope.get("route"), "path_format", UNMATCHED)
