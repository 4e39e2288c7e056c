"""The public page of a shared award (rule 22): no sign-in, no JavaScript, in the reader's language."""

from functools import cache
from http import HTTPStatus
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response

from services.sharing.languages import LANGUAGES, Language, accepted_language
from services.sharing.public import ALIVE, PREFIX, PublicRoutes, Refusal, matches, of_unchanged
from services.sharing.reading import PublicLink
from services.sharing.recent import Recent
from services.sharing.rendering import AwardPage, Rendered, Site, render_award, render_notice
from services.web import BareRoute

CACHED_BYTES: Final = 64 * 1024 * 1024
_AROUND_BYTES: Final = 6 * 1024
"""What a kept page takes at most beside its body and the texts it is known by."""

RawHeaders = list[tuple[bytes, bytes]]


class Pictures(Protocol):
    """Where banners and logos are kept."""

    async def has(self, organization_id: str, asset_id: str | None) -> bool:
        """Whether a picture is here to be shown."""


class _Page:
    """A page as it goes out, again and again: status and headers are made once."""

    __slots__ = ("body", "etag", "fresh", "size_bytes", "unchanged")

    def __init__(self, known_by: AwardPage, rendered: Rendered, language: Language) -> None:
        headers = ALIVE | _html(rendered, language) | {"ETag": rendered.etag}
        self.body = rendered.body
        self.etag = rendered.etag
        self.fresh = Response(self.body, HTTPStatus.OK, headers).raw_headers
        self.unchanged = Response(None, HTTPStatus.NOT_MODIFIED, of_unchanged(headers)).raw_headers
        self.size_bytes = _AROUND_BYTES + len(self.body) + known_by.link.texts_bytes


class _Ready(Response):
    """An answer whose parts are there already; its headers are its own, as others may add to them."""

    def __init__(self, status: int, raw_headers: RawHeaders, body: bytes) -> None:
        self.status_code = status
        self.raw_headers = raw_headers.copy()
        self.body = body
        self.background = None


PageCache = Recent[AwardPage, _Page]
"""The pages that were shown lately, by all that determines them.

A look-up in the database comes before each use: nothing here keeps a link alive.
"""


class Pages:
    """The pages of active links."""

    def __init__(self, site: Site, pictures: Pictures, cache: PageCache | None = None) -> None:
        self._site = site
        self._pictures = pictures
        self._cache = PageCache(CACHED_BYTES) if cache is None else cache

    def route(self, public: PublicRoutes) -> BareRoute:
        """The route of pages; it comes first in an application, as most requests are for them."""
        return public.route(f"{PREFIX}{{token}}", self.show, refuse_page, _OPERATION)

    async def show(self, request: Request, link: PublicLink) -> Response:
        """The page of an active link, or that it has not changed."""
        page = await self._page(request, link)
        if_none_match = _header(request, b"if-none-match")
        if if_none_match is not None and matches(if_none_match, page.etag):
            return _Ready(HTTPStatus.NOT_MODIFIED, page.unchanged, b"")
        return _Ready(HTTPStatus.OK, page.fresh, page.body)

    async def _page(self, request: Request, link: PublicLink) -> _Page:
        award = link.award
        language = accepted_language(_header(request, b"accept-language"))
        has = self._pictures.has
        wanted = AwardPage(
            link,
            request.path_params["token"],
            language.tag,
            banner=award.banner is not None and await has(award.organization_id, award.banner),
            logo=award.logo is not None and await has(award.organization_id, award.logo),
        )
        page = self._cache.get(wanted)
        if page is None:
            page = _Page(wanted, render_award(wanted, self._site), language)
            self._cache.keep(wanted, page, page.size_bytes)
        return page


def unknown_route(public: PublicRoutes) -> BareRoute:
    """What lies under no link. It takes whatever is left of the prefix, so it comes last."""

    async def show_nothing(request: Request, _: PublicLink) -> Response:
        return refuse_page(request, Refusal.UNKNOWN)

    return public.route(f"{PREFIX}{{token:path}}", show_nothing, refuse_page)


def refuse_page(request: Request, refusal: Refusal) -> Response:
    """A page that says why there is nothing on it."""
    language = accepted_language(request.headers.get("accept-language"))
    notice = _notice(refusal, language.tag)
    return Response(notice.body, refusal.status, {**refusal.headers, **_html(notice, language)})


@cache
def _notice(refusal: Refusal, language_tag: str) -> Rendered:
    language = LANGUAGES[language_tag]
    notices = language.words.notices
    by_refusal = {
        Refusal.UNKNOWN: notices.unknown,
        Refusal.DISABLED: notices.disabled,
        Refusal.REVOKED: notices.revoked,
        Refusal.TOO_MANY: notices.too_many,
        Refusal.UNREACHABLE: notices.unreachable,
    }
    return render_notice(by_refusal[refusal], language)


def _header(request: Request, name: bytes) -> str | None:
    """The first header of this name; `request.headers` would take as long as to look the page up."""
    for its_name, value in request.scope["headers"]:
        if its_name == name:
            text: str = value.decode("latin-1")
            return text
    return None


def _html(rendered: Rendered, language: Language) -> dict[str, str]:
    return {
        "Content-Security-Policy": rendered.policy,
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": language.tag,
        "Vary": "Accept-Language",
    }


def _described(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/html": {"schema": {"type": "string"}}}}


_OPERATION: Final = {
    "summary": "The public page of a shared award",
    "description": "In the language that Accept-Language prefers, of those that we have words in.",
    "tags": ["public"],
    "responses": {
        "200": _described("The award; also a revoked one, which the page says"),
        "304": {"description": "The page is as the ETag in If-None-Match says"},
        "404": _described("No link was issued with this token, or what it shows is not available"),
        "410": _described("The link was disabled, or its owner erased"),
        "429": _described("Like 404, after too many of them; Retry-After says when to come back"),
        "503": _described("The database does not answer; Retry-After says when to come back"),
    },
}
