"""Look-ups of links are made together, yet each is its own."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from services.sharing.lookups import QUERIES_AT_ONCE, Lookups
from services.sharing.personal import digest
from services.sharing.reading import PublicLink
from tests.sharing_samples import public_link


class Links:
    """Links by token, and the queries that asked for them."""

    def __init__(self, *tokens: str) -> None:
        self.active = {digest(token): public_link(recipient_name=token) for token in tokens}
        self.queries: list[Sequence[bytes]] = []

    async def fetch(self, digests: Sequence[bytes]) -> Mapping[bytes, PublicLink]:
        self.queries.append(digests)
        found = {key: self.active[key] for key in digests if key in self.active}
        await asyncio.sleep(0.01)
        return found


def test_simultaneous_look_ups_make_one_query() -> None:
    """All look-ups of one turn of the loop make one query, and each gets its own answer."""

    async def ask() -> None:
        links = Links("one", "two")
        lookups = Lookups(links.fetch)
        found = await asyncio.gather(*(lookups.find(token) for token in ("one", "?", "two", "one")))
        assert [link and link.recipient_name for link in found] == ["one", None, "two", "one"]
        assert len(links.queries) == 1

    asyncio.run(ask())


def test_a_later_look_up_asks_again() -> None:
    """Rule 22: a look-up that begins while another is under way does not share its answer: the link may
    have been disabled in between."""

    async def ask() -> None:
        links = Links("one")
        lookups = Lookups(links.fetch)
        earlier = asyncio.create_task(lookups.find("one"))
        while not links.queries:
            await asyncio.sleep(0)
        links.active.clear()
        assert await lookups.find("one") is None
        assert await earlier is not None

    asyncio.run(ask())


def test_a_failing_query_fails_all_that_are_in_it() -> None:
    """Nobody is left waiting when the database fails, and the next look-up is tried anew."""

    async def ask() -> None:
        links = Links("one")
        failing = True

        async def fetch(digests: Sequence[bytes]) -> Mapping[bytes, PublicLink]:
            if failing:
                raise OSError("the database is away")
            return await links.fetch(digests)

        lookups = Lookups(fetch)
        outcomes = await asyncio.gather(
            lookups.find("one"), lookups.find("two"), return_exceptions=True
        )
        assert all(isinstance(outcome, OSError) for outcome in outcomes)
        failing = False
        assert await lookups.find("one") is not None

    asyncio.run(ask())


def test_a_reader_who_leaves_hinders_nobody() -> None:
    """A look-up that is cancelled takes nothing away from those in the same query."""

    async def ask() -> None:
        lookups = Lookups(Links("one").fetch)
        leaving = asyncio.create_task(lookups.find("one"))
        staying = asyncio.create_task(lookups.find("one"))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying is not None
        with pytest.raises(asyncio.CancelledError):
            await leaving

    asyncio.run(ask())


@pytest.mark.parametrize("token", ["", "a" * 60_000, "\0", "\udc80", "../../etc/passwd", "é"])
def test_any_text_can_be_looked_up(token: str) -> None:
    """Rule 22: a text that can't be a token is looked up like any other, and not found."""

    async def ask() -> None:
        assert await Lookups(Links("one").fetch).find(token) is None

    asyncio.run(ask())


def test_look_ups_that_come_while_others_are_asked_go_together() -> None:
    """However many requests come, few queries are under way; those that wait make the next one."""

    async def scenario() -> None:
        asked: list[int] = []
        go_on = asyncio.Event()

        async def fetch(digests: Sequence[bytes]) -> Mapping[bytes, PublicLink]:
            asked.append(len(digests))
            await go_on.wait()
            return {}

        lookups = Lookups(fetch)
        waiting = []
        for number in range(10):
            waiting.append(asyncio.create_task(lookups.find(f"token-{number}")))
            await asyncio.sleep(0.001)
        assert asked == [1] * QUERIES_AT_ONCE
        go_on.set()
        assert await asyncio.gather(*waiting) == [None] * 10
        assert asked == [1] * QUERIES_AT_ONCE + [10 - QUERIES_AT_ONCE]

    asyncio.run(scenario())
