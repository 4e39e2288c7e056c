"""The shortcut to pages: what goes by it is answered as its route would, and nothing else goes by it."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from services.sharing.shortcut import Shortcut
from services.web import BareRoute


async def page(request: Request) -> Response:
    return PlainTextResponse(f"page of {request.path_params['token']}", headers={"X-Page": "yes"})


async def other(request: Request) -> Response:
    return PlainTextResponse(f"{request.method} {request.url.path}")


PAGE = BareRoute("/s/{token}", page)
ROUTED = Starlette(routes=[PAGE, BareRoute("/{rest:path}", other)])
SHORT = Shortcut(ROUTED, prefix="/s/", route=PAGE)
BROKEN = Shortcut(Starlette(), prefix="/s/", route=PAGE)


def ask(app: object, method: str, path: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # its own types of the same
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path)

    return asyncio.run(asked())


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path",
    ["/s/token", "/s/to%2Fken", "/s/to%20ken", "/s/", "/s", "/s/a/b", "/sx/a", "/", "/s/token/"],
)
def test_answers_are_those_of_the_route(method: str, path: str) -> None:
    """With the shortcut and without, every request gets the same answer."""
    short, routed = ask(SHORT, method, path), ask(ROUTED, method, path)
    assert (short.status_code, short.content) == (routed.status_code, routed.content)
    assert short.headers == routed.headers


def test_pages_do_not_need_the_router() -> None:
    """A page is found where no route leads to it."""
    assert ask(BROKEN, "GET", "/s/token").text == "page of token"
    assert ask(BROKEN, "GET", "/t/token").status_code == 404
