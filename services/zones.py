"""Instants in the time zones of organizations."""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def in_zone(instant: datetime, timezone: str) -> datetime:
    """The instant in an IANA time zone.

    It stays in UTC where the zone is not known here (the sender's tables may be newer), or where it
    would leave the years that a datetime can hold.
    """
    try:
        return instant.astimezone(_zone(timezone))
    except (ZoneInfoNotFoundError, ValueError, OverflowError):
        return instant


@lru_cache(maxsize=1024)
def _zone(timezone: str) -> ZoneInfo:
    return ZoneInfo(timezone)
