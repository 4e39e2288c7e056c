"""Members to be mailed, and notify at work: in a thread, or in a process that can be killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, repeat
from pathlib import Path
from typing import Any

from schemas import learning
from schemas.journal import EVENT_TYPES
from services.achievements.mail.addresses import Mailbox
from services.achievements.mail.smtp import smtp_url
from services.achievements.notify import READER, MailSettings, notify
from services.journal import Journal
from tests.integration.mail_server import PATIENCE_SECONDS, MailServer
from tests.integration.service import project, take
from tests.scenario import ORGANIZATION, by_hand, certificate, organization

CHECKOUT = Path(__file__).parents[2]
PUBLIC_URL = "https://achievements.example"
SENDER = Mailbox("", "awards@achievements.example")


def registered(user_id: str, **more: Any) -> learning.MemberRegistered:
    """A member whose address is their user id at example.org, unless told otherwise."""
    return learning.MemberRegistered(
        organization_id=more.pop("organization_id", ORGANIZATION),
        user_id=user_id,
        display_name=more.pop("name", user_id.capitalize()),
        email=more.pop("email", f"{user_id}@example.org"),
        roles=(),
        **more,
    )


def grant(journal: Journal, *user_ids: str) -> None:
    """Grants these members a certificate of their own, by hand."""
    program = f"p{next(_numbers)}"
    take(journal, organization(), certificate(None, program=program))
    take(journal, by_hand(*user_ids, program=program))
    project(journal, repeat(1000))


_numbers = count(1)


@contextmanager
def notifying(journal: Journal, server: MailServer | str) -> Iterator[None]:
    """Notify for the block, in a thread with connections of its own; it must end well when told to."""
    url = server if isinstance(server, str) else server.url
    settings = MailSettings(smtp_url(url), SENDER, PUBLIC_URL)
    stop = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with Journal(journal.conninfo, journal.schema, EVENT_TYPES) as its_journal:
                notify(its_journal, settings, stop)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert not errors, errors


class NotifyProcess:
    """`achievements notify` as operators run it."""

    def __init__(self, database_url: str, server: MailServer, log: Path) -> None:
        self._log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.achievements", "notify"],
            cwd=CHECKOUT,
            env={
                **os.environ,
                "DATABASE_URL": database_url,
                "SMTP_URL": server.url,
                "EMAIL_FROM": SENDER.address,
                "ACHIEVEMENTS_PUBLIC_URL": PUBLIC_URL,
                "LOG_FORMAT": "json",
                "METRICS_LISTEN": "",
            },
            stderr=self._log,
        )

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)
        self._log.close()

    def terminate(self) -> int:
        """As an orchestrator does; gives the exit status."""
        self.process.terminate()
        status = self.process.wait(PATIENCE_SECONDS)
        self._log.close()
        return status


def eventually(condition: Callable[[], object]) -> None:
    """Waits until it is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not so within {PATIENCE_SECONDS} s"
        time.sleep(0.02)


def outcomes(journal: Journal) -> dict[str, str | None]:
    """What became of the mails, by member; of several of one member, the last."""
    with journal.connection() as connection:
        return dict(
            connection.execute("SELECT user_id, outcome FROM mail ORDER BY queued_at").fetchall()
        )


def settled(journal: Journal) -> bool:
    """Whether notify has reached every grant, and nothing is left to be sent."""
    with journal.connection() as connection:
        reached = journal.position(connection, READER) == journal.head(connection)
    return reached and None not in outcomes(journal).values()


def in_hand(journal: Journal) -> bool:
    """Whether a mail is under way, of which notify may not know yet what was recorded since."""
    with journal.connection() as connection:
        query = "SELECT EXISTS (SELECT FROM mail WHERE held_until IS NOT NULL)"
        (found,) = connection.execute(query).fetchone() or (False,)
    return bool(found)
