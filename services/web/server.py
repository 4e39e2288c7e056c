"""Serving an application with uvicorn."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.environment import Address, ListenError, SettingsError
from services.web.application import Api
from services.web.tokens import TokenVerifier

log = structlog.get_logger()

GRACE_SECONDS: Final = 10  # for requests under way when the process is told to stop
MAX_HEAD_BYTES: Final = 64 * 1024  # of a request line and its headers; proxies allow much less
_BACKLOG: Final = 2048


def serve(api: Api, listen: Address) -> None:
    """Serves until SIGTERM or SIGINT, lets requests under way end, and returns.

    ListenError where the address is taken; SettingsError as `check_listen` raises it.
    """
    check_listen(listen, api.state.verifier)
    with listening(listen) as listener, _stopping_is_no_failure():
        log.info("listening", address=str(Address(*listener.getsockname()[:2])))
        uvicorn_server(api).run(sockets=[listener])


def check_listen(listen: Address, verifier: TokenVerifier) -> None:
    """SettingsError where other machines can reach the address, though no token can be verified.

    `serve` looks itself; who has to wait for something before can know earlier.
    """
    if not listen.is_loopback and not verifier.can_verify:
        raise SettingsError(
            "AUTH_JWKS, AUTH_SECRET: found neither,"
            f" expected one of them in order to listen beyond loopback ({listen})"
        )


def uvicorn_server(api: Api) -> uvicorn.Server:
    """The server that `serve` runs, for those who run it otherwise."""
    return uvicorn.Server(
        uvicorn.Config(
            api,
            loop="uvloop",
            http=BoundedHeads,
            ws="none",
            lifespan="on",
            log_config=None,  # its loggers go the way of all: services.observability
            access_log=False,  # it would log paths; services.web.observing logs requests
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's protocol on httptools, which by itself would keep headers of any size in memory."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        self._begin_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin_head()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head:
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Request head too large.")

    def _begin_head(self) -> None:
        self._in_head = True
        self._head_bytes = 0


def listening(listen: Address) -> socket.socket:
    """A socket that listens there; ListenError where the address is taken."""
    try:
        family = socket.getaddrinfo(*listen, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server(listen, family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ListenError(listen, error) from None


@contextmanager
def _stopping_is_no_failure() -> Iterator[None]:
    """When it has stopped, uvicorn raises the signal again; that must not kill a clean exit."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, _ignore) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """A handler, unlike SIG_IGN, is not inherited by processes that a service starts."""
