"""What operators see of mails."""

from prometheus_client import Counter, Gauge

MAILS = Counter(
    "achievements_mails_total",
    "Mails by what became of them: sent, refused, given_up, revoked, unwanted, erased, unsubscribed, no_address;"
    " and deferred, each time that the server put one off.",
    ["outcome"],
)
UNSENT = Gauge("achievements_mails_unsent", "Mails that are to be sent, as the leader sees it.")
OLDEST = Gauge(
    "achievements_mail_oldest_unsent_age_seconds",
    "How long the oldest mail that is to be sent has been waiting, as the leader sees it; 0 where there is none.",
)
