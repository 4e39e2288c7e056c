"""Public keys of a token issuer: a JWK Set (RFC 7517) from a file or an address.

pyjwt reads the set. Its PyJWKClient does not fit a server: it blocks the event loop, drops keys
that are still good when the address is down as they grow old, and asks a failing address again at
every token.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import jwt
import msgspec
import structlog

log = structlog.get_logger()

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
REFRESH_AFTER_SECONDS: Final = 600.0  # so long a key may outlive its withdrawal by the issuer
COOLDOWN_SECONDS: Final = 10.0  # between attempts, whatever tokens arrive and however they fail
FETCH_TIMEOUT_SECONDS: Final = 5.0

_BROKEN_SET = (
    jwt.PyJWTError,
    msgspec.DecodeError,
    RecursionError,
    TypeError,  # a member of another type than pyjwt looks for
    UnicodeDecodeError,
)

Keys = dict[tuple[str | None, str], jwt.PyJWK]
"""Keys by key id and algorithm: the issuer says which algorithm a key is for, never the token."""


class KeysUnavailableError(Exception):
    """The keys can't be read now, so nobody can tell whether a token is good."""


class KeySet:
    """The keys behind `read`, which gives the JSON of a JWK Set and may block.

    It is called in a thread, once at a time, at most every `COOLDOWN_SECONDS`: an unknown key id
    waits for it, keys older than `REFRESH_AFTER_SECONDS` do not. Keys stay good while it fails.
    """

    def __init__(
        self, read: Callable[[], bytes], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._keys: Keys = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._failing = False
        self._refreshing: asyncio.Task[None] | None = None

    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of that id for that algorithm, None where the issuer has none.

        KeysUnavailableError where the set can't be read and so the key may well exist.
        """
        key = self._keys.get((key_id, algorithm))
        if key is not None:
            if self._is_old():
                self._refresh()
            return key
        await self._refreshed()
        key = self._keys.get((key_id, algorithm))
        if key is None and self._failing:
            raise KeysUnavailableError
        return key

    async def check(self) -> None:
        """For readiness: KeysUnavailableError while no key was ever read."""
        if not self._keys:
            await self._refreshed()
        if not self._keys:
            raise KeysUnavailableError

    def load(self) -> None:
        """Reads the set in this thread; OSError or ValueError where there are no usable keys."""
        self._keys = parse_keys(self._read())
        self._read_at = self._clock()

    def _is_old(self) -> bool:
        return self._read_at is None or self._clock() - self._read_at >= REFRESH_AFTER_SECONDS

    def _refresh(self) -> asyncio.Task[None] | None:
        """The attempt under way, else a new one, or None while it is too early for that."""
        if self._refreshing is not None and not self._refreshing.done():
            return self._refreshing
        now = self._clock()
        if self._tried_at is not None and now - self._tried_at < COOLDOWN_SECONDS:
            return None
        self._tried_at = now
        self._refreshing = asyncio.create_task(self._try_to_read())
        return self._refreshing

    async def _refreshed(self) -> None:
        refreshing = self._refresh()
        if refreshing is not None:
            await asyncio.shield(refreshing)  # others wait for it, even if this caller goes away

    async def _try_to_read(self) -> None:
        try:
            self._keys = parse_keys(await asyncio.to_thread(self._read))
        except (OSError, httpx.HTTPError, ValueError) as error:
            self._failing = True
            log.warning("token_keys_unavailable", error=type(error).__name__, kept=len(self._keys))
        else:
            self._failing = False
            self._read_at = self._clock()


def key_set(source: Path | str) -> KeySet:
    """The keys in a file, or at an https or http address."""
    if isinstance(source, Path):
        return KeySet(source.read_bytes)
    return KeySet(lambda: _fetch(source))


def parse_keys(document: bytes) -> Keys:
    """The signing keys of a JWK Set for our algorithms; ValueError where it has none."""
    try:
        usable = {
            (key.key_id, key.algorithm_name): key
            for key in jwt.PyJWKSet.from_dict(msgspec.json.decode(document, type=dict)).keys
            if key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig")
        }
    except _BROKEN_SET:
        usable = {}
    if not usable:
        raise ValueError(f"a JWK Set with keys for {', '.join(ALGORITHMS)}")
    return usable


def _fetch(address: str) -> bytes:
    return httpx.get(address, timeout=FETCH_TIMEOUT_SECONDS).raise_for_status().content
