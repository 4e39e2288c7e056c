"""Logs and the metrics server of processes without an HTTP API."""

import io
import json
import logging
import re
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import structlog
from psycopg.errors import UniqueViolation

from services import observability
from services.environment import Address, ListenError, read_settings
from services.observability import ObservabilitySettings, configure_logging, metrics_server

LOOPBACK = Address("127.0.0.1", 0)
DETAIL = "duplicate key value\nDETAIL:  Key (email)=(ada@example.org) already exists."

Configure = Callable[..., io.StringIO]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Configures logging to a stream, as the variables say, and undoes it."""
    root, kafka = logging.getLogger(), logging.getLogger("kafka")
    before = root.handlers[:], root.level
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(observability, "log", structlog.get_logger())

    def to_stream(**environ: str) -> io.StringIO:
        stream = io.StringIO()
        configure_logging(read_settings(ObservabilitySettings, environ), stream)
        return stream

    yield to_stream
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(False)
    root.handlers, root.level = before
    kafka.setLevel(logging.NOTSET)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines(configure: Configure) -> None:
    """With LOG_FORMAT=json a line is an object with event, fields, level and a UTC time."""
    stream = configure(LOG_FORMAT="json")
    structlog.get_logger().info("batch_committed", messages=3)
    (line,) = lines(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert line == {"event": "batch_committed", "messages": 3, "level": "info"}


def test_console_lines(configure: Configure) -> None:
    """With LOG_FORMAT=console, the default, a line is for people, in colour on terminals only."""
    stream = configure()
    structlog.get_logger().info("batch_committed", messages=3)
    assert "[info     ] batch_committed messages=3" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_level(configure: Configure) -> None:
    """LOG_LEVEL holds for our own logs and for those of libraries."""
    stream = configure(LOG_FORMAT="json", LOG_LEVEL="warning")
    structlog.get_logger().info("ours")
    logging.getLogger("theirs").info("theirs")
    structlog.get_logger().warning("ours")
    logging.getLogger("theirs").warning("theirs")
    assert [line["event"] for line in lines(stream)] == ["ours", "theirs"]


def test_libraries_log_in_the_same_form(configure: Configure) -> None:
    """What goes through logging or warnings has the same form, and its logger's name."""
    stream = configure(LOG_FORMAT="json")
    logging.getLogger("uvicorn.error").error("it went %s", "wrong")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    first, second = lines(stream)
    assert (first["event"], first["logger"], first["level"]) == (
        "it went wrong",
        "uvicorn.error",
        "error",
    )
    assert second["logger"] == "py.warnings"


def test_chatty_libraries_are_quiet(configure: Configure) -> None:
    """Libraries that tell of every request or rebalance at info are heard from warning on."""
    stream = configure(LOG_FORMAT="json")
    logging.getLogger("kafka.coordinator").info("joined group")
    logging.getLogger("httpx").info("GET https://id.example/keys?secret=1")
    assert stream.getvalue() == ""


def test_context_variables(configure: Configure) -> None:
    """Context variables are on every line until they are unbound, on libraries' lines too."""
    stream = configure(LOG_FORMAT="json")
    with structlog.contextvars.bound_contextvars(cause="c-1"):
        structlog.get_logger().info("inside")
        logging.getLogger("theirs").info("inside")
    structlog.get_logger().info("outside")
    assert [line.get("cause") for line in lines(stream)] == ["c-1", "c-1", None]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_exceptions_show_no_personal_data(configure: Configure, log_format: str) -> None:
    """An exception is shown with cause and frames, without locals and without quoted rows."""
    stream = configure(LOG_FORMAT=log_format)
    name = "Ada Lovelace"
    try:
        try:
            raise UniqueViolation(DETAIL)
        except UniqueViolation as error:
            raise ExceptionGroup("two", [error, ValueError(f"bad\n{name}")]) from error
    except ExceptionGroup:
        structlog.get_logger().exception("failed")
    said = stream.getvalue()
    for shown in ("UniqueViolation", "duplicate key value", "ExceptionGroup", "test_observability"):
        assert shown in said
    assert "ada@example.org" not in said
    assert name not in said


def test_exception_fields(configure: Configure) -> None:
    """In JSON an exception is a list of stacks with type, text and frames as fields."""
    stream = configure(LOG_FORMAT="json")
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("theirs").exception("failed")
    (stack,) = lines(stream)[0]["exception"]
    assert (stack["exc_type"], stack["exc_value"]) == ("ValueError", "odd")
    assert stack["frames"][0]["name"] == "test_exception_fields"


def test_logging_never_fails(configure: Configure) -> None:
    """Values that JSON does not know are logged somehow rather than stopping the work."""
    stream = configure(LOG_FORMAT="json")
    structlog.get_logger().info("odd", surrogate="\ud800", large=2**70, other={1, 2})
    (line,) = lines(stream)
    assert (line["surrogate"], line["large"], line["other"]) == ("\ud800", 2**70, "{1, 2}")


def test_uncaught_exceptions_are_logged(configure: Configure) -> None:
    """An exception that nobody caught is a line, from a thread too; Ctrl-C is none."""
    stream = configure(LOG_FORMAT="json")
    thread = threading.Thread(target=lambda: 1 / 0, name="worker")
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError("odd"), None)
    of_thread, of_process = lines(stream)
    assert (of_thread["thread"], of_thread["level"]) == ("worker", "critical")
    assert of_thread["exception"][0]["exc_type"] == "ZeroDivisionError"
    assert of_process["exception"][0]["exc_value"] == "odd"


def test_metrics_server() -> None:
    """A process without an HTTP API serves its metrics and its health at METRICS_LISTEN."""
    healthy = True
    with metrics_server(LOOPBACK, lambda: healthy) as address:
        metrics = httpx.get(f"http://{address}/metrics")
        assert "python_info" in metrics.text
        assert metrics.headers["content-type"].startswith("text/plain")
        assert httpx.get(f"http://{address}/healthz").status_code == 200
        healthy = False
        assert httpx.get(f"http://{address}/healthz").status_code == 503
        assert httpx.get(f"http://{address}/").status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{address}/healthz")


def test_metrics_server_on_ipv6() -> None:
    """The metrics server listens on IPv6 addresses, too."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with metrics_server(Address("::1", 0)) as address:
        assert httpx.get(f"http://{address}/healthz").status_code == 200


def test_no_metrics_server() -> None:
    """Without METRICS_LISTEN there is no server."""
    with metrics_server(read_settings(ObservabilitySettings, {}).metrics_listen) as address:
        assert address is None


def test_metrics_address_taken() -> None:
    """An address that is taken is a clear error that names it."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ListenError, match=r"cannot listen on 127\.0\.0\.1:\d+: Address already"),
        metrics_server(Address("127.0.0.1", taken.getsockname()[1])),
    ):
        pass
