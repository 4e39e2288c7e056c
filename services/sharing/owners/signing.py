"""Signing in and out.

The platform sends people here by a form of its own that holds their token and submits itself; what
can set a header may send the token in it instead. Why so: docs/decisions/0015.
"""

from http import HTTPStatus
from time import time

from starlette.requests import Request
from starlette.responses import Response

from services.sharing.languages import accepted_language
from services.sharing.owners import operations
from services.sharing.owners.forms import is_form, read_form
from services.sharing.owners.sessions import Sessions, is_from, origin_of
from services.sharing.owners.visits import SIGN_OUT_PATH, Visit, Visits
from services.sharing.owners.words import words_in
from services.web import (
    BadTokenError,
    BareRoute,
    KeysUnavailableError,
    Problem,
    authenticate,
    bearer_token,
)


class Signing:
    """The routes of `/session`. Of other sites only `platform_url` may sign people in, if it is known."""

    def __init__(
        self, sessions: Sessions, visits: Visits, public_url: str, platform_url: str | None
    ) -> None:
        self._sessions = sessions
        self._visits = visits
        self._origin = origin_of(public_url)
        self._platform_origin = None if platform_url is None else origin_of(platform_url)
        self.routes: tuple[BareRoute, ...] = (
            BareRoute("/session", self.sign_in, methods=["POST"], operation=operations.SIGN_IN),
            BareRoute("/session", self.end_session, methods=["DELETE"], operation=operations.END),
            visits.form_route(SIGN_OUT_PATH, self.sign_out, operations.SIGN_OUT),
        )

    async def sign_in(self, request: Request) -> Response:
        """Opens a session: a form is answered with the way to its page, a bearer token with 204."""
        if is_form(request):
            return await self._sign_in_by_form(request)
        await authenticate(request)
        response = Response(status_code=HTTPStatus.NO_CONTENT)
        try:
            await self._sessions.open(response, bearer_token(request), time())
        except BadTokenError as error:
            raise Problem(401, str(error), headers={"WWW-Authenticate": "Bearer"}) from None
        return response

    async def end_session(self, request: Request) -> Response:
        """Ends the session in this browser, if there is one. No other site can make it send this."""
        if not is_from(request, self._origin):
            raise Problem(403)
        response = Response(status_code=HTTPStatus.NO_CONTENT)
        self._sessions.end(response)
        return response

    async def sign_out(self, _: Visit) -> Response:
        """The same from a page."""
        response = self._to_awards()
        self._sessions.end(response)
        return response

    async def _sign_in_by_form(self, request: Request) -> Response:
        language = accepted_language(request.headers.get("accept-language"))
        if not self._may_sign_in(request):
            return self._visits.notice(
                language, words_in(language).notices.foreign, HTTPStatus.FORBIDDEN
            )
        form = await read_form(request)
        response = self._to_awards()
        try:
            await self._sessions.open(response, form.get("token", ""), time())
        except BadTokenError:
            return self._visits.signed_out(language)
        except KeysUnavailableError:
            return self._visits.unreachable(language)
        return response

    def _may_sign_in(self, request: Request) -> bool:
        """Else any site could sign people in as somebody whom they are not."""
        if self._platform_origin is None or is_from(request, self._origin):
            return True
        return request.headers.get("origin") == self._platform_origin

    def _to_awards(self) -> Response:
        """Always there: a way that the request could choose would lead anywhere."""
        return Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": self._visits.root})
