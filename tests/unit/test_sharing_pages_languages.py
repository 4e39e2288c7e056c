"""Rule 22 in the reader's language: its words, its plurals, its dates in the organization's zone."""

import asyncio
from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from services.sharing.dates import long_date, months
from services.sharing.earning import how_earned
from services.sharing.languages import LANGUAGES, ByCount, accepted_language
from services.sharing.pages import refuse_page
from services.sharing.public import Refusal
from services.zones import in_zone
from tests.sharing_page_samples import (
    EARNED_BADGE,
    EARNED_CERTIFICATE,
    pages,
    rendered,
    request_for,
)
from tests.sharing_samples import BADGE, CERTIFICATE, public_link

ALL_LANGUAGES = pytest.mark.parametrize("tag", LANGUAGES)


@pytest.mark.parametrize(
    ("accept_language", "tag"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("fr-CA, en;q=0.8", "fr"),
        ("nl, es-419;q=0.5, en;q=0.4", "es"),
        ("en;q=0.1, AR", "ar"),
        ("en;q=0.5,de;q=0.501", "de"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=0", "en"),
        ("*, fr;q=0.5", "en"),
        ("*;q=0.1, fr;q=0.5", "fr"),
        ("es, fr", "es"),
        ("ja, zh-Hant-TW", "en"),
        ("english", "en"),
        (",;q=,de;q=nonsense;;", "de"),
        ("x" * 100_000, "en"),
    ],
)
def test_the_language_is_the_readers(accept_language: str | None, tag: str) -> None:
    """Of the languages that a browser prefers, the first that we speak; English where we speak none."""
    assert accepted_language(accept_language).tag == tag


@ALL_LANGUAGES
def test_a_page_says_which_language_it_is_in(tag: str) -> None:
    """The page and its headers tell the language and its direction, and caches what they depend on."""
    response = asyncio.run(pages().show(request_for(tag), public_link()))
    assert response.headers["content-language"] == tag
    assert response.headers["vary"] == "Accept-Language"
    direction = "rtl" if tag == "ar" else "ltr"
    assert f'<html lang="{tag}" dir="{direction}">' in bytes(response.body).decode()


@ALL_LANGUAGES
@pytest.mark.parametrize("refusal", Refusal)
def test_so_does_a_page_without_an_award(refusal: Refusal, tag: str) -> None:
    """Also those who meet a dead link are told so in their language."""
    response = refuse_page(request_for(tag), refusal)
    assert response.headers["content-language"] == tag
    assert response.headers["vary"] == "Accept-Language"
    notice = getattr(LANGUAGES[tag].words.notices, refusal.name.lower())
    assert notice.title in bytes(response.body).decode()


def test_another_language_is_another_page() -> None:
    """An ETag of one language is not good for another."""
    shared = pages()
    tag = asyncio.run(shared.show(request_for("en"), public_link())).headers["etag"]
    assert asyncio.run(shared.show(request_for("en", tag), public_link())).status_code == 304
    assert asyncio.run(shared.show(request_for("fr", tag), public_link())).status_code == 200


def names_in(words: Any) -> Any:
    """Words with the names in each phrase in the phrase's place."""
    if isinstance(words, str):
        return {name for _, name, _, _ in Formatter().parse(words) if name}
    if words is None:
        return None
    return {key: names_in(value) for key, value in msgspec.structs.asdict(words).items()}


@ALL_LANGUAGES
def test_every_phrase_tells_the_same_facts(tag: str) -> None:
    """No translation drops a name, and none has one that is not filled in."""
    ours, english = LANGUAGES[tag].words, LANGUAGES["en"].words
    assert names_in(replace(ours, earned=english.earned)) == names_in(english)
    assert names_in(ours.earned.by_hand) == {"program"}
    for field in ours.earned.__struct_fields__:
        phrases = getattr(ours.earned, field)
        if isinstance(phrases, ByCount):
            assert names_in(phrases.other) == names_in(getattr(english.earned, field).other)


@pytest.mark.parametrize(
    ("tag", "sentence"),
    [
        ("en", "10 sessions as mentor between March and June 2026"),
        ("fr", "10 séances en tant que mentor entre mars et juin 2026"),
        ("es", "10 sesiones en el rol de mentor entre marzo y junio de 2026"),
        ("de", "10 Gespräche in der Rolle als Mentor zwischen März und Juni 2026"),
        ("ar", "10 جلسات بدور المرشد بين مارس ويونيو 2026"),
    ],
)
def test_how_it_was_earned_is_said_with_the_facts(tag: str, sentence: str) -> None:
    """Rule 22: how many sessions, in which role, and when, in the reader's language."""
    assert how_earned(EARNED_BADGE, LANGUAGES[tag]).as_text() == sentence
    assert f'<dd lang="{tag}" dir="auto">{sentence}</dd>' in rendered(
        public_link(EARNED_BADGE), tag
    )


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("super_mentor", "10 sessions as mentor between March and June 2026"),
        ("mentee", "10 sessions as mentee between March and June 2026"),
        ("connector", "Sessions with 10 different people between March and June 2026"),
        ("listener", "Completed 10 one-to-one mentoring sessions as mentor."),
    ],
)
def test_each_badge_has_its_sentence(code: str, sentence: str) -> None:
    """Rule 22: each badge says what it is for; one of later days says so in the issuer's own words."""
    assert how_earned(replace(EARNED_BADGE, code=code), LANGUAGES["en"]).as_text() == sentence


def test_a_certificate_names_its_program() -> None:
    """Rule 22: sessions that count towards a certificate are those with feedback in its program."""
    how = how_earned(EARNED_CERTIFICATE, LANGUAGES["en"])
    assert how.as_text() == (
        "5 sessions with feedback in Leaders of Tomorrow between March and June 2026"
    )
    assert "<bdi>Leaders of Tomorrow</bdi>" in how.as_html()


def test_what_was_awarded_by_hand_says_so() -> None:
    """Rule 12: an award by hand counts nothing: it was given by the program."""
    how = how_earned(CERTIFICATE, LANGUAGES["de"])
    assert how.as_text() == "Verliehen durch das Programm Leaders of Tomorrow"


def test_without_facts_the_issuers_words_stand_in_their_language() -> None:
    """Rule 22: where we were not told the facts, the issuer's sentence stands, marked as English."""
    page = rendered(public_link(BADGE), "ar")
    assert '<dd lang="en" dir="auto">Completed 10 one-to-one' in page


def test_criteria_are_never_taken_for_a_phrase_of_ours() -> None:
    """Braces in the issuer's words are text."""
    award = replace(BADGE, criteria="{program} {0} {")
    assert how_earned(award, LANGUAGES["en"]).as_text() == "{program} {0} {"


@pytest.mark.parametrize(
    ("tag", "count", "start"),
    [
        ("en", 1, "1 session as"),
        ("en", 2, "2 sessions as"),
        ("fr", 1, "1 séance"),
        ("fr", 2, "2 séances"),
        ("es", 1, "1 sesión "),
        ("de", 1, "1 Gespräch "),
        ("de", 1000, "1.000 Gespräche "),
        ("ar", 1, "جلسة واحدة"),
        ("ar", 2, "جلستان"),
        ("ar", 3, "3 جلسات"),
        ("ar", 10, "10 جلسات"),
        ("ar", 11, "11 جلسة"),
        ("ar", 99, "99 جلسة"),
        ("ar", 100, "100 جلسة"),
        ("ar", 103, "103 جلسات"),
    ],
)
def test_plurals_are_right(tag: str, count: int, start: str) -> None:
    """Each language has its own forms for its own numbers."""
    sentence = how_earned(replace(EARNED_BADGE, count=count), LANGUAGES[tag]).as_text()
    assert sentence.startswith(start)


@pytest.mark.parametrize(
    ("count", "start"),
    [
        (1, "جلسات مع شخص واحد"),
        (2, "جلسات مع شخصين"),
        (5, "جلسات مع 5 أشخاص"),
        (11, "جلسات مع 11 شخصًا"),
        (100, "جلسات مع 100 شخص "),
    ],
)
def test_arabic_counts_people_in_all_its_forms(count: int, start: str) -> None:
    """Arabic has a form each for one, two, a few, many and hundreds."""
    award = replace(EARNED_BADGE, code="connector", count=count)
    assert how_earned(award, LANGUAGES["ar"]).as_text().startswith(start)


@pytest.mark.parametrize(
    ("tag", "within_a_month", "within_a_year", "over_years"),
    [
        ("en", "in June 2026", "between May and June 2026", "between November 2025 and June 2026"),
        ("fr", "en juin 2026", "entre mai et juin 2026", "entre novembre 2025 et juin 2026"),
        (
            "es",
            "en junio de 2026",
            "entre mayo y junio de 2026",
            "entre noviembre de 2025 y junio de 2026",
        ),
        (
            "de",
            "im Juni 2026",
            "zwischen Mai und Juni 2026",
            "zwischen November 2025 und Juni 2026",
        ),
        ("ar", "في يونيو 2026", "بين مايو ويونيو 2026", "بين نوفمبر 2025 ويونيو 2026"),
    ],
)
def test_months_are_named_once(
    tag: str, within_a_month: str, within_a_year: str, over_years: str
) -> None:
    """One month, two of one year, two of different years: no year is said twice."""
    last = datetime(2026, 6, 30, tzinfo=UTC)
    days = (timedelta(days=29), timedelta(days=40), timedelta(days=220))
    told = [months(last - ago, last, LANGUAGES[tag]) for ago in days]
    assert told == [within_a_month, within_a_year, over_years]


def test_months_are_those_of_the_organization() -> None:
    """Rule 18: an evening that is another month there is told as that month."""
    award = replace(
        EARNED_BADGE,
        first_at=datetime(2026, 4, 30, 23, tzinfo=UTC),
        earned_at=datetime(2026, 5, 31, 23, tzinfo=UTC),
        timezone="Europe/Paris",
    )
    told = how_earned(award, LANGUAGES["en"]).as_text()
    assert told.endswith("between May and June 2026")


@pytest.mark.parametrize(
    ("tag", "date"),
    [
        ("en", "1 June 2026"),
        ("fr", "1 juin 2026"),
        ("es", "1 de junio de 2026"),
        ("de", "1. Juni 2026"),
        ("ar", "1 يونيو 2026"),
    ],
)
def test_dates_are_in_words(tag: str, date: str) -> None:
    """No reader takes a day for a month."""
    assert long_date(datetime(2026, 6, 1, tzinfo=UTC), LANGUAGES[tag]) == date


def test_an_unknown_zone_hinders_nobody() -> None:
    """A zone that the sender's tables have and ours don't leaves the instant in UTC."""
    instant = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert in_zone(instant, "Mars/Olympus") == instant
    assert in_zone(instant, "../../etc/passwd") == instant
    last = datetime.max.replace(tzinfo=UTC)
    assert in_zone(last, "Asia/Tokyo") == last
