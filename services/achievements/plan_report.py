"""A plan in words, as one would want to read it before a decision; and what it came to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Final, NamedTuple, TypeVar

from services.achievements.plan_effects import Below, Standing
from services.achievements.planning import Gain, Plan

MAX_SHOWN: Final = 20
_WHY_NOT_MAILED: Final = {
    "erased": "erased",
    "unsubscribed": "unsubscribed",
    "no_address": "no address known",
}

Item = TypeVar("Item", Gain, Below)


class Tense(NamedTuple):
    """How to speak of what happens."""

    would_be: str
    would_keep: str


BEFORE: Final = Tense("would be", "would keep")
AFTER: Final = Tense("were", "keep")


def report(plan: Plan, tense: Tense, *, mailed: bool = True) -> Iterator[str]:
    """The lines of a report: for each achievement who gains, who stays though below, how progress moves."""
    gains, below = _by_achievement(plan.outcome.grants), _by_achievement(plan.outcome.below)
    untouched = 0
    for standing in plan.forecast.standings:
        achievement = _achievement(standing)
        gaining, staying = gains.get(achievement, []), below.get(achievement, [])
        if not (gaining or staying or standing.begun):
            untouched += 1
            continue
        yield _heading(standing)
        yield from _gains(gaining, tense)
        yield from _below(staying, tense)
        yield from _progress(standing)
        yield ""
    if untouched:
        yield f"Nobody has begun yet in {_count(untouched, 'organization')} more."
    yield from plan.forecast.notes
    yield _summary(plan, tense, mailed)


Achievement = tuple[str, str, str]


def _achievement(item: Gain | Below | Standing) -> Achievement:
    return (item.organization_id, item.code, item.program_id or "")


def _by_achievement(items: Iterable[Item]) -> dict[Achievement, list[Item]]:
    found: defaultdict[Achievement, list[Item]] = defaultdict(list)
    for item in items:
        found[_achievement(item)].append(item)
    return found


def _heading(standing: Standing) -> str:
    program_id = standing.program_id
    what = f"badge {standing.code}" if program_id is None else f"certificate of {program_id}"
    before = "by hand only" if standing.before is None else standing.before
    return f"{standing.organization_id}: {what}, {before} -> {standing.after}"


def _gains(gains: list[Gain], tense: Tense) -> Iterator[str]:
    if gains:
        yield f"  {_members(len(gains))} {tense.would_be} granted it:"
    for gain in gains[:MAX_SHOWN]:
        yield f"    {gain.user_id}, earned {gain.earned_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    yield from _more(len(gains))


def _below(below: list[Below], tense: Tense) -> Iterator[str]:
    if below:
        yield f"  {_members(len(below))} {tense.would_keep} it though below the new threshold:"
    for one in below[:MAX_SHOWN]:
        yield f"    {one.user_id}"
    yield from _more(len(below))


def _more(count: int) -> Iterator[str]:
    if count > MAX_SHOWN:
        yield f"    … and {count - MAX_SHOWN} more: --json and the plan's file have all"


def _progress(standing: Standing) -> Iterator[str]:
    if not standing.begun:
        return
    moved = standing.after - (standing.before or 0)
    lack = f"lack {abs(moved)} {'more' if moved > 0 else 'fewer'}" if moved else "lack as many"
    if standing.before is None:
        lack = "see progress from now on"
    yield (
        f"  {_members(standing.begun)} on the way: they {lack} than before;"
        f" {standing.almost_after} lack just one (before: {standing.almost_before})"
    )


def _summary(plan: Plan, tense: Tense, mailed: bool) -> str:
    outcome = plan.outcome
    emails = outcome.emails if mailed else 0
    text = f"{_count(len(outcome.grants), 'award')} {tense.would_be} granted, {_count(emails, 'email')} sent"
    if not mailed:
        return f"{text} (--no-email)."
    why = ", ".join(f"{_WHY_NOT_MAILED.get(w, w)}: {n}" for w, n in plan.forecast.unmailed.items())
    return f"{text} ({why})." if why else f"{text}."


def _members(count: int) -> str:
    return _count(count, "member")


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
