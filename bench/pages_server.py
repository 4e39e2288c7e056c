"""Sharing's own application with a hello-world route beside its pages; prints where it listens."""

import os

from starlette.requests import Request
from starlette.responses import Response

from services.commands import collect_garbage_seldom
from services.environment import Address, read_settings
from services.journal import Journal
from services.observability import configure_logging
from services.sharing import views
from services.sharing.__main__ import application
from services.sharing.public import PREFIX
from services.sharing.settings import SharingSettings
from services.web import BareRoute
from services.web.server import listening, uvicorn_server

HELLO = f"{PREFIX}hello/world"
"""Under the prefix of pages, so that nothing but the route itself differs."""


async def _hello(_: Request) -> Response:
    return Response("Hello, world!", media_type="text/plain")


def main() -> None:
    settings = read_settings(SharingSettings, os.environ)
    configure_logging(settings.observability)
    with (
        Journal(settings.database_url, views.JOURNAL_SCHEMA, {}) as journal,
        listening(Address("127.0.0.1", 0)) as listener,
    ):
        served = application(journal, settings)
        served.router.routes.insert(0, BareRoute(HELLO, _hello))
        print(Address(*listener.getsockname()[:2]), flush=True)
        collect_garbage_seldom()
        uvicorn_server(served).run(sockets=[listener])


if __name__ == "__main__":
    main()
