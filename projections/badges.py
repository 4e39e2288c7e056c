"""The catalogue of badges: product rules 3 to 5. A new badge is a new row."""

from typing import Literal, NamedTuple

from projections.counting import Counting, people_met, sessions_as
from schemas.learning import Role

Counter = Literal["sessions_as_mentor", "sessions_as_mentee", "people_met"]


class Measure(NamedTuple):
    """What is counted: the member's running counter, and the counting that it must agree with."""

    counter: Counter
    counting: Counting


SESSIONS_AS_MENTOR = Measure("sessions_as_mentor", sessions_as("mentor"))
SESSIONS_AS_MENTEE = Measure("sessions_as_mentee", sessions_as("mentee"))
PEOPLE_MET = Measure("people_met", people_met)


class Badge(NamedTuple):
    """`shown_to` is the role without which progress is not shown, None where everybody sees it.

    `criteria` is a sentence about whoever earned it, with `{threshold}` in it.
    """

    code: str
    name: str
    measure: Measure
    default_threshold: int
    shown_to: Role | None
    text: str
    criteria: str
    colour: str


BADGES = (
    Badge(
        code="connector",
        name="Connector",
        measure=PEOPLE_MET,
        default_threshold=10,
        shown_to=None,
        text="Brings people together, one conversation at a time.",
        criteria="Met {threshold} different people in one-to-one mentoring sessions.",
        colour="#7a3e9d",
    ),
    Badge(
        code="mentee",
        name="Mentee",
        measure=SESSIONS_AS_MENTEE,
        default_threshold=10,
        shown_to="mentee",
        text="Keeps learning, session after session.",
        criteria="Completed {threshold} one-to-one mentoring sessions as mentee.",
        colour="#1f6f54",
    ),
    Badge(
        code="mentor",
        name="Mentor",
        measure=SESSIONS_AS_MENTOR,
        default_threshold=10,
        shown_to="mentor",
        text="Shares time and experience so that others can grow.",
        criteria="Completed {threshold} one-to-one mentoring sessions as mentor.",
        colour="#1d4f91",
    ),
    Badge(
        code="super_mentor",
        name="Super Mentor",
        measure=SESSIONS_AS_MENTOR,
        default_threshold=40,
        shown_to="mentor",
        text="A pillar of the mentoring community.",
        criteria="Completed {threshold} one-to-one mentoring sessions as mentor.",
        colour="#a4550a",
    ),
)
"""Sorted by code."""

BADGES_BY_CODE = {badge.code: badge for badge in BADGES}
CERTIFICATE = "certificate"
"""The code of every certificate."""
