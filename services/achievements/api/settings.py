"""An organization's settings, for its admins and operators; another plan is for operators alone."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request

from services.achievements.api.state import PREFIX, application, in_thread, journal
from services.achievements.organization_settings import (
    PlanChangeError,
    Settings,
    SettingsWanted,
    settings_in_force,
)
from services.web import ApiRoute, JsonBody, Principal, Problem, admin, only, operator

router = APIRouter(prefix=PREFIX, route_class=ApiRoute, tags=["settings"])

AdminOrOperator = Annotated[Principal, only(admin, operator)]
PROBLEMS: Final[dict[type[Exception], Callable[[Any], Problem]]] = {
    PlanChangeError: lambda _: Problem(
        403, "Another plan, or the first one, is for operators to set."
    )
}


@router.get("/settings")
async def get_settings(_: AdminOrOperator, request: Request, organization_id: str) -> Settings:
    """What the organization is called and may use; 404 where it was never configured."""
    return await _in_force(request, organization_id)


@router.put("/settings")
async def put_settings(
    caller: AdminOrOperator, request: Request, organization_id: str, body: JsonBody[SettingsWanted]
) -> Settings:
    """Replace all of them: what is left out is cleared. What becomes due by it is granted at once."""
    command = (await body.read()).command(organization_id)
    tell = application(request)
    change = tell.configure_organization if caller.is_operator else tell.change_settings
    await in_thread(request, change, command)
    return await _in_force(request, organization_id)


async def _in_force(request: Request, organization_id: str) -> Settings:
    found = await in_thread(request, settings_in_force, journal(request), organization_id)
    if found is None:
        raise Problem(404)
    return found
