"""Notify as processes that are killed, told to stop, and take over from each other."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from services.journal import Journal
from tests.integration.mail_server import MailServer, mail_server
from tests.integration.notifying import (
    NotifyProcess,
    eventually,
    grant,
    outcomes,
    registered,
    settled,
)
from tests.integration.service import migrated, take

Start = Callable[[], NotifyProcess]


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as its_journal:
        yield its_journal


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as its_server:
        yield its_server


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "notify.log"


@pytest.fixture
def start(database_url: str, server: MailServer, log: Path) -> Iterator[Start]:
    """Starts processes, all of which are dead after the test."""
    with ExitStack() as cleanup:

        def start_process() -> NotifyProcess:
            process = NotifyProcess(database_url, server, log)
            cleanup.callback(process.kill)
            return process

        yield start_process


def test_killed_before_the_server_accepts(
    journal: Journal, server: MailServer, start: Start
) -> None:
    """A process killed between the intent and the server's acceptance loses no mail, and doubles none."""
    take(journal, registered("mia"))
    grant(journal, "mia")
    halt = server.script.halt("mia@example.org")
    process = start()
    halt.wait()
    assert outcomes(journal) == {
        "mia": None
    }  # the intent, committed before the server has the mail
    process.kill()
    halt.go_on()
    start()
    eventually(lambda: settled(journal))
    assert server.recipients == ["mia@example.org"]


def test_killed_before_our_commit(journal: Journal, server: MailServer, start: Start) -> None:
    """A process killed between the server's acceptance and our commit sends again, under the same id."""
    take(journal, registered("mia"))
    grant(journal, "mia")
    halt = server.script.halt("mia@example.org")
    process = start()
    halt.wait()
    with journal.transaction() as connection:
        connection.execute("LOCK TABLE mail IN SHARE MODE")  # nothing can be written down
        halt.go_on()
        eventually(lambda: server.accepted)
        process.kill()
    start()
    eventually(lambda: settled(journal))
    first, second = server.accepted
    assert first.message_id == second.message_id
    assert first.message.as_bytes() == second.message.as_bytes()


def has_accepted(server: MailServer, count: int) -> bool:
    return len(server.accepted) >= count


def test_killed_over_and_over(journal: Journal, server: MailServer, start: Start) -> None:
    """However often a process is killed, every member gets every mail, a second one only under its id."""
    users = [f"user{number}" for number in range(150)]
    take(journal, *(registered(user_id) for user_id in users))
    grant(journal, *users)
    for _ in range(3):
        enough = len(server.accepted) + 10
        process = start()
        eventually(partial(has_accepted, server, enough))
        process.kill()
    start()
    eventually(lambda: settled(journal))
    ids = defaultdict(set)
    for mail in server.accepted:
        ids[mail.recipient].add(mail.message_id)
    assert set(ids) == {f"{user_id}@example.org" for user_id in users}
    assert all(len(of_member) == 1 for of_member in ids.values())
    assert len(server.accepted) <= len(users) + 3 * 8  # as many as were under way


def test_the_second_takes_over(journal: Journal, server: MailServer, start: Start) -> None:
    """Of several processes one sends; when it dies another goes on, and nothing is mailed twice."""
    take(journal, registered("mia"), registered("ben"))
    first, second = start(), start()
    grant(journal, "mia")
    eventually(lambda: settled(journal))
    time.sleep(1)
    first.kill()
    grant(journal, "ben")
    eventually(lambda: settled(journal))
    assert server.recipients == ["mia@example.org", "ben@example.org"]
    assert second.terminate() == 0


def test_told_to_stop(journal: Journal, server: MailServer, start: Start) -> None:
    """A process told to stop waits for the mail under way, writes down its fate and ends well."""
    take(journal, registered("mia"))
    grant(journal, "mia")
    halt = server.script.halt("mia@example.org")
    process = start()
    halt.wait()
    process.process.terminate()
    time.sleep(0.5)
    halt.go_on()
    assert process.terminate() == 0
    assert outcomes(journal) == {"mia": "sent"}
    assert server.recipients == ["mia@example.org"]


def test_the_log_names_nobody(
    journal: Journal, server: MailServer, start: Start, log: Path
) -> None:
    """Rule 27: whatever a server says, no log line holds a name or an address."""
    address = "mia.unforgettable@example.org"
    take(journal, registered("m", name="Mia Unforgettable", email=address))
    take(journal, registered("n", name="Unforgettable", email="un,forgettable@example.org"))
    server.script.sender_answers.append("421 <mia.unforgettable@example.org> not now")
    server.script.recipient_answers[address].append(f"450 <{address}> not now")
    server.script.data_answers[address].append(f"554 <{address}> never")
    grant(journal, "m", "n")
    process = start()
    eventually(lambda: settled(journal))
    assert process.terminate() == 0
    written = log.read_text()
    assert '"refused":1' in written
    assert "forgettable" not in written
