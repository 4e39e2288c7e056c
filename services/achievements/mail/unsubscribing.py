"""The page behind the link in each mail: GET shows it, POST alone unsubscribes, from one organization's mail.

No sign-in, no JavaScript, no cookies. A POST needs no body, and none is read: RFC 8058 wants it to work for a bare
client, and the token is all that there is to prove. What the page says is the same for an erased member.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import psycopg
import structlog
from markupsafe import Markup
from psycopg.rows import class_row
from starlette.requests import Request
from starlette.responses import Response

from services.achievements.mail.languages import Language, Notice, Sentence, accepted_language
from services.achievements.mail.recipients import UNSUBSCRIBE_PATH
from services.achievements.mail.rendering import HTML, TEMPLATES, one_line
from services.achievements.reading import AsyncPool
from services.web import BareRoute

log = structlog.get_logger()

_PATH: Final = f"{UNSUBSCRIBE_PATH}{{token:path}}"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{24}", re.ASCII)
_CSS: Final = (TEMPLATES / "unsubscribe.css").read_text()
_CSP: Final = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{b64encode(sha256(_CSS.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _CSP,
    "Content-Type": "text/html; charset=utf-8",
    "Referrer-Policy": "no-referrer",  # the address is a key
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, noarchive",
}

_LOOK: Final = """
SELECT coalesce(name, '') AS organization, unsubscribed_at IS NOT NULL AS unsubscribed
FROM mail_recipient LEFT JOIN organization USING (organization_id) WHERE token = %s
"""
_UNSUBSCRIBE: Final = """
WITH done AS (
    UPDATE mail_recipient SET unsubscribed_at = coalesce(unsubscribed_at, now()) WHERE token = %s
    RETURNING organization_id
)
SELECT coalesce(name, '') AS organization, true AS unsubscribed
FROM done LEFT JOIN organization USING (organization_id)
"""


class Subscription(NamedTuple):
    """What a token opens: an organization's mail to somebody."""

    organization: str
    unsubscribed: bool


class Unsubscribing:
    """The public routes; `pool` is in autocommit."""

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool
        self.routes = (
            BareRoute(_PATH, self.show, methods=["GET"], operation=_SHOW_OPERATION),
            BareRoute(_PATH, self.unsubscribe, methods=["POST"], operation=_UNSUBSCRIBE_OPERATION),
        )

    async def show(self, request: Request) -> Response:
        """The page that asks, or that says it is done; it changes nothing."""
        return await self._answer(request, _LOOK)

    async def unsubscribe(self, request: Request) -> Response:
        """Unsubscribes, and says so; again is the same."""
        return await self._answer(request, _UNSUBSCRIBE)

    async def _answer(self, request: Request, query: str) -> Response:
        language = accepted_language(request.headers.get("accept-language"))
        words = language.words.page
        try:
            subscription = await self._subscription(query, request.path_params["token"])
        except psycopg.OperationalError as error:
            log.warning("database_unavailable", error=type(error).__name__, sqlstate=error.sqlstate)
            return _page(language, words.unreachable, HTTPStatus.SERVICE_UNAVAILABLE)
        if subscription is None:
            return _page(language, words.unknown, HTTPStatus.NOT_FOUND)
        notice = words.done if subscription.unsubscribed else words.ask
        return _page(language, notice, HTTPStatus.OK, subscription.organization)

    async def _subscription(self, query: str, token: str) -> Subscription | None:
        if _TOKEN.fullmatch(token) is None:
            return None
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Subscription))
            await cursor.execute(query, (token,), prepare=True)
            return await cursor.fetchone()


def _page(
    language: Language, notice: Notice, status: HTTPStatus, organization: str = ""
) -> Response:
    page = _template.render(
        css=Markup(_CSS),
        language=language,
        notice=notice,
        text=Sentence(notice.text, {"organization": one_line(organization)}),
    )
    again = {"Retry-After": "2"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Response(page, status.value, _HEADERS | again)


_template: Final = HTML.get_template("unsubscribe.html")


def _html(description: str) -> Mapping[str, Any]:
    return {"description": description, "content": {"text/html": {"schema": {"type": "string"}}}}


_UNHAPPY: Final = {
    "404": _html("No mail holds this token"),
    "503": _html("The database does not answer"),
}
_SHOW_OPERATION: Final = {
    "summary": "The page behind the unsubscribe link of a mail; it changes nothing",
    "tags": ["public"],
    "responses": {"200": _html("Asks, or says that it was done"), **_UNHAPPY},
}
_UNSUBSCRIBE_OPERATION: Final = {
    "summary": "Unsubscribe from an organization's mail, in one click (RFC 8058)",
    "tags": ["public"],
    "requestBody": {
        "required": False,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {"List-Unsubscribe": {"const": "One-Click"}},
                }
            }
        },
    },
    "responses": {"200": _html("Unsubscribed, now or before"), **_UNHAPPY},
}
