"""What a change of thresholds does beside granting, looked up once it was made: who is mailed, who stays though below,
how the others' progress moves. Product rules 5, 11 and 19."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import psycopg
from msgspec import Struct

from projections.badges import BADGES_BY_CODE, CERTIFICATE
from projections.rows import PLATFORM
from schemas.journal import AwardGranted
from services.achievements.mail import recipients
from services.achievements.mail.recipients import Member

Connection = psycopg.Connection[Any]


class BadgeChange(Struct, frozen=True):
    """`threshold` None: back to the one for all, or to the catalogue's."""

    code: str
    threshold: int | None


class CertificateChange(Struct, frozen=True):
    organization_id: str
    program_id: str
    required_sessions: int


class Change(Struct, frozen=True):
    """What an operator asks for; badges of one organization, or of all without one."""

    organization_id: str | None
    badges: tuple[BadgeChange, ...]
    certificates: tuple[CertificateChange, ...]


class Below(Struct, frozen=True):
    """Somebody who would keep an automatic award though below the new threshold."""

    organization_id: str
    user_id: str
    code: str
    program_id: str | None


class Achievement(NamedTuple):
    """Something to be earned in one organization."""

    organization_id: str
    code: str
    program_id: str | None


class Standing(Struct, frozen=True):
    """An achievement's threshold before and after, and those who have begun but don't hold it then.

    `almost_before` and `almost_after` are how many of them lack just one. A certificate awarded by hand only has no
    threshold before.
    """

    organization_id: str
    code: str
    program_id: str | None
    before: int | None
    after: int
    begun: int
    almost_before: int
    almost_after: int

    @property
    def achievement(self) -> Achievement:
        return Achievement(self.organization_id, self.code, self.program_id)


Thresholds = Mapping[Achievement, int | None]


def unmailed(connection: Connection, granted: Iterable[AwardGranted]) -> Counter[str]:
    """Of how many grants no mail can or may be sent, as things are now, by why."""
    members = [Member(award.organization_id, award.user_id) for award in granted]
    known = recipients.find(connection, set(members))
    return Counter(obstacle for one in members if (obstacle := known[one].obstacle))


def thresholds(connection: Connection, change: Change) -> Thresholds:
    """The thresholds in force of all achievements that a change is about.

    A change for all is not about an organization with a threshold of its own.
    """
    found: dict[Achievement, int | None] = {}
    for badge in change.badges:
        rows = connection.execute(
            """
            SELECT organization_id, coalesce(own.threshold, platform.threshold, %(default)s)
            FROM organization
            LEFT JOIN badge_threshold AS own
                   ON own.organization_id = organization.organization_id AND own.code = %(code)s
            LEFT JOIN badge_threshold AS platform
                   ON platform.organization_id = %(platform)s AND platform.code = %(code)s
            WHERE CASE WHEN %(organization_id)s::text IS NULL THEN own.threshold IS NULL
                       ELSE organization.organization_id = %(organization_id)s END
            """.replace("SELECT organization_id", "SELECT organization.organization_id"),
            {
                "code": badge.code,
                "platform": PLATFORM,
                "organization_id": change.organization_id,
                "default": BADGES_BY_CODE[badge.code].default_threshold,
            },
        )
        found |= {Achievement(id_, badge.code, None): threshold for id_, threshold in rows}
    for certificate in change.certificates:
        key = (certificate.organization_id, certificate.program_id)
        row = connection.execute(
            "SELECT required_sessions FROM certificate WHERE organization_id = %s AND program_id = %s",
            key,
        ).fetchone()
        found[Achievement(key[0], CERTIFICATE, key[1])] = row[0] if row else None
    return found


def below(connection: Connection, after: Thresholds) -> Iterator[Below]:
    """Everybody who holds an automatic award of these though their count is below its threshold by now."""
    for code, asked in _by_code(after):
        counter = _counter(code)
        rows = connection.execute(
            f"""
            SELECT award.organization_id, award.user_id, award.program_id
            FROM {_ASKED} AS asked (organization_id, program_id, threshold)
            JOIN award USING (organization_id, program_id)
            JOIN {_COUNTED} AS counted USING (organization_id, program_id, user_id)
            WHERE award.code = %(code)s
            """
        )
