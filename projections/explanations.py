"""Why a number is what it is: product rule 17. The shapes are the contract's.

What counts is told by `projections.counting`, which also decides what is granted.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec import Struct

from projections.activity import MemberRows
from projections.badges import BADGES_BY_CODE, CERTIFICATE
from projections.counting import Count, Reason, sessions_with_feedback
from projections.entitlement import badge_threshold
from projections.progress import Progress
from projections.rows import BADGE_PROGRAM, CERTIFICATES, ORGANIZATIONS, PLATFORM, Award

CODES = frozenset({*BADGES_BY_CODE, CERTIFICATE})
"""All achievements that can be explained; a certificate needs its program, too."""


class CountedSession(Struct):
    """A session that counts, from the instant `at` on."""

    session_id: str
    program_id: str
    at: datetime


class ExcludedSession(Struct):
    session_id: str
    program_id: str
    reason: Reason


class Explanation(Struct):
    """`count` is the number of sessions `counted`; nulls where there is nothing to be reached."""

    code: str
    program_id: str | None
    count: int
    threshold: int | None
    missing: int | None
    award_id: str | None
    counted: list[CountedSession]
    excluded: list[ExcludedSession]


EXPLANATION_ROWS_QUERY = f"""
SELECT json_build_object(
    'organization', (SELECT to_json(o) FROM organization AS o WHERE organization_id = %(organization_id)s),
    'member', (SELECT to_json(m) FROM member AS m
               WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s),
    'thresholds', (SELECT coalesce(json_agg(t), '[]') FROM badge_threshold AS t
                   WHERE organization_id IN (%(organization_id)s, '{PLATFORM}') AND code = %(code)s),
    'enrolments', json_build_array(),
    'certificates', (SELECT coalesce(json_agg(c), '[]') FROM certificate AS c
                     WHERE organization_id = %(organization_id)s AND program_id = %(program_id)s),
    'awards', (SELECT coalesce(json_agg(a), '[]') FROM award AS a
               WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s
                 AND code = %(code)s),
    'participations', (SELECT coalesce(json_agg(p), '[]') FROM participation AS p
                       WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s
                         AND (program_id = %(program_id)s OR %(program_id)s = '{BADGE_PROGRAM}'))
)::text
"""
"""One statement, so that all rows are of one instant.

Takes `organization_id`, `user_id`, `code` and `program_id`, which is BADGE_PROGRAM for a badge.
"""

decode_explanation_rows: Callable[[str], MemberRows] = msgspec.json.Decoder(MemberRows).decode


def explanation(
    progress: Progress, organization_id: str, user_id: str, code: str, program_id: str
) -> Explanation:
    """What makes up a member's number towards an achievement; KeyError for an unknown code.

    Nothing counts while the kind is unavailable, nor towards a certificate that is not enabled, unless it is held.
    """
    if code == CERTIFICATE:
        return _of_certificate(progress, organization_id, user_id, program_id)
    return _of_badge(progress, organization_id, user_id, code)


def _of_badge(progress: Progress, organization_id: str, user_id: str, code: str) -> Explanation:
    badge = BADGES_BY_CODE[code]
    organization = progress.get(ORGANIZATIONS, organization_id)
    if organization is None or not organization.badges:
        return _nothing(code, None)
    return _explained(
        code,
        None,
        badge.measure.counting(progress.participations[organization_id, user_id].values()),
        badge_threshold(progress, organization_id, badge).value,
        progress.held(organization_id, user_id, code, BADGE_PROGRAM),
    )


def _of_certificate(
    progress: Progress, organization_id: str, user_id: str, program_id: str
) -> Explanation:
    organization = progress.get(ORGANIZATIONS, organization_id)
    certificate = progress.get(CERTIFICATES, organization_id, program_id)
    held = progress.held(organization_id, user_id, CERTIFICATE, program_id)
    if organization is None or not organization.certificates or certificate is None:
        return _nothing(CERTIFICATE, program_id)
    if not certificate.enabled and held is None:
        return _nothing(CERTIFICATE, program_id)
    count = sessions_with_feedback(program_id)(
        progress.participations[organization_id, user_id].values()
    )
    return _explained(CERTIFICATE, program_id, count, certificate.required_sessions, held)


def _explained(
    code: str, program_id: str | None, count: Count, threshold: int | None, held: Award | None
) -> Explanation:
    number = len(count.counted)
    return Explanation(
        code=code,
        program_id=program_id,
        count=number,
        threshold=threshold,
        missing=None if threshold is None else max(0, threshold - number),
        award_id=None if held is None else held.award_id,
        counted=[CountedSession(one.session_id, one.program_id, one.at) for one in count.counted],
        excluded=[
            ExcludedSession(one.session_id, one.program_id, one.reason) for one in count.excluded
        ],
    )


def _nothing(code: str, program_id: str | None) -> Explanation:
    return Explanation(code, program_id, 0, None, None, None, [], [])
