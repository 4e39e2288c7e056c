"""Noticing once that something the process needs has gone, and once that it is back."""

from time import monotonic

import structlog

log = structlog.get_logger()


class Presence:
    """Whether something is there, told at every look; only changes are logged."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._missed_at: float | None = None

    def missed(self, why: object) -> None:
        """It is not there."""
        if self._missed_at is None:
            self._missed_at = monotonic()
            log.warning(f"{self._what}_gone", why=str(why))

    def found(self) -> None:
        """It is there."""
        if self._missed_at is not None:
            log.warning(f"{self._what}_back", gone_seconds=round(monotonic() - self._missed_at, 1))
            self._missed_at = None
