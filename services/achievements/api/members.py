"""What is told about a member: to themselves, to admins, and about the past to operators."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from projections.activity import Activity, Home, home
from projections.badges import CERTIFICATE
from projections.explanations import CODES, Explanation
from services.achievements.api.state import PREFIX, history, in_thread, reading
from services.web import (
    ApiRoute,
    Principal,
    Problem,
    QueryId,
    QueryInstant,
    Themselves,
    ThemselvesOrAdmin,
    invalid_field,
    only,
    themselves,
)

router = APIRouter(prefix=PREFIX, route_class=ApiRoute, tags=["members"])


def _may_see(request: Request, principal: Principal) -> bool:
    """Now: the member and admins. As of an earlier time: admins and operators."""
    if "as_of" in request.query_params:
        return principal.is_admin or principal.is_operator
    return principal.is_admin or themselves(request, principal)


async def _known_code(_: ThemselvesOrAdmin, code: str) -> str:
    """404 comes before what is wrong with a parameter."""
    if code not in CODES:
        raise Problem(404)
    return code


@router.get("/members/{user_id}/activity")
async def member_activity(
    _: Annotated[Principal, only(_may_see)],
    request: Request,
    organization_id: str,
    user_id: str,
    as_of: Annotated[
        QueryInstant | None,
        Query(description="As it was known then; for admins and operators."),
    ] = None,
) -> Activity:
    """What a member has earned, what is in progress, and which sessions lack feedback."""
    if as_of is None:
        return await reading(request).activity(organization_id, user_id)
    return await in_thread(request, history(request).activity, organization_id, user_id, as_of)


@router.get("/members/{user_id}/home")
async def member_home(_: Themselves, request: Request, organization_id: str, user_id: str) -> Home:
    """Only what the member has in progress."""
    return home(await reading(request).activity(organization_id, user_id))


@router.get("/members/{user_id}/explanations/{code}")
async def member_explanation(
    _: ThemselvesOrAdmin,
    request: Request,
    organization_id: str,
    user_id: str,
    code: Annotated[str, Depends(_known_code)],
    program_id: Annotated[
        QueryId | None,
        Query(description="Whose certificate; needed for `certificate`, of no effect otherwise."),
    ] = None,
) -> Explanation:
    """Why a number is what it is: which sessions count towards a badge or a certificate, and which don't."""
    if code != CERTIFICATE:
        return await reading(request).explanation(organization_id, user_id, code)
    if program_id is None:
        raise invalid_field("program_id", "is required for a certificate")
    return await reading(request).explanation(organization_id, user_id, code, program_id)
