"""Credentials under links where something they need is missing."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from services.journal import Journal
from services.sharing.application import Sharing
from services.sharing.credentials.issuing import Credentials
from services.sharing.credentials.keys import signing_keys
from services.sharing.credentials.routes import credential_route, issuer_routes
from services.sharing.lookups import Lookups
from services.sharing.public import PublicRoutes
from services.sharing.reading import PublicLink, Reading
from services.sharing.writing import Writing
from tests.sharing_samples import public_link
from tests.signing import key_file, new_ed25519, private_pem

NOWHERE = "postgresql://127.0.0.1:1/nowhere"


def get(link: PublicLink | None, keys: str | None, wait: int = 0) -> httpx.Response:
    """What a stranger gets under any token where no database answers.

    `keys` is a file of keys, `wait` what the limit of misses says.
    """

    async def fetch(digests: Sequence[bytes]) -> Mapping[bytes, PublicLink]:
        return {} if link is None else dict.fromkeys(digests, link)

    async def ask() -> httpx.Response:
        reading = Reading(NOWHERE)
        await reading.open()
        routes = PublicRoutes(Lookups(fetch), lambda _: wait, lambda _: 0)
        application = Starlette(routes=[credential_route(routes, _credentials(reading, keys))])
        transport = httpx.ASGITransport(application)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                return await client.get("/s/token/credential.json")
        finally:
            await reading.close()

    return asyncio.run(ask())


def get_list(number: str, keys: str) -> httpx.Response:
    """What a verifier gets for acme's status list of that number where no database answers."""

    async def ask() -> httpx.Response:
        reading = Reading(NOWHERE)
        credentials = _credentials(reading, keys)
        assert credentials is not None
        transport = httpx.ASGITransport(Starlette(routes=issuer_routes(credentials)))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(f"/issuers/acme/status/{number}")

    return asyncio.run(ask())


def _credentials(reading: Reading, keys: str | None) -> Credentials | None:
    if keys is None:
        return None
    writing = Writing(Sharing(Journal(NOWHERE, "sharing", {})))
    return Credentials(signing_keys(keys), writing, reading, "https://awards.example")


@pytest.fixture
def keys(tmp_path: Path) -> str:
    return key_file(tmp_path, private_pem(new_ed25519()))


def test_without_the_database_the_reader_is_told_to_come_back(keys: str) -> None:
    """A credential whose status can't be had is not given without one: 503, and kept by nobody."""
    answer = get(public_link(), keys)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["retry-after"]) > 0


def test_what_is_dead_needs_no_database(keys: str) -> None:
    """Rules 20 and 22: a dead link or a revoked award is refused before anything is asked or signed."""
    for link, wait, status in (
        (public_link(revoked=True), 0, 410),
        (public_link(active=False), 0, 410),
        (public_link(available=False), 0, 404),
        (None, 0, 404),
        (None, 7, 429),
    ):
        answer = get(link, keys, wait)
        assert answer.status_code == answer.json()["status"] == status
        assert answer.headers["cache-control"] == "no-store"


def test_without_keys_a_revoked_award_is_gone_all_the_same() -> None:
    """Rule 20: that an award was revoked is said, whether credentials are issued or not."""
    assert get(public_link(revoked=True), None).status_code == 410
    answer = get(public_link(), None)
    assert (answer.status_code, answer.json()["detail"]) == (404, "No credentials are issued here.")


@pytest.mark.parametrize(
    "number", ["0", "-1", "01", "1.0", "one", "%D9%A1", "2147483648", "99999999999", "9" * 5000]
)
def test_what_is_no_number_of_a_list_is_not_there(keys: str, number: str) -> None:
    """A status list has one address: any other number is 404 at once, whatever stands there."""
    answer = get_list(number, keys)
    assert answer.status_code == answer.json()["status"] == 404
    assert answer.headers["cache-control"] == "no-store"
