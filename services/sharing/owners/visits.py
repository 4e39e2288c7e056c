"""Requests of people who are signed in: nobody else gets to see or to do anything."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import psycopg
import structlog
from starlette.requests import Request
from starlette.responses import Response

from schemas import checks
from services.sharing.errors import NotTheOwnerError, RevokedAwardError, UnknownAwardError
from services.sharing.languages import Language, accepted_language
from services.sharing.owners import rendering
from services.sharing.owners.forms import read_form
from services.sharing.owners.sessions import Session, Sessions, is_from, origin_of
from services.sharing.owners.words import Notice, words_in
from services.web import BareRoute, KeysUnavailableError

log = structlog.get_logger()

PATH: Final = "/me/awards"
SIGN_OUT_PATH: Final = "/session/end"


class Visit(NamedTuple):
    """A request of somebody who is signed in, and what its form holds."""

    request: Request
    session: Session
    language: Language
    form: Mapping[str, str]

    @property
    def award_id(self) -> str:
        """The award in its address."""
        return str(self.request.path_params["award_id"])

    @property
    def cursor(self) -> str | None:
        """The page of the list that it asks for, or that it came from."""
        return self.form.get("cursor") or self.request.query_params.get("cursor")


Serve = Callable[[Visit], Awaitable[Response]]


class Visits:
    """Makes routes for whoever is signed in.

    `public_url` is what all addresses of ours begin with, `platform_url` where members sign in.
    """

    def __init__(self, sessions: Sessions, public_url: str, platform_url: str | None) -> None:
        self._sessions = sessions
        self._platform_url = platform_url
        self._origin = origin_of(public_url)
        base = urlsplit(public_url).path
        self.root = f"{base}{PATH}"
        self.sign_out = f"{base}{SIGN_OUT_PATH}"

    def route(self, path: str, serve: Serve, operation: Mapping[str, Any]) -> BareRoute:
        """A route that shows something; it must change nothing."""

        async def respond(request: Request) -> Response:
            return await self._respond(request, serve, {})

        return BareRoute(path, respond, methods=["GET"], operation=operation, name=serve.__name__)

    def form_route(self, path: str, serve: Serve, operation: Mapping[str, Any]) -> BareRoute:
        """A route for the forms of our own pages, each made for the very session that sends it."""

        async def respond(request: Request) -> Response:
            form = await read_form(request)
            return await self._respond(request, partial(self._serve_form, serve), form)

        return BareRoute(path, respond, methods=["POST"], operation=operation, name=serve.__name__)

    def signed_out(self, language: Language) -> Response:
        """What somebody gets to see who is not signed in."""
        words = words_in(language)
        way = (words.sign_in, self._platform_url) if self._platform_url else None
        response = rendering.notice(language, words.notices.signed_out, 401, way)
        response.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, 15.5.2: a 401 names a scheme
        return response

    def notice(self, language: Language, said: Notice, status: HTTPStatus) -> Response:
        """A page that says why something else is not on it, with the way back."""
        return rendering.notice(language, said, status, (words_in(language).back, self.root))

    def unreachable(self, language: Language) -> Response:
        """A page for when what we need does not answer."""
        response = rendering.notice(language, words_in(language).notices.unreachable, 503, None)
        response.headers["Retry-After"] = "2"
        return response

    async def _respond(self, request: Request, serve: Serve, form: Mapping[str, str]) -> Response:
        language = accepted_language(request.headers.get("accept-language"))
        notices = words_in(language).notices
        try:
            session = await self._sessions.find(request)
            if session is None:
                return self.signed_out(language)
            if checks.id_problem(request.path_params.get("award_id", "any")):
                raise UnknownAwardError  # nothing can have that id
            return await serve(Visit(request, session, language, form))
        except (UnknownAwardError, NotTheOwnerError):  # whose it is, is nobody's business
            return self.notice(language, notices.not_found, HTTPStatus.NOT_FOUND)
        except RevokedAwardError:
            return self.notice(language, notices.revoked, HTTPStatus.CONFLICT)
        except KeysUnavailableError:
            return self.unreachable(language)
        except psycopg.OperationalError as error:
            log.warning("database_unavailable", error=type(error).__name__, sqlstate=error.sqlstate)
            return self.unreachable(language)

    async def _serve_form(self, serve: Serve, visit: Visit) -> Response:
        notices = words_in(visit.language).notices
        if not is_from(visit.request, self._origin):
            return self.notice(visit.language, notices.foreign, HTTPStatus.FORBIDDEN)
        if not visit.session.made(visit.form):
            return self.notice(visit.language, notices.out_of_date, HTTPStatus.FORBIDDEN)
        return await serve(visit)
