"""Status lists for many who ask at once.

What is dead is asked of the database each time, for one list at a time, so that pages keep their
connections; who asks for a list while others are under way shares the next answer about it. What
a list looks like follows from what is set in it, and is not worked out again.
"""

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Final

from services.sharing.credentials.statuses import encoded_list
from services.web.threads import BusyError

MAY_WAIT: Final = 32
PATIENCE_SECONDS: Final = 5.0
_KEPT: Final = 64  # of some 20 KB at most

Fetch = Callable[[str, int], Awaitable[Sequence[int] | None]]
"""What is set in a list of an organization, in order; None where there is no such list."""


class StatusLists:
    """The lists as they are when they are asked for, encoded; for one event loop."""

    def __init__(self, fetch: Fetch, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._fetch = fetch
        self._patience_seconds = patience_seconds
        self._turn = asyncio.Lock()
        self._waiting: dict[tuple[str, int], asyncio.Task[str | None]] = {}
        self._kept: OrderedDict[bytes, str] = OrderedDict()

    async def encoded(self, organization_id: str, number: int) -> str | None:
        """A list of an organization; None where there is no such list.

        Errors are those of `fetch`, and BusyError where too many lists, or for too long, are waited for.
        """
        wanted = organization_id, number
        task = self._waiting.get(wanted)
        if task is None:
            if len(self._waiting) >= MAY_WAIT:
                raise BusyError("too many wait for status lists")
            task = self._waiting[wanted] = asyncio.create_task(self._make(*wanted))
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await asyncio.shield(task)  # others wait for it, even if this caller goes
        except TimeoutError:
            raise BusyError("status lists take too long") from None

    async def _make(self, organization_id: str, number: int) -> str | None:
        async with self._turn:
            del self._waiting[organization_id, number]  # who comes now may know of later deaths
            dead = await self._fetch(organization_id, number)
            return None if dead is None else await asyncio.to_thread(self._encoded, dead)

    def _encoded(self, dead: Sequence[int]) -> str:
        """Takes milliseconds: not for the event loop. Used by one thread at a time."""
        digest = blake2b(array("I", dead), digest_size=16).digest()
        encoded = self._kept.pop(digest, "") or encoded_list(dead)
        self._kept[digest] = encoded
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return encoded
