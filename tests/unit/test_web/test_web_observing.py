"""What operators see: health, readiness, metrics, the request log; and the headers of all answers."""

import asyncio
import time
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from services.web import BareRoute, health, observe_request

from .conftest import Client, Headers

HOME = "/v1/organizations/{organization_id}/members/{user_id}/home"
ClientOf = Callable[..., Client]


def counted(route: str, status: int, method: str = "GET") -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("http_request_duration_seconds_count", labels) or 0.0


async def fine() -> None:
    pass


async def broken() -> None:
    raise RuntimeError("password=hunter2")


async def stuck() -> None:
    await asyncio.sleep(60)


def test_health(client_of: ClientOf) -> None:
    """`/healthz` says that the process lives, whatever its dependencies do."""
    answer = client_of(checks={"database": broken}).get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready(client_of: ClientOf) -> None:
    """`/readyz` is 200 while every dependency can be used."""
    answer = client_of(checks={"database": fine, "kafka": fine}).get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_not_ready(client_of: ClientOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """`/readyz` is 503 in bounded time, naming those that can't be used and nothing more about them."""
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.1)
    client = client_of(checks={"database": fine, "kafka": broken, "smtp": stuck, "s3": stuck})
    began = time.monotonic()
    with capture_logs() as logs:
        answer = client.get("/readyz")
    assert time.monotonic() - began < 2
    assert answer.status_code == 503
    assert answer.json()["detail"] == "Not usable now: kafka, smtp, s3."
    assert "hunter2" not in answer.text + str(logs)
    assert [line["dependency"] for line in logs if line["event"] == "not_ready"] == [
        "kafka",
        "smtp",
        "s3",
    ]


def test_metrics(client: Client) -> None:
    """`/metrics` gives the process's metrics in the form that Prometheus accepts."""
    plain = client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE http_request_duration_seconds histogram" in plain.text
    accepted = {"Accept": "application/openmetrics-text; version=1.0.0"}
    assert client.get("/metrics", headers=accepted).text.endswith("# EOF\n")


def test_requests_are_counted_by_template(client: Client, as_user: Headers) -> None:
    """Requests are counted by method, route template and status; no address is in the metrics."""
    before = counted(HOME, 200), counted(HOME, 403), counted("/s/{token}", 200)
    client.get("/v1/organizations/acme/members/me/home", headers=as_user("secret-user"))
    client.get("/v1/organizations/acme/members/secret-user/home", headers=as_user())
    client.get("/s/secret-token?secret=query")
    after = counted(HOME, 200), counted(HOME, 403), counted("/s/{token}", 200)
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 1]
    assert "secret" not in client.get("/metrics").text


def test_metrics_stay_few(client: Client) -> None:
    """Addresses and methods that we don't know can't make new series without end."""
    before = counted("unmatched", 404), counted("/s/{token}", 405, "other")
    client.get("/made/up")
    client.get("/up/made")
    client.call("BREW", "/s/x")
    client.call("STEAM", "/s/x")
    after = counted("unmatched", 404), counted("/s/{token}", 405, "other")
    assert [new - old for new, old in zip(after, before, strict=True)] == [2, 2]


def test_one_line_for_each_request(client: Client, as_user: Headers) -> None:
    """A request is one line with method, template, status and duration, and nothing of its address."""
    path = "/v1/organizations/acme/members/secret-user/home?token=secret"
    with capture_logs() as logs:
        client.get(path, headers=as_user("secret-user"))
    (line,) = logs
    assert line.pop("duration_ms") > 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": HOME,
        "status": 200,
    }


def test_probes_are_not_logged(client: Client) -> None:
    """What is asked every few seconds is logged for debugging only."""
    with capture_logs() as logs:
        client.get("/healthz")
        client.get("/readyz")
        client.get("/metrics")
    assert {line["log_level"] for line in logs} == {"debug"}


def test_request_ids(client: Client) -> None:
    """Every answer has an id of its own, which the log lines of its request have, too."""
    with capture_logs(processors=[merge_contextvars]) as logs:
        ids = [client.get("/nowhere").headers["x-request-id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert [line["request_id"] for line in logs] == ids


def test_safe_headers(client: Client, as_user: Headers) -> None:
    """Every answer says that it is not to be sniffed, framed or stored, problems too."""
    home = "/v1/organizations/acme/members/me/home"
    for answer in (client.get(home, headers=as_user()), client.get(home), client.get("/nowhere")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_headers_of_a_call_go_first(client_of: ClientOf) -> None:
    """A header that an answer sets itself is the only one of its name."""

    async def asset(_: Request) -> Response:
        return PlainTextResponse("", headers={"Cache-Control": "public, immutable"})

    answer = client_of(routes=[BareRoute("/asset", asset)]).get("/asset")
    assert answer.headers.get_list("cache-control") == ["public, immutable"]


def test_hot_routes_are_left_alone(client_of: ClientOf) -> None:
    """A hot route is neither logged nor given headers, and counts itself if it wishes."""
    before = counted("/s/{token}", 200)

    async def hot(_: Request) -> Response:
        observe_request("GET", "/s/{token}", 200, 0.001)
        return PlainTextResponse("hot")

    client = client_of(routes=[BareRoute("/s/{token}", hot)], unobserved=["/s/"])
    with capture_logs() as logs:
        answer = client.get("/s/x")
    assert logs == []
    assert set(answer.headers) == {"content-length", "content-type"}
    assert counted("/s/{token}", 200) - before == 1


def test_concurrent_requests_keep_apart(client: Client, as_user: Headers) -> None:
    """Requests at once each get their own answer."""
    users = [f"user-{number}" for number in range(50)]
    path = "/v1/organizations/acme/members/me/home"
    found = client.call_all(("GET", path, {"headers": as_user(user)}) for user in users)
    assert [answer.json()["user_id"] for answer in found] == users
    assert len({answer.headers["x-request-id"] for answer in found}) == 50
