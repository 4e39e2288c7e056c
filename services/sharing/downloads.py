"""What of an award can be had as a file: its certificate, its pictures (rules 20, 24 and 25).

All of it is drawn by `services.sharing.drawings`, and looks the same to everybody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from schemas.links import AwardReceived
from services.sharing.assets import Assets, LostAssetError
from services.sharing.award_designs import badge_design, certificate_design
from services.sharing.delivery import deliver, disposition
from services.sharing.drawing import CertificateDesign, Mark
from services.sharing.drawing_jobs import (
    AnyJob,
    BadgeCard,
    BadgePicture,
    CertificateCard,
    CertificatePdf,
)
from services.sharing.drawing_pool import DrawingError
from services.sharing.drawings import Drawings, tag_of
from services.sharing.errors import NothingToDownloadError, UnknownAwardError
from services.sharing.names import shown_name
from services.sharing.personal import Person
from services.sharing.public import ALIVE, PREFIX, PublicRoutes, Refusal, Show, not_modified
from services.sharing.reading import OwnedAward, PublicLink, Reading, Recipient
from services.web import BareRoute, Problem
from services.web.problems import PROBLEM_MEDIA_TYPE
from services.web.routes import COMPONENTS

PDF: Final = "application/pdf"
PNG: Final = "image/png"
BINARY: Final = {"type": "string", "format": "binary"}
"""The schema of a file in OpenAPI."""
_PNG_SIGNATURE: Final = b"\x89PNG"
_OWNERS: Final = {"Cache-Control": "private, no-cache"}
_FOR_ALL_PAGES: Final = {"Cross-Origin-Resource-Policy": "cross-origin"}
_INERT: Final = {"Content-Security-Policy": "default-src 'none'; sandbox"}


Bake = Callable[[PublicLink, str, bytes], Awaitable[bytes]]
"""Puts the credential of a link, which has this token, into a picture in PNG."""


class Downloads:
    """Files of awards; `public_url` is what links begin with. Without `bake` badges are pictures only."""

    def __init__(
        self,
        reading: Reading,
        assets: Assets,
        drawings: Drawings,
        public_url: str,
        bake: Bake | None = None,
    ) -> None:
        self._reading = reading
        self._assets = assets
        self._drawings = drawings
        self._public_url = public_url
        self._bake = bake

    def routes(self, public: PublicRoutes) -> list[BareRoute]:
        """The public files under a link."""
        under = f"{PREFIX}{{token}}"

        def route(name: str, show: Show, operation: Mapping[str, Any]) -> BareRoute:
            return public.route(f"{under}/{name}", _if_drawn(show), refuse_file, operation)

        return [
            route("certificate.pdf", self.show_certificate, _CERTIFICATE),
            route("image.png", self.show_image, _IMAGE),
            route("badge.png", self.show_badge, _BADGE),
            route("banner", self.show_banner, _BANNER),
            route("logo", self.show_logo, _LOGO),
        ]

    async def show_certificate(self, request: Request, link: PublicLink) -> Response:
        """A certificate as a PDF."""
        if link.award.kind != "certificate":
            return refuse_file(request, Refusal.UNKNOWN)
        if link.revoked:
            return refuse_file(request, Refusal.REVOKED)
        recipient = Recipient(link.recipient_name, link.locale)
        page_url = self._page_url(request.path_params["token"])
        return await self._certificate(request, link.award, recipient, page_url, ALIVE)

    async def owners_certificate(self, request: Request, owned: OwnedAward) -> Response:
        """The same for its owner, shared or not.

        UnknownAwardError where it is no certificate, NothingToDownloadError, DrawingError.
        """
        award = owned.award
        if award.kind != "certificate":
            raise UnknownAwardError
        if owned.revoked:
            raise NothingToDownloadError
        recipient = await self._reading.recipient(Person(award.organization_id, award.user_id))
        page_url = None if owned.token is None else self._page_url(owned.token)
        return await self._certificate(request, award, recipient, page_url, _OWNERS)

    async def show_image(self, request: Request, link: PublicLink) -> Response:
        """What stands for the award where its link is shared; of a revoked one it says so."""
        award, recipient = link.award, Recipient(link.recipient_name, link.locale)
        mark: Mark | None = "revoked" if link.revoked else None
        named = disposition("inline", award.title, shown_name(link.recipient_name), extension="png")
        headers = ALIVE | _FOR_ALL_PAGES | {"Content-Type": PNG, "Content-Disposition": named}
        if award.kind == "badge":
            job = BadgeCard(badge_design(award, recipient, mark=mark))
            return await self._drawn(request, job, headers)
        design = certificate_design(award, recipient, mark=mark)
        return await self._drawn_with_pictures(request, award, CertificateCard, design, headers)

    async def show_badge(self, request: Request, link: PublicLink) -> Response:
        """A badge's artwork, with its credential in it."""
        if link.award.kind != "badge":
            return refuse_file(request, Refusal.UNKNOWN)
        if link.revoked:
            return refuse_file(request, Refusal.REVOKED)
        job = BadgePicture(link.award.code)
        content = await self._drawings.drawn(tag_of(job), _giving(job))
        if self._bake is not None:
            content = await self._bake(link, request.path_params["token"], content)
        tag = f'"{blake2b(content, digest_size=16).hexdigest()}"'
        named = disposition("attachment", link.award.title, extension="png")
        headers = ALIVE | _FOR_ALL_PAGES | {"Content-Type": PNG, "Content-Disposition": named}
        headers |= {"ETag": tag}
        return not_modified(request, headers) or deliver(request, content, headers)

    async def show_banner(self, request: Request, link: PublicLink) -> Response:
        """The banner of a certificate, for its page."""
        return await self._asset(request, link.award, link.award.banner)

    async def show_logo(self, request: Request, link: PublicLink) -> Response:
        """The logo on an award, for its page."""
        return await self._asset(request, link.award, link.award.logo)

    def _page_url(self, token: str) -> str:
        return f"{self._public_url}{PREFIX}{token}"

    async def _certificate(
        self,
        request: Request,
        award: AwardReceived,
        recipient: Recipient,
        page_url: str | None,
        headers: Mapping[str, str],
    ) -> Response:
        named = disposition("attachment", award.title, shown_name(recipient.name), extension="pdf")
        headers = {**headers, "Content-Type": PDF, "Content-Disposition": named}
        design = certificate_design(award, recipient, page_url=page_url)
        return await self._drawn_with_pictures(request, award, CertificatePdf, design, headers)

    async def _drawn_with_pictures(
        self,
        request: Request,
        award: AwardReceived,
        make: Callable[[CertificateDesign], AnyJob],
        design: CertificateDesign,
        headers: Mapping[str, str],
    ) -> Response:
        """What is made of a design with the banner and logo that can be had now."""
        while True:
            try:
                return await self._drawn_with_those_here(request, award, make, design, headers)
            except LostAssetError:
                continue  # which is known now: it is fetched anew, or left out

    async def _drawn_with_those_here(
        self,
        request: Request,
        award: AwardReceived,
        make: Callable[[CertificateDesign], AnyJob],
        design: CertificateDesign,
        headers: Mapping[str, str],
    ) -> Response:
        """LostAssetError where the banner or the logo was found but is not here any more."""
        organization_id = award.organization_id
        banner, logo = await asyncio.gather(
            self._assets.find(organization_id, award.banner),
            self._assets.find(organization_id, award.logo),
        )

        async def job() -> AnyJob:
            files = [await self._assets.content(one) if one else None for one in (banner, logo)]
            return make(replace(design, banner=files[0], logo=files[1]))

        tag = tag_of(make(design), banner and banner.sha256, logo and logo.sha256)
        return await self._answer(request, tag, job, headers)

    async def _drawn(self, request: Request, job: AnyJob, headers: Mapping[str, str]) -> Response:
        return await self._answer(request, tag_of(job), _giving(job), headers)

    async def _answer(
        self,
        request: Request,
        tag: str,
        job: Callable[[], Awaitable[AnyJob]],
        headers: Mapping[str, str],
    ) -> Response:
        headers = {**headers, "ETag": tag}
        if (unchanged := not_modified(request, headers)) is not None:
            return unchanged
        return deliver(request, await self._drawings.drawn(tag, job), headers)

    async def _asset(
        self, request: Request, award: AwardReceived, asset_id: str | None
    ) -> Response:
        found = await self._assets.find(award.organization_id, asset_id)
        if found is None:
            return refuse_file(request, Refusal.UNKNOWN)
        headers = ALIVE | _INERT | {"ETag": f'"{found.sha256}"'}
        if (unchanged := not_modified(request, headers)) is not None:
            return unchanged
        try:
            content = await self._assets.content(found)
        except LostAssetError:
            return refuse_file(request, Refusal.UNKNOWN)
        kind = PNG if content.startswith(_PNG_SIGNATURE) else "image/jpeg"
        return deliver(request, content, headers | {"Content-Type": kind})


def refuse_file(_: Request, refusal: Refusal) -> Response:
    """A problem document that says why there is no file."""
    detail = "The award was revoked." if refusal is Refusal.REVOKED else None
    return Problem(refusal.status, detail, headers=refusal.headers).response()


def _if_drawn(show: Show) -> Show:
    """Shows a file where it can be drawn now; the reader is told to come back where it can't."""

    async def show_or_refuse(request: Request, link: PublicLink) -> Response:
        try:
            return await show(request, link)
        except DrawingError:
            return refuse_file(request, Refusal.UNREACHABLE)

    return show_or_refuse


def _giving(job: AnyJob) -> Callable[[], Awaitable[AnyJob]]:
    async def give() -> AnyJob:
        return job

    return give


def _operation(name: str, summary: str, *media_types: str) -> dict[str, Any]:
    problem = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": COMPONENTS.format(name="ProblemDocument")}}}
    said = {
        "404": "No such link was issued, or there is no such file of what it shows",
        "410": "The link was disabled, its owner erased, or what it shows revoked",
        "416": "The range is outside of the file",
        "429": "Like 404, after too many of them",
        "503": "It can't be shown right now; Retry-After says when to come back",
    }
    file = {kind: {"schema": BINARY} for kind in media_types}
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["public"],
        "responses": {
            "200": {"description": "The file", "content": file},
            "206": {"description": "The range of it that was asked for", "content": file},
            "304": {"description": "The file is as the ETag in If-None-Match says"},
            **{status: {"description": why, "content": problem} for status, why in said.items()},
        },
    }


_CERTIFICATE: Final = _operation("show_shared_certificate", "A shared certificate as a PDF", PDF)
_IMAGE: Final = _operation("show_shared_image", "What stands for a shared award, 1200 by 630", PNG)
_BADGE: Final = _operation(
    "show_shared_badge", "A shared badge, 512 by 512, with its credential", PNG
)
_BANNER: Final = _operation("show_shared_banner", "The banner of a shared award", PNG, "image/jpeg")
_LOGO: Final = _operation("show_shared_logo", "The logo on a shared award", PNG, "image/jpeg")
