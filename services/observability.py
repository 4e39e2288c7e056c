"""Logs and metrics of a process.

structlog is the one way to log: events with fields, one line for a batch or a request, never
personal data. What libraries say through `logging` leaves in the same form. Lines go to standard
error, because commands print results on standard output; `structlog.contextvars` correlates them.
"""

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, TextIO
from wsgiref.simple_server import WSGIRequestHandler, make_server

import orjson
import structlog
from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from services.environment import (
    Address,
    ListenError,
    choice,
    listen_address,
    optional,
    setting,
    settings,
)

log = structlog.get_logger()

# At `info` they tell of each request and rebalance, some with whole addresses.
_CHATTY_LIBRARIES: Final = ("asyncio", "httpcore", "httpx", "kafka", "uvicorn.error")
_stacks_of: Final = ExceptionDictTransformer(show_locals=False)  # locals hold personal data


@settings
class ObservabilitySettings:
    """Logs, and where processes without an HTTP API show their metrics."""

    log_level: str = setting(
        "LOG_LEVEL", choice("debug", "info", "warning", "error"), "info", "Least level logged"
    )
    log_format: str = setting(
        "LOG_FORMAT", choice("console", "json"), "console", "Form of log lines, on standard error"
    )
    metrics_listen: Address | None = optional(
        "METRICS_LISTEN",
        listen_address,
        "Where a process without an HTTP API serves `/metrics` and `/healthz`",
    )


def configure_logging(settings: ObservabilitySettings, stream: TextIO | None = None) -> None:
    """Sets up the logs of this process, once, before anything is logged.

    They go to `stream`, without it to standard error. Uncaught exceptions are logged, too.
    """
    stream = stream or sys.stderr
    level = getattr(logging, settings.log_level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),  # RFC 3339
    ]
    rendering = _rendering(settings.log_format, stream)
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    _route_standard_logging(handler, level)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _rendering(log_format: str, stream: TextIO) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.ExceptionRenderer(exception_fields), _json_line]
    return [
        structlog.processors.ExceptionRenderer(_exception_text),
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0),
    ]


def _route_standard_logging(handler: logging.Handler, level: int) -> None:
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(True)
    if level > logging.DEBUG:
        for name in _CHATTY_LIBRARIES:
            logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _json_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except TypeError:  # a lone surrogate or an integer over 64 bits, which must not stop the work
        return json.dumps(event, default=repr)


def exception_fields(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """An exception and its causes, the outermost first, as fields.

    Of a text only the first line is kept: behind it PostgreSQL quotes rows, and so personal data.
    """
    return _redacted(_stacks_of(exc_info))


def _redacted(stacks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for stack in stacks:
        stack["exc_value"] = stack["exc_value"].partition("\n")[0]
        for group in stack["exceptions"]:
            _redacted(group)
    return stacks


def _exception_text(exc_info: ExcInfo) -> str:
    return "\n".join(_stack_lines(exception_fields(exc_info)))


def _stack_lines(stacks: list[dict[str, Any]]) -> Iterator[str]:
    for stack in reversed(stacks):
        for frame in stack["frames"]:
            yield f'  File "{frame["filename"]}", line {frame["lineno"]}, in {frame["name"]}'
        yield f"{stack['exc_type']}: {stack['exc_value']}"
        for group in stack["exceptions"]:
            yield from _stack_lines(group)


def _log_uncaught(
    cls: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(cls, KeyboardInterrupt):
        sys.__excepthook__(cls, error, traceback)
    else:
        log.critical("uncaught_exception", exc_info=(cls, error, traceback))


def _log_uncaught_in_thread(uncaught: threading.ExceptHookArgs) -> None:
    thread = uncaught.thread.name if uncaught.thread else None
    log.critical("uncaught_exception", thread=thread, exc_info=uncaught.exc_value)


@contextmanager
def metrics_server(
    listen: Address | None, is_healthy: Callable[[], bool] = lambda: True
) -> Iterator[Address | None]:
    """Serves `/metrics` and `/healthz` from a thread, for processes without an HTTP API.

    Gives the address, with the port chosen for port 0; without an address it serves nothing.
    `/healthz` is 503 while `is_healthy()` is false. ListenError where the address is taken.
    """
    if listen is None:
        yield None
        return
    application = _metrics_application(is_healthy)
    server_class = _Ipv6Server if ":" in listen.host else ThreadingWSGIServer
    try:
        server = make_server(*listen, application, server_class, _SilentHandler)
    except OSError as error:
        raise ListenError(listen, error) from None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    try:
        yield Address(listen.host, server.server_port)
    finally:
        server.shutdown()
        server.server_close()


def _metrics_application(is_healthy: Callable[[], bool]) -> Callable[..., Iterable[bytes]]:
    metrics = make_wsgi_app()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            baked: Iterable[bytes] = metrics(environ, start_response)
            return baked
        if environ["PATH_INFO"] != "/healthz":
            status = "404 Not Found"
        else:
            status = "200 OK" if is_healthy() else "503 Service Unavailable"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [status.encode()]

    return application


class _Ipv6Server(ThreadingWSGIServer):
    address_family = socket.AF_INET6


class _SilentHandler(WSGIRequestHandler):
    timeout = 10  # seconds: nobody keeps a thread by saying nothing

    def log_message(self, format: str, *args: object) -> None:
        pass
