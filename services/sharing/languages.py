"""The languages that public pages speak: a file of words each, and its way with numbers and dates (CLDR).

Phrases hold names such as `{organization}`. What certificates say by themselves, pages say in the same
words (`services.sharing.drawing.words`). A reader of any other language gets English.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec
from babel import Locale
from babel.numbers import format_decimal

from schemas.awards import Kind
from services.languages import preferred_language
from services.sharing.drawing.words import Words as DrawnWords
from services.sharing.drawing.words import words as drawn_words

DEFAULT: Final = "en"
_FILES: Final = Path(__file__).with_name("languages")
_LOCALES: Final = {"en": "en_001"}  # a date as most who read English write it: 1 March 2026
_TERRITORIES: Final = {"en": "US", "fr": "FR", "es": "ES", "de": "DE", "ar": "AR"}


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class ByKind(_Words, frozen=True, forbid_unknown_fields=True):
    badge: str
    certificate: str

    def of(self, kind: Kind) -> str:
        return self.badge if kind == "badge" else self.certificate


class ByCount(_Words, frozen=True, forbid_unknown_fields=True):
    """A phrase for each plural category that the language's numbers from 1 on have (CLDR)."""

    other: str
    one: str | None = None
    two: str | None = None
    few: str | None = None
    many: str | None = None

    def of(self, category: str) -> str:
        return getattr(self, category, None) or self.other


class Headline(_Words, frozen=True, forbid_unknown_fields=True):
    known: str
    unknown: str
    revoked: str


class Verify(_Words, frozen=True, forbid_unknown_fields=True):
    title: str
    text: ByKind
    credential: str


class Revoked(_Words, frozen=True, forbid_unknown_fields=True):
    title: str
    text: ByKind


class Period(_Words, frozen=True, forbid_unknown_fields=True):
    month: str
    months: str


class Earned(_Words, frozen=True, forbid_unknown_fields=True):
    by_hand: str
    sessions_as_mentor: ByCount
    sessions_as_mentee: ByCount
    people_met: ByCount
    sessions_with_feedback: ByCount


class Notice(_Words, frozen=True, forbid_unknown_fields=True):
    """A page that says why there is no award on it."""

    title: str
    text: str


class Notices(_Words, frozen=True, forbid_unknown_fields=True):
    unknown: Notice
    disabled: Notice
    revoked: Notice
    too_many: Notice
    unreachable: Notice


class Words(_Words, frozen=True, forbid_unknown_fields=True):
    was_awarded_to: str
    award_id: str
    download: str
    published: str
    headline: Headline
    verify: Verify
    revoked: Revoked
    period: Period
    earned: Earned
    notices: Notices


class Language(NamedTuple):
    """A language that we have words in; two of one tag are the same."""

    tag: str
    words: Words
    drawn: DrawnWords
    locale: Locale

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """Which way it is written, as HTML's `dir`."""
        return "rtl" if self.locale.text_direction == "rtl" else "ltr"

    @property
    def open_graph_locale(self) -> str:
        """As `og:locale` wants it, which knows no language without a territory."""
        return f"{self.tag}_{_TERRITORIES[self.tag]}"

    def number(self, number: int) -> str:
        """A whole number as it is written in the language."""
        return _number(number, self.tag)

    def counted(self, phrases: ByCount, count: int) -> str:
        """The phrase that goes with a count."""
        return phrases.of(self.locale.plural_form(count))


@lru_cache(maxsize=1024)
def _number(number: int, tag: str) -> str:
    return format_decimal(number, locale=LANGUAGES[tag].locale)


def accepted_language(accept_language: str | None) -> Language:
    """Of the languages that a request prefers the first that we have words in."""
    return LANGUAGES[preferred_language(accept_language, _SPOKEN, DEFAULT).partition("-")[0]]


def _read(file: Path) -> Language:
    tag = file.stem
    words = msgspec.toml.decode(file.read_bytes(), type=Words)
    return Language(tag, words, drawn_words(tag), Locale.parse(_LOCALES.get(tag, tag)))


LANGUAGES: Final[Mapping[str, Language]] = {
    file.stem: _read(file) for file in sorted(_FILES.glob("*.toml"))
}
_SPOKEN: Final = frozenset(LANGUAGES)
