"""How far the members of a program have come, for its admins: product rule 15. The shapes are the contract's."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec import Struct

from projections.badges import CERTIFICATE
from schemas.awards import How


class ReportedAward(Struct):
    award_id: str
    earned_at: datetime
    granted_at: datetime
    how: How


class ReportItem(Struct):
    """A member of the program; `display_name` is null for somebody who never registered, `award` where none is held."""

    user_id: str
    display_name: str | None
    sessions_completed: int
    sessions_counted: int
    sessions_without_feedback: list[str]
    award: ReportedAward | None


REPORT_QUERY = f"""
SELECT coalesce(json_agg(json_build_object(
    'user_id', user_id,
    'display_name', (SELECT display_name FROM person
                     WHERE organization_id = %(organization_id)s AND user_id = page.user_id),
    'sessions_completed', sessions_completed,
    'sessions_counted', sessions_counted,
    'sessions_without_feedback', (
        SELECT coalesce(json_agg(session_id ORDER BY completed_at, session_id COLLATE "C"), '[]')
        FROM participation
        WHERE organization_id = %(organization_id)s AND user_id = page.user_id
          AND program_id = %(program_id)s AND feedback_counts_at IS NULL),
    'award', (
        SELECT json_build_object(
            'award_id', award_id, 'earned_at', earned_at, 'granted_at', granted_at, 'how', how)
        FROM award
        WHERE organization_id = %(organization_id)s AND user_id = page.user_id
          AND program_id = %(program_id)s AND code = '{CERTIFICATE}' AND NOT revoked)
) ORDER BY user_id COLLATE "C"), '[]')::text
FROM (
    SELECT user_id, sessions_completed, sessions_counted
    FROM enrolment
    JOIN organization USING (organization_id)
    JOIN member USING (organization_id, user_id)
    WHERE organization_id = %(organization_id)s AND program_id = %(program_id)s
      AND organization.certificates AND NOT member.erased
      AND user_id COLLATE "C" > %(after)s
    ORDER BY user_id COLLATE "C" LIMIT %(limit)s
) AS page
"""
"""The `limit` members behind the user id `after` ('' for the first), by code point whatever the database's collation.

Takes `organization_id` and `program_id`, too; names are those of table `person`, which stands beside the read models.
"""

decode_report: Callable[[str], list[ReportItem]] = msgspec.json.Decoder(list[ReportItem]).decode
