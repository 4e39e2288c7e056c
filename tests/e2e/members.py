"""What members see through HTTP."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple
from urllib.parse import quote

import httpx
import jwt

from tests.oracle import Json

SECRET: Final = "a secret for tests that is long enough"
FEEDBACK_URL: Final = "https://mentoring.example/{organization_id}/{program_id}/{session_id}?from=a"
THREADS: Final = 4
PATIENCE_SECONDS: Final = 60


class Views(NamedTuple):
    """One member's activity, and what of it is on the home page."""

    organization_id: str
    user_id: str
    activity: Json
    home: Json


def views(base_url: str, people: Iterable[tuple[str, str]]) -> Iterator[Views]:
    """What each of these people sees, by organization and user."""
    with (
        httpx.Client(base_url=base_url, timeout=PATIENCE_SECONDS) as client,
        ThreadPoolExecutor(THREADS) as threads,
    ):
        yield from threads.map(lambda person: _views(client, *person), list(people))


def wait_until_ready(base_url: str) -> None:
    """Waits until the service says that it can do its work."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if httpx.get(f"{base_url}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError("not ready")
        time.sleep(0.1)


def _views(client: httpx.Client, organization_id: str, user_id: str) -> Views:
    path = f"/v1/organizations/{_quoted(organization_id)}/members/"
    themselves = _bearer(organization_id, user_id, "member")
    admin = _bearer(organization_id, "an admin", "admin")
    return Views(
        organization_id,
        user_id,
        activity=_get(client, f"{path}{_quoted(user_id)}/activity", admin),
        home=_get(client, f"{path}me/home", themselves),
    )


def _get(client: httpx.Client, path: str, headers: dict[str, str]) -> Json:
    answer = client.get(path, headers=headers)
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
    document: Json = answer.json()
    return document


def _bearer(organization_id: str, user_id: str, role: str) -> dict[str, str]:
    claims = {
        "sub": user_id,
        "org": organization_id,
        "roles": [role],
        "aud": "achievements",
        "exp": int(time.time()) + 3_600,
    }
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}


def _quoted(id_: str) -> str:
    return quote(id_, safe="")
