"""What the calls ask and tell, as the application holds it."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from fastapi import Request

from services.achievements.application import Application
from services.achievements.assets import Assets
from services.achievements.history import History
from services.achievements.reading import Reading
from services.journal import Journal
from services.web.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")

PREFIX = "/v1/organizations/{organization_id}"


def reading(request: Request) -> Reading:
    """Questions about now."""
    found: Reading = request.app.state.reading
    return found


def history(request: Request) -> History:
    """Questions about the past."""
    found: History = request.app.state.history
    return found


def assets(request: Request) -> Assets:
    """Banners and logos."""
    found: Assets = request.app.state.assets
    return found


def application(request: Request) -> Application:
    """What admins tell."""
    found: Application = request.app.state.application
    return found


def journal(request: Request) -> Journal:
    """The journal itself, which is blocking."""
    found: Journal = request.app.state.journal
    return found


async def in_thread(request: Request, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Does what is blocking: whoever has to wait for it waits without the others."""
    threads: Threads = request.app.state.threads
    return await threads.run(work, *args, **kwargs)
