"""Credentials over HTTP: of a link, the lists that say whether they hold, and whose signature it is.

Verifiers run in browsers, too, so any page may read what is public here (CORS). Nothing of it is
taken from a cache unasked: a link is dead, and a key gone, at the next request.
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from services.sharing.credentials.documents import issuer_profile
from services.sharing.credentials.issuers import organization_of
from services.sharing.credentials.issuing import Credentials, NamedIssuer
from services.sharing.credentials.securing import Document
from services.sharing.public import ALIVE, DEAD, PREFIX, PublicRoutes, Refusal, not_modified
from services.sharing.reading import PublicLink
from services.web import BareRoute, Problem
from services.web.accepting import preferred
from services.web.problems import PROBLEM_MEDIA_TYPE
from services.web.routes import COMPONENTS

_TOKENS: Final = ("application/vc+jwt", "text/plain", "application/jwt")
_JSON: Final = (
    "application/vc+ld+json",
    "application/vc",
    "application/ld+json",
    "application/json",
)
_DID_TYPE: Final = "application/did+ld+json"
_KEY_SET_TYPE: Final = "application/jwk-set+json"
_ANYBODY: Final = {"Access-Control-Allow-Origin": "*"}
_LIST_NUMBER: Final = re.compile(r"[1-9][0-9]{0,9}")
_MAX_LIST: Final = 2**31 - 1


def credential_route(routes: PublicRoutes, credentials: Credentials | None) -> BareRoute:
    """The route of a link's credential; without keys there is none under any link."""

    async def show(request: Request, link: PublicLink) -> Response:
        if link.revoked:
            return refuse_credential(request, Refusal.REVOKED)
        if credentials is None:
            return _problem(404, "No credentials are issued here.")
        document = await credentials.open_badge(link, request.path_params["token"])
        return await _signed(request, credentials, document, (*_JSON, *_TOKENS))

    path = f"{PREFIX}{{token}}/credential.json"
    return routes.route(path, show, refuse_credential, _CREDENTIAL)


def issuer_routes(credentials: Credentials) -> list[BareRoute]:
    """The routes of what verifiers need beside the credential."""
    routes = _IssuerRoutes(credentials)
    organization = "/issuers/{issuer}"
    return [
        BareRoute(organization, routes.issuer_profile, operation=_PROFILE),
        BareRoute(f"{organization}/did.json", routes.issuer_did_document, operation=_DID),
        BareRoute(f"{organization}/status/{{number}}", routes.status_list, operation=_LIST),
        BareRoute("/.well-known/did.json", routes.host_did_document, operation=_HOST_DID),
        BareRoute("/.well-known/jwks.json", routes.key_set, operation=_KEY_SET),
    ]


def refuse_credential(_: Request, refusal: Refusal) -> Response:
    """A problem that says why there is no credential."""
    return _problem(refusal.status, headers=refusal.headers)


class _IssuerRoutes:
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def issuer_profile(self, request: Request) -> Response:
        """An organization as it is named in credentials."""
        known = await self._known(request)
        if known is None:
            return _problem(404)
        profile = issuer_profile(known.issuer, known.name)
        return _plain(request, profile, "application/ld+json")

    async def issuer_did_document(self, request: Request) -> Response:
        """The keys that sign for an organization."""
        known = await self._known(request)
        if known is None:
            return _problem(404)
        document = self._credentials.issuer_keys(known.issuer)
        return _plain(request, document, _DID_TYPE)

    async def status_list(self, request: Request) -> Response:
        """A status list of an organization, signed; as a token unless JSON is asked for."""
        organization_id = _organization_id(request)
        number = _list_number(request)
        if organization_id is None or number is None:
            return _problem(404)
        document = await self._credentials.status_list(organization_id, number, datetime.now(UTC))
        if document is None:
            return _problem(404)
        return await _signed(request, self._credentials, document, (*_TOKENS, *_JSON))

    async def host_did_document(self, request: Request) -> Response:
        """The keys of the host, which controls all organizations' documents."""
        return _plain(request, self._credentials.host_keys(), _DID_TYPE)

    async def key_set(self, request: Request) -> Response:
        """The same keys as a JWK Set."""
        return _plain(request, self._credentials.keys.jwks, _KEY_SET_TYPE)

    async def _known(self, request: Request) -> NamedIssuer | None:
        organization_id = _organization_id(request)
        return None if organization_id is None else await self._credentials.issuer(organization_id)


async def _signed(
    request: Request, credentials: Credentials, document: Document, offers: tuple[str, ...]
) -> Response:
    """A document in the form that is wanted of those on offer; signed only where it is sent."""
    media_type = preferred(request, *offers)
    headers = _headers(media_type, credentials.tag(document, media_type)) | {"Vary": "Accept"}
    if unchanged := not_modified(request, headers):
        return unchanged
    sign = credentials.signatory.token if media_type in _TOKENS else credentials.signatory.json
    return Response(await asyncio.to_thread(sign, document), 200, headers)


def _plain(request: Request, document: Document, media_type: str) -> Response:
    content = msgspec.json.encode(document)
    headers = _headers(media_type, f'"{blake2b(content, digest_size=16).hexdigest()}"')
    return not_modified(request, headers) or Response(content, 200, headers)


def _headers(media_type: str, tag: str) -> dict[str, str]:
    return {**ALIVE, **_ANYBODY, "ETag": tag, "Content-Type": media_type}


def _problem(status: int, detail: str | None = None, headers: Mapping[str, str] = DEAD) -> Response:
    return Problem(status, detail, headers={**headers, **_ANYBODY}).response()


def _organization_id(request: Request) -> str | None:
    return organization_of(request.path_params["issuer"])


def _list_number(request: Request) -> int | None:
    """The number of a status list, None where none can have it; each is written in one way."""
    written = request.path_params["number"]
    number = int(written) if _LIST_NUMBER.fullmatch(written) else 0
    return number if 1 <= number <= _MAX_LIST else None


def _operation(summary: str, answers: Mapping[int, str], *media_types: str) -> dict[str, Any]:
    """An operation of OpenAPI; its success has one of the media types, its errors are problems."""
    kinds = {name: "string" if name in _TOKENS else "object" for name in media_types}
    success = {name: {"schema": {"type": kind}} for name, kind in kinds.items()}
    problem = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": COMPONENTS.format(name="ProblemDocument")}}}
    contents = {status: {"content": problem} for status in answers}
    contents |= {200: {"content": success}, 304: {}}
    return {
        "summary": summary,
        "tags": ["public"],
        "responses": {
            str(status): {"description": description, **contents[status]}
            for status, description in answers.items()
        },
    }


_SAME: Final = {304: "It is as the ETag in If-None-Match says"}
_NO_ISSUER: Final = {
    404: "It has issued no credentials, or nothing of it is available",
    503: "It can't be told right now; Retry-After says when to come back",
}
_CREDENTIAL: Final = {
    "operationId": "credential",
    **_operation(
        "A shared award as a verifiable credential (Open Badges 3.0), as JSON or as a token",
        {
            200: "The credential, signed",
            **_SAME,
            404: "No such link was issued, what it shows is not available, or nothing is signed here",
            410: "The link was disabled, its owner erased, or the award revoked",
            429: "Like 404, after too many of them",
            503: "It can't be shown right now; Retry-After says when to come back",
        },
        *_JSON,
        *_TOKENS,
    ),
}
_PROFILE: Final = _operation(
    "An organization as issuer of credentials",
    {200: "Its profile", **_SAME, **_NO_ISSUER},
    "application/ld+json",
)
_DID: Final = _operation(
    "The DID document of an organization: by which keys its credentials are checked",
    {200: "The document", **_SAME, **_NO_ISSUER},
    _DID_TYPE,
)
_LIST: Final = _operation(
    "A status list (Bitstring Status List 1.0): which of an organization's credentials are revoked",
    {200: "The list, signed", **_SAME, **_NO_ISSUER},
    *_TOKENS,
    *_JSON,
)
_HOST_DID: Final = _operation(
    "The DID document of this host", {200: "The document", **_SAME}, _DID_TYPE
)
_KEY_SET: Final = _operation(
    "The keys that credentials are signed with, or were",
    {200: "A JWK Set", **_SAME},
    _KEY_SET_TYPE,
)
