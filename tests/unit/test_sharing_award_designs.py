"""What is drawn of an award: in its recipient's language, on their paper, as it was granted."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from schemas.checks import locale_problem
from services.sharing.achievements_client import Organization
from services.sharing.award_designs import (
    Wanted,
    badge_design,
    certificate_design,
    preview_design,
)
from services.sharing.drawing import badge_card, certificate_image, certificate_pdf
from services.sharing.reading import Recipient
from tests.sharing_samples import BADGE, CERTIFICATE

WANTED = Wanted("Foundations", "For caring.", "#0a5c36")
NOW = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)


def test_a_certificate_as_it_was_granted() -> None:
    """Rules 10, 18 and 24: all of it comes from the award, the date in the organization's zone."""
    design = certificate_design(
        CERTIFICATE, Recipient("Ada Lovelace", None), page_url="https://awards.example/s/x"
    )
    assert design.title == "Leadership & Listening"
    assert design.text == CERTIFICATE.text
    assert design.colour == CERTIFICATE.colour
    assert design.organization_name == "Acme Mentoring"
    assert design.program_name == "Leaders of Tomorrow"
    assert design.recipient_name == "Ada Lovelace"
    assert design.earned_on == "1 April 2026"  # it was 22:30 UTC the day before
    assert design.award_id == "award-2"
    assert design.page_url == "https://awards.example/s/x"
    assert (design.language, design.paper, design.mark) == ("en", "a4", None)


@pytest.mark.parametrize(
    ("locale", "language", "paper", "earned_on"),
    [
        ("fr-CA", "fr-CA", "letter", "1 avril 2026"),
        ("fr", "fr", "a4", "1 avril 2026"),
        ("en_US", "en-US", "letter", "1 April 2026"),
        ("de-AT", "de-AT", "a4", "1. April 2026"),
        ("ar-EG", "ar-EG", "a4", "1 أبريل 2026"),
        ("es-MX", "es-MX", "letter", "1 de abril de 2026"),
        ("ja", "ja", "a4", "1 April 2026"),
        (None, "en", "a4", "1 April 2026"),
    ],
)
def test_a_certificate_is_its_recipients(
    locale: str | None, language: str, paper: str, earned_on: str
) -> None:
    """Rule 24: paper and language are those of the recipient's locale, English where we lack its words."""
    design = certificate_design(CERTIFICATE, Recipient("Ada", locale))
    assert (design.language, design.paper, design.earned_on) == (language, paper, earned_on)
    badge = badge_design(BADGE, Recipient("Ada", locale))
    assert (badge.language, badge.earned_on) == (language, earned_on)


def test_how_it_was_earned_is_told_in_the_same_language() -> None:
    """A certificate says how it was earned in its recipient's language."""
    counted = replace(CERTIFICATE, how="automatic", count=4)
    german = certificate_design(counted, Recipient("Ada", "de")).criteria
    assert "4" in german
    assert german != certificate_design(counted, Recipient("Ada", "en")).criteria


@pytest.mark.parametrize(
    "locale", ["x", "1", "12345678-a", "zz-ZZ", "i-klingon", "en-US-u-nu-arab"]
)
def test_any_locale_can_be_drawn(locale: str) -> None:
    """Whatever is registered as a locale, the certificate and the pictures can be drawn."""
    assert locale_problem(locale) is None
    recipient = Recipient("Ada", locale)
    assert certificate_pdf(certificate_design(CERTIFICATE, recipient))
    assert certificate_image(certificate_design(CERTIFICATE, recipient))
    assert badge_card(badge_design(BADGE, recipient))


@pytest.mark.parametrize("locale", [None, "", "x", "1"])
def test_a_locale_without_a_language(locale: str | None) -> None:
    """Who has told of no language gets English, on A4."""
    design = certificate_design(CERTIFICATE, Recipient("Ada", locale))
    assert (design.language, design.paper) == ("en", "a4")


@pytest.mark.parametrize("language", ["en", "fr", "es", "de", "ar"])
def test_a_preview_of_an_organization_that_nobody_knows(language: str) -> None:
    """Rule 10: a preview is marked, of a person who doesn't exist, and says nothing that isn't known."""
    preview = preview_design(WANTED, None, language, NOW)
    assert preview.mark == "preview"
    assert (preview.title, preview.text, preview.colour) == WANTED
    assert preview.organization_name
    assert preview.recipient_name
    assert preview.program_name is None
    assert preview.page_url is None
    english = preview_design(WANTED, None, "en", NOW)
    assert (preview.organization_name == english.organization_name) == (language == "en")


def test_a_preview_of_a_known_organization() -> None:
    """Rules 10 and 18: a preview names the organization, and today's date is that of its zone."""
    preview = preview_design(WANTED, Organization("Acme", "Europe/Paris"), "en", NOW)
    assert preview.organization_name == "Acme"
    assert preview.earned_on == "1 July 2026"
