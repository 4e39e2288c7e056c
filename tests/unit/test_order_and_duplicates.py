"""However facts arrive, the same is counted and the same is granted."""

from datetime import datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import learning
from schemas.journal import BadgeThresholdSet
from tests.histories import USERS, awards_by_hand, feedbacks, memberships, sessions
from tests.scenario import World, certificate, organization

LOW_THRESHOLDS = [
    BadgeThresholdSet(code=code, threshold=3, by="op")
    for code in ("mentor", "mentee", "connector", "super_mentor")
]
SETTING_UP = [organization(), certificate(2, program="p1"), certificate(1, program="p2")]


def seen(world: World, *, with_instants: bool) -> Any:
    """All members' activities; `granted_at` is the clock's and always left out.

    When something was earned, and whether by hand or automatically where both led to it, follows from what was known
    at the grant: without `with_instants` these are left out, too.
    """
    activities = [msgspec.to_builtins(world.activity(user_id)) for user_id in USERS]
    names = {"granted_at"} if with_instants else {"granted_at", "earned_at", "how"}
    return _without(activities, names)


def _without(found: Any, names: set[str]) -> Any:
    if isinstance(found, list):
        return [_without(item, names) for item in found]
    if isinstance(found, dict):
        return {name: _without(value, names) for name, value in found.items() if name not in names}
    return found


def run(facts: list[learning.Inbound]) -> World:
    return World().append(*LOW_THRESHOLDS).given(*facts)


loose = st.lists(
    st.one_of(sessions, feedbacks, feedbacks, awards_by_hand), min_size=15, max_size=60
)


@settings(max_examples=150, deadline=None)
@given(loose, st.lists(memberships, max_size=6, unique_by=str), st.randoms(use_true_random=False))
def test_any_interleaving_and_duplication_gives_the_same(
    facts: list[learning.Inbound], joining: list[learning.Inbound], random: Any
) -> None:
    """Rules 2, 5, 8 and 18: interleaved and repeated in any way, the same facts give the same activity and
    awards, while availability and thresholds only loosen."""
    in_order = [*facts, *joining, *SETTING_UP]
    told = (
        [*facts, *SETTING_UP, *random.choices(facts, k=len(facts) // 2)] if facts else [*SETTING_UP]
    )
    random.shuffle(told)
    for fact in joining:  # one member's registrations arrive in their order
        told.insert(random.randint(0, len(told)), fact)
    told = _in_their_order(told, joining)
    assert seen(run(told), with_instants=False) == seen(run(in_order), with_instants=False)


def _in_their_order(
    told: list[learning.Inbound], ordered: list[learning.Inbound]
) -> list[learning.Inbound]:
    rest = iter(ordered)
    return [next(rest) if any(fact is one for one in ordered) else fact for fact in told]


@settings(max_examples=150, deadline=None)
@given(loose, st.randoms(use_true_random=False))
def test_granted_at_the_end_even_the_instants_are_the_same(
    facts: list[learning.Inbound], random: Any
) -> None:
    """Rule 18: where all is known at the grant, earned_at is the same in whatever order the facts came."""
    shuffled = random.sample(facts, len(facts))
    expected = seen(run([*facts, *SETTING_UP[1:], SETTING_UP[0]]), with_instants=True)
    assert seen(run([*shuffled, *SETTING_UP[1:], SETTING_UP[0]]), with_instants=True) == expected


@settings(max_examples=100, deadline=None)
@given(loose)
def test_counters_agree_with_what_explains_them(facts: list[learning.Inbound]) -> None:
    """Rule 17: the running counters are what counting each session anew gives."""
    from projections.badges import BADGES
    from projections.counting import sessions_with_feedback
    from projections.rows import ENROLMENTS, MEMBERS

    progress = run([*facts, *SETTING_UP]).progress
    for member in progress.rows[MEMBERS.name].values():
        parts = progress.participations[member.organization_id, member.user_id].values()
        for badge in BADGES:
            counted = badge.measure.counting(parts).counted
            assert getattr(member, badge.measure.counter) == len(counted)
    for enrolment in progress.rows[ENROLMENTS.name].values():
        parts = progress.participations[enrolment.organization_id, enrolment.user_id].values()
        counted = sessions_with_feedback(enrolment.program_id)(parts).counted
        assert enrolment.sessions_counted == len(counted)


@settings(max_examples=100, deadline=None)
@given(loose)
def test_earned_at_is_never_before_all_that_is_known_says(facts: list[learning.Inbound]) -> None:
    """Rule 18: what arrives late can only have shown that it was earned earlier, never later."""
    early = run([*SETTING_UP, *facts])
    late = run([*facts, *SETTING_UP])
    known_late = _earned_at(late)
    for key, earned_at in _earned_at(early).items():
        assert earned_at >= known_late.get(key, earned_at)  # else it was awarded by hand there


def _earned_at(world: World) -> dict[tuple[str, str, str], datetime]:
    return {
        (award.user_id, award.code, award.program_id): award.earned_at
        for award in world.awards()
        if award.how == "automatic" or award.code != "certificate"
    }
