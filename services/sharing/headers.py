"""Headers that every answer of sharing carries, whichever room it comes from."""

from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_UNCHANGED: Final = 304
HSTS_SECONDS: Final = 365 * 24 * 3600

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    # Nothing here is for search engines, and what does not say itself how long it holds may be dead already (rule 22).
    (b"x-robots-tag", b"noindex, noarchive"),
    (b"cache-control", b"no-store"),
    # A page has a whole policy of its own; nothing else is ever shown in a frame either.
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
)


class SafeHeaders:
    """ASGI middleware: adds to an answer those of the headers that it has not got itself.

    Browsers that came by https are told to come by nothing else for a year (RFC 6797). A 304 gets no more than that: of
    the others browsers keep what the answer had that they have (RFC 9111, 4.3.4).
    """

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        hsts = (b"strict-transport-security", b"max-age=%d" % HSTS_SECONDS)
        is_https = urlsplit(public_url).scheme == "https"
        self._on_unchanged = (hsts,) if is_https else ()
        self._headers = (*_ALWAYS, *self._on_unchanged)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message.get("headers", ()))
                names = {name for name, _ in headers}
                safe = self._on_unchanged if message["status"] == _UNCHANGED else self._headers
                headers += [header for header in safe if header[0] not in names]
            await send(message)

        await self._app(scope, receive, send_with_headers)
