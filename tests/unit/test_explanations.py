"""Explanations agree with what is shown: product rule 17."""

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.badges import BADGES, CERTIFICATE
from projections.explanations import Explanation, explanation
from projections.rows import CERTIFICATES, MEMBERS
from schemas import learning
from tests.histories import PROGRAMS, USERS, whatever
from tests.scenario import ORGANIZATION, World, certificate, organization

histories = st.lists(st.one_of(whatever, whatever), min_size=5, max_size=80)
SWITCHED_ON = [organization(), *(certificate(2, program=program) for program in PROGRAMS)]


def explained(world: World, user_id: str, code: str, program_id: str = "") -> Explanation:
    return explanation(world.progress, ORGANIZATION, user_id, code, program_id)


def present(world: World) -> list[str]:
    """Those who were not erased: of others nothing is read, so there is nothing to explain."""
    members = ((user_id, world.progress.get(MEMBERS, ORGANIZATION, user_id)) for user_id in USERS)
    return [user_id for user_id, member in members if member is not None and not member.erased]


@settings(max_examples=100, deadline=None)
@given(histories)
def test_an_explanation_makes_up_the_number_shown(history: list[learning.Inbound]) -> None:
    """Rule 17: the sessions that count towards an achievement are as many as the activity says they are."""
    world = World().given(*SWITCHED_ON, *history)
    for user_id in present(world):
        activity = world.activity(user_id)
        for badge in activity.badges.in_progress:
            found = explained(world, user_id, badge.code)
            assert (found.count, found.missing, found.threshold, found.award_id) == (
                *(badge.count, badge.missing, badge.threshold),
                None,
            )
        for one in activity.certificates.unearned:
            found = explained(world, user_id, CERTIFICATE, one.program_id)
            assert (found.count, found.missing, found.threshold, found.award_id) == (
                *(one.count, one.missing, one.required_sessions),
                None,
            )
        for earned in activity.badges.earned:
            assert explained(world, user_id, earned.code).award_id == earned.award_id
        for held in activity.certificates.earned:
            found = explained(world, user_id, CERTIFICATE, held.program_id)
            assert found.award_id == held.award_id


@settings(max_examples=60, deadline=None)
@given(histories)
def test_each_session_is_counted_or_excluded(history: list[learning.Inbound]) -> None:
    """Rule 17: each of a member's sessions (in the program, for a certificate) is told just once, with its reason."""
    world = World().given(*SWITCHED_ON, *history, organization())
    for user_id in present(world):
        sessions = world.progress.participations[ORGANIZATION, user_id]
        asked = [(badge.code, "") for badge in BADGES] + [
            (CERTIFICATE, program_id)
            for program_id in PROGRAMS
            if world.progress.rows[CERTIFICATES.name][ORGANIZATION, program_id].enabled
        ]
        for code, program_id in asked:
            found = explained(world, user_id, code, program_id)
            told = [one.session_id for one in found.counted]
            told += [one.session_id for one in found.excluded]
            assert sorted(told) == sorted(
                part.session_id for part in sessions.values() if program_id in ("", part.program_id)
            )
            assert [(one.at, one.session_id) for one in found.counted] == sorted(
                (one.at, one.session_id) for one in found.counted
            )
