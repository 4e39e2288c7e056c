"""Sending: takes mails that are due in hand, hands each over in a thread, and writes down what became of it.

All of the database is done by the thread that calls; threads of ours only talk SMTP. What is under way when the
database goes, or the lead is lost, is held in memory until its fate is written down: only a process that dies
between the server's acceptance and our commit leaves a fate unknown.
"""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from time import monotonic
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, Self

import psycopg
import structlog

from schemas.journal import AwardGranted
from services.achievements.mail import queue, recipients
from services.achievements.mail.messages import UnusableAddressError
from services.achievements.mail.metrics import MAILS
from services.achievements.mail.queue import Claim, Outcome
from services.achievements.mail.recipients import Recipient
from services.achievements.mail.smtp import Accepted, Deferred, Fate, Refused, Unreachable
from services.journal import Journal, Recorded
from services.presence import Presence

log = structlog.get_logger()

MAX_UNDER_WAY: Final = 8
TURN_SECONDS: Final = 0.5
_GRACE_SECONDS: Final = 15.0
# With pauses that double up to an hour, these are the five days that RFC 5321, 4.5.4.1, wants.
MAX_DEFERRALS: Final = 130
_FIRST_PAUSE_SECONDS: Final = 2.0
_MAX_PAUSE_SECONDS: Final = 3600.0
_MAX_SERVER_PAUSE_SECONDS: Final = 30.0
_OUTAGES: Final = (psycopg.OperationalError, psycopg.InterfaceError)


class Letter(NamedTuple):
    """A mail that can be written now: about which award, to whom."""

    claim: Claim
    award: AwardGranted
    recipient: Recipient


class Post(Protocol):
    """Writes mails and hands them over; for several threads at once."""

    def send(self, letter: Letter) -> Fate:
        """The fate of a mail; UnusableAddressError where its address is none."""

    def hang_up(self) -> None:
        """There is nothing more to send for now."""

    def break_off(self) -> None:
        """Lets `send` come back at once, wherever it is."""


class Dispatch:
    """Mails under way, `MAX_UNDER_WAY` at most. For one thread."""

    def __init__(self, journal: Journal, post: Post, stop: threading.Event) -> None:
        self._journal = journal
        self._post = post
        self._stop = stop
        self._threads = ThreadPoolExecutor(MAX_UNDER_WAY, thread_name_prefix="mail")
        self._under_way: dict[Future[Fate], Claim] = {}
        self._server = _Server()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _cls: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._finish()
        self._post.hang_up()
        self._threads.shutdown()

    def turn(self) -> bool:
        """Writes down what has come back, and sends what is due; True while anything is under way."""
        try:
            self._write_down()
            self._send_due()
        except Exception:
            self._finish()  # whoever leads next must learn of it
            raise
        if not self._under_way:
            self._post.hang_up()
            return False
        wait(self._under_way, TURN_SECONDS, FIRST_COMPLETED)
        return True

    def _send_due(self) -> None:
        room = self._server.room(MAX_UNDER_WAY, len(self._under_way))
        if room == 0:
            return
        with self._journal.transaction() as connection:
            claims = queue.claim(connection, room)
            letters = self._letters(connection, claims) if claims else []
        for letter in letters:  # the intent is committed by now
            self._under_way[self._threads.submit(self._send, letter)] = letter.claim

    def _letters(
        self, connection: psycopg.Connection[Any], claims: Sequence[Claim]
    ) -> list[Letter]:
        """What is still to be sent of what is in hand; the rest is settled."""
        awards = self._journal.load(connection, [claim.award_id for claim in claims])
        found = recipients.find(connection, {claim.member for claim in claims})
        letters = []
        for claim in claims:
            award, recipient = awards[claim.award_id], found[claim.member]
            if obstacle := _obstacle(award, recipient):
                queue.settle(connection, claim, obstacle)
                MAILS.labels(obstacle).inc()
            else:
                letters.append(Letter(claim, award[0].event, recipient))
        return letters

    def _send(self, letter: Letter) -> Fate:
        try:
            return self._post.send(letter)
        except UnusableAddressError:
            return Refused("unusable address")
        except Exception as error:  # a fault of ours must not stop the other mails
            log.error("mail_failed", award_id=letter.award.award_id, error=type(error).__name__)
            return Deferred(type(error).__name__)

    def _write_down(self) -> None:
        """Notes in one transaction what became of the mails that have come back, and keeps hold of the others."""
        if not self._under_way:
            return
        back = {future: claim for future, claim in self._under_way.items() if future.done()}
        outcomes: Counter[str] = Counter()
        with self._journal.transaction() as connection:
            for future, claim in back.items():
                outcomes[_note(connection, claim, future.result())] += 1
            queue.hold(
                connection, [claim for future, claim in self._under_way.items() if future not in back]
            )
        for future in back:
            del self._under_way[future]
            self._server.answered(future.result())
        for outcome, count in outcomes.items():
            MAILS.labels(outcome).inc(count)
        if outcomes:
            log.info("mails", **outcomes)

    def _finish(self) -> None:
        """Waits for what is under way and writes it down, however long the database is away; not when stopping."""
        deadline: float | None = None
        while self._under_way:
            if self._stop.is_set():
                deadline = deadline or monotonic() + _GRACE_SECONDS
                if monotonic() > deadline:
                    break
            wait(self._under_way, TURN_SECONDS)
            try:
                self._write_down()
            except _OUTAGES as error:
                log.warning("mails_not_written_down", error=type(error).__name__)
                self._stop.wait(TURN_SECONDS) ...
