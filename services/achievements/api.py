"""The HTTP API of achievements: parse, ask or tell once, reply."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from fastapi import APIRouter, Request

from projections.activity import Activity, FeedbackUrl, Home, home
from services.achievements import certificates_api
from services.achievements.application import Application
from services.achievements.mail.unsubscribing import Unsubscribing
from services.achievements.reading import Reading, read_pool
from services.achievements.settings import AchievementsSettings
from services.journal import Journal
from services.web import Api, ApiRoute, Themselves, ThemselvesOrAdmin, TokenVerifier, create_api

VERSION = "1"
router = APIRouter(
    prefix="/v1/organizations/{organization_id}", route_class=ApiRoute, tags=["members"]
)


@router.get("/members/{user_id}/activity")
async def member_activity(
    _: ThemselvesOrAdmin, request: Request, organization_id: str, user_id: str
) -> Activity:
    """What a member has earned, what is in progress, and which sessions lack feedback."""
    return await _reading(request).activity(organization_id, user_id)


@router.get("/members/{user_id}/home")
async def member_home(_: Themselves, request: Request, organization_id: str, user_id: str) -> Home:
    """Only what the member has in progress."""
    return home(await _reading(request).activity(organization_id, user_id))


def create(journal: Journal, settings: AchievementsSettings, verifier: TokenVerifier) -> Api:
    """The application, which opens its connections when it starts."""
    pool = read_pool(journal.conninfo)
    reading = Reading(pool, feedback_url(settings.feedback_url_template))

    @asynccontextmanager
    async def lifespan(api: Api) -> AsyncIterator[None]:
        await pool.open(wait=False)
        api.state.reading = reading
        yield
        await pool.close()

    api = create_api(
        "Achievements",
        version=VERSION,
        description="Badges and certificates of a mentoring platform: progress, and why it is what it is.",
        verifier=verifier,
        checks={"database": reading.is_ready},
        routes=Unsubscribing(pool).routes,
        problems=certificates_api.PROBLEMS,
        lifespan=lifespan,
    )
    api.state.application = Application(journal)
    api.include_router(router)
    api.include_router(certificates_api.router)
    return api


def feedback_url(template: str | None) -> FeedbackUrl:
    """Where feedback about a session is given, by the operator's template; ids are percent-encoded."""

    def address(organization_id: str, program_id: str, session_id: str) -> str | None:
        if template is None:
            return None
        return template.format(
            organization_id=quote(organization_id, safe=""),
            program_id=quote(program_id, safe=""),
            session_id=quote(session_id, safe=""),
        )

    return address


def _reading(request: Request) -> Reading:
    reading: Reading = request.app.state.reading
    return reading
