"""The achievements API in this process, over a real database, and those who call it."""

from asyncio import Runner
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any

import httpx

from schemas import learning
from services.achievements import api
from services.achievements.settings import AchievementsSettings
from services.environment import read_settings
from services.journal import Journal
from services.web import Api, Principal, TokenVerifier, issue_token
from tests.integration.service import project, take

SECRET = b"0123456789abcdef0123456789abcdef"
BASE = "/v1/organizations/acme"
FEEDBACK_URL = "https://example.org/{organization_id}/{program_id}/{session_id}"


def make_api(journal: Journal) -> Api:
    verifier = TokenVerifier(keys=None, secret=SECRET, audience="achievements")
    settings = read_settings(AchievementsSettings, {"FEEDBACK_URL_TEMPLATE": FEEDBACK_URL})
    return api.create(journal, settings, verifier)


def bearer(user_id: str, *roles: str, organization_id: str = "acme") -> dict[str, str]:
    """The header of a request by this user."""
    token = issue_token(
        SECRET,
        Principal(user_id, organization_id, frozenset(roles)),
        audience="achievements",
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    return {"Authorization": f"Bearer {token}"}


class Client:
    """Calls the application in a loop of its own."""

    def __init__(self, app: Api, runner: Runner) -> None:
        self._transport = httpx.ASGITransport(app)
        self._runner = runner

    def call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """`path` is the one behind the organization's, where it does not begin with `/v1`."""

        async def request() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url="http://test"
            ) as client:
                url = path if path.startswith("/v1") else BASE + path
                return await client.request(method, url, headers=headers, **options)

        return self._runner.run(request())

    def get(self, path: str, user_id: str = "boss", *roles: str, **options: Any) -> httpx.Response:
        """A GET by this user; by an admin, if nothing else is said."""
        headers = bearer(user_id, *(roles or ("admin",))) | options.pop("headers", {})
        return self.call("GET", path, headers, **options)


@contextmanager
def calling(journal: Journal) -> Iterator[Client]:
    """The application, started, on the journal's database."""
    app = make_api(journal)
    lifespan = app.router.lifespan_context(app)
    with Runner() as runner:
        runner.run(lifespan.__aenter__())
        yield Client(app, runner)
        runner.run(lifespan.__aexit__(None, None, None))


def know(journal: Journal, *facts: learning.Inbound) -> None:
    """Records facts and projects them, each by itself."""
    for fact in facts:
        take(journal, fact)
        project(journal, repeat(100))
