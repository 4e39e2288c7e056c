"""Look-ups of shared links: those that arrive together, or while others are asked, make one query.

Each look-up is asked for after it arrived and kept for nobody else, so a link that was disabled is
dead at the next request, whichever process disabled it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from services.sharing.personal import digest
from services.sharing.reading import PublicLink

Fetch = Callable[[Sequence[bytes]], Awaitable[Mapping[bytes, PublicLink]]]
"""The links of many digests at once; those never issued are left out."""

QUERIES_AT_ONCE: Final = 2
"""One more than is answered at a time: under load few queries ask for many, and none waits for long."""
_LookUp = tuple[bytes, asyncio.Future[PublicLink | None]]


class Lookups:
    """Finds links by token. An error of `fetch` reaches every look-up that was in its query."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._waiting: list[_LookUp] = []
        self._asking: set[asyncio.Task[None]] = set()

    async def find(self, token: str) -> PublicLink | None:
        """The link with this token, None where none was ever issued."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._ask)
        answer: asyncio.Future[PublicLink | None] = loop.create_future()
        self._waiting.append((digest(token), answer))
        return await answer

    def _ask(self) -> None:
        if not self._waiting or len(self._asking) >= QUERIES_AT_ONCE:
            return
        together, self._waiting = self._waiting, []
        task = asyncio.create_task(self._answer(together))
        self._asking.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        self._ask()

    async def _answer(self, together: Sequence[_LookUp]) -> None:
        try:
            found = await self._fetch([key for key, _ in together])
        except Exception as error:  # whatever it is, nobody may be left waiting
            for _, answer in together:
                if not answer.done():
                    answer.set_exception(error)
            return
        for key, answer in together:
            if not answer.done():  # a client may have gone
                answer.set_result(found.get(key))
