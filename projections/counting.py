"""What counts towards an achievement, and what doesn't and why: product rules 3, 8, 17 and 18.

The same functions decide (`earned_at`) and explain. They are pure: a member's participations in, a `Count` out.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Literal, NamedTuple

from msgspec import Struct

from schemas.learning import ProgramType, Role

Reason = Literal["not_one_to_one", "other_role", "same_person", "no_feedback"]


class Participation(Struct):
    """A member's part in a completed session.

    `partner_id` is the other person of a one-to-one session. `feedback_counts_at` is the instant at which the
    session both was completed and had valid feedback, None while it has none.
    """

    organization_id: str
    user_id: str
    session_id: str
    program_id: str
    program_type: ProgramType
    role: Role
    partner_id: str | None
    completed_at: datetime
    feedback_counts_at: datetime | None


class Counted(NamedTuple):
    """A session that counts, from the instant `at` on; ordered by instant, equal ones by session."""

    at: datetime
    session_id: str
    program_id: str


class Excluded(NamedTuple):
    """A session that does not count; ordered as told by `Count`."""

    session_id: str
    program_id: str
    reason: Reason


class Count(NamedTuple):
    """The sessions that make up a number, from the earliest, and those that don't, as they were completed."""

    counted: list[Counted]
    excluded: list[Excluded]

    def first_at(self) -> datetime:
        """The instant from which the first of them counts; IndexError where none does."""
        return self.counted[0].at

    def earned_at(self, threshold: int) -> datetime:
        """The instant at which the threshold was met; IndexError where it is not."""
        return self.counted[threshold - 1].at


Counting = Callable[[Iterable[Participation]], Count]


def sessions_as(role: Role) -> Counting:
    """Counts the completed one-to-one sessions in a role."""

    def count(participations: Iterable[Participation]) -> Count:
        counted: list[Counted] = []
        excluded: list[Excluded] = []
        for part in _in_order(participations):
            if part.program_type != "one_to_one":
                excluded.append(_excluded(part, "not_one_to_one"))
            elif part.role != role:
                excluded.append(_excluded(part, "other_role"))
            else:
                counted.append(Counted(part.completed_at, part.session_id, part.program_id))
        return Count(counted, excluded)

    return count


def people_met(participations: Iterable[Participation]) -> Count:
    """Counts the first one-to-one session with each person, in either role."""
    counted: list[Counted] = []
    excluded: list[Excluded] = []
    met: set[str | None] = set()
    for part in _in_order(participations):
        if part.program_type != "one_to_one":
            excluded.append(_excluded(part, "not_one_to_one"))
        elif part.partner_id in met:
            excluded.append(_excluded(part, "same_person"))
        else:
            met.add(part.partner_id)
            counted.append(Counted(part.completed_at, part.session_id, part.program_id))
    return Count(counted, excluded)


def sessions_with_feedback(program_id: str) -> Counting:
    """Counts the completed sessions of a program that have valid feedback; others' sessions are not listed."""

    def count(participations: Iterable[Participation]) -> Count:
        counted: list[Counted] = []
        excluded: list[Excluded] = []
        for part in _in_order(participations):
            if part.program_id != program_id:
                continue
            if part.feedback_counts_at is None:
                excluded.append(_excluded(part, "no_feedback"))
            else:
                counted.append(Counted(part.feedback_counts_at, part.session_id, part.program_id))
        return Count(sorted(counted), excluded)

    return count


def _in_order(participations: Iterable[Participation]) -> list[Participation]:
    return sorted(participations, key=attrgetter("completed_at", "session_id"))


def _excluded(part: Participation, reason: Reason) -> Excluded:
    return Excluded(part.session_id, part.program_id, reason)
