"""From the journal to members' mailboxes: one mail for each grant, and never again (product rule 19).

Two steps, each with a memory of its own: grants are taken in from the journal behind a position that nothing turns
back, into rows that nothing makes twice; mails are sent from those rows (`mail.dispatch`). So neither a retry nor a
replay nor a rebuild can mail anything again, and a mail server that is down holds up nothing but mails.
"""

import threading
from collections.abc import Sequence
from time import monotonic
from typing import Final, NamedTuple

import structlog

from schemas.journal import AwardGranted
from services.achievements.mail import queue, recipients
from services.achievements.mail.addresses import Mailbox
from services.achievements.mail.dispatch import Dispatch, Letter
from services.achievements.mail.languages import language_of
from services.achievements.mail.messages import envelope
from services.achievements.mail.metrics import MAILS, OLDEST, UNSENT
from services.achievements.mail.queue import NewMail, Outcome
from services.achievements.mail.recipients import Member, Recipient, unsubscribe_url
from services.achievements.mail.rendering import award_mail
from services.achievements.mail.smtp import Fate, Postman, SmtpServer
from services.achievements.metrics import POSITION
from services.following import follow
from services.journal import Journal

log = structlog.get_logger()

READER: Final = "notify"
MAX_GRANTS: Final = 1_000
_MEASURE_SECONDS: Final = 5.0


class MailSettings(NamedTuple):
    """How mails are sent: through which server, from whom, and what the links in them begin with."""

    server: SmtpServer
    sender: Mailbox
    public_url: str


def notify(journal: Journal, settings: MailSettings, stop: threading.Event) -> None:
    """Mails what is granted, until `stop` is set; the mail server and the database are waited for."""
    with Dispatch(journal, Mailer(settings), stop) as dispatch:
        notifier = Notifier(journal, dispatch)
        follow(journal, READER, notifier.step, stop)


class Notifier:
    """Reads on in the journal, and keeps the mails going."""

    def __init__(self, journal: Journal, dispatch: Dispatch) -> None:
        self._journal = journal
        self._dispatch = dispatch
        self._names = [journal.mapper.names[AwardGranted]]
        self._measure_at = 0.0

    def step(self) -> bool:
        """Takes in one batch of grants and sends what is due; True where there may be more."""
        try:
            more_grants = self._take_in()
            self._measure()
            return self._dispatch.turn() or more_grants
        except Exception:
            self._dispatch.finish()  # whoever leads next must learn of it
            raise

    def _take_in(self) -> bool:
        with self._journal.connection() as connection:
            after = self._journal.position(connection, READER)
            head = self._journal.head(connection)  # before reading: what comes later is not passed
            grants = self._journal.read(connection, after, MAX_GRANTS, self._names)
        more = len(grants) == MAX_GRANTS
        last = grants[-1].position if grants else after
        reached = last if more else max(head, last)
        if reached > after:
            self._queue([recorded.event for recorded in grants], reached)
        return more

    def _queue(self, grants: Sequence[AwardGranted], reached: int) -> None:
        with self._journal.transaction() as connection:
            members = {_member(grant) for grant in grants}
            found = recipients.find(connection, members)
            mails = [new_mail(grant, found[_member(grant)]) for grant in grants]
            recipients.give_tokens(
                connection, sorted({mail.member for mail in mails if mail.outcome is None})
            )
            queue.add(connection, mails)
            self._journal.advance(connection, READER, reached)
        POSITION.labels(READER).set(reached)
        for mail in mails:
            if mail.outcome is not None:
                MAILS.labels(mail.outcome).inc()
        if grants:
            log.info("grants_to_be_mailed", grants=len(grants), position=reached)

    def _measure(self) -> None:
        if monotonic() >= self._measure_at:
            self._measure_at = monotonic() + _MEASURE_SECONDS
            with self._journal.connection() as connection:
                unsent, oldest_seconds = queue.backlog(connection)
            UNSENT.set(unsent)
            OLDEST.set(oldest_seconds)


class Mailer:
    """Writes mails and hands them over."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._postman = Postman(settings.server)
        self.hang_up = self._postman.hang_up
        self.break_off = self._postman.break_off

    def send(self, letter: Letter) -> Fate:
        """Writes a mail, the same each time that it is tried, and hands it over."""
        award = letter.award
        sender = self._settings.sender
        mail = award_mail(
            award,
            letter.to.name,
            language_of(letter.locale),
            unsubscribe_url(self._settings.public_url, letter.token),
        )
        named = sender if sender.name else Mailbox(award.organization_name, sender.address)
        return self._postman.deliver(
            envelope(mail, named, letter.to, award.award_id, letter.claim.queued_at)
        )


def _member(grant: AwardGranted) -> Member:
    return Member(grant.organization_id, grant.user_id)


def new_mail(grant: AwardGranted, recipient: Recipient) -> NewMail:
    """The mail about a grant that is reached now."""
    outcome: Outcome | None = recipient.obstacle if grant.mailed else "unwanted"
    return NewMail(grant.award_id, _member(grant), grant.kind, outcome)
