"""What the rules make of the story, chapter by chapter: what each member must see.

Written down by hand from product rules 3, 4, 8, 12, 16 and 18, not computed: it is what the demo
holds the services to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from devstack.demo.sees import Earned, Progress, Sees, progress
from devstack.demo.story import (
    AWARDED_AT,
    LATE_FEEDBACK_AT,
    REQUIRED_SESSIONS,
    SESSIONS,
    day,
)

Expected = dict[str, Sees]


def _mentor(sessions: int, people: int) -> dict[str, Progress]:
    return {
        "mentor": progress(sessions, 10),
        "super_mentor": progress(sessions, 40),
        "connector": progress(people, 10),
    }


def _mentee(sessions: int, people: int) -> dict[str, Progress]:
    return {"mentee": progress(sessions, 10), "connector": progress(people, 10)}


def _without(badge: str, progress_of: dict[str, Progress]) -> dict[str, Progress]:
    return {code: so_far for code, so_far in progress_of.items() if code != badge}


_AFTER_FEEDBACK: Final = {id_: session.feedback_at for id_, session in SESSIONS.items()}
_MENTEE_BADGE: Final = Earned(day(3, 27), "automatic")  # r04, the tenth session, is of that day
_MENTOR_BADGE: Final = Earned(day(3, 24), "automatic")  # b06, and r07 before it, once it is mended

# r07 is not heard of yet: Amara has 9 sessions, Dmytro 1. Sessions of leadership bring no badge.
SEASON: Final[Expected] = {
    "amara": Sees(badges_in_progress=_mentor(9, 3), without_feedback=("b04",)),
    "joao": Sees(badges_in_progress=_mentor(7, 2), without_feedback=("r05", "b10")),
    "asuka": Sees(
        badges={"mentee": _MENTEE_BADGE},
        badges_in_progress=_without("mentee", _mentee(10, 2)),
        without_feedback=("b04",),
    ),
    "leila": Sees(badges_in_progress=_mentee(5, 2), without_feedback=("r05", "b10")),
    "dmytro": Sees(badges_in_progress=_mentee(1, 1)),
    "sofia": Sees(badges_in_progress=_mentee(0, 0)),
    "liat": Sees(badges_in_progress=_mentee(0, 0)),
}

MENDED: Final[Expected] = SEASON | {
    "amara": replace(
        SEASON["amara"],
        badges={"mentor": _MENTOR_BADGE},
        badges_in_progress=_without("mentor", _mentor(10, 3)),
    ),
    "dmytro": Sees(badges_in_progress=_mentee(2, 1)),
}

# The fourth session of borders with feedback: Amara's is b03, Asuka's b05.
CERTIFICATE: Final[Expected] = MENDED | {
    "amara": replace(
        MENDED["amara"],
        certificates={"borders": Earned(_AFTER_FEEDBACK["b03"], "automatic")},
    ),
    "asuka": replace(
        MENDED["asuka"],
        certificates={"borders": Earned(_AFTER_FEEDBACK["b05"], "automatic")},
    ),
    "leila": replace(
        MENDED["leila"], certificates_unearned={"borders": progress(3, REQUIRED_SESSIONS)}
    ),
    "joao": replace(
        MENDED["joao"], certificates_unearned={"borders": progress(1, REQUIRED_SESSIONS)}
    ),
}

LATE_FEEDBACK: Final[Expected] = CERTIFICATE | {
    "leila": replace(
        MENDED["leila"],
        certificates={"borders": Earned(LATE_FEEDBACK_AT, "automatic")},
        without_feedback=("r05",),
    ),
    "joao": replace(
        MENDED["joao"],
        certificates_unearned={"borders": progress(2, REQUIRED_SESSIONS)},
        without_feedback=("r05",),
    ),
}

BY_HAND: Final[Expected] = LATE_FEEDBACK | {
    "sofia": replace(SEASON["sofia"], certificates={"leadership": Earned(AWARDED_AT, "manual")}),
    "liat": replace(SEASON["liat"], certificates_unearned={"leadership": progress(0, None)}),
    "joao": replace(
        LATE_FEEDBACK["joao"],
        certificates_unearned={
            "borders": progress(2, REQUIRED_SESSIONS),
            "leadership": progress(2, None),
        },
    ),
}

AWARDS: Final = sorted(
    user_id for user_id, one in BY_HAND.items() for _ in (*one.badges, *one.certificates)
)
"""Who is granted an award in the whole story, once for each."""


class Reason(NamedTuple):
    """Which sessions make up a number, and which don't, by why."""

    user_id: str
    code: str
    program_id: str | None
    counted: list[str]
    excluded: dict[str, list[str]]


REASONS: Final = (
    Reason(
        "joao",
        "mentor",
        None,
        ["r01", "r02", "r03", "b09", "r05", "r04", "b10"],
        {"not_one_to_one": ["l01", "l02"]},
    ),
    Reason("leila", "connector", None, ["b07", "b09"], {"same_person": ["b08", "r05", "b10"]}),
    Reason(
        "asuka",
        "certificate",
        "borders",
        ["b01", "b02", "b03", "b05", "b06"],
        {"no_feedback": ["b04"]},
    ),
)
