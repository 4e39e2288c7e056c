"""The HTTP API of achievements: parse, ask or tell once, reply."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from projections.activity import FeedbackUrl
from services.achievements import certificates_api
from services.achievements.api import assets, members, programs, settings
from services.achievements.application import Application
from services.achievements.assets import Assets
from services.achievements.history import History
from services.achievements.mail.unsubscribing import Unsubscribing
from services.achievements.reading import Reading, read_pool
from services.achievements.settings import AchievementsSettings
from services.journal import Journal
from services.web import Api, TokenVerifier, create_api
from services.web.threads import Threads

VERSION = "1"
PATIENCE_SECONDS = 90.0  # more than a write may take, with all that it waits for
ROUTERS = (
    members.router,
    programs.router,
    certificates_api.router,
    assets.router,
    settings.router,
)


def create(journal: Journal, its_settings: AchievementsSettings, verifier: TokenVerifier) -> Api:
    """The application, which opens its connections when it starts."""
    pool = read_pool(journal.conninfo)
    address = feedback_url(its_settings.feedback_url_template)
    reading = Reading(pool, address)

    @asynccontextmanager
    async def lifespan(_: Api) -> AsyncIterator[None]:
        await pool.open(wait=False)
        yield
        await pool.close()

    api = create_api(
        "Achievements",
        version=VERSION,
        description="Badges and certificates of a mentoring platform: progress, and why it is what it is.",
        verifier=verifier,
        checks={"database": reading.is_ready},
        routes=[*Unsubscribing(pool).routes, assets.public_route],
        problems=certificates_api.PROBLEMS | settings.PROBLEMS,
        lifespan=lifespan,
    )
    api.state.application = Application(journal)
    api.state.assets = Assets(pool)
    api.state.history = History(journal, address)
    api.state.journal = journal
    api.state.reading = reading
    api.state.threads = Threads(patience_seconds=PATIENCE_SECONDS)
    for router in ROUTERS:
        api.include_router(router)
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
