"""What sharing asks of achievements over HTTP, which is never what anything depends on.

Pictures are asked for by their hash, and not believed without it. What a preview shows of an
organization is asked for with the token of the admin who wants to see it: sharing has none itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Final
from urllib.parse import quote

import httpx
import msgspec
import structlog

log = structlog.get_logger()

MAX_BYTES: Final = 1024 * 1024  # what achievements takes for a picture
CONNECT_SECONDS: Final = 1.0
CALL_SECONDS: Final = 5.0
"""From the first attempt to connect to the last byte, however slowly they come."""
PAUSE_SECONDS: Final = 10.0
"""So long nothing at all is asked of a service that did not answer."""


class NotThereError(Exception):
    """Achievements has no such thing, or gave something else for it."""


class DownError(Exception):
    """Achievements does not answer, or did not a moment ago."""


class Organization(msgspec.Struct, frozen=True):
    """What achievements says of an organization."""

    name: str
    timezone: str
    logo: str | None = None


class AchievementsClient:
    """Achievements at `url`, from one event loop. Every call raises NotThereError or DownError."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._pause_until = float("-inf")
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS),
            headers={"Accept-Encoding": "identity"},
            trust_env=False,  # it calls one service of ours, not the world behind a proxy
        )

    async def close(self) -> None:
        """Gives its connections up."""
        await self._client.aclose()

    async def asset(self, organization_id: str, asset_id: str) -> bytes:
        """The file of a picture. Achievements names its hash where it is not that of the id."""
        hash_ = asset_id.partition(":")[2]
        async with self._answer(organization_id, f"assets/{hash_}") as response:
            content = await _body(response)
        if sha256(content).hexdigest() not in (hash_, _named_hash(response)):
            raise NotThereError("it has another hash")
        return content

    async def organization(self, organization_id: str, authorization: str) -> Organization:
        """An organization, for an admin of it, who has sent this header."""
        headers = {"Authorization": authorization}
        async with self._answer(organization_id, "settings", headers) as response:
            content = await _body(response)
        try:
            return msgspec.json.decode(content, type=Organization)
        except msgspec.DecodeError:
            raise NotThereError("it is no organization") from None

    @asynccontextmanager
    async def _answer(
        self, organization_id: str, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """A good answer whose body is yet to be read, in the time that there is for it."""
        if self._clock() < self._pause_until:
            raise DownError("not asked again yet")
        address = f"{self._url}/v1/organizations/{quote(organization_id, safe='')}/{path}"
        try:
            async with (
                asyncio.timeout(CALL_SECONDS),
                self._client.stream("GET", address, headers=headers) as response,
            ):
                if response.status_code >= 500:
                    raise self._down(str(response.status_code))
                if response.status_code != 200:
                    raise NotThereError(f"the answer is {response.status_code}")
                yield response
        except (httpx.TransportError, TimeoutError) as error:
            raise self._down(type(error).__name__) from None

    def _down(self, why: str) -> DownError:
        self._pause_until = self._clock() + PAUSE_SECONDS
        log.warning("no_answer_from_achievements", error=why)
        return DownError(why)


async def _body(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_raw():  # not unpacked: that would be another content
        content += chunk
        if len(content) > MAX_BYTES:
            raise NotThereError("it is too large")
    return bytes(content)


def _named_hash(response: httpx.Response) -> str:
    location: str = response.headers.get("content-location", "")
    return location.rpartition("/")[2].rpartition(":")[2]
