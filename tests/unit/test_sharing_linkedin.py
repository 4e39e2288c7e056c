"""Rule 23: where "Add to LinkedIn" leads."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from services.sharing.linkedin import add_address
from tests.sharing_samples import BADGE, CERTIFICATE

PAGE = "https://awards.example/s/token"


def test_a_badge_opens_linkedins_share() -> None:
    """Rule 23: a badge is shared as a post with the page's link."""
    assert add_address(BADGE, PAGE) == (
        "https://www.linkedin.com/sharing/share-offsite/"
        "?url=https%3A%2F%2Fawards.example%2Fs%2Ftoken"
    )


def test_a_certificate_opens_linkedins_profile_form() -> None:
    """Rule 23: a certificate is added to the profile with name, organization, year, month, link, id."""
    assert add_address(CERTIFICATE, PAGE) == (
        "https://www.linkedin.com/profile/add?startTask=CERTIFICATION_NAME"
        "&name=Leadership%20%26%20Listening&organizationName=Acme%20Mentoring"
        "&issueYear=2026&issueMonth=4&certUrl=https%3A%2F%2Fawards.example%2Fs%2Ftoken&certId=award-2"
    )


def test_the_organization_is_named_by_its_id_on_linkedin() -> None:
    """Rule 23: an organization known to LinkedIn is named by its id there, not by its name."""
    known = replace(CERTIFICATE, linkedin_organization_id="1337")
    query = parse_qs(urlsplit(add_address(known, PAGE)).query)
    assert query["organizationId"] == ["1337"]
    assert "organizationName" not in query


@pytest.mark.parametrize(
    ("earned_at", "timezone", "year", "month"),
    [
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "UTC", "2025", "12"),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "Europe/Paris", "2026", "1"),
        (datetime(2026, 1, 1, 3, tzinfo=UTC), "America/New_York", "2025", "12"),
        (datetime(1, 1, 1, tzinfo=UTC), "America/New_York", "1", "1"),
        (datetime(2026, 3, 1, tzinfo=UTC), "Mars/Olympus_Mons", "2026", "3"),
    ],
)
def test_the_month_is_the_organizations(
    earned_at: datetime, timezone: str, year: str, month: str
) -> None:
    """Rules 18 and 23: year and month (1 to 12) are those in the organization's zone, where the
    calendar reaches and the zone is known."""
    award = replace(CERTIFICATE, earned_at=earned_at, timezone=timezone)
    query = parse_qs(urlsplit(add_address(award, PAGE)).query)
    assert (query["issueYear"], query["issueMonth"]) == ([year], [month])


def test_any_title_survives_the_address() -> None:
    """Rule 23: what is special in an address, or in no Latin script, arrives as it was."""
    title = 'C++ & "Größe" 100% #1 شهادة / 証明書?'
    query = parse_qs(urlsplit(add_address(replace(CERTIFICATE, title=title), PAGE)).query)
    assert query["name"] == [title]
