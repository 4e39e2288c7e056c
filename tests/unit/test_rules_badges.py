"""Badges and availability: product rules 1 to 5, 16, 18, 20 and 27."""

from schemas.journal import BadgeThresholdSet
from schemas.learning import Role
from tests.scenario import (
    World,
    certificate,
    day,
    erased,
    feedback,
    group_session,
    joined,
    organization,
    registered,
    revoked,
    session,
)


def badges(world: World, user_id: str) -> list[str]:
    return [badge.code for badge in world.activity(user_id).badges.earned]


def test_ten_sessions_earn_both_roles_their_badges() -> None:
    """Rule 3: ten completed one-to-one sessions earn Mentor and Mentee, without any feedback."""
    world = World().given(organization(), *(session(n) for n in range(1, 11)))
    assert badges(world, "mia") == ["mentor"]
    assert badges(world, "ben") == ["mentee"]


def test_nine_sessions_are_progress() -> None:
    """Rule 16: what is not earned yet is shown with its count, its threshold and what is missing."""
    world = World().given(organization(), *(session(n) for n in range(1, 10)))
    (connector, mentor, super_mentor) = world.activity("mia").badges.in_progress
    assert (mentor.code, mentor.count, mentor.threshold, mentor.missing) == ("mentor", 9, 10, 1)
    assert (super_mentor.code, super_mentor.count, super_mentor.missing) == ("super_mentor", 9, 31)
    assert (connector.code, connector.count, connector.missing) == ("connector", 1, 9)


def test_forty_sessions_earn_super_mentor() -> None:
    """The catalogue: forty sessions as mentor earn Super Mentor, on the day of the fortieth."""
    world = World().given(organization(), *(session(n) for n in range(1, 41)))
    earned = {badge.code: badge for badge in world.activity("mia").badges.earned}
    assert earned.keys() == {"mentor", "super_mentor"}
    assert earned["super_mentor"].earned_at == day(40)


def test_ten_people_earn_connector_in_either_role() -> None:
    """The catalogue: Connector counts different people, met as mentor or as mentee."""
    as_mentor = [session(n, "ada", f"u{n}") for n in range(1, 6)]
    again = [session(n, "ada", "u1") for n in range(6, 9)]
    as_mentee = [session(n, f"u{n}", "ada") for n in range(9, 14)]
    world = World().given(organization(), *as_mentor, *again, *as_mentee[:-1])
    assert badges(world, "ada") == []
    world.when(as_mentee[-1])
    assert badges(world, "ada") == ["connector"]
    assert world.activity("ada").badges.earned[0].earned_at == day(13)


def test_group_and_development_sessions_never_count_towards_a_badge() -> None:
    """Rule 3: sessions of group and development programs never count towards a badge."""
    people: list[tuple[str, Role]] = [("mia", "mentor"), ("ben", "mentee")]
    world = World().given(
        organization(),
        registered("mia", "mentor"),
        *(group_session(n, people) for n in range(1, 11)),
        *(group_session(n, people, "development", program="d1") for n in range(11, 21)),
    )
    assert badges(world, "mia") == []
    assert {badge.count for badge in world.activity("mia").badges.in_progress} == {0}


def test_an_organization_that_was_never_configured_has_nothing() -> None:
    """Rule 1: an organization that was never configured has neither badges nor certificates."""
    world = World().given(*(session(n) for n in range(1, 11)), certificate(1), feedback(1))
    activity = world.activity("mia")
    assert (activity.available.badges, activity.available.certificates) == (False, False)
    assert activity.badges.earned == []
    assert activity.badges.in_progress == []
    assert activity.sessions_without_feedback == []
    assert world.granted() == []


def test_other_plans_have_nothing() -> None:
    """Rule 1: only the plans enterprise and professional have badges and certificates."""
    world = World().given(organization("starter"), *(session(n) for n in range(1, 11)))
    assert world.granted() == []
    assert World().given(organization("professional"), *map(session, range(1, 11))).granted() != []


def test_badges_need_their_switch() -> None:
    """Rule 1: badges need the organization's badges_enabled on top; certificates don't."""
    world = World().given(
        organization(badges=False), certificate(1), *map(session, range(1, 11)), feedback(1)
    )
    assert {grant.kind for grant in world.granted()} == {"certificate"}


def test_switching_on_late_grants_the_past() -> None:
    """Rule 2: when it becomes available, all that is due is granted at once, for the past too."""
    world = World().given(
        organization("starter"), *(session(n) for n in range(1, 12)), certificate(1), feedback(1)
    )
    assert world.granted() == []
    world.when(organization())
    assert sorted((grant.code, grant.user_id) for grant in world.granted()) == [
        ("certificate", "ben"),
        ("certificate", "mia"),
        ("mentee", "ben"),
        ("mentor", "mia"),
    ]
    assert world.activity("mia").badges.earned[0].earned_at == day(10)


def test_what_was_granted_comes_back_into_view() -> None:
    """Rule 2: what was granted before it became unavailable is hidden, and comes back into view with it."""
    world = World().given(organization(), *(session(n) for n in range(1, 11)))
    assert world.when(organization("starter")).activity("mia").badges.earned == []
    assert badges(world.when(organization()), "mia") == ["mentor"]
    assert len(world.granted()) == 2


def test_progress_is_shown_to_those_eligible() -> None:
    """Rule 4: progress towards a badge is shown to those with its role; Connector to everybody."""
    world = World().given(
        organization(), registered("mia", "mentor"), joined("ben", "mentee"), registered("eve")
    )

    def shown(user_id: str) -> list[str]:
        return [badge.code for badge in world.activity(user_id).badges.in_progress]

    assert shown("mia") == ["connector", "mentor", "super_mentor"]
    assert shown("ben") == ["connector", "mentee"]
    assert shown("eve") == shown("never heard of") == ["connector"]
    world.when(registered("mia"))
    assert shown("mia") == ["connector"]
    world.when(session(1, "eve", "mia"))
    assert shown("eve") == ["connector", "mentor", "super_mentor"]
    assert shown("mia") == ["connector", "mentee"]


def test_an_earned_badge_outlives_the_role() -> None:
    """Rule 4: an earned badge stays visible whatever happens to the role."""
    world = World().given(organization(), registered("mia", "mentor"), *map(session, range(1, 11)))
    assert badges(world.when(registered("mia")), "mia") == ["mentor"]


def test_lowering_a_threshold_grants_and_raising_takes_nothing() -> None:
    """Rule 5: lowering a threshold grants at once all that is due; raising one takes nothing away."""
    world = World().given(organization(), *(session(n) for n in range(1, 6)))
    world.append(BadgeThresholdSet(code="mentor", threshold=4, by="op"))
    assert badges(world, "mia") == ["mentor"]
    assert world.activity("mia").badges.earned[0].earned_at == day(4)
    world.append(BadgeThresholdSet(code="mentor", threshold=50, by="op"))
    assert badges(world, "mia") == ["mentor"]


def test_an_organizations_own_threshold_goes_first() -> None:
    """Rule 5: an organization's own threshold goes before the one for all, until it is removed."""
    world = World().given(organization(), *(session(n) for n in range(1, 6)))
    world.append(BadgeThresholdSet(organization_id="acme", code="mentor", threshold=6, by="op"))
    world.append(BadgeThresholdSet(code="mentor", threshold=3, by="op"))
    assert badges(world, "mia") == []
    world.append(BadgeThresholdSet(organization_id="acme", code="mentor", by="op"))
    assert badges(world, "mia") == ["mentor"]


def test_earned_at_is_the_tenth_smallest_instant() -> None:
    """Rule 18: earned_at is the n-th smallest instant of all that is known at the grant, and then stays."""
    late_first = [session(n) for n in range(11, 1, -1)]
    world = World().given(organization(), *late_first)
    assert world.activity("mia").badges.earned[0].earned_at == day(11)
    world.when(session(1))
    assert world.activity("mia").badges.earned[0].earned_at == day(11)


def test_a_grant_tells_what_met_its_condition() -> None:
    """Rules 17 and 18: a grant tells how many were needed and the first of their instants, whatever order they came
    in; those of Connector are the first sessions with somebody."""
    sessions = [session(n, "mia", f"u{(n + 1) // 2}") for n in range(24, 2, -1)]
    world = World().given(*sessions, organization(), session(1, "mia", "late"))
    told = {
        grant.code: (grant.threshold, grant.first_at, grant.earned_at)
        for grant in world.granted()
        if grant.user_id == "mia"
    }
    assert told == {
        "mentor": (10, day(3), day(12)),
        "connector": (10, day(3), day(21)),
    }


def test_a_revoked_badge_is_never_granted_again() -> None:
    """Rule 20: a revoked badge is among the unearned again, marked, and never granted automatically again."""
    world = World().given(organization(), *(session(n) for n in range(1, 11)))
    (award,) = [award for award in world.awards() if award.user_id == "mia"]
    world.when(
        revoked(award.award_id),
        revoked(award.award_id),
        session(12),
        organization("starter"),
        organization(),
    )
    assert badges(world, "mia") == []
    mentor = next(
        badge for badge in world.activity("mia").badges.in_progress if badge.code == "mentor"
    )
    assert (mentor.revoked, mentor.count, mentor.missing) == (True, 11, 0)
    assert len([grant for grant in world.granted() if grant.user_id == "mia"]) == 1


def test_an_award_of_another_organization_is_unknown() -> None:
    """Rule 26: an organization can't revoke another's award, nor learn of it."""
    world = World().given(organization(), *(session(n) for n in range(1, 11)))
    award_id = world.awards()[0].award_id
    world.when(revoked(award_id, "other"), revoked("no-such-award"))
    assert world.refused == ["unknown_award", "unknown_award"]


def test_nothing_is_granted_or_shown_to_the_erased() -> None:
    """Rule 27: nothing is granted or shown to an erased member; others' progress does not change."""
    world = World().given(
        organization(), *(session(n) for n in range(1, 10)), erased("mia"), session(10)
    )
    world.when(registered("mia", "mentor"))
    assert [grant.user_id for grant in world.granted()] == ["ben"]
    activity = world.activity("mia")
    assert [(badge.code, badge.count) for badge in activity.badges.in_progress] == [
        ("connector", 0)
    ]
    assert activity.sessions_without_feedback == []


def test_home_shows_only_what_is_in_progress() -> None:
    """Rule 16: the home view has badges begun and certificates with a number to reach, nothing else."""
    world = World().given(
        organization(),
        session(1),
        certificate(5),
        certificate(None, program="p2"),
        joined("mia", program="p2"),
    )
    home = world.home("mia")
    assert {badge.code: badge.count for badge in home.badges} == {
        "connector": 1,
        "mentor": 1,
        "super_mentor": 1,
    }
    assert [one.program_id for one in home.certificates] == ["p1"]
    assert [one.program_id for one in world.activity("mia").certificates.unearned] == ["p1", "p2"]
