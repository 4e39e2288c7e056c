"""Status lists for many who ask at once: as they are now, and nobody waits without end."""

import asyncio
from collections.abc import Sequence

import pytest

from services.sharing.credentials.lists import MAY_WAIT, StatusLists
from services.sharing.credentials.statuses import encoded_list
from services.web.threads import BusyError


class Database:
    """Answers when it is told to, with what is dead by then; counts what it is asked."""

    def __init__(self, *dead: int) -> None:
        self.dead = list(dead)
        self.asked: list[tuple[str, int]] = []
        self.at_once = 0
        self.most_at_once = 0
        self._may_answer = asyncio.Event()

    def answer(self) -> None:
        self._may_answer.set()

    async def fetch(self, organization_id: str, number: int) -> Sequence[int] | None:
        self.asked.append((organization_id, number))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        dead = list(self.dead)
        await self._may_answer.wait()
        self.at_once -= 1
        return dead if number == 1 else None


def test_a_list_shows_what_is_set() -> None:
    """A list has the bits that are set in it; where there is no such list there is none."""

    async def ask() -> None:
        database = Database(7, 40_000)
        database.answer()
        lists = StatusLists(database.fetch)
        assert await lists.encoded("acme", 1) == encoded_list([7, 40_000])
        assert await lists.encoded("acme", 2) is None

    asyncio.run(ask())


def test_who_asks_meanwhile_shares_the_next_answer() -> None:
    """Rule 22: who asks after a link died is told so, though an answer from before is under way."""

    async def ask() -> None:
        database = Database(1)
        lists = StatusLists(database.fetch)
        early = asyncio.create_task(lists.encoded("acme", 1))
        while not database.asked:
            await asyncio.sleep(0)
        database.dead.append(2)
        late = [asyncio.create_task(lists.encoded("acme", 1)) for _ in range(100)]
        await asyncio.sleep(0)
        database.answer()
        assert await early == encoded_list([1])
        assert set(await asyncio.gather(*late)) == {encoded_list([1, 2])}
        assert database.asked == [("acme", 1)] * 2

    asyncio.run(ask())


def test_one_list_is_asked_for_at_a_time() -> None:
    """However many lists are wanted, they take one connection."""

    async def ask() -> None:
        database = Database()
        database.answer()
        lists = StatusLists(database.fetch)
        wanted = [lists.encoded(f"org-{number}", 1) for number in range(MAY_WAIT)]
        assert set(await asyncio.gather(*wanted)) == {encoded_list([])}
        assert (len(database.asked), database.most_at_once) == (MAY_WAIT, 1)

    asyncio.run(ask())


def test_too_many_do_not_wait() -> None:
    """Where many lists are waited for already, one more is refused at once, and later is not."""

    async def ask() -> None:
        database = Database()
        lists = StatusLists(database.fetch)
        waiting = [asyncio.create_task(lists.encoded("org", 1))]
        while not database.asked:
            await asyncio.sleep(0)
        waiting += [
            asyncio.create_task(lists.encoded(f"org-{number}", 1)) for number in range(MAY_WAIT)
        ]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await lists.encoded("acme", 1)
        shared = asyncio.create_task(lists.encoded("org-0", 1))
        await asyncio.sleep(0)
        database.answer()
        assert set(await asyncio.gather(*waiting, shared)) == {encoded_list([])}
        assert await lists.encoded("acme", 1) == encoded_list([])

    asyncio.run(ask())


def test_nobody_waits_without_end() -> None:
    """A database that does not answer is said to be busy; when it answers again, so do we."""

    async def ask() -> None:
        database = Database(5)
        lists = StatusLists(database.fetch, patience_seconds=0.05)
        for _ in range(2):
            with pytest.raises(BusyError):
                await lists.encoded("acme", 1)
        database.answer()
        assert await lists.encoded("acme", 1) == encoded_list([5])

    asyncio.run(ask())


def test_an_error_reaches_all_who_wait_and_nobody_after_them() -> None:
    """What fails once can be asked for again."""

    async def ask() -> None:
        failures = [OSError("gone")]

        async def fetch(organization_id: str, number: int) -> Sequence[int]:
            if failures:
                raise failures.pop()
            return [3]

        lists = StatusLists(fetch)
        outcomes = await asyncio.gather(
            *(lists.encoded("acme", 1) for _ in range(3)), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [OSError] * 3
        assert await lists.encoded("acme", 1) == encoded_list([3])

    asyncio.run(ask())


def test_what_was_encoded_is_not_encoded_again() -> None:
    """The same bits are the same text, kept: of any organization, until others have come instead."""

    async def ask() -> None:
        database = Database(1, 2)
        database.answer()
        lists = StatusLists(database.fetch)
        first = await lists.encoded("acme", 1)
        assert await lists.encoded("acme", 1) is first
        assert await lists.encoded("globex", 1) is first
        for position in range(3, 103):
            database.dead = [position]
            assert await lists.encoded("acme", 1) == encoded_list([position])
        database.dead = [1, 2]
        again = await lists.encoded("acme", 1)
        assert again == first
        assert again is not first

    asyncio.run(ask())
