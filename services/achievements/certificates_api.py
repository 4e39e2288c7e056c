"""What admins tell over HTTP about certificates and awards: parse, tell once, reply."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from msgspec import UNSET, Meta, Struct, UnsetType

from projections.rows import Certificate
from schemas import learning
from schemas.forms import LongText, ShortText
from services.achievements.api.state import application, in_thread
from services.achievements.errors import (
    CertificateNotAllowedError,
    ErasedMemberError,
    FarBehindError,
    PreviewNeededError,
    ProgramNotConfiguredError,
    StalePreviewError,
    UnknownAwardError,
    UnknownCertificateError,
)
from services.achievements.previews import Preview
from services.web import (
    Admin,
    ApiRoute,
    JsonBody,
    Problem,
    ProblemDocument,
    answers,
    invalid_field,
    problem_type,
    unavailable,
)

router = APIRouter(
    prefix="/v1/organizations/{organization_id}", route_class=ApiRoute, tags=["certificates"]
)


class PreviewWanted(Struct):
    required_sessions: learning.RequiredSessions | None = None


class CertificateWanted(Struct, kw_only=True):
    """All of a certificate; `preview_id` confirms the preview of what it would grant at once."""

    name: ShortText
    text: LongText
    colour: learning.Colour
    banner: learning.AssetId | None = None
    logo: learning.AssetId | None = None
    guidance: LongText | None = None
    required_sessions: learning.RequiredSessions | None = None
    preview_id: UUID | None = None


class CertificateChange(Struct, kw_only=True):
    """What is to change of a certificate; null clears what can be cleared."""

    name: ShortText | UnsetType = UNSET
    text: LongText | UnsetType = UNSET
    colour: learning.Colour | UnsetType = UNSET
    banner: learning.AssetId | UnsetType | None = UNSET
    logo: learning.AssetId | UnsetType | None = UNSET
    guidance: LongText | UnsetType | None = UNSET
    required_sessions: learning.RequiredSessions | UnsetType | None = UNSET
    preview_id: UUID | None = None


class AwardsWanted(Struct, kw_only=True):
    user_ids: Annotated[tuple[learning.Id, ...], Meta(min_length=1, max_length=1_000)]
    note: LongText | None = None


class GrantedAward(Struct):
    user_id: str
    award_id: str


class Awarded(Struct):
    """Who was granted it now, who held it already, and for whom it waits."""

    granted: list[GrantedAward]
    already_held: list[str]
    pending: list[str]


class RevocationWanted(Struct):
    reason: LongText


class PreviewProblem(ProblemDocument, kw_only=True):
    """A problem with the preview to be looked at and confirmed."""

    preview: Preview


class ConflictProblem(ProblemDocument, kw_only=True):
    """Not possible here; or a stale preview, and then with a fresh one to be looked at and confirmed."""

    preview: Preview | UnsetType = UNSET


def _preview_problem(error: PreviewNeededError) -> Problem:
    stale = isinstance(error, StalePreviewError)
    return Problem(
        409 if stale else 428,
        "What was confirmed is not what would happen now: look at the fresh preview."
        if stale
        else "Members may be granted the certificate by this: look at the preview and confirm it.",
        type=problem_type("stale-preview" if stale else "preview-needed"),
        title="Stale preview" if stale else "Preview needed",
        preview=error.preview,
    )


def _conflict(error: CertificateNotAllowedError | ProgramNotConfiguredError) -> Problem:
    return Problem(
        409,
        error.detail,
        type=problem_type(error.code.replace("_", "-")),
        title="Not possible here",
    )


PROBLEMS: Final[dict[type[Exception], Callable[[Any], Problem]]] = {
    CertificateNotAllowedError: _conflict,
    ProgramNotConfiguredError: _conflict,
    UnknownCertificateError: lambda _: Problem(404),
    UnknownAwardError: lambda _: Problem(404),
    ErasedMemberError: lambda error: invalid_field("user_ids", error.detail),
    PreviewNeededError: _preview_problem,
    StalePreviewError: _preview_problem,
    FarBehindError: lambda _: unavailable("The read models are catching up; nothing was written."),
}

_NOT_POSSIBLE: Final = answers({409: ProblemDocument})
_PREVIEWED: Final = answers({409: ConflictProblem, 428: PreviewProblem})


@router.post(
    "/programs/{program_id}/certificate/previews", status_code=201, responses=_NOT_POSSIBLE
)
async def preview_certificate(
    _: Admin, request: Request, organization_id: str, program_id: str, body: JsonBody[PreviewWanted]
) -> Preview:
    """Who would be granted the certificate at once, were it enabled with this number of sessions."""
    wanted = await body.read()
    return await in_thread(
        request,
        application(request).preview_certificate,
        organization_id,
        program_id,
        wanted.required_sessions,
    )


@router.put("/programs/{program_id}/certificate", responses=_PREVIEWED)
async def enable_certificate(
    admin: Admin,
    request: Request,
    organization_id: str,
    program_id: str,
    body: JsonBody[CertificateWanted],
) -> Certificate:
    """Enable the program's certificate, or replace it; first confirm who would be granted it at once."""
    wanted = await body.read()
    command = learning.CertificateEnabled(
        organization_id=organization_id,
        program_id=program_id,
        program_type="one_to_one",  # the configured one goes
        program_name="",
        required_sessions=wanted.required_sessions,
        name=wanted.name,
        text=wanted.text,
        colour=wanted.colour,
        banner=wanted.banner,
        logo=wanted.logo,
        guidance=wanted.guidance,
        enabled_by=admin.user_id,
        enabled_at=datetime.now(UTC),
    )
    return await in_thread(
        request, application(request).enable_certificate, command, wanted.preview_id
    )


@router.patch("/programs/{program_id}/certificate", responses=_PREVIEWED)
async def change_certificate(
    admin: Admin,
    request: Request,
    organization_id: str,
    program_id: str,
    body: JsonBody[CertificateChange],
) -> Certificate:
    """Change some of the certificate; another number of sessions is to be confirmed as enabling is."""
    await in_thread(request, application(request).check_certificate, organization_id, program_id)
    wanted = await body.read()
    command = learning.CertificateChanged(
        organization_id=organization_id,
        program_id=program_id,
        required_sessions=wanted.required_sessions,
        name=wanted.name,
        text=wanted.text,
        colour=wanted.colour,
        banner=wanted.banner,
        logo=wanted.logo,
        guidance=wanted.guidance,
        changed_by=admin.user_id,
        changed_at=datetime.now(UTC),
    )
    return await in_thread(
        request, application(request).change_certificate, command, wanted.preview_id
    )


@router.delete("/programs/{program_id}/certificate")
async def disable_certificate(
    admin: Admin, request: Request, organization_id: str, program_id: str
) -> None:
    """Stop new awards and hide progress; awards that were granted stay."""
    command = learning.CertificateDisabled(
        organization_id=organization_id,
        program_id=program_id,
        disabled_by=admin.user_id,
        disabled_at=datetime.now(UTC),
    )
    await in_thread(request, application(request).disable_certificate, command)


@router.post("/programs/{program_id}/certificate/awards", responses=_NOT_POSSIBLE)
async def award_by_hand(
    admin: Admin,
    request: Request,
    organization_id: str,
    program_id: str,
    body: JsonBody[AwardsWanted],
) -> Awarded:
    """Award the certificate to members; those who hold it are skipped, and it waits where it can't be had yet."""
    wanted = await body.read()
    command = learning.ManualAward(
        organization_id=organization_id,
        program_id=program_id,
        user_ids=wanted.user_ids,
        awarded_by=admin.user_id,
        awarded_at=datetime.now(UTC),
        note=wanted.note,
    )
    became = await in_thread(request, application(request).award_by_hand, command)
    return Awarded(
        granted=[GrantedAward(award.user_id, award.award_id) for award in became.granted],
        already_held=became.already_held,
        pending=became.pending,
    )


@router.post("/awards/{award_id}/revocation")
async def revoke_award(
    admin: Admin,
    request: Request,
    organization_id: str,
    award_id: str,
    body: JsonBody[RevocationWanted],
) -> None:
    """Revoke an award, for a reason; again changes nothing."""
    await in_thread(request, application(request).check_award, organization_id, award_id)
    wanted = await body.read()
    command = learning.AwardRevoked(
        organization_id=organization_id,
        award_id=award_id,
        reason=wanted.reason,
        revoked_by=admin.user_id,
        revoked_at=datetime.now(UTC),
    )
    await in_thread(request, application(request).revoke_award, command)
