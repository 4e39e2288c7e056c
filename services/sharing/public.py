"""What lies under a shared link: page, PDF, picture, credential. All are found and refused alike (rules 21 and 22).

Whoever holds the link may see them until its owner disables it, not a request longer: what is live may be stored but
must be asked for again each time (`no-cache`, with a strong ETag), what is dead must not be stored at all.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from time import perf_counter
from typing import Any, Final

import psycopg
import structlog
from starlette.requests import Request
from starlette.responses import Response

from services.sharing.lookups import Lookups
from services.sharing.reading import PublicLink
from services.web import BareRoute, observe_request

log = structlog.get_logger()

PREFIX: Final = "/s/"
_LONGEST_HEADER: Final = 1024
_OF_CONTENT: Final = {"Content-Type", "Content-Language", "Content-Disposition"}

_HEADERS: Final = {
    "X-Robots-Tag": "noindex, noarchive",
    "Referrer-Policy": "no-referrer",  # the address is a key: it must not leak to the next page
    "X-Content-Type-Options": "nosniff",
}
ALIVE: Final = _HEADERS | {"Cache-Control": "no-cache"}
DEAD: Final = _HEADERS | {"Cache-Control": "no-store"}


class Refusal(Enum):
    """Why nothing is shown: the status that says so, and in which case of it."""

    UNKNOWN = 404, "never issued, or not available"
    DISABLED = 410, "disabled, or its owner erased"
    REVOKED = 410, "of a revoked award, where only what says so is shown"
    TOO_MANY = 429, "asked for by a client that asked for too many unknown ones"
    UNREACHABLE = 503, "what is needed to show it does not answer, or is busy"

    @property
    def status(self) -> int:
        return self.value[0]

    @property
    def headers(self) -> Mapping[str, str]:
        return DEAD | {"Retry-After": "2"} if self is Refusal.UNREACHABLE else DEAD


Show = Callable[[Request, PublicLink], Awaitable[Response]]
"""Answers for a link that is alive."""
Refuse = Callable[[Request, Refusal], Response]
"""Says in its own media type that there is nothing to see."""
Limit = Callable[[Request], int]
"""Gives the seconds that whoever asks has to wait because of too many misses, else 0."""


class PublicRoutes:
    """Makes routes under links.

    `limit` counts a miss: it is asked about links that are not there only. `flood` is asked first of
    all, and refuses live links, too: it is for those who miss so often that hardly any are theirs.
    """

    def __init__(self, lookups: Lookups, limit: Limit, flood: Limit) -> None:
        self._lookups = lookups
        self._limit = limit
        self._flood = flood

    def route(
        self,
        path: str,
        show: Show,
        refuse: Refuse,
        operation: Mapping[str, Any] | None = None,
    ) -> BareRoute:
        """A route whose `path` holds a `token`; a token that can't exist is looked up like any other."""

        async def respond(request: Request) -> Response:
            started = perf_counter()
            response = await self.answer(request, request.path_params["token"], show, refuse)
            seconds = perf_counter() - started
            observe_request(request.method, route.path_format, response.status_code, seconds)
            return response

        route = BareRoute(path, respond, operation=operation, name=show.__name__)
        return route

    async def answer(self, request: Request, token: str, show: Show, refuse: Refuse) -> Response:
        """What a reader gets to see of the link with this token."""
        if seconds := self._flood(request):
            return _too_many(request, seconds, refuse)
        try:
            link = await self._lookups.find(token)
            is_known = link is not None and link.available
            if not is_known and (seconds := self._limit(request)):
                return _too_many(request, seconds, refuse)
            return await answer(request, link, show, refuse)
        except psycopg.OperationalError as error:
            log.warning("database_unavailable", error=type(error).__name__, sqlstate=error.sqlstate)
            return refuse(request, Refusal.UNREACHABLE)


async def answer(request: Request, link: PublicLink | None, show: Show, refuse: Refuse) -> Response:
    """What a reader gets to see of a link. Unavailable goes before disabled, as in the contract."""
    if link is None or not link.available:
        return refuse(request, Refusal.UNKNOWN)
    if not link.active:
        return refuse(request, Refusal.DISABLED)
    return await show(request, link)


def _too_many(request: Request, seconds: int, refuse: Refuse) -> Response:
    refused = refuse(request, Refusal.TOO_MANY)
    refused.headers["Retry-After"] = str(seconds)
    return refused


def of_unchanged(headers: Mapping[str, str]) -> dict[str, str]:
    """Of an answer's headers those that a 304 repeats (RFC 9110, 15.4.5): none that describes the content."""
    return {name: value for name, value in headers.items() if name not in _OF_CONTENT}


def not_modified(request: Request, headers: Mapping[str, str]) -> Response | None:
    """304 for who has already what the headers' ETag stands for (RFC 9110, 13.1.2: compared weakly)."""
    if_none_match = request.headers.get("if-none-match")
    if if_none_match is None or not matches(if_none_match, headers["ETag"]):
        return None
    return Response(None, 304, of_unchanged(headers))


def matches(if_none_match: str, tag: str) -> bool:
    """Whether a request's If-None-Match names the tag, as far as the header is read."""
    tags = if_none_match[:_LONGEST_HEADER].split(",")
    names = (name.strip().removeprefix("W/") for name in tags)
    return any(name in (tag, "*") for name in names)
