"""The preview of a certificate's design, before anybody holds one (rule 10); nothing of it is kept."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response

from schemas import learning
from schemas.forms import LongText, ShortText
from services.sharing.achievements_client import DownError, NotThereError, Organization
from services.sharing.award_designs import Wanted, preview_design
from services.sharing.downloads import BINARY, PDF, PNG
from services.sharing.drawing_jobs import CertificatePage, CertificatePdf
from services.sharing.personal import Person
from services.sharing.reading import Reading
from services.sharing.studio import Studio
from services.web import Admin, ApiRoute, JsonBody, Principal, Problem, ProblemDocument, answers
from services.web.accepting import acceptable

_ORGANIZATION_SECONDS: Final = 2.0


class CertificatePreviewWanted(Struct, kw_only=True):
    """A certificate's design. Without a logo of its own it shows the organization's."""

    name: ShortText
    text: LongText
    colour: learning.Colour
    banner: learning.AssetId | None = None
    logo: learning.AssetId | None = None


class CertificatePreviews:
    """The very renderer of certificates, for admins."""

    def __init__(self, reading: Reading, studio: Studio) -> None:
        self._reading = reading
        self._studio = studio

    def router(self) -> APIRouter:
        """The call under its address."""
        router = APIRouter(
            prefix="/v1/certificate-previews", tags=["certificates"], route_class=ApiRoute
        )
        router.add_api_route("", self.preview_certificate, methods=["POST"], responses=_ANSWERS)
        return router

    async def preview_certificate(
        self, admin: Admin, request: Request, body: JsonBody[CertificatePreviewWanted]
    ) -> Response:
        """The design as a PDF, or as a PNG where Accept prefers that; marked as a preview.

        It bears the name of somebody who doesn't exist, and the words of the admin's own language.
        """
        media_type = acceptable(request, PDF, PNG)
        if media_type is None:
            raise Problem(406, f"A preview is {PDF} or {PNG}.")
        wanted = await body.read()
        organization, recipient = await asyncio.gather(
            self._organization(admin, request.headers["authorization"]),
            self._reading.recipient(Person(admin.organization_id, admin.user_id)),
        )
        logo = wanted.logo or (organization.logo if organization else None)
        banner_file, logo_file = await asyncio.gather(
            self._studio.assets.borrow(admin.organization_id, wanted.banner),
            self._studio.assets.borrow(admin.organization_id, logo),
        )
        design = preview_design(
            Wanted(wanted.name, wanted.text, wanted.colour),
            organization,
            recipient.locale,
            datetime.now(UTC),
        )
        make = CertificatePdf if media_type == PDF else CertificatePage
        content = await self._studio.pool.do(
            make(replace(design, banner=banner_file, logo=logo_file))
        )
        return Response(content, headers={"Vary": "Accept"}, media_type=media_type)

    async def _organization(self, admin: Principal, authorization: str) -> Organization | None:
        """What achievements tells this admin of their organization, if it does so soon."""
        try:
            async with asyncio.timeout(_ORGANIZATION_SECONDS):
                return await self._studio.achievements.organization(
                    admin.organization_id, authorization
                )
        except (NotThereError, DownError, TimeoutError):
            return None


_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The certificate",
        "content": {PDF: {"schema": BINARY}, PNG: {"schema": BINARY}},
    },
    **answers({406: ProblemDocument}),
}
