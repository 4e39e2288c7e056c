"""Sessions: the platform's own token in a cookie that no script can read.

The token is verified anew at each request, like a bearer token, so nothing of a session is kept here, none outlives its
token or the key that it was signed with, and no key of ours has to be rotated.
"""

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from services.sharing.personal import Person
from services.web import BadTokenError, TokenVerifier

MAX_COOKIE_CHARACTERS: Final = 4000  # browsers keep 4,096 bytes, the cookie's name among them
MAX_AGE_SECONDS: Final = 400 * 24 * 3600  # browsers keep a cookie no longer (RFC 6265bis, 5.5)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}")  # RFC 7515, 3.1
_COOKIE: Final = "awards-session"
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class Session(NamedTuple):
    """Somebody who is signed in."""

    person: Person
    token: str

    @property
    def form_key(self) -> str:
        """What a form of ours holds to show that it was made for this very session.

        It is derived from the token, which no other site can know, and doesn't give it away.
        """
        return hmac.digest(self.token.encode(), b"awards-form", sha256).hex()

    def made(self, form: Mapping[str, str]) -> bool:
        """Whether a form that was sent was made for this session."""
        return hmac.compare_digest(form.get("form_key", "").encode(), self.form_key.encode())


class Sessions:
    """Opens, finds and ends sessions of people who come to `public_url`."""

    def __init__(self, verifier: TokenVerifier, public_url: str) -> None:
        self._verifier = verifier
        self._is_https = urlsplit(public_url).scheme == "https"
        # __Host-: no other host, and nobody on the way, can set a cookie of that name.
        self.cookie = f"__Host-{_COOKIE}" if self._is_https else _COOKIE

    async def find(self, request: Request) -> Session | None:
        """The request's session, None where there is none or its token is bad by now.

        KeysUnavailableError where nobody can tell.
        """
        token = request.cookies.get(self.cookie)
        if token is None:
            return None
        try:
            principal = await self._verifier.verify(token)
        except BadTokenError:
            return None
        return Session(Person(principal.organization_id, principal.user_id), token)

    async def open(self, response: Response, token: str, now: float) -> None:
        """Makes the response open a session that ends with the token, `now` in seconds since 1970.

        BadTokenError where the token proves nothing, or no browser would keep it;
        KeysUnavailableError where nobody can tell.
        """
        if len(token) > MAX_COOKIE_CHARACTERS:
            raise BadTokenError("The token is too long for a cookie.")
        if _TOKEN.fullmatch(token) is None:
            raise BadTokenError("The token is not valid.")
        _, until = await self._verifier.verify_until(token)
        # Lax, not Strict: people come from the platform, whose form leads them here.
        self._set(response, token, int(min(max(until - now, 1), MAX_AGE_SECONDS)))

    def end(self, response: Response) -> None:
        """Makes the response end the session in this browser."""
        self._set(response, "", 0)

    def _set(self, response: Response, value: str, seconds: int) -> None:
        response.set_cookie(
            self.cookie,
            value,
            max_age=seconds,
            path="/",
            secure=self._is_https,
            httponly=True,
            samesite="lax",
        )


def origin_of(url: str) -> str:
    """The origin of an http or https URL, as browsers write it (RFC 6454, 6.2)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    is_usual = parts.port in (None, _DEFAULT_PORTS.get(parts.scheme))
    return f"{parts.scheme}://{host}" if is_usual else f"{parts.scheme}://{host}:{parts.port}"


def is_from(request: Request, origin: str) -> bool:
    """Whether a page of this origin of ours sent the request, or no page at all.

    Browsers say so themselves (Fetch Metadata); older ones name the page's origin. What says
    neither is no browser, and sends nobody's cookie but its own.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("origin") in (None, origin)
