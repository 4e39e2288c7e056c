"""The language that a reader prefers, of those that we speak (RFC 9110, 12.5.4)."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_QUALITY: Final = re.compile(r"q=([01](?:\.\d{0,3})?)")
_LONGEST_HEADER: Final = 256
_MOST_HEADERS: Final = 1024


def preferred_language(accept_language: str | None, spoken: frozenset[str], default: str) -> str:
    """The language range (`fr-ch`) that a request's header prefers most of those whose language (`fr`) is spoken.

    `default` where there is none, and where any will do.
    """
    return _preferred((accept_language or "")[:_LONGEST_HEADER], spoken, default)


@lru_cache(maxsize=_MOST_HEADERS)
def _preferred(accept_language: str, spoken: frozenset[str], default: str) -> str:
    ranges = sorted(_ranges(accept_language), key=lambda one: one[0], reverse=True)
    for quality, language_range in ranges:
        if quality > 0 and language_range == "*":
            return default
        if quality > 0 and language_range.partition("-")[0] in spoken:
            return language_range
    return default


def _ranges(accept_language: str) -> Iterator[tuple[float, str]]:
    """Quality and language range, in the order in which they are written."""
    for written in accept_language.lower().replace(" ", "").split(","):
        language_range, *parameters = written.split(";")
        quality = next((_QUALITY.fullmatch(one) for one in parameters), None)
        yield float(quality[1]) if quality else 1.0, language_range
