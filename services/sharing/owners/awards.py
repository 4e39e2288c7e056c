"""The pages of a member's awards, and what is done on them: share, copy, download, take down (rules 21 to 24)."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from services.sharing.drawing_pool import DrawingError
from services.sharing.errors import RevokedAwardError, UnknownAwardError
from services.sharing.links import check_owner
from services.sharing.owners import operations, rendering
from services.sharing.owners.rendering import Card
from services.sharing.owners.visits import PATH, Visit, Visits
from services.sharing.owners.words import words_in
from services.sharing.reading import OwnedAward, Place, Reading
from services.sharing.writing import Writing
from services.web import BareRoute, Problem
from services.web.pages import PageQuery

PAGE_LIMIT: Final = 20
_NO_LINK: Final = UUID(int=0)

Certificate = Callable[[Request, OwnedAward], Awaitable[Response]]
"""Gives a certificate as a PDF; UnknownAwardError if it is none, RevokedAwardError, DrawingError."""


class AwardPages:
    """The pages for whoever is signed in; `public_url` is what shared links begin with."""

    def __init__(
        self,
        writing: Writing,
        reading: Reading,
        visits: Visits,
        certificate: Certificate,
        public_url: str,
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._visits = visits
        self._certificate = certificate
        self._public_url = public_url
        one = f"{PATH}/{{award_id}}"
        self.routes: tuple[BareRoute, ...] = (
            visits.route(PATH, self.show_list, operations.LIST),
            visits.form_route(f"{one}/link", self.share, operations.ISSUE),
            visits.route(f"{one}/disable-link", self.ask_to_disable, operations.ASK),
            visits.form_route(f"{one}/disable-link", self.disable, operations.DISABLE),
            visits.route(f"{one}/certificate.pdf", self.download, operations.DOWNLOAD),
        )

    async def show_list(self, visit: Visit) -> Response:
        """The member's awards, the latest earned first."""
        person = visit.session.person
        query = PageQuery(PAGE_LIMIT, visit.cursor)
        found, member = await asyncio.gather(
            self._reading.owned_awards(person, _after(query), PAGE_LIMIT + 1),
            self._reading.recipient(person),
        )
        page = query.page(found, _place)
        return self._page(
            "awards.html",
            visit,
            name=member.name,
            cards=[self._card(visit, owned) for owned in page.items],
            next=page.next,
        )

    async def share(self, visit: Visit) -> Response:
        """Shares an award, and shows its link, which may have been there already."""
        await self._writing.issue_link(visit.session.person, visit.award_id)
        return self._back(visit)

    async def ask_to_disable(self, visit: Visit) -> Response:
        """Asks whether the award's link is to die; without a link there is nothing to ask."""
        return await self._ask(visit, HTTPStatus.OK)

    async def disable(self, visit: Visit) -> Response:
        """Kills the very link that the member was asked about; asks again if it is another by now."""
        has_no_link = await self._writing.disable_link(
            visit.session.person,
            visit.award_id,
            link_id=_uuid(visit.form.get("link_id", "")),
        )
        if has_no_link:
            return self._back(visit)
        return await self._ask(visit, HTTPStatus.CONFLICT)

    async def download(self, visit: Visit) -> Response:
        """The certificate as a PDF; of a revoked one, a page that says so."""
        try:
            return await self._certificate(visit.request, await self._owned(visit))
        except RevokedAwardError:
            revoked = words_in(visit.language).notices.revoked
            return self._visits.notice(visit.language, revoked, HTTPStatus.GONE)
        except DrawingError:
            return self._visits.unreachable(visit.language)

    async def _ask(self, visit: Visit, status: HTTPStatus) -> Response:
        owned = await self._owned(visit)
        if owned.link_id is None:
            return self._back(visit)
        is_another = status is HTTPStatus.CONFLICT
        card = self._card(visit, owned)
        return self._page("disable.html", visit, status, card=card, is_another=is_another)

    def _back(self, visit: Visit) -> Response:
        """To the award in the list; the answer to a form is never shown itself, so it can't be sent anew."""
        query = f"?{urlencode({'cursor': visit.cursor})}" if visit.cursor else ""
        to = f"{self._visits.root}{query}#award-{quote(visit.award_id, safe='')}"
        return Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": to})

    def _page(
        self, template: str, visit: Visit, status: HTTPStatus = HTTPStatus.OK, **shown: object
    ) -> Response:
        return rendering.html(
            template,
            visit.language,
            status,
            root=self._visits.root,
            sign_out=self._visits.sign_out,
            form_key=visit.session.form_key,
            cursor=visit.cursor,
            **shown,
        )

    def _card(self, visit: Visit, owned: OwnedAward) -> Card:
        return Card.of(owned, visit.language, self._public_url, self._visits.root)

    async def _owned(self, visit: Visit) -> OwnedAward:
        person = visit.session.person
        owned = await self._reading.owned_award(person.organization_id, visit.award_id)
        if owned is None:
            raise UnknownAwardError
        check_owner(person.user_id, owned.award.user_id, shown=owned.shown)
        return owned


def _after(query: PageQuery) -> Place | None:
    try:
        return query.after(Place)
    except Problem:  # no cursor of ours: then it is the first page
        return None


def _place(owned: OwnedAward) -> Place:
    return Place(owned.award.earned_at, owned.award.award_id)


def _uuid(written: str) -> UUID:
    """The id, or where it is none, one that no link has."""
    try:
        return UUID(written)
    except ValueError:
        return _NO_LINK
