"""What operators see of mails."""

from prometheus_client import Counter, Gauge

MAILS = Counter(
    "achievements_mails_total",
    "Mails by what became of them: sent, refused, given_up, revoked, unwanted, erased, unsubscribed, no_address;"
    " and each time that one was put off: deferred, because of the mail, or unreachable, because of the server.",
    ["outcome"],
)
UNSENT = Gauge("achievements_mails_unsent", "Mails that are to be sent, as the leader sees it.")
OLDEST = Gauge(
    "achievements_mail_oldest_unsent_age_seconds",
    "How long the oldest mail that is to be sent has been waiting, as the leader sees it; 0 where there is none.",
)
