"""The public page of a shared award (rule 22): no sign-in, no JavaScript, nothing kept."""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from services.sharing.public import ALIVE, PREFIX, PublicRoutes, Refusal, not_modified
from services.sharing.reading import PublicLink
from services.sharing.rendering import CSP, AwardPage, Notice, etag, render_award, render_notice
from services.web import BareRoute

_HTML: Final = {"Content-Security-Policy": CSP, "Content-Type": "text/html; charset=utf-8"}

_UNKNOWN: Final = render_notice(
    Notice(
        "There is nothing here",
        "No award is shared under this address. Check that the whole link was copied.",
    )
)
_DISABLED: Final = render_notice(
    Notice("This link is no longer active", "What was shared here has been taken down.")
)
_REVOKED: Final = render_notice(
    Notice("This award was revoked", "There is nothing to download any more.")
)
_UNREACHABLE: Final = render_notice(
    Notice("This page can't be shown right now", "Please try again in a moment.")
)
_NOTICES: Final = {
    Refusal.UNKNOWN: _UNKNOWN,
    Refusal.DISABLED: _DISABLED,
    Refusal.REVOKED: _REVOKED,
    Refusal.UNREACHABLE: _UNREACHABLE,
}


def page_route(routes: PublicRoutes) -> BareRoute:
    """The route of pages. It takes whatever follows the prefix, so it must come last."""
    return routes.route(f"{PREFIX}{{token:path}}", show_page, refuse_page, _OPERATION)


async def show_page(request: Request, link: PublicLink) -> Response:
    """The page of an active link."""
    page = AwardPage.of(link)
    headers = ALIVE | _HTML | {"ETag": etag(page)}
    return not_modified(request, headers) or Response(render_award(page), HTTPStatus.OK, headers)


def refuse_page(_: Request, refusal: Refusal) -> Response:
    """A page that says why there is nothing on it."""
    return Response(_NOTICES[refusal], refusal.status, {**refusal.headers, **_HTML})


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
