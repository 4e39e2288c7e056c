"""Rule 19: the words of mails and pages in every language, and its dates and numbers."""

from datetime import UTC, datetime
from string import Formatter
from typing import Any

import msgspec
import pytest
from babel import Locale

from projections.badges import BADGES
from schemas.journal import AwardGranted
from services.achievements.mail.languages import WORDS, accepted_language, language_of
from tests.unit.mails import BADGE, CERTIFICATE

TRANSLATED = sorted(set(WORDS) - {"en"})


def phrases(words: Any, path: str = "") -> dict[str, set[str]]:
    """All phrases of a language by their place, each as the names in it."""
    if isinstance(words, str):
        return {path: {name for _, name, _, _ in Formatter().parse(words) if name is not None}}
    found: dict[str, set[str]] = {}
    for key, value in words.items():
        if value is not None:
            found |= phrases(value, f"{path}.{key}")
    return found


@pytest.mark.parametrize("tag", TRANSLATED)
def test_every_language_says_the_same(tag: str) -> None:
    """Every language has every phrase, with the same names in it as the English one."""
    english, other = (
        phrases({"mail": words["mail"], "page": words["page"]})
        for words in map(msgspec.to_builtins, (WORDS["en"], WORDS[tag]))
    )
    assert other == english


@pytest.mark.parametrize("tag", TRANSLATED)
def test_every_reason_has_its_words(tag: str) -> None:
    """Whatever an award is earned by has its sentence, in the plural forms of the language and no other."""
    reasons = {badge.measure.counter for badge in BADGES} | {"sessions_with_feedback", "by_hand"}
    assert set(WORDS[tag].criteria) == reasons
    categories = {*Locale(tag).plural_form.tags, "other"}
    for forms in WORDS[tag].criteria.values():
        assert "other" in forms
        assert set(forms) <= categories


@pytest.mark.parametrize(
    ("locale", "tag", "date"),
    [
        (None, "en", "1 March 2026"),
        ("en-US", "en", "March 1, 2026"),
        ("fr_CA", "fr", "1 mars 2026"),
        ("ES-419", "es", "1 de marzo de 2026"),
        ("de-Latn-AT", "de", "1. März 2026"),
        ("ar", "ar", "1 مارس 2026"),
        ("ar-LB", "ar", "1 آذار 2026"),
        ("fr-ZZ", "fr", "1 mars 2026"),
        ("pt-BR", "en", "1 March 2026"),
        ("x", "en", "1 March 2026"),
        ("", "en", "1 March 2026"),
        ("en_US.UTF-8", "en", "March 1, 2026"),
        ("de_AT@euro", "de", "1. März 2026"),
        ("C.UTF-8", "en", "1 March 2026"),
        ("-_.@", "en", "1 March 2026"),
        ("français\n日本", "en", "1 March 2026"),
    ],
)
def test_the_locale_decides(locale: str | None, tag: str, date: str) -> None:
    """A locale gives the language of its first part, or English, and its region's way with dates, whatever else is in it."""
    language = language_of(locale)
    assert language.tag == tag
    assert language.long_date(datetime(2026, 3, 1, 12, tzinfo=UTC), "UTC") == date


@pytest.mark.parametrize(
    ("timezone", "date"),
    [
        ("Pacific/Auckland", "2 March 2026"),
        ("America/Los_Angeles", "1 March 2026"),
        ("Mars/Olympus", "1 March 2026"),
    ],
)
def test_dates_are_the_organizations(timezone: str, date: str) -> None:
    """Rule 18: a date is that of the organization's time zone, of UTC where the zone is not known here."""
    instant = datetime(2026, 3, 1, 20, tzinfo=UTC)
    assert language_of("en").long_date(instant, timezone) == date


def said(award: AwardGranted, tag: str) -> str:
    sentence = language_of(tag).criteria(award)
    return sentence.phrase.format(**sentence.names)


def test_how_it_was_earned() -> None:
    """In English the award's own words, in other languages those for what was counted."""
    assert said(BADGE, "en") == BADGE.criteria
    assert said(BADGE, "es").startswith("10 sesiones individuales de mentoría")
    assert said(CERTIFICATE, "de") == (
        "5 Mentoring-Sitzungen mit Feedback in Leaders of Tomorrow abgeschlossen."
    )
    by_hand = msgspec.structs.replace(CERTIFICATE, threshold=None, how="manual")
    assert said(by_hand, "fr") == (
        "Décerné par les administrateurs du programme Leaders of Tomorrow."
    )


@pytest.mark.parametrize(
    ("count", "form"),
    [
        (1, "جلسة إرشاد فردية واحدة"),
        (2, "جلستي"),
        (10, "10 جلسات"),
        (40, "40 جلسة"),
        (100, "100 جلسة"),
    ],
)
def test_arabic_counts(count: int, form: str) -> None:
    """Numbers take the plural form that the language has for them."""
    assert form in said(msgspec.structs.replace(BADGE, threshold=count), "ar")


def test_a_badge_without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A badge that nobody has translated yet is told in its own words, whatever the language."""
    monkeypatch.delitem(WORDS["de"].criteria, "sessions_as_mentor")
    assert said(BADGE, "de") == BADGE.criteria


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ("zh, ar;q=0.2, de;q=0.3", "de"),
        ("DE", "de"),
        ("", "en"),
        ("*", "en"),
        ("zh", "en"),
        (";;q=,,;q=5", "en"),
        ("x" * 10_000, "en"),
        ("fr;q=0, de;q=0.1", "de"),
        ("*, de;q=0.5", "en"),
    ],
)
def test_the_reader_decides_on_the_page(header: str, tag: str) -> None:
    """RFC 9110, 12.5.4: the page has the first language that the reader prefers and we have, or English."""
    assert accepted_language(header).tag == tag
