"""Instants as people read them: in the zone of the organization."""

from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def in_zone(instant: datetime, timezone: str) -> datetime:
    """The instant in an IANA time zone.

    It stays in UTC where the zone is not known here (the sender's tables may be newer), or where it
    would leave the years that a datetime can hold.
    """
    try:
        return instant.astimezone(_zone(timezone))
    except (ZoneInfoNotFoundError, ValueError, OverflowError):
        return instant


def long_date(day: datetime) -> str:
    """A date in words that no two readers understand differently: `1 March 2026`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


@lru_cache(maxsize=1024)
def _zone(timezone: str) -> ZoneInfo:
    return ZoneInfo(timezone)
