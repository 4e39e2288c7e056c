"""Rules 20 to 22 and 27: what is kept of a link in memory is never shown once it is something else."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from services.journal import Journal
from services.sharing import reading as module
from services.sharing import upkeep, views
from services.sharing.application import Sharing
from services.sharing.availability import ChangeAvailability
from services.sharing.links import ReceiveAward, WithdrawAward
from services.sharing.personal import Person, digest
from services.sharing.reading import LINKS, Reading
from services.sharing.recipients import EraseRecipient, NameRecipient
from services.sharing.streams import Fact
from tests.integration.sharing_processes import new_journal
from tests.sharing_samples import BADGE, CERTIFICATE, NOW

ADA = Person("acme", "ada")


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with new_journal(database_url) as journal:
        yield journal


class Office:
    """Where things happen to links."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.sharing = Sharing(journal)
        self.take(*(ReceiveAward(award=award) for award in (BADGE, CERTIFICATE)))
        self.take(self.named("Ada"), self.available(True))

    def take(self, *facts: Fact) -> None:
        with self._journal.transaction() as connection:
            assert all(self.sharing.take_in(connection, facts))

    def named(self, name: str, locale: str | None = None) -> Fact:
        cause = f"name {name} {locale}"
        return NameRecipient(
            cause=cause, organization_id="acme", user_id="ada", display_name=name, locale=locale
        )

    def available(self, badges: bool) -> Fact:
        return ChangeAvailability(
            cause=f"badges {badges}", organization_id="acme", badges=badges, certificates=True, at=NOW
        )  # fmt: skip

    def share(self, award_id: str) -> bytes:
        return digest(self.sharing.issue_link(ADA, award_id, NOW).token)

    def _by_hand(self, statement: str) -> None:
        with self._journal.connection() as connection:
            connection.execute(statement)

    def changes(self) -> Iterator[Callable[[], object]]:
        """All that can become of links, one after the other."""
        yield lambda: self.take(self.named("Ada King"))
        yield lambda: self.take(self.named("Ada King", "fr"))
        yield lambda: self.take(self.available(False))
        yield lambda: self.take(
            WithdrawAward(organization_id="acme", award_id="award-1", user_id="ada", at=NOW)
        )
        yield lambda: upkeep.rebuild(self._journal)
        yield lambda: self._by_hand(f"UPDATE {views.SCHEMA}.award SET title = 'Repaired'")
        yield lambda: self._by_hand("UPDATE recipient_name SET display_name = 'Repaired'")
        yield lambda: self.sharing.disable_link(ADA, "award-2", NOW)
        yield lambda: self.take(EraseRecipient(organization_id="acme", user_id="ada"))


def test_every_change_of_a_link_is_seen_by_who_keeps_it(journal: Journal) -> None:
    """After whatever may happen to a link the next look-up finds it as one does who never saw it before."""
    office = Office(journal)
    digests = [office.share("award-1"), office.share("award-2")]

    async def test() -> None:
        keeping = Reading(journal.conninfo)
        await keeping.open()
        states = [await keeping.links(digests)]
        for change in office.changes():
            change()
            fresh = Reading(journal.conninfo)
            await fresh.open()
            states.append(await keeping.links(digests))
            assert states[-1] == await fresh.links(digests)
            await fresh.close()
        await keeping.close()
        unchanged = [before == after for before, after in pairwise(states)]
        assert unchanged == [False, False, False, False, True, False, False, False, False]

    asyncio.run(test())


def test_what_is_kept_is_not_fetched_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link that was asked for lately costs a look at its version, however often it is asked for."""
    office = Office(journal)
    digests = [office.share("award-1"), digest("never issued")]
    asked: list[str] = []
    ask = Reading._ask

    async def ask_noting(reading: Reading, query: str, parameters: object) -> object:
        asked.append(query)
        return await ask(reading, query, parameters)  # type: ignore[arg-type] # as it was given

    async def test() -> None:
        reading = Reading(journal.conninfo)
        await reading.open()
        await reading.pool.wait()  # a connection that is new makes it forget
        first = await reading.links(digests)
        asked.clear()
        for _ in range(3):
            assert await reading.links(digests[:1]) == first
        assert asked == [module.VERSIONS] * 3
        asked.clear()
        assert await reading.links(digests) == first
        assert asked == [module.VERSIONS, LINKS]
        await reading.close()

    monkeypatch.setattr(Reading, "_ask", ask_noting)
    asyncio.run(test())
