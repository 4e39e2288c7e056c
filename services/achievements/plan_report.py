"""A plan in words, as one would want to read it before a decision; and what it came to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC
from textwrap import wrap
from typing import Final, TypeVar

from services.achievements.plan_effects import Below, Standing
from services.achievements.planning import Gain, Plan

MAX_SHOWN: Final = 20
_WHY_NOT_MAILED: Final = {
    "erased": "erased",
    "unsubscribed": "unsubscribed",
    "no_address": "no address known",
}

Item = TypeVar("Item", Gain, Below)


def report(plan: Plan, *, mailed: bool = True) -> Iterator[str]:
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
        yield from _gains(gaining)
        yield from _below(staying)
        yield from _progress(standing)
        yield ""
    if untouched:
        yield f"Nobody has begun yet in {_count(untouched, 'organization')} more."
    yield from plan.forecast.notes
    yield _summary(plan, mailed)


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


def _gains(gains: list[Gain]) -> Iterator[str]:
    if gains:
        yield f"  granted to {_members(len(gains))}:"
    for gain in gains[:MAX_SHOWN]:
        yield f"    {gain.user_id}, earned {gain.earned_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if len(gains) > MAX_SHOWN:
        yield f"    {_more(len(gains))}"


def _below(below: list[Below]) -> Iterator[str]:
    if below:
        yield f"  kept, though below the new threshold, by {_members(len(below))}:"
        names = [one.user_id for one in below[:MAX_SHOWN]]
        if len(below) > MAX_SHOWN:
            names.append(_more(len(below)))
        yield from wrap(", ".join(names), 100, initial_indent=" " * 4, subsequent_indent=" " * 4)


def _more(count: int) -> str:
    return f"… and {count - MAX_SHOWN:,} more: --json and the plan's file name all"


def _progress(standing: Standing) -> Iterator[str]:
    if not standing.begun:
        return
    moved = standing.after - standing.before if standing.before is not None else 0
    to_go = f", {abs(moved):,} {'more' if moved > 0 else 'fewer'} to go" if moved else ""
    yield f"  on the way: {_members(standing.begun)}{to_go}; just one to go: {standing.almost:,}"


def _summary(plan: Plan, mailed: bool) -> str:
    awards = _count(len(plan.outcome.grants), "award")
    if not mailed:
        return f"In all: {awards}, no emails."
    why = ", ".join(f"{_WHY_NOT_MAILED.get(w, w)}: {n}" for w, n in plan.forecast.unmailed.items())
    emails = _count(plan.outcome.emails, "email") + (f" ({why})" if why else "")
    return f"In all: {awards}, {emails}."


def _members(count: int) -> str:
    return _count(count, "member")


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
