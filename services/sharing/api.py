"""HTTP of sharing: the owners' calls, and the application that serves them and the pages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from schemas.awards import Kind
from schemas.links import AwardReceived
from services.sharing import linkedin
from services.sharing.application import Sharing
from services.sharing.errors import NotTheOwnerError, RevokedAwardError, UnknownAwardError
from services.sharing.links import check_owner
from services.sharing.lookups import Lookups
from services.sharing.pages import page_route
from services.sharing.personal import Person
from services.sharing.public import PREFIX, PublicRoutes
from services.sharing.reading import OwnedAward, Place, Reading
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


def create(sharing: Sharing, reading: Reading, verifier: TokenVerifier, public_url: str) -> Api:
    """The application. It opens `reading` when it starts, and closes it when it ends."""

    @asynccontextmanager
    async def lifespan(_: Api) -> AsyncIterator[None]:
        await reading.open()
        try:
            yield
        finally:
            await reading.close()

    public = PublicRoutes(Lookups(reading.links))
    api = create_api(
        "Sharing",
        version="1",
        description="Public links to awards, for their owners to make, copy and disable.",
        verifier=verifier,
        checks={"database": reading.check},
        routes=[page_route(public)],
        problems=_PROBLEMS,
        unobserved=[PREFIX],
        lifespan=lifespan,
    )
    api.include_router(OwnersCalls(sharing, reading, public_url).router())
    return api


class OwnersCalls:
    """What the owner of awards can ask for; `public_url` is what links begin with."""

    def __init__(self, sharing: Sharing, reading: Reading, public_url: str) -> None:
        self._sharing = sharing
        self._reading = reading
        self._public_url = public_url

    def router(self) -> APIRouter:
        """The calls under their addresses."""
        router = APIRouter(prefix="/v1/awards", tags=["awards"], route_class=ApiRoute)
        link = "/{award_id}/link"
        made = answers({200: Link, 201: Link, 409: ProblemDocument})
        router.add_api_route("", self.list_awards, methods=["GET"])
        router.add_api_route("/{award_id}", self.show_award, methods=["GET"], responses=_OWNERS)
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
        owned = await self._reading.owned_award(caller.organization_id, award_id)
        if owned is None:
            raise UnknownAwardError
        check_owner(caller.user_id, owned.award.user_id, shown=owned.shown)
        return self._award(owned)

    async def issue_link(self, caller: Caller, award_id: str) -> Response:
        """Shares the award: 201 with a new link, or 200 with the one that is active already.

        A revoked award gets no new link (409), but keeps an active one.
        """
        issued = await asyncio.to_thread(
            self._sharing.issue_link, _person(caller), award_id, datetime.now(UTC)
        )
        return json_response(
            self._link(issued.award, issued.token), status=201 if issued.is_new else 200
        )

    async def disable_link(self, caller: Caller, award_id: str) -> None:
        """Kills the award's link, if there is one, for good: it is dead at the next request."""
        await asyncio.to_thread(
            self._sharing.disable_link, _person(caller), award_id, datetime.now(UTC)
        )

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
