"""Facts and events about one award of Ada's, for the tests of sharing."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from schemas.links import (
    AvailabilityChanged,
    AwardReceived,
    AwardWithdrawn,
    LinkDisabled,
    LinkIssued,
    RecipientErased,
)
from services.sharing.reading import PublicLink

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LINK = UUID("00000000-0000-4000-8000-000000000001")
ANOTHER_LINK = UUID("00000000-0000-4000-8000-000000000002")

BADGE = AwardReceived(
    organization_id="acme",
    award_id="award-1",
    kind="badge",
    code="mentor",
    organization_name="Acme Mentoring",
    user_id="ada",
    title="Mentor",
    text="Shares time and experience.",
    colour="#1d4f91",
    criteria="Completed 10 one-to-one mentoring sessions as mentor.",
    earned_at=datetime(2026, 3, 31, 22, 30, tzinfo=UTC),
    granted_at=datetime(2026, 4, 1, 8, tzinfo=UTC),
    how="automatic",
    timezone="Europe/Paris",
)
CERTIFICATE = replace(
    BADGE,
    award_id="award-2",
    kind="certificate",
    code="certificate",
    program_id="leaders",
    program_name="Leaders of Tomorrow",
    title="Leadership & Listening",
    how="manual",
)
WITHDRAWN = AwardWithdrawn(organization_id="acme", award_id="award-1", user_id="ada", at=NOW)
ISSUED = LinkIssued(
    organization_id="acme", link_id=LINK, award_id="award-1", user_id="ada", by="ada", at=NOW
)
DISABLED = LinkDisabled(
    organization_id="acme", link_id=LINK, award_id="award-1", user_id="ada", by="ada", at=NOW
)
ERASED = RecipientErased(organization_id="acme", user_id="ada")
AVAILABLE = AvailabilityChanged(
    cause="on", organization_id="acme", badges=True, certificates=True, at=NOW
)
UNAVAILABLE = AvailabilityChanged(
    cause="off", organization_id="acme", badges=False, certificates=True, at=NOW
)


def public_link(award: AwardReceived = BADGE, **differences: Any) -> PublicLink:
    """An active link to an award of somebody whose name is known, but for the differences."""
    usual = PublicLink(
        award,
        revoked=False,
        active=True,
        available=True,
        link_id=LINK,
        recipient_name="Ada Lovelace",
    )
    return usual._replace(**differences)
