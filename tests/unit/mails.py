"""Awards as mails tell of them."""

from datetime import UTC, datetime

from msgspec.structs import replace

from schemas.journal import AwardGranted

UNSUBSCRIBE_URL = "https://achievements.example/unsubscribe/abcdefghijklmnopqrstuvwx"

BADGE = AwardGranted(
    award_id="5f6c0d0a-8f5e-8c11-a3e1-0b1c2d3e4f50",
    kind="badge",
    code="mentor",
    organization_id="acme",
    organization_name="Acme Mentoring",
    user_id="ada",
    title="Mentor",
    text="Shares time and experience.",
    colour="#1d4f91",
    criteria="Completed 10 one-to-one mentoring sessions as mentor.",
    earned_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC),
    how="automatic",
    timezone="Europe/Paris",
    decided_at_position=1,
    threshold=10,
)
CERTIFICATE = replace(
    BADGE,
    kind="certificate",
    code="certificate",
    program_id="p1",
    program_name="Leaders of Tomorrow",
    title="Leadership & Listening",
    criteria="Completed 5 mentoring sessions with feedback in Leaders of Tomorrow.",
    threshold=5,
)
