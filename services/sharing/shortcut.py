"""The way of most requests past the router: a page's own work is less than that of finding its route."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.web import BareRoute


class Shortcut:
    """ASGI middleware: requests to GET `{prefix}{token}` go straight to the endpoint of a route.

    All others, also those with another method, find their route as usual; so must these if the
    shortcut were not there.
    """

    def __init__(self, app: ASGIApp, prefix: str, route: BareRoute) -> None:
        self._app = app
        self._prefix = prefix
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = self._token(scope)
        if token is None:
            await self._app(scope, receive, send)
            return
        scope["path_params"] = {"token": token}
        scope["route"] = self._route
        response = await self._route.endpoint(Request(scope, receive))
        await response(scope, receive, send)

    def _token(self, scope: Scope) -> str | None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        path: str = scope["path"]
        token = path.removeprefix(self._prefix)
        return token if token and "/" not in token and path != token else None
