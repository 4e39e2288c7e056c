"""Telling operators what was granted, once it is committed: a counter, and the log."""

from collections.abc import Sequence
from typing import Final

import structlog

from schemas.journal import AwardGranted
from services.achievements.metrics import GRANTS

log = structlog.get_logger()

MAX_AWARDS_A_LINE: Final = 100


def announce(granted: Sequence[AwardGranted]) -> None:
    """Counts awards and logs them by id, each with the journal position of the fact that it was decided at."""
    for award in granted:
        GRANTS.labels(award.kind, award.how).inc()
    for first in range(0, len(granted), MAX_AWARDS_A_LINE):
        some = granted[first : first + MAX_AWARDS_A_LINE]
        log.info(
            "awards_granted", awards={award.award_id: award.decided_at_position for award in some}
        )
