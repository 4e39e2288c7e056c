"""The languages that mails and pages speak: a file of words each, and its way with dates and numbers (CLDR).

Words are phrases with `{names}` in them. A language that is not here is English.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal

from projections.badges import BADGES_BY_CODE
from schemas.awards import Kind
from schemas.journal import AwardGranted
from services.languages import preferred_language
from services.zones import in_zone

_FILES: Final = Path(__file__).with_name("languages")
# Without a region, English dates are those of most English speakers: 1 March 2026.
_REGIONLESS: Final[Mapping[str, str]] = {"en": "en_001"}


class Sentence(NamedTuple):
    """A phrase and what stands for the names in it, not yet filled in: text and HTML do it differently."""

    phrase: str
    names: Mapping[str, str]


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class ByKind(_Words, frozen=True, forbid_unknown_fields=True):
    badge: str
    certificate: str

    def of(self, kind: Kind) -> str:
        return self.badge if kind == "badge" else self.certificate


class MailWords(_Words, frozen=True, forbid_unknown_fields=True):
    subject: ByKind
    congratulations: str
    lead: ByKind
    kind: ByKind
    program: str
    earned_on: str
    criteria: str
    fact: str
    reason: str
    unsubscribe: str


class Notice(_Words, frozen=True, forbid_unknown_fields=True):
    title: str
    text: str
    button: str | None = None


class PageWords(_Words, frozen=True, forbid_unknown_fields=True):
    ask: Notice
    done: Notice
    unknown: Notice
    unreachable: Notice


class Words(_Words, frozen=True, forbid_unknown_fields=True):
    """`criteria` holds the forms of a sentence by CLDR plural category; English ones come with the award."""

    mail: MailWords
    page: PageWords
    criteria: dict[str, dict[str, str]] = {}


class Language(NamedTuple):
    """A language that we have words in, with the habits of a region."""

    tag: str
    words: Words
    locale: Locale

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """Which way it is written, as HTML's `dir`."""
        return "rtl" if self.locale.text_direction == "rtl" else "ltr"

    def long_date(self, instant: datetime, timezone: str) -> str:
        """The day of an instant in an IANA time zone, its month as a word."""
        return format_date(in_zone(instant, timezone), "long", locale=self.locale)

    def criteria(self, award: AwardGranted) -> Sentence:
        """How the award was earned: in this language, or as the award itself says it."""
        forms = self.words.criteria.get(_reason(award))
        if forms is None:
            return Sentence("{criteria}", {"criteria": award.criteria})
        count = award.threshold or 0
        phrase = forms.get(self.locale.plural_form(count), forms["other"])
        number = format_decimal(count, locale=self.locale)
        return Sentence(phrase, {"count": number, "program": award.program_name or ""})


def _reason(award: AwardGranted) -> str:
    """A badge is earned by what it measures, so a new badge that measures the same has its words already."""
    badge = BADGES_BY_CODE.get(award.code)
    if badge is not None:
        return badge.measure.counter
    return "by_hand" if award.threshold is None else "sessions_with_feedback"


def _read(file: Path) -> Words:
    return msgspec.toml.decode(file.read_bytes(), type=Words)


WORDS: Final[Mapping[str, Words]] = {
    file.stem: _read(file) for file in sorted(_FILES.glob("*.toml"))
}
_SPOKEN: Final = frozenset(WORDS)
_MANY: Final = 1024


@lru_cache(maxsize=_MANY)
def language_of(locale: str | None) -> Language:
    """The language for a tag such as `fr-CA` (BCP 47), or a locale such as `fr_CA.UTF-8` (POSIX); English where we lack
    its words."""
    tag, *subtags = re.split("[-_.@]", (locale or "en").lower())
    if tag not in WORDS:
        return language_of("en")
    region = next((subtag for subtag in subtags if re.fullmatch("[a-z]{2}|[0-9]{3}", subtag)), None)
    return Language(tag, WORDS[tag], _locale(tag, region))


def _locale(tag: str, region: str | None) -> Locale:
    try:
        if region is not None:
            return Locale(tag, region.upper())
    except UnknownLocaleError:
        pass
    return Locale.parse(_REGIONLESS.get(tag, tag))


def accepted_language(accept_language: str | None) -> Language:
    """Of the languages that a request prefers the first that we have words in, or English."""
    return language_of(preferred_language(accept_language, _SPOKEN, "en"))
