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
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, Self

import psycopg
import structlog

from schemas.journal import AwardGranted, AwardRevoked
from services.achievements.mail import queue, recipients
from services.achievements.mail.addresses import Mailbox, UnusableAddressError
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
_LOG_SECONDS: Final = 5.0
# With pauses that double up to an hour, these are the five days that RFC 5321, 4.5.4.1, wants.
MAX_DEFERRALS: Final = 130
_FIRST_PAUSE_SECONDS: Final = 2.0
_MAX_PAUSE_SECONDS: Final = 3600.0
_MAX_SERVER_PAUSE_SECONDS: Final = 30.0
_OUTAGES: Final = (psycopg.OperationalError, psycopg.InterfaceError)


class Letter(NamedTuple):
    """A mail that is to be written: about which award, to whom, in which language, how they unsubscribe."""

    claim: Claim
    award: AwardGranted
    to: Mailbox
    locale: str | None
    token: str


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
        self._hold_again_at = 0.0
        self._unlogged: Counter[str] = Counter()
        self._log_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _cls: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        try:
            self.finish()
            self._log()
        finally:
            self._post.break_off()
            self._post.hang_up()
            self._threads.shutdown()

    def turn(self) -> bool:
        """Writes down what has come back, and sends what is due; True while anything is under way."""
        self._write_down()
        self._send_due()
        self._log()
        if not self._under_way:
            self._post.hang_up()
            return False
        wait(self._under_way, TURN_SECONDS, FIRST_COMPLETED)
        return True

    def finish(self) -> None:
        """Waits for all that is under way and writes it down, as soon as the database is there.

        Once told to stop it waits a while only, and then breaks off what is left.
        """
        self._await_all(_GRACE_SECONDS)
        if self._under_way:
            self._post.break_off()
            self._await_all(TURN_SECONDS)

    def _send_due(self) -> None:
        room = self._server.room(len(self._under_way))
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
                to = Mailbox(recipient.name or "", recipient.address or "")
                letters.append(Letter(claim, award[0].event, to, recipient.locale, recipient.token))
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
        back = {future: claim for future, claim in self._under_way.items() if future.done()}
        if not self._under_way or (not back and monotonic() < self._hold_again_at):
            return
        away = [claim for future, claim in self._under_way.items() if future not in back]
        outcomes: Counter[str] = Counter()
        with self._journal.transaction() as connection:
            for future, claim in back.items():
                outcomes[_note(connection, claim, future.result())] += 1
            queue.hold(connection, away)
        self._hold_again_at = monotonic() + queue.HOLD_SECONDS / 4
        for future in back:
            del self._under_way[future]
            self._server.answered(future.result())
        for outcome, count in outcomes.items():
            MAILS.labels(outcome).inc(count)
        self._unlogged.update(outcomes)

    def _log(self) -> None:
        """One line for a burst, and one every few seconds while it lasts."""
        if self._unlogged and (not self._under_way or monotonic() >= self._log_at):
            log.info("mails", **self._unlogged)
            self._unlogged.clear()
            self._log_at = monotonic() + _LOG_SECONDS

    def _await_all(self, seconds: float) -> None:
        """Waits however long it takes; once told to stop, so many seconds at most."""
        deadline: float | None = None
        while self._under_way:
            if self._stop.is_set():
                deadline = deadline or monotonic() + seconds
                if monotonic() > deadline:
                    return
            wait(self._under_way, TURN_SECONDS)
            try:
                self._write_down()
            except _OUTAGES as error:
                log.warning("mails_not_written_down", error=type(error).__name__)
                sleep(TURN_SECONDS)


class _Server:
    """How much the server is asked to take: nothing for a while when it was not reached, then one mail to try it."""

    def __init__(self) -> None:
        self._presence = Presence("smtp_server")
        self._pause_seconds = 0.0
        self._ask_again_at = 0.0

    def room(self, under_way: int) -> int:
        """How many more mails it can be given."""
        if self._pause_seconds == 0:
            return MAX_UNDER_WAY - under_way
        return 1 if under_way == 0 and monotonic() >= self._ask_again_at else 0

    def answered(self, fate: Fate) -> None:
        """Learns from the fate of a mail."""
        if not isinstance(fate, Unreachable):
            self._presence.found()
            self._pause_seconds = 0.0
            return
        self._presence.missed(fate.why)
        now = monotonic()
        if now >= self._ask_again_at:  # one pause for all that were under way together
            self._pause_seconds = min(max(2 * self._pause_seconds, 1.0), _MAX_SERVER_PAUSE_SECONDS)
            self._ask_again_at = now + self._pause_seconds


def _obstacle(award: Sequence[Recorded], recipient: Recipient) -> Outcome | None:
    if any(isinstance(recorded.event, AwardRevoked) for recorded in award):
        return "revoked"
    return recipient.obstacle


def _note(connection: psycopg.Connection[Any], claim: Claim, fate: Fate) -> str:
    """Writes down the fate of a mail; gives what operators call it."""
    match fate:
        case Accepted():
            queue.settle(connection, claim, "sent")
            return "sent"
        case Refused(reply):
            queue.settle(connection, claim, "refused", reply)
            return "refused"
        case Deferred(reply) if claim.deferrals + 1 >= MAX_DEFERRALS:
            queue.settle(connection, claim, "given_up", reply)
            return "given_up"
        case Deferred(reply):
            queue.defer(connection, claim, pause_seconds(claim.deferrals), reply)
            return "deferred"
        case Unreachable():
            queue.defer(connection, claim, 0)
            return "unreachable"


def pause_seconds(deferrals: int) -> float:
    """How long a mail that was put off so often before is left alone; jittered."""
    longest = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(deferrals, 20), _MAX_PAUSE_SECONDS)
    return random.uniform(0.75, 1.0) * longest
