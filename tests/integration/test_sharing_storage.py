"""What sharing keeps in PostgreSQL, and what it destroys."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from secrets import token_hex
from threading import Event

import psycopg
import pytest
from msgspec.structs import replace

from services.journal import Journal
from services.sharing import upkeep, views
from services.sharing.application import Sharing
from services.sharing.availability import ChangeAvailability
from services.sharing.errors import SharingError, UnknownAwardError
from services.sharing.links import ReceiveAward, WithdrawAward
from services.sharing.lookups import Lookups
from services.sharing.personal import Person, digest
from services.sharing.reading import OwnedAward, Place, PublicLink, Reading
from services.sharing.recipients import EraseRecipient, NameRecipient
from services.sharing.streams import Fact
from tests.integration.sharing_processes import new_journal, rows
from tests.sharing_samples import BADGE, CERTIFICATE, NOW

ADA = Person("acme", "ada")
NAME = "Ada Lovelace-of-the-Engine"
AWARDED: tuple[Fact, ...] = (
    ReceiveAward(award=BADGE),
    ReceiveAward(award=CERTIFICATE),
    NameRecipient(cause="name", organization_id="acme", user_id="ada", display_name=NAME),
    ChangeAvailability(cause="on", organization_id="acme", badges=True, certificates=True, at=NOW),
)
ERASURE = EraseRecipient(organization_id="acme", user_id="ada")


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with new_journal(database_url) as journal:
        yield journal


@pytest.fixture
def sharing(journal: Journal) -> Sharing:
    sharing = Sharing(journal)
    take_in(journal, sharing, AWARDED)
    return sharing


def take_in(journal: Journal, sharing: Sharing, facts: Sequence[Fact]) -> list[bool]:
    with journal.transaction() as connection:
        return sharing.take_in(connection, facts)


def found(journal: Journal, *tokens: str) -> list[PublicLink | None]:
    """What readers find who come with these tokens at the same time."""

    async def find() -> list[PublicLink | None]:
        reading = Reading(journal.conninfo)
        await reading.open()
        try:
            lookups = Lookups(reading.links)
            return await asyncio.gather(*(lookups.find(token) for token in tokens))
        finally:
            await reading.close()

    return asyncio.run(find())


def owned(journal: Journal) -> list[OwnedAward]:
    """What Ada sees."""

    async def read() -> list[OwnedAward]:
        reading = Reading(journal.conninfo)
        await reading.open()
        try:
            return await reading.owned_awards(ADA, None, 100)
        finally:
            await reading.close()

    return asyncio.run(read())


def test_redelivery_changes_no_row(database_url: str, journal: Journal, sharing: Sharing) -> None:
    """The same source and id again changes nothing, however late it comes: no row differs."""
    later = (
        WithdrawAward(organization_id="acme", award_id="award-2", user_id="ada", at=NOW),
        NameRecipient(cause="name 2", organization_id="acme", user_id="ada", display_name="Ada"),
        ChangeAvailability(
            cause="off", organization_id="acme", badges=False, certificates=True, at=NOW
        ),
    )
    assert take_in(journal, sharing, later) == [True, True, True]
    before = rows(database_url)
    assert take_in(journal, sharing, AWARDED + later + AWARDED) == [False] * 11
    assert rows(database_url) == before


def test_nothing_personal_is_in_the_journal(database_url: str, sharing: Sharing) -> None:
    """Rule 27: neither names nor tokens get into events; each lies in one row of its own."""
    token = sharing.issue_link(ADA, "award-1", NOW).token
    for secret in (NAME, token):
        places = [table for table, found in rows(database_url).items() if secret in str(found)]
        assert len(places) == 1
        assert places[0] in ("sharing.recipient_name", "sharing.link_token")


def test_erasure_destroys_name_and_links(
    database_url: str, journal: Journal, sharing: Sharing
) -> None:
    """Rule 27: after an erasure no table of the database holds the name or a token, the pages are gone,
    and no later registration or award brings anything back."""
    tokens = [sharing.issue_link(ADA, award_id, NOW).token for award_id in ("award-1", "award-2")]
    sharing.disable_link(ADA, "award-2", NOW)
    tokens.append(sharing.issue_link(ADA, "award-2", NOW).token)
    again = NameRecipient(cause="again", organization_id="acme", user_id="ada", display_name=NAME)
    more = ReceiveAward(award=replace(BADGE, award_id="award-3"))
    assert take_in(journal, sharing, [ERASURE, again, more]) == [True, False, True]

    everything = json.dumps(rows(database_url))
    for secret in (NAME, *tokens):
        assert secret not in everything
    for link in found(journal, *tokens):
        assert link is not None
        assert not link.active
        assert link.recipient_name is None
    for award_id in ("award-1", "award-2", "award-3"):
        with pytest.raises(UnknownAwardError):
            sharing.issue_link(ADA, award_id, NOW)


def test_a_locale_is_kept_and_erased_with_the_name(
    database_url: str, journal: Journal, sharing: Sharing
) -> None:
    """Rules 24 and 27: the latest registration's locale is known to readers, is in no event, and goes with the
    name; a registration without one takes it away."""

    def register(cause: str, locale: str | None) -> None:
        registered = NameRecipient(
            cause=cause, organization_id="acme", user_id="ada", display_name=NAME, locale=locale
        )
        take_in(journal, sharing, [registered])

    def locale_of(token: str) -> str | None:
        (link,) = found(journal, token)
        assert link is not None
        return link.locale

    token = sharing.issue_link(ADA, "award-2", NOW).token
    assert locale_of(token) is None
    register("first", "qaa-ZZ-one")
    assert locale_of(token) == "qaa-ZZ-one"
    register("second", "qaa-ZZ-two")
    assert locale_of(token) == "qaa-ZZ-two"
    places = [table for table, rows_ in rows(database_url).items() if "qaa-ZZ" in str(rows_)]
    assert places == ["sharing.recipient_name"]
    register("third", None)
    assert locale_of(token) is None
    register("fourth", "qaa-ZZ-four")
    take_in(journal, sharing, [ERASURE])
    assert locale_of(token) is None
    assert "qaa-ZZ" not in json.dumps(rows(database_url))


def test_a_database_from_before_locales_is_upgraded(journal: Journal, sharing: Sharing) -> None:
    """A table of names made by an earlier version gets its new column, and keeps its rows."""
    token = sharing.issue_link(ADA, "award-2", NOW).token
    with journal.transaction() as connection:
        connection.execute("ALTER TABLE recipient_name DROP COLUMN locale")
    for _ in range(2):
        upkeep.migrate(journal)
    (link,) = found(journal, token)
    assert link is not None
    assert (link.recipient_name, link.locale) == (NAME, None)


def test_naming_and_erasing_in_one_batch_leaves_no_name(
    database_url: str, journal: Journal, sharing: Sharing
) -> None:
    """Rule 27: a name that comes in the same batch as the erasure, before or after it, is not kept."""
    before, after = (
        NameRecipient(cause=cause, organization_id="acme", user_id="ada", display_name=NAME)
        for cause in ("before", "after")
    )
    take_in(journal, sharing, [before, ERASURE, after])
    assert NAME not in json.dumps(rows(database_url))


def test_disabling_leaves_only_the_digest(
    database_url: str, journal: Journal, sharing: Sharing
) -> None:
    """Rule 22: a disabled link's token is stored nowhere, and its page is still told from one never
    issued."""
    token = sharing.issue_link(ADA, "award-1", NOW).token
    sharing.disable_link(ADA, "award-1", NOW)
    assert token not in json.dumps(rows(database_url))
    dead, unknown = found(journal, token, token[::-1])
    assert dead is not None
    assert not dead.active
    assert unknown is None


def test_simultaneous_requests_make_one_link(sharing: Sharing) -> None:
    """Rule 21: however many requests share an award at once, one link is made and all get it."""
    with ThreadPoolExecutor(8) as threads:
        issued = list(threads.map(lambda _: sharing.issue_link(ADA, "award-1", NOW), range(24)))
    assert len({link.token for link in issued}) == 1
    assert [link.is_new for link in issued].count(True) == 1


def test_no_link_outlives_an_erasure(journal: Journal, sharing: Sharing) -> None:
    """Rule 27: links made and killed while their owner is being erased are dead after it."""
    tokens: list[str] = []

    def share_again_and_again() -> None:
        try:
            while True:
                tokens.append(sharing.issue_link(ADA, "award-1", NOW).token)
                sharing.disable_link(ADA, "award-1", NOW)
        except SharingError:
            return

    with ThreadPoolExecutor(3) as threads:
        sharers = [threads.submit(share_again_and_again) for _ in range(2)]
        while len(tokens) < 5:
            assert not any(sharer.done() for sharer in sharers)
        take_in(journal, sharing, [ERASURE])
        for sharer in sharers:
            sharer.result(timeout=10)
    assert not any(link is None or link.active for link in found(journal, *tokens))


def test_tenants_are_kept_apart(journal: Journal, sharing: Sharing) -> None:
    """Rule 26: ids are unique within an organization only: another one's award and member of the same
    ids are others."""
    theirs = Person("globex", "ada")
    take_in(
        journal,
        sharing,
        [
            ReceiveAward(
                award=replace(BADGE, organization_id="globex", organization_name="Globex")
            ),
            NameRecipient(
                cause="name", organization_id="globex", user_id="ada", display_name="Eve"
            ),
            ChangeAvailability(
                cause="on", organization_id="globex", badges=True, certificates=True, at=NOW
            ),
        ],
    )
    tokens = [sharing.issue_link(person, "award-1", NOW).token for person in (ADA, theirs)]
    take_in(journal, sharing, [ERASURE])
    ours, others = found(journal, *tokens)
    assert ours is not None
    assert not ours.active
    assert others is not None
    assert others.active
    assert (others.award.organization_name, others.recipient_name) == ("Globex", "Eve")


def _many(count: int) -> Iterator[Fact]:
    """Awards of many people, some of which are withdrawn."""
    for number in range(count):
        person = f"user-{number}"
        award_id = f"award-of-{person}"
        yield ReceiveAward(
            award=replace(
                BADGE,
                award_id=award_id,
                user_id=person,
                earned_at=BADGE.earned_at - timedelta(minutes=number // 3),
            )
        )
        yield NameRecipient(
            cause=person, organization_id="acme", user_id=person, display_name=f"Name {number}"
        )
        if number % 7 == 0:
            yield WithdrawAward(organization_id="acme", award_id=award_id, user_id=person, at=NOW)


def test_each_look_up_gets_its_own_answer(journal: Journal, sharing: Sharing) -> None:
    """Of many readers at the same moment each gets the page that was asked for, however look-ups are
    put together."""
    take_in(journal, sharing, [fact for fact in _many(50) if not isinstance(fact, WithdrawAward)])
    people = [f"user-{number}" for number in range(50)]
    tokens = {
        person: sharing.issue_link(Person("acme", person), f"award-of-{person}", NOW).token
        for person in people
    }
    asked = [tokens[person] for person in people] * 10 + [token_hex(16) for _ in range(50)]
    answers = found(journal, *asked)
    owners = [link.award.user_id if link else None for link in answers]
    assert owners == people * 10 + [None] * 50


def test_rebuilding_gives_the_same_rows(
    database_url: str, journal: Journal, sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read models built again from the journal, in batches cut anywhere, are the same to the row."""
    take_in(journal, sharing, list(_many(40)))
    for _ in range(3):
        token = sharing.issue_link(ADA, "award-1", NOW).token
        sharing.disable_link(ADA, "award-1", NOW)
    sharing.issue_link(ADA, "award-2", NOW)
    sharing.issue_link(Person("acme", "user-1"), "award-of-user-1", NOW)
    take_in(journal, sharing, [EraseRecipient(organization_id="acme", user_id="user-1")])
    before = rows(database_url)
    for size in (1, 7, 5_000):
        monkeypatch.setattr(upkeep, "_BATCH_EVENTS", size)
        assert upkeep.rebuild(journal) > 90
        assert rows(database_url) == before
    assert found(journal, token) != [None]


def test_lost_read_models_are_built_again(
    database_url: str, journal: Journal, sharing: Sharing
) -> None:
    """The journal is the truth: read models that were dropped or damaged come back as they were."""
    sharing.issue_link(ADA, "award-1", NOW)
    before = rows(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP SCHEMA sharing_views CASCADE")
    upkeep.rebuild(journal)
    assert rows(database_url) == before


def test_reads_and_writes_go_on_while_rebuilding(journal: Journal, sharing: Sharing) -> None:
    """While read models are built again and again, each reader finds each link, as it is at the time."""
    take_in(journal, sharing, list(islice(_many(100), 100)))
    token = sharing.issue_link(ADA, "award-1", NOW).token
    rebuilt = Event()

    async def read() -> int:
        reading = Reading(journal.conninfo)
        await reading.open()
        count = 0
        while not rebuilt.is_set():
            links = await reading.links([digest(token)])
            assert links[digest(token)].active
            assert len(await reading.owned_awards(ADA, None, 10)) == 2
            count += 1
        await reading.close()
        return count

    def write() -> None:
        while not rebuilt.is_set():
            sharing.issue_link(ADA, "award-2", NOW)
            sharing.disable_link(ADA, "award-2", NOW)

    with ThreadPoolExecutor(2) as threads:
        reader, writer = threads.submit(asyncio.run, read()), threads.submit(write)
        try:
            for _ in range(5):
                upkeep.rebuild(journal)
        finally:
            rebuilt.set()
        assert reader.result(timeout=30) > 20
        writer.result(timeout=30)


def test_migrating_again_and_at_once_is_safe(database_url: str) -> None:
    """`migrate` can be run at any time, by several at once, and changes nothing that is there."""
    with ThreadPoolExecutor(4) as threads:
        for journal in threads.map(lambda _: new_journal(database_url), range(4)):
            journal.close()
    with new_journal(database_url) as journal:
        sharing = Sharing(journal)
        take_in(journal, sharing, AWARDED)
        before = rows(database_url)
        upkeep.migrate(journal)
        assert rows(database_url) == before


def test_an_older_table_is_upgraded(journal: Journal, sharing: Sharing) -> None:
    """What was received before awards told their count stays as it is, and what comes after `migrate` is kept whole."""
    with journal.connection() as connection:
        connection.execute(
            f"ALTER TABLE {views.SCHEMA}.award DROP COLUMN count, DROP COLUMN first_at"
        )
    upkeep.migrate(journal)
    counted = replace(BADGE, award_id="award-3", count=10, first_at=NOW - timedelta(days=90))
    take_in(journal, sharing, [ReceiveAward(award=counted)])
    assert {one.award for one in owned(journal)} == {BADGE, CERTIFICATE, counted}
    upkeep.rebuild(journal)
    assert {one.award for one in owned(journal)} == {BADGE, CERTIFICATE, counted}


def test_owned_awards_come_in_one_order(journal: Journal, sharing: Sharing) -> None:
    """The owner's list goes from the latest earned to the earliest, and by id where they are equal; any
    page size gives the same list."""
    awards = [
        replace(
            BADGE,
            award_id=f"a{number}",
            user_id="grace",
            earned_at=NOW - timedelta(days=number // 3),
        )
        for number in range(10)
    ]
    take_in(journal, sharing, [ReceiveAward(award=award) for award in awards])
    expected = ["a2", "a1", "a0", "a5", "a4", "a3", "a8", "a7", "a6", "a9"]

    async def pages(limit: int) -> list[str]:
        reading = Reading(journal.conninfo)
        await reading.open()
        listed: list[str] = []
        after: Place | None = None
        while page := await reading.owned_awards(Person("acme", "grace"), after, limit):
            listed += [owned.award.award_id for owned in page]
            after = Place(page[-1].award.earned_at, page[-1].award.award_id)
        await reading.close()
        return listed

    for limit in (1, 3, 4, 100):
        assert asyncio.run(pages(limit)) == expected


def test_reading_survives_lost_connections(
    database_url: str, journal: Journal, sharing: Sharing
) -> None:
    """After the database has dropped all connections the next reader gets an answer, not an error."""
    token = sharing.issue_link(ADA, "award-1", NOW).token

    async def read() -> None:
        reading = Reading(journal.conninfo)
        await reading.open()
        await asyncio.gather(*(reading.links([digest(token)]) for _ in range(20)))
        with psycopg.connect(database_url) as connection:
            connection.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """
            )
        assert digest(token) in await reading.links([digest(token)])
        await reading.close()

    asyncio.run(read())
