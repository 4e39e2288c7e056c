"""Days and months as people read them, in the language of the reader."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_date, format_skeleton

from services.sharing.languages import LANGUAGES, Language

_MANY: Final = 16_384


def long_date(day: datetime, language: Language) -> str:
    """A date in words that no two readers understand differently: `1 March 2026`."""
    return _written("day", day.date(), language.tag)


def months(first: datetime, last: datetime, language: Language) -> str:
    """The months from one day to another: `in June 2026`, `between March and June 2026`."""
    period = language.words.period
    end = _written("month of year", last.date(), language.tag)
    if (first.year, first.month) == (last.year, last.month):
        return period.month.format(month=end)
    form = "month" if first.year == last.year else "month of year"
    return period.months.format(first=_written(form, first.date(), language.tag), last=end)


@lru_cache(maxsize=_MANY)
def _written(form: str, day: date, tag: str) -> str:
    """CLDR's forms take long to fill in, and few days are written again and again."""
    return _FORMS[form](day, LANGUAGES[tag].locale)


_FORMS: Final[dict[str, Callable[[date, Locale], str]]] = {
    "day": lambda day, locale: format_date(day, "long", locale),
    "month": lambda day, locale: format_date(day, "LLLL", locale),
    "month of year": lambda day, locale: format_skeleton(
        "yMMMM", datetime(day.year, day.month, day.day, tzinfo=UTC), locale=locale
    ),
}
