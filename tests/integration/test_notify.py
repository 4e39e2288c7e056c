"""Notify on a real database, with a real SMTP server: rule 19, and what may come in between."""

import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import psycopg
import pytest

from devstack.stack import launch
from schemas.journal import AwardGranted
from services.achievements.mail.languages import WORDS
from services.achievements.mail.queue import HOLD_SECONDS
from services.journal import Journal
from tests.integration.mail_server import MailServer, mail_server
from tests.integration.notifying import (
    PUBLIC_URL,
    SENDER,
    eventually,
    grant,
    in_hand,
    notifying,
    outcomes,
    registered,
    settled,
)
from tests.integration.service import migrated, project, take
from tests.scenario import erased, organization, revoked, session


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as its_journal:
        yield its_journal


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as its_server:
        yield its_server


def unsubscribe(journal: Journal, user_id: str) -> None:
    with journal.transaction() as connection:
        changed = connection.execute(
            "UPDATE mail_recipient SET unsubscribed_at = now() WHERE user_id = %s", (user_id,)
        )
        assert changed.rowcount == 1


def test_each_grant_is_mailed_once(journal: Journal, server: MailServer) -> None:
    """Rule 19: each grant emails the member once, from the organization, under an id of the award's."""
    take(journal, registered("mia", name="Mia Ødegård"), registered("ben", locale="fr"))
    with notifying(journal, server):
        take(journal, organization(), *(session(number) for number in range(10)))
        project(journal, repeat(1000))
        eventually(lambda: settled(journal))
    assert sorted(server.recipients) == ["ben@example.org", "mia@example.org"]
    mail = next(one for one in server.accepted if one.recipient == "mia@example.org")
    assert mail.sender == SENDER.address
    assert mail.message["From"] == "Acme <awards@achievements.example>"
    assert mail.message["To"] == "Mia Ødegård <mia@example.org>"
    assert mail.message["Subject"] == "You earned the “Mentor” badge"
    assert mail.message["List-Unsubscribe"].startswith(f"<{PUBLIC_URL}/unsubscribe/")
    assert mail.message_id == f"<award.{award_id(journal, 'mia')}@achievements.example>"


def award_id(journal: Journal, user_id: str) -> str:
    with journal.connection() as connection:
        grants = journal.read(connection, 0, 1000, [journal.mapper.names[AwardGranted]])
    (found,) = (one.event.award_id for one in grants if one.event.user_id == user_id)
    return str(found)


def test_nothing_is_mailed_again(journal: Journal, server: MailServer) -> None:
    """Rule 19: neither a restart nor a reader turned back to the journal's beginning mails a grant again."""
    take(journal, registered("mia"), registered("ben"))
    grant(journal, "mia")
    with notifying(journal, server):
        eventually(lambda: settled(journal))
    with journal.transaction() as connection:
        journal.advance(connection, "notify", 0)
    grant(journal, "ben")
    with notifying(journal, server):
        eventually(lambda: settled(journal))
    assert server.recipients == ["mia@example.org", "ben@example.org"]


def test_without_an_address_no_mail_comes_later(journal: Journal, server: MailServer) -> None:
    """Rule 19: whose address is not known when notify reaches the grant gets no mail about it, even if it is later."""
    grant(journal, "mia", "ben")
    take(journal, registered("ben", email=None))
    with notifying(journal, server):
        eventually(lambda: settled(journal))
        take(journal, registered("mia"), registered("ben"))
        grant(journal, "mia")
        eventually(lambda: settled(journal))
    assert server.recipients == ["mia@example.org"]
    assert outcomes(journal)["ben"] == "no_address"


def test_the_unsubscribed_get_no_mail(journal: Journal, server: MailServer) -> None:
    """Rule 19: whoever has unsubscribed gets no more mail of that organization, but of another one."""
    take(journal, registered("mia"), registered("ben"))
    grant(journal, "mia", "ben")
    with notifying(journal, server):
        eventually(lambda: settled(journal))
        unsubscribe(journal, "mia")
        take(journal, registered("mia", organization_id="other"))
        grant(journal, "mia", "ben")
        others = [
            session(number, "mia", "ann", organization_id="other") for number in range(100, 110)
        ]
        take(journal, organization(organization_id="other", name="Other"), *others)
        project(journal, repeat(1000))
        eventually(lambda: settled(journal))
    mias = [one for one in server.accepted if one.recipient == "mia@example.org"]
    assert [one.message["From"].addresses[0].display_name for one in mias] == ["Acme", "Other"]
    assert server.recipients.count("ben@example.org") == 2


def test_the_erased_get_no_mail(journal: Journal, server: MailServer) -> None:
    """Rules 19 and 27: whoever is erased gets no mail, be it that the grant was not reached or the mail not sent."""
    take(journal, registered("mia"), registered("ben"), registered("ann"))
    grant(journal, "mia")
    take(journal, erased("mia"))
    server.stop()
    with notifying(journal, server):
        grant(journal, "ben", "ann")
        eventually(lambda: "ben" in outcomes(journal))
        take(journal, erased("ben"))
        eventually(lambda: not in_hand(journal))
        server.start()
        eventually(lambda: settled(journal))
    assert server.recipients == ["ann@example.org"]
    assert outcomes(journal) == {"mia": "erased", "ben": "erased", "ann": "sent"}


def test_no_mail_table_holds_a_name_or_an_address(journal: Journal, server: MailServer) -> None:
    """Rule 27: neither a queued mail, nor one refused, nor what is kept for unsubscribing tells who it was for."""
    name, address = "Mia Unforgettable", "mia.unforgettable@example.org"
    take(journal, registered("m", name=name, email=address), registered("b"))
    server.script.recipient_answers[address].append(f"550 5.1.1 <{address}> {name} unknown")
    server.script.data_answers["b@example.org"].append(f"451 4.3.0 {name}")
    grant(journal, "m", "b")
    with notifying(journal, server):
        eventually(lambda: settled(journal))
    with journal.connection() as connection:
        texts = [
            str(row)
            for table in ("mail", "mail_recipient")
            for row in connection.execute(f"SELECT {table}::text FROM {table}")
        ]
    assert len(texts) == 4
    assert not [text for text in texts if "nforgettable" in text]


def test_refused_mails_are_final(journal: Journal, server: MailServer) -> None:
    """An address that is refused, or a mail, is never tried again; the code is kept, the words are not."""
    take(journal, *(registered(user_id) for user_id in ("mia", "ben", "ann")))
    server.script.recipient_answers["mia@example.org"].append("550 5.1.1 no such user mia")
    server.script.data_answers["ben@example.org"].append("554 we do not like ben")
    grant(journal, "mia", "ben", "ann")
    with notifying(journal, server):
        eventually(lambda: settled(journal))
    with journal.connection() as connection:
        rows = connection.execute("SELECT user_id, outcome, reply, attempts FROM mail ORDER BY 1")
        assert rows.fetchall() == [
            ("ann", "sent", None, 1),
            ("ben", "refused", "554", 1),
            ("mia", "refused", "550 5.1.1", 1),
        ]
    assert server.recipients == ["ann@example.org"]


def test_temporary_failures_hold_up_nobody_else(journal: Journal, server: MailServer) -> None:
    """A mail that is put off comes later, under the same id, and others don't wait for it."""
    take(journal, registered("mia"), registered("ben"))
    server.script.recipient_answers["mia@example.org"].append("451 4.7.1 greylisted")
    server.script.data_answers["mia@example.org"].append("452 4.3.1 disk full")
    grant(journal, "mia", "ben")
    with notifying(journal, server):
        eventually(lambda: settled(journal))
    assert server.recipients == ["ben@example.org", "mia@example.org"]
    with journal.connection() as connection:
        query = "SELECT attempts, deferrals FROM mail WHERE user_id = 'mia'"
        assert connection.execute(query).fetchone() == (3, 2)


def test_a_slow_mail_holds_up_nobody_else(journal: Journal, server: MailServer) -> None:
    """While the server thinks about one mail, others are sent."""
    take(journal, registered("mia"), registered("ben"))
    halt = server.script.halt("mia@example.org")
    grant(journal, "mia", "ben")
    with notifying(journal, server):
        halt.wait()
        grant(journal, "ben")
        eventually(lambda: server.recipients == ["ben@example.org"] * 2)
        halt.go_on()
        eventually(lambda: settled(journal))
    assert server.recipients.count("mia@example.org") == 1


@pytest.mark.parametrize("answers", [["450 4.7.1 too many"], ["553 5.7.1 not your address"]])
def test_a_refused_sender_loses_nothing(
    journal: Journal, server: MailServer, answers: list[str]
) -> None:
    """Where the server takes nothing from us at all, no mail is the worse for it."""
    take(journal, registered("mia"))
    server.script.sender_answers.extend(answers * 2)
    grant(journal, "mia")
    with notifying(journal, server):
        eventually(lambda: settled(journal))
    assert outcomes(journal) == {"mia": "sent"}


def test_a_server_that_is_down_loses_nothing(journal: Journal, server: MailServer) -> None:
    """While the server is away grants are still reached, and each mail comes once it is back."""
    users = [f"user{number}" for number in range(20)]
    take(journal, *(registered(user_id) for user_id in users))
    server.stop()
    with notifying(journal, server):
        grant(journal, *users)
        eventually(lambda: len(outcomes(journal)) == len(users))
        server.start()
        eventually(lambda: settled(journal))
    assert sorted(server.recipients) == sorted(f"{user_id}@example.org" for user_id in users)


def test_a_revoked_award_is_not_congratulated_on(journal: Journal, server: MailServer) -> None:
    """Rules 19 and 20: what was revoked before its mail could be sent is not mailed any more."""
    take(journal, registered("mia"), registered("ben"))
    server.stop()
    with notifying(journal, server):
        grant(journal, "mia")
        eventually(lambda: "mia" in outcomes(journal))
        take(journal, revoked(award_id(journal, "mia")))
        eventually(lambda: not in_hand(journal))
        grant(journal, "ben")
        server.start()
        eventually(lambda: settled(journal))
    assert server.recipients == ["ben@example.org"]
    assert outcomes(journal)["mia"] == "revoked"


def test_mails_of_what_is_unavailable_wait(journal: Journal, server: MailServer) -> None:
    """Rule 2: while certificates are unavailable nothing of them is emailed; the mail comes when they are again."""
    take(journal, registered("mia"))
    server.stop()
    with notifying(journal, server):
        grant(journal, "mia")
        eventually(lambda: "mia" in outcomes(journal))
        take(journal, organization("starter"))
        project(journal, repeat(1000))
        eventually(lambda: not in_hand(journal))
        server.start()
        time.sleep(3)  # longer than a server that was away is left alone
        assert server.accepted == []
        take(journal, organization())
        project(journal, repeat(1000))
        eventually(lambda: settled(journal))
    assert server.recipients == ["mia@example.org"]


def test_a_database_that_goes_doubles_nothing(
    journal: Journal, server: MailServer, database_url: str
) -> None:
    """A mail under way when the database cuts us off is written down when it is back, not sent again."""
    take(journal, registered("mia"))
    halt = server.script.halt("mia@example.org")
    grant(journal, "mia")
    with notifying(journal, server), notifying(journal, server):  # the second would take over
        halt.wait()
        for _ in range(3):
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """
                )
        halt.go_on()
        eventually(lambda: outcomes(journal) == {"mia": "sent"})
    assert server.recipients == ["mia@example.org"]


def test_a_database_that_was_away_for_long_doubles_nothing(
    server: MailServer, open_folder: Path
) -> None:
    """Nor does one that comes back when the hold on the mail under way has run out long ago."""
    postgres = launch(["postgres"], open_folder, open_folder)["postgres"]
    try:
        with migrated(postgres.address) as journal:
            take(journal, registered("mia"))
            halt = server.script.halt("mia@example.org")
            grant(journal, "mia")
            with notifying(journal, server), notifying(journal, server):
                halt.wait()
                postgres.kill()
                time.sleep(HOLD_SECONDS + 1)
                postgres.start()
                time.sleep(HOLD_SECONDS / 2)  # whoever leads now could take the mail for lost
                halt.go_on()
                eventually(lambda: outcomes(journal) == {"mia": "sent"})
    finally:
        postgres.discard()
    assert server.recipients == ["mia@example.org"]


def test_addresses_in_any_script(journal: Journal, server: MailServer) -> None:
    """Rule 19: an address beyond ASCII is written to as the server can take it; one that is none is refused."""
    addresses = {"a": "用户@example.org", "b": "b@bücher.example", "c": "no,address@example.org"}
    take(journal, *(registered(user, email=email) for user, email in addresses.items()))
    grant(journal, *addresses)
    with notifying(journal, server):
        eventually(lambda: settled(journal))
    assert sorted(server.recipients) == ["b@xn--bcher-kva.example", "用户@example.org"]
    assert outcomes(journal)["c"] == "refused"


def test_an_address_that_the_server_cannot_be_told(journal: Journal) -> None:
    """Rule 19: a server that knows no addresses beyond ASCII refuses such a one for good, and takes the others."""
    take(journal, registered("a", email="用户@example.org"), registered("b"))
    grant(journal, "a", "b")
    with mail_server(enable_SMTPUTF8=False) as server, notifying(journal, server):
        eventually(lambda: settled(journal))
    assert outcomes(journal) == {"a": "refused", "b": "sent"}


def test_mails_speak_the_members_language(journal: Journal, server: MailServer) -> None:
    """Rule 19: the member's locale decides on the language of the mail."""
    take(journal, *(registered(tag, locale=tag) for tag in WORDS))
    grant(journal, *WORDS)
    with notifying(journal, server):
        eventually(lambda: settled(journal))
    tags = {one.recipient: one.message["Content-Language"] for one in server.accepted}
    assert tags == {f"{tag}@example.org": tag for tag in WORDS}
