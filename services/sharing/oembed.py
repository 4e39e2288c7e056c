"""oEmbed 1.0 (oembed.com): what a site may show of a page whose address somebody put into it.

The answer is of type `link`, with a thumbnail: pages of ours can't be framed, so there is nothing to embed. Only
addresses of our own pages are answered; nothing is ever fetched, nobody is sent anywhere else.
"""

from collections.abc import Iterator
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from services.sharing.languages import accepted_language
from services.sharing.metadata import (
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
    OEMBED_PATH,
    Addresses,
    headline,
)
from services.sharing.names import bare
from services.sharing.public import ALIVE, PREFIX, PublicRoutes, Refusal, not_modified
from services.sharing.reading import PublicLink
from services.web import BareRoute, Problem, invalid_field

_LONGEST_QUERY: Final = 4096
_BADGE_WIDTH: Final = 512
_TEXT: Final = {"schema": {"type": "string"}}


class _Thumbnail(NamedTuple):
    thumbnail_url: str
    thumbnail_width: int
    thumbnail_height: int


class Embedding:
    """Answers `/oembed` for pages under `public_url`."""

    def __init__(self, routes: PublicRoutes, public_url: str) -> None:
        self._routes = routes
        self._public_url = public_url

    def route(self) -> BareRoute:
        return BareRoute(OEMBED_PATH, self.embed, operation=_OPERATION)

    async def embed(self, request: Request) -> Response:
        """JSON about the page of `url`; problem 404 where there is none, 501 for any other format."""
        if len(request.scope["query_string"]) > _LONGEST_QUERY:
            raise Problem(
                HTTPStatus.REQUEST_URI_TOO_LONG, f"A query has {_LONGEST_QUERY} bytes at most."
            )
        if request.query_params.get("format", "json") != "json":
            raise Problem(HTTPStatus.NOT_IMPLEMENTED, "Only the format json is to be had.")
        token = self._token(request.query_params.get("url"))
        if token is None:
            return _refuse(request, Refusal.UNKNOWN)
        width, height = (_most(request, name) for name in ("maxwidth", "maxheight"))

        async def show(request: Request, link: PublicLink) -> Response:
            return _described(request, link, Addresses(self._public_url, token), width, height)

        return await self._routes.answer(request, token, show, _refuse)

    def _token(self, url: str | None) -> str | None:
        if url is None:
            raise invalid_field("url", "is missing")
        address = url.partition("#")[0].partition("?")[0]
        pages = f"{self._public_url}{PREFIX}"
        return address.removeprefix(pages) if address.startswith(pages) else None


def _most(request: Request, name: str) -> float:
    written = request.query_params.get(name)
    if written is None:
        return float("inf")
    if not (written.isascii() and written.isdigit()):
        raise invalid_field(name, "must be a whole number of pixels")
    return float(written)


def _described(
    request: Request, link: PublicLink, addresses: Addresses, width: float, height: float
) -> Response:
    language = accepted_language(request.headers.get("accept-language"))
    document: dict[str, Any] = {
        "version": "1.0",
        "type": "link",
        "title": headline(link, language),
        "provider_name": bare(link.award.organization_name),
        "provider_url": addresses.public_url,
        "cache_age": 0,
    }
    thumbnails = (
        each
        for each in _thumbnails(link, addresses)
        if each.thumbnail_width <= width and each.thumbnail_height <= height
    )
    if thumbnail := next(thumbnails, None):
        document |= thumbnail._asdict()
    body = msgspec.json.encode(document)
    headers = {
        **ALIVE,
        "ETag": f'"{blake2b(body, digest_size=16).hexdigest()}"',
        "Content-Language": language.tag,
        "Content-Type": "application/json",
        "Vary": "Accept-Language",
    }
    return not_modified(request, headers) or Response(body, HTTPStatus.OK, headers)


def _thumbnails(link: PublicLink, addresses: Addresses) -> Iterator[_Thumbnail]:
    """The pictures that there are, the largest first."""
    yield _Thumbnail(addresses.image, IMAGE_WIDTH, IMAGE_HEIGHT)
    if link.award.kind == "badge" and not link.revoked:
        yield _Thumbnail(f"{addresses.page}/badge.png", _BADGE_WIDTH, _BADGE_WIDTH)


def _refuse(_: Request, refusal: Refusal) -> Response:
    """A dead link is as unknown here as one that never was."""
    status = HTTPStatus.NOT_FOUND if refusal is Refusal.DISABLED else refusal.status
    return Problem(status, headers=refusal.headers).response()


def _parameter(name: str, description: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, **_TEXT, **more}


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": schema}},
    }


_PIXELS: Final = {"schema": {"type": "integer", "minimum": 0}}
_OPERATION: Final = {
    "summary": "oEmbed of a public page",
    "tags": ["public"],
    "parameters": [
        _parameter("url", "The address of the page", required=True),
        _parameter("format", "Only `json` is to be had"),
        _parameter("maxwidth", "How wide a thumbnail may be, in pixels", **_PIXELS),
        _parameter("maxheight", "How high a thumbnail may be, in pixels", **_PIXELS),
    ],
    "responses": {
        "200": {
            "description": "oEmbed 1.0, of type `link`",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        "304": {"description": "All is as the ETag in If-None-Match says"},
        "404": _problem("There is no page of ours under this address, or its link is dead"),
        "414": _problem("A query that is too long"),
        "422": _problem("Input that can't be used; `errors` name the fields"),
        "429": _problem("Like 404, after too many of them; Retry-After says when to come back"),
        "501": _problem("Another format than JSON"),
        "503": _problem("The database does not answer; Retry-After says when to come back"),
    },
}
