"""The process that keeps the read models up with the journal, and grants."""

import threading
from time import monotonic

import structlog

from services.achievements.announcing import announce
from services.achievements.grants import MAX_EVENTS, VIEW, advance
from services.achievements.metrics import POSITION
from services.following import follow
from services.journal import Journal

log = structlog.get_logger()


def project(journal: Journal, stop: threading.Event) -> None:
    """Folds what is appended and grants what is due, until `stop` is set."""

    def step() -> bool:
        started = monotonic()
        with journal.transaction() as connection:
            done = advance(journal, connection)
        announce(done.granted)
        if done.folded:
            POSITION.labels(VIEW).set(done.position)
            log.info(
                "projected",
                position=done.position,
                events=done.folded,
                granted=len(done.granted),
                seconds=round(monotonic() - started, 4),
            )
        return done.folded == MAX_EVENTS or bool(done.granted)

    follow(journal, "project", step, stop)
