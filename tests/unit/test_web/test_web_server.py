"""The real server: uvicorn on a socket, signals, a taken address."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from services.environment import Address, ListenError, SettingsError
from services.web import TokenVerifier, serve
from services.web.server import listening, uvicorn_server

from .conftest import AUDIENCE, Headers, make_api

ROOT = Path(__file__).parents[3]
SERVE = """
import sys
from services.environment import listen_address, read_settings
from services.observability import ObservabilitySettings, configure_logging
from services.web import serve
from tests.unit.test_web.conftest import make_api
configure_logging(read_settings(ObservabilitySettings, {"LOG_FORMAT": "json"}))
serve(make_api(), listen_address(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The sample API's address on a real server in this process."""
    running = uvicorn_server(make_api())
    listener = listening(Address("127.0.0.1", 0))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    running.should_exit = True
    thread.join(10)


def test_a_call(server: str, as_user: Headers) -> None:
    """A call over a socket is answered as in the process."""
    address = f"{server}/v1/organizations/acme/members/me/home"
    answer = httpx.get(address, headers=as_user())
    assert answer.json() == {"user_id": "ada"}
    assert "server" not in answer.headers


def test_a_body_that_nobody_reads(server: str, as_user: Headers) -> None:
    """A large body of a stranger is answered 401 unread, and the connection can go on."""
    with httpx.Client() as client:
        address = f"{server}/v1/organizations/acme/programs/p1/awards"
        assert client.post(address, content=bytes(3_000_000)).status_code == 401
        body = {"user_ids": ["bob"]}
        answer = client.post(address, json=body, headers=as_user("ada", "admin"))
        assert answer.json()["granted"] == ["bob"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /v1/organizations/%FF/whoami HTTP/1.1\r\nHost: x\r\nAuthorization: \xff\r\n\r\n",
        b"POST /v1/organizations/a/programs/p/awards HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_garbage_on_the_wire(server: str, request_bytes: bytes) -> None:
    """Whatever bytes arrive, the answer is a 4xx."""
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(request_bytes)
        assert connection.recv(100).startswith(b"HTTP/1.1 4")


def test_a_head_without_end(server: str) -> None:
    """Headers that do not end are refused before they fill the memory; large ones are taken."""
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: ")
        with pytest.raises(ConnectionError):
            connection.sendall(b"x" * 10_000_000)
    large = {"X-Large": "x" * 30_000}
    with httpx.Client() as client:
        answers = [client.get(f"{server}/healthz", headers=large) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 5


def start(address: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SERVE, address],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping(number: signal.Signals) -> None:
    """A served process that is told to stop ends with status 0, having said where it listened."""
    with start("127.0.0.1:0") as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert '"event":"listening"' in line
        port = line.partition("127.0.0.1:")[2].partition('"')[0]
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        process.send_signal(number)
        assert process.wait(15) == 0
        assert "Traceback" not in process.stderr.read()


def test_a_taken_address() -> None:
    """An address that another process listens on is a clear error that names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(
            ListenError, match=f"cannot listen on {address}: Address already in use"
        ):
            serve(make_api(), address)


def test_an_unknown_host() -> None:
    """A host that is not this machine's is a clear error, too."""
    with pytest.raises(ListenError, match=r"cannot listen on 192\.0\.2\.1:0"):
        serve(make_api(), Address("192.0.2.1", 0))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.org"])
def test_beyond_loopback_without_keys(host: str) -> None:
    """Without AUTH_JWKS and AUTH_SECRET a service that listens beyond loopback refuses to start."""
    verifier = TokenVerifier(keys=None, secret=None, audience=AUDIENCE)
    with pytest.raises(SettingsError, match="AUTH_JWKS, AUTH_SECRET: found neither"):
        serve(make_api(verifier=verifier), Address(host, 0))


@pytest.mark.parametrize("service", ["achievements", "sharing"])
def test_refusing_waits_for_nothing(service: str) -> None:
    """A service that refuses to start does so at once: it never even looks for its database."""
    with socket.create_server(("127.0.0.1", 0)) as database:
        url = f"postgresql://postgres@127.0.0.1:{database.getsockname()[1]}/silent"
        others = {name: value for name, value in os.environ.items() if not name.startswith("AUTH_")}
        told = {
            "DATABASE_URL": url,
            "SHARING_DATABASE_URL": url,
            "ACHIEVEMENTS_LISTEN": "0.0.0.0:0",
            "SHARING_LISTEN": "0.0.0.0:0",
        }
        done = subprocess.run(
            [sys.executable, "-m", f"services.{service}", "serve"],
            env=others | told,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        database.setblocking(False)
        with pytest.raises(BlockingIOError):
            database.accept()
    assert (done.returncode, "AUTH_JWKS, AUTH_SECRET: found neither" in done.stderr) == (2, True)


def test_beyond_loopback_with_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a secret, or on loopback without one, it starts."""
    started: list[str] = []
    monkeypatch.setattr(
        uvicorn.Server, "run", lambda _, sockets: started.extend(map(name, sockets))
    )
    serve(make_api(), Address("0.0.0.0", 0))
    verifier = TokenVerifier(keys=None, secret=None, audience=AUDIENCE)
    serve(make_api(verifier=verifier), Address("127.0.0.1", 0))
    assert started == ["0.0.0.0", "127.0.0.1"]


def name(listener: socket.socket) -> str:
    """The host that a socket listens on."""
    host: str = listener.getsockname()[0]
    return host
