"""What a change of thresholds does beside granting, looked up once it was made: who is mailed, who stays though below,
how the others' progress moves. Product rules 5, 11 and 19."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import psycopg
from msgspec import Struct

from projections.badges import BADGES_BY_CODE, CERTIFICATE
from projections.rows import BADGE_PROGRAM, PLATFORM
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


class Standing(Struct, frozen=True):
    """An achievement's threshold before and after, and how many have begun it and don't hold it then.

    `almost` is how many of them lack just one then. There is no threshold before where a certificate was awarded by
    hand only.
    """

    organization_id: str
    code: str
    program_id: str | None
    before: int | None
    after: int
    begun: int
    almost: int


class Achievement(NamedTuple):
    """What can be earned in an organization; a badge's program is `BADGE_PROGRAM`."""

    code: str
    organization_id: str
    program_id: str


Thresholds = Mapping[Achievement, int | None]


def thresholds(connection: Connection, change: Change) -> Thresholds:
    """The thresholds in force of all achievements that a change is about.

    A change for all is not about an organization that has a threshold of its own.
    """
    found: dict[Achievement, int | None] = {}
    for badge in change.badges:
        found |= _badge_thresholds(connection, badge.code, change.organization_id)
    for one in change.certificates:
        row = connection.execute(
            "SELECT required_sessions FROM certificate WHERE organization_id = %s AND program_id = %s",
            (one.organization_id, one.program_id),
        ).fetchone()
        found[Achievement(CERTIFICATE, one.organization_id, one.program_id)] = (
            row[0] if row else None
        )
    return found


def _badge_thresholds(
    connection: Connection, code: str, organization_id: str | None
) -> dict[Achievement, int | None]:
    rows = connection.execute(
        """
        SELECT organization.organization_id, coalesce(own.threshold, platform.threshold, %(default)s)
        FROM organization
        LEFT JOIN badge_threshold AS own
               ON own.organization_id = organization.organization_id AND own.code = %(code)s
        LEFT JOIN badge_threshold AS platform
               ON platform.organization_id = %(platform)s AND platform.code = %(code)s
        WHERE CASE WHEN %(organization_id)s::text IS NULL THEN own.threshold IS NULL
                   ELSE organization.organization_id = %(organization_id)s END
        """,
        {
            "code": code,
            "platform": PLATFORM,
            "organization_id": organization_id,
            "default": BADGES_BY_CODE[code].default_threshold,
        },
    )
    return {Achievement(code, id_, BADGE_PROGRAM): threshold for id_, threshold in rows}


_ASKED: Final = """
    unnest(%(organizations)s::text[], %(programs)s::text[], %(before)s::int8[], %(after)s::int8[])
        AS asked (organization_id, program_id, before, after)
"""


def below(connection: Connection, before: Thresholds, after: Thresholds) -> list[Below]:
    """Everybody who holds an automatic award of these though their count is below its threshold by now."""
    found: list[Below] = []
    for code, asked in _asked(before, after):
        rows = connection.execute(
            f"""
            SELECT organization_id, user_id, code, nullif(program_id, %(none)s)
            FROM {_ASKED} JOIN award USING (organization_id, program_id)
            JOIN {_counted(code)} USING (organization_id, program_id, user_id)
            WHERE code = %(code)s AND how = 'automatic' AND NOT revoked AND count < after
            """,
            asked,
        )
        found += [Below(*row) for row in rows]
    return found


def standings(connection: Connection, before: Thresholds, after: Thresholds) -> list[Standing]:
    """How many have begun each of these and don't hold it."""
    found: list[Standing] = []
    for code, asked in _asked(before, after):
        rows = connection.execute(
            f"""
            SELECT organization_id, %(code)s, nullif(program_id, %(none)s), before, after, count(user_id),
                   count(*) FILTER (WHERE count = after - 1)
            FROM {_ASKED} LEFT JOIN (
                SELECT * FROM {_counted(code)}
                WHERE count > 0 AND NOT EXISTS (
                    SELECT FROM award
                    WHERE award.organization_id = counted.organization_id
                      AND award.user_id = counted.user_id AND award.code = %(code)s
                      AND award.program_id = counted.program_id AND NOT award.revoked
                )
            ) AS begun USING (organization_id, program_id)
            GROUP BY organization_id, program_id, before, after ORDER BY organization_id, program_id
            """,
            asked,
        )
        found += [Standing(*row) for row in rows]
    return sorted(found, key=lambda one: (one.organization_id, one.code, one.program_id or ""))


def _asked(before: Thresholds, after: Thresholds) -> Iterator[tuple[str, dict[str, Any]]]:
    """The parameters of `_ASKED` for each code."""
    for code in sorted({achievement.code for achievement in after}):
        those = [achievement for achievement in after if achievement.code == code]
        yield (
            code,
            {
                "code": code,
                "none": BADGE_PROGRAM,
                "organizations": [one.organization_id for one in those],
                "programs": [one.program_id for one in those],
                "before": [before.get(one) for one in those],
                "after": [after[one] for one in those],
            },
        )


def _counted(code: str) -> str:
    """SQL: what each member who was not erased has of an achievement."""
    if code == CERTIFICATE:
        return """(
            SELECT organization_id, program_id, user_id, sessions_counted AS count
            FROM enrolment JOIN member USING (organization_id, user_id) WHERE NOT erased
        ) AS counted"""
    return f"""(
        SELECT organization_id, '{BADGE_PROGRAM}' AS program_id, user_id,
               {BADGES_BY_CODE[code].measure.counter} AS count
        FROM member WHERE NOT erased
    ) AS counted"""


def unmailed(connection: Connection, granted: Iterable[AwardGranted]) -> Counter[str]:
    """Of how many grants no mail can or may be sent, as things are now, by why."""
    members = [Member(award.organization_id, award.user_id) for award in granted]
    known = recipients.find(connection, set(members))
    return Counter(obstacle for one in members if (obstacle := known[one].obstacle))


def notes(connection: Connection, change: Change) -> list[str]:
    """What else is to be known before a decision."""
    return [
        *(note for badge in change.badges for note in _badge_notes(connection, change, badge.code)),
        *(note for one in change.certificates for note in _certificate_notes(connection, one)),
    ]


def _badge_notes(connection: Connection, change: Change, code: str) -> Iterator[str]:
    if change.organization_id is None:
        row = connection.execute(
            """
            SELECT count(*) FROM badge_threshold
            WHERE code = %s AND organization_id <> %s AND threshold IS NOT NULL
            """,
            (code, PLATFORM),
        ).fetchone()
        if row and row[0]:
            yield f"badge {code}: organizations with a threshold of their own, which keep it: {row[0]}"
    row = connection.execute(
        "SELECT count(*) FROM organization WHERE NOT badges AND organization_id = coalesce(%s, organization_id)",
        (change.organization_id,),
    ).fetchone()
    if row and row[0]:
        yield (
            f"badge {code}: organizations without badges, where nothing is granted until they have them: {row[0]}"
        )


def _certificate_notes(connection: Connection, one: CertificateChange) -> Iterator[str]:
    row = connection.execute(
        """
        SELECT enabled, coalesce(certificates, false)
        FROM certificate LEFT JOIN organization USING (organization_id)
        WHERE organization_id = %s AND program_id = %s
        """,
        (one.organization_id, one.program_id),
    ).fetchone()
    enabled, available = row or (False, False)
    name = f"certificate of {one.organization_id}/{one.program_id}"
    if not enabled:
        yield f"{name}: it is disabled; nothing is granted until it is enabled"
    if not available:
        yield f"{name}: the organization's plan has no certificates; nothing is granted until it has"
