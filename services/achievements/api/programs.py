"""What is told about a program's certificate: to everybody in the organization, and to its admins."""

from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from projections.certificate_info import CertificateInformation
from projections.report import ReportItem
from services.achievements import spreadsheets
from services.achievements.api.state import PREFIX, reading
from services.achievements.reading import Reading
from services.web import Admin, ApiRoute, Caller, Page, Paging, answers, json_response

router = APIRouter(prefix=PREFIX, route_class=ApiRoute, tags=["programs"])

CSV_PAGE: Final = 1_000
_VARIES: Final = {"Vary": "Accept"}
_REPORTED: Final[dict[int | str, dict[str, Any]]] = answers({200: Page[ReportItem]})
_REPORTED[200]["description"] = "A page as JSON, or all of it as CSV, by Accept"
_REPORTED[200]["content"]["text/csv"] = {"schema": {"type": "string"}}


@router.get("/programs/{program_id}/certificate")
async def certificate_information(
    _: Caller, request: Request, organization_id: str, program_id: str
) -> CertificateInformation:
    """Whether a program has a certificate, what it takes, and how it looks."""
    return await reading(request).certificate_information(organization_id, program_id)


@router.get("/programs/{program_id}/certificate/report", responses=_REPORTED)
async def certificate_report(
    _: Admin, request: Request, organization_id: str, program_id: str, paging: Paging
) -> Response:
    """How far each member of the program has come, by user id.

    With `Accept: text/csv` it is a file for spreadsheets with all of them, whatever `limit` and `cursor` are.
    """
    if spreadsheets.is_preferred(",".join(request.headers.getlist("accept"))):
        return await _csv(reading(request), organization_id, program_id)
    found = await reading(request).report(
        organization_id, program_id, paging.after(str) or "", paging.limit + 1
    )
    page = paging.page(found, lambda item: item.user_id)
    return json_response(page, headers=_VARIES)


async def _csv(reading: Reading, organization_id: str, program_id: str) -> Response:
    """Its first page is read before the answer begins, so that what fails then is answered as a problem."""
    first = await reading.report(organization_id, program_id, "", CSV_PAGE)

    async def lines() -> AsyncIterator[bytes]:
        yield spreadsheets.header()
        page = first
        while page:
            yield spreadsheets.rows(page)
            page = await reading.report(organization_id, program_id, page[-1].user_id, CSV_PAGE)

    name = spreadsheets.file_name("certificate-report", program_id)
    disposition = f'attachment; filename="{name}"'
    return StreamingResponse(
        lines(),
        headers={"Content-Disposition": disposition, **_VARIES},
        media_type="text/csv; charset=utf-8; header=present",
    )
