"""The public page of a shared award (rule 22): no sign-in, no JavaScript, nothing kept.

Whoever holds the link may see the page until its owner disables it, not a request longer: a live
page may be stored but must be asked for again each time (`no-cache`, with a strong ETag), a dead
one must not be stored at all.
"""

from http import HTTPStatus
from time import perf_counter
from typing import Final

import psycopg
import structlog
from starlette.requests import Request
from starlette.responses import Response

from services.sharing.lookups import Lookups
from services.sharing.reading import PublicLink
from services.sharing.rendering import CSP, AwardPage, Notice, etag, render_award, render_notice
from services.web import BareRoute, observe_request

log = structlog.get_logger()

PREFIX: Final = "/s/"

_HEADERS: Final = {
    "X-Robots-Tag": "noindex, noarchive",
    "Referrer-Policy": "no-referrer",  # the address is a key: it must not leak to the next page
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Content-Type": "text/html; charset=utf-8",
}
_ALIVE: Final = _HEADERS | {"Cache-Control": "no-cache"}
_DEAD: Final = _HEADERS | {"Cache-Control": "no-store"}

UNKNOWN: Final = render_notice(
    Notice(
        "There is nothing here",
        "No award is shared under this address. Check that the whole link was copied.",
    )
)
DISABLED: Final = render_notice(
    Notice("This link is no longer active", "What was shared here has been taken down.")
)
UNREACHABLE: Final = render_notice(
    Notice("This page can't be shown right now", "Please try again in a moment.")
)


class Pages:
    """The public routes."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self.route = BareRoute(f"{PREFIX}{{token:path}}", self.show, operation=_OPERATION)

    async def show(self, request: Request) -> Response:
        """The page of a token, whatever text: one that can't exist is looked up like any other."""
        started = perf_counter()
        try:
            link = await self._lookups.find(request.path_params["token"])
        except psycopg.OperationalError as error:
            log.warning("database_unavailable", error=type(error).__name__, sqlstate=error.sqlstate)
            response = Response(UNREACHABLE, 503, _DEAD | {"Retry-After": "2"})
        else:
            response = answer(link, request.headers.get("if-none-match"))
        observe_request(
            request.method,
            self.route.path_format,
            response.status_code,
            perf_counter() - started,
        )
        return response


def answer(link: PublicLink | None, if_none_match: str | None) -> Response:
    """What a reader gets to see of a link. Unavailable goes before disabled, as in the contract."""
    if link is None or not link.available:
        return Response(UNKNOWN, HTTPStatus.NOT_FOUND, _DEAD)
    if not link.active:
        return Response(DISABLED, HTTPStatus.GONE, _DEAD)
    page = AwardPage.of(link)
    tag = etag(page)
    headers = _ALIVE | {"ETag": tag}
    if if_none_match is not None and matches(if_none_match, tag):
        return Response(None, HTTPStatus.NOT_MODIFIED, headers)
    return Response(render_award(page), HTTPStatus.OK, headers)


def matches(if_none_match: str, tag: str) -> bool:
    """Whether a request's If-None-Match names the tag (RFC 9110, 13.1.2: compared weakly)."""
    names = (name.strip().removeprefix("W/") for name in if_none_match.split(","))
    return any(name in (tag, "*") for name in names)


_OPERATION: Final = {
    "summary": "The public page of a shared award",
    "tags": ["public"],
    "responses": {
        "200": {
            "description": "The award; also a revoked one, which the page says",
            "content": {"text/html": {"schema": {"type": "string"}}},
        },
        "304": {"description": "The page is as the ETag in If-None-Match says"},
        "404": {
            "description": "No link was issued with this token, or what it shows is not available",
            "content": {"text/html": {"schema": {"type": "string"}}},
        },
        "410": {
            "description": "The link was disabled, or its owner erased",
            "content": {"text/html": {"schema": {"type": "string"}}},
        },
    },
}
