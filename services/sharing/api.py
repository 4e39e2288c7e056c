"""HTTP of sharing: the owners' calls, and the application that serves them and the pages."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from time import time
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from schemas.awards import Kind
from schemas.links import AwardReceived
from services.sharing import linkedin
from services.sharing.application import Sharing
from services.sharing.clients import client_of, is_of_a_reader
from services.sharing.credentials.issuing import Credentials
from services.sharing.credentials.routes import credential_route, issuer_routes
from services.sharing.downloads import BINARY, PDF, Downloads
from services.sharing.drawing_pool import DrawingError
from services.sharing.errors import (
    NothingToDownloadError,
    NotTheOwnerError,
    RevokedAwardError,
    UnknownAwardError,
)
from services.sharing.headers import SafeHeaders
from services.sharing.limits import Misses
from services.sharing.links import check_owner
from services.sharing.lookups import Lookups
from services.sharing.oembed import Embedding
from services.sharing.owners.routes import owner_routes
from services.sharing.pages import Pages, unknown_route
from services.sharing.personal import Person
from services.sharing.previews_api import CertificatePreviews
from services.sharing.public import PREFIX, PublicRoutes
from services.sharing.reading import OwnedAward, Place, Reading
from services.sharing.rendering import Site
from services.sharing.settings import SharingSettings
from services.sharing.shortcut import Shortcut
from services.sharing.studio import Studio
from services.sharing.writing import Writing
from services.web import (
    Api,
    ApiRoute,
    Caller,
    Page,
    Paging,
    Principal,
    Problem,
    ProblemDocument,
    TokenVerifier,
    answers,
    create_api,
    json_response,
    problem_type,
    unavailable,
)

AWARD_REVOKED: Final = problem_type("award-revoked")

_PROBLEMS: Final[dict[type[Exception], Callable[[Any], Problem]]] = {
    UnknownAwardError: lambda _: Problem(404),
    NotTheOwnerError: lambda _: Problem(403),
    RevokedAwardError: lambda _: Problem(
        409,
        "The award was revoked, so no new link to it can be made.",
        type=AWARD_REVOKED,
        title="Award revoked",
    ),
    NothingToDownloadError: lambda _: Problem(
        410,
        "The award was revoked, so there is nothing to download.",
        type=AWARD_REVOKED,
        title="Award revoked",
    ),
    DrawingError: lambda _: unavailable("The certificate can't be drawn at the moment."),
}
_PDF: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The certificate", "content": {PDF: {"schema": BINARY}}},
    206: {
        "description": "The range of it that was asked for",
        "content": {PDF: {"schema": BINARY}},
    },
    304: {"description": "The certificate is as the ETag in If-None-Match says"},
    **answers({410: ProblemDocument, 416: ProblemDocument}),
}
_OWNERS: Final = answers({403: ProblemDocument, 404: ProblemDocument})


class Link(msgspec.Struct, frozen=True):
    """The active link of an award: its public page, and where "Add to LinkedIn" leads."""

    url: str
    linkedin_url: str


class Award(msgspec.Struct, frozen=True):
    """An award, as its owner sees it."""

    award_id: str
    kind: Kind
    code: str
    program_id: str | None
    title: str
    earned_at: datetime
    granted_at: datetime
    revoked: bool
    link: Link | None


def create(
    sharing: Sharing,
    reading: Reading,
    misses: Misses,
    verifier: TokenVerifier,
    settings: SharingSettings,
) -> Api:
    """The application. It opens `reading` and `misses` when it starts, and closes them when it ends."""

    @asynccontextmanager
    async def lifespan(_: Api) -> AsyncIterator[None]:
        await reading.open()
        await misses.open(time())
        try:
            yield
        finally:
            await studio.close()
            await misses.close()
            await reading.close()

    def limit(request: Request) -> int:
        return misses.count(client_of(request, settings.trusted_proxies), time())

    def flood(request: Request) -> int:
        if not misses.has_floods:  # nearly always: no address is looked at then
            return 0
        client = client_of(request, settings.trusted_proxies)
        return misses.wait(client, time()) if is_of_a_reader(client) else 0

    writing = Writing(sharing)
    studio = Studio(reading, settings.achievements_url)
    public = PublicRoutes(Lookups(reading.links), limit, flood)
    keys = settings.signing_keys
    credentials = Credentials(keys, writing, reading, settings.public_url) if keys else None
    downloads = Downloads(
        reading,
        studio.assets,
        studio.drawings,
        settings.public_url,
        bake=credentials.bake if credentials else None,
    )
    site = Site(settings.public_url, has_credentials=credentials is not None)
    page = Pages(site, studio.assets).route(public)
    api = create_api(
        "Sharing",
        version="1",
        description="Public links to awards, for their owners to make, copy and disable.",
        verifier=verifier,
        checks={"database": reading.check},
        routes=[
            page,
            *(issuer_routes(credentials) if credentials else ()),
            credential_route(public, credentials),
            *downloads.routes(public),
            *owner_routes(
                writing,
                reading,
                verifier,
                downloads.owners_certificate,
                public_url=settings.public_url,
                platform_url=settings.platform_url,
            ),
            Embedding(public, settings.public_url).route(),
            unknown_route(public),
        ],
        problems=_PROBLEMS,
        unobserved=[PREFIX],
        middleware=[Middleware(Shortcut, prefix=PREFIX, route=page)],
        lifespan=lifespan,
    )
    api.add_middleware(SafeHeaders, public_url=settings.public_url)
    api.include_router(OwnersCalls(writing, reading, downloads, settings.public_url).router())
    api.include_router(CertificatePreviews(reading, studio).router())
    return api


class OwnersCalls:
    """What the owner of awards can ask for; `public_url` is what links begin with."""

    def __init__(
        self, writing: Writing, reading: Reading, downloads: Downloads, public_url: str
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._downloads = downloads
        self._public_url = public_url

    def router(self) -> APIRouter:
        """The calls under their addresses."""
        router = APIRouter(prefix="/v1/awards", tags=["awards"], route_class=ApiRoute)
        link = "/{award_id}/link"
        made = answers({200: Link, 201: Link, 409: ProblemDocument})
        router.add_api_route("", self.list_awards, methods=["GET"])
        router.add_api_route("/{award_id}", self.show_award, methods=["GET"], responses=_OWNERS)
        pdf = "/{award_id}/certificate.pdf"
        router.add_api_route(pdf, self.show_certificate, methods=["GET"], responses=_PDF | _OWNERS)
        router.add_api_route(link, self.issue_link, methods=["PUT"], responses=made | _OWNERS)
        router.add_api_route(link, self.disable_link, methods=["DELETE"], responses=_OWNERS)
        return router

    async def list_awards(self, caller: Caller, paging: Paging) -> Page[Award]:
        """The caller's awards, the latest earned first; those of one instant by id, downwards."""
        found = await self._reading.owned_awards(
            _person(caller), paging.after(Place), paging.limit + 1
        )
        return paging.page([self._award(owned) for owned in found], _place)

    async def show_award(self, caller: Caller, award_id: str) -> Award:
        """One award of the caller's."""
        return self._award(await self._owned(caller, award_id))

    async def show_certificate(self, caller: Caller, request: Request, award_id: str) -> Response:
        """A certificate of the caller's as a PDF, shared or not; 410 once it is revoked."""
        return await self._downloads.owners_certificate(
            request, await self._owned(caller, award_id)
        )

    async def issue_link(self, caller: Caller, award_id: str) -> Response:
        """Shares the award: 201 with a new link, or 200 with the one that is active already.

        A revoked award gets no new link (409), but keeps an active one.
        """
        issued = await self._writing.issue_link(_person(caller), award_id)
        return json_response(
            self._link(issued.award, issued.token), status=201 if issued.is_new else 200
        )

    async def disable_link(self, caller: Caller, award_id: str) -> None:
        """Kills the award's link, if there is one, for good: it is dead at the next request."""
        await self._writing.disable_link(_person(caller), award_id)

    async def _owned(self, caller: Principal, award_id: str) -> OwnedAward:
        owned = await self._reading.owned_award(caller.organization_id, award_id)
        if owned is None:
            raise UnknownAwardError
        check_owner(caller.user_id, owned.award.user_id, shown=owned.shown)
        return owned

    def _award(self, owned: OwnedAward) -> Award:
        award = owned.award
        return Award(
            award_id=award.award_id,
            kind=award.kind,
            code=award.code,
            program_id=award.program_id,
            title=award.title,
            earned_at=award.earned_at,
            granted_at=award.granted_at,
            revoked=owned.revoked,
            link=None if owned.token is None else self._link(award, owned.token),
        )

    def _link(self, award: AwardReceived, token: str) -> Link:
        page = f"{self._public_url}{PREFIX}{token}"
        return Link(page, linkedin.add_address(award, page))


def _person(caller: Principal) -> Person:
    return Person(caller.organization_id, caller.user_id)


def _place(award: Award) -> Place:
    return Place(award.earned_at, award.award_id)
