"""Certificates: product rules 2, 6 to 8, 10 to 13, 18 and 20."""

from msgspec import UNSET

from tests.scenario import (
    START,
    World,
    by_hand,
    certificate,
    certificate_changed,
    certificate_disabled,
    day,
    feedback,
    group_session,
    joined,
    organization,
    revoked,
    session,
)


def holders(world: World) -> list[str]:
    return sorted(
        award.user_id
        for award in world.awards()
        if award.code == "certificate" and not award.revoked
    )


def test_sessions_with_feedback_earn_it_for_both() -> None:
    """Rule 8: one participant's feedback makes a session count for both."""
    world = World().given(
        organization(), certificate(2), session(1), session(2), feedback(1), feedback(2, "mia")
    )
    assert holders(world) == ["ben", "mia"]
    (earned,) = world.activity("ben").certificates.earned
    assert (earned.earned_at, earned.how, earned.title) == (
        day(2.5),
        "automatic",
        "Spring certificate",
    )


def test_a_grant_tells_the_first_session_that_counted() -> None:
    """Rules 8 and 18: what is told as the first is the first that counted, not the first that was completed."""
    late = feedback(1, at=day(9))
    world = World().given(organization(), certificate(2), session(1), late, session(2), feedback(2))
    (granted,) = [grant for grant in world.granted() if grant.user_id == "ben"]
    assert (granted.threshold, granted.first_at, granted.earned_at) == (2, day(2.5), day(9))


def test_feedback_may_come_first() -> None:
    """Rule 8: feedback and session may arrive in either order; it counts from when both are there."""
    world = World().given(organization(), certificate(1), feedback(3, at=day(1)), session(3))
    assert world.activity("mia").certificates.earned[0].earned_at == day(3)


def test_strangers_feedback_does_not_count() -> None:
    """Rule 8: feedback by somebody who was not in the session does not count."""
    world = World().given(
        organization(), certificate(1), feedback(1, "eve"), session(1), feedback(1, "eva")
    )
    assert holders(world) == []
    assert [one.session_id for one in world.activity("mia").sessions_without_feedback] == ["s1"]


def test_only_that_programs_sessions_count() -> None:
    """Rule 8: a session counts when it was completed in that very program."""
    world = World().given(
        organization(),
        certificate(2),
        session(1),
        session(2, program="p2"),
        feedback(1),
        feedback(2, program="p2"),
    )
    assert holders(world) == []
    assert world.activity("mia").certificates.unearned[0].count == 1


def test_it_is_granted_on_data_from_before() -> None:
    """Rule 6: a certificate enabled late is granted on all data from before."""
    world = World().given(organization(), session(1), session(2), feedback(1), feedback(2))
    assert holders(world) == []
    assert holders(world.when(certificate(2))) == ["ben", "mia"]


def test_group_programs_cannot_have_one() -> None:
    """Rule 6: group programs cannot have a certificate; development programs only one awarded by hand."""
    world = World().given(
        organization(),
        certificate(1, program_type="group"),
        certificate(1, program_type="development"),
        certificate(None, program="d1", program_type="development"),
        certificate_changed(program="d1", required_sessions=3),
    )
    assert world.refused == ["certificate_not_allowed"] * 3
    assert holders(world.when(by_hand("ben", program="d1"))) == ["ben"]


def test_without_a_number_it_is_manual_only() -> None:
    """Rule 7: a certificate without required_sessions is awarded by hand only."""
    world = World().given(organization(), certificate(None), session(1), feedback(1))
    assert holders(world) == []
    assert world.activity("ben").certificates.unearned[0].missing is None
    assert holders(world.when(by_hand("ben"))) == ["ben"]


def test_what_was_never_enabled_is_unknown() -> None:
    """The contract: a change or disabling of a certificate that was never enabled is refused."""
    world = World().given(organization(), certificate_changed(name="x"), certificate_disabled())
    assert world.refused == ["unknown_certificate", "unknown_certificate"]


def test_lowering_the_number_grants_at_once() -> None:
    """Rule 9: a lower number grants at once what is due; a higher one takes nothing away (rule 11)."""
    world = World().given(
        organization(), certificate(5), session(1), session(2), feedback(1), feedback(2)
    )
    assert holders(world) == []
    assert holders(world.when(certificate_changed(required_sessions=2))) == ["ben", "mia"]
    assert holders(world.when(certificate_changed(required_sessions=9))) == ["ben", "mia"]
    assert [one.title for one in world.activity("ben").certificates.earned] == [
        "Spring certificate"
    ]


def test_disabling_stops_new_awards_and_hides_progress() -> None:
    """Rule 11: disabling takes no award away, stops new ones and hides progress; enabling again catches up."""
    world = World().given(
        organization(), certificate(1), session(1), feedback(1), certificate_disabled()
    )
    world.when(session(2, "mia", "eve"), feedback(2, "eve"))
    assert holders(world) == ["ben", "mia"]
    assert world.activity("eve").certificates.unearned == []
    assert len(world.activity("ben").certificates.earned) == 1
    assert holders(world.when(certificate(1))) == ["ben", "eve", "mia"]


def test_an_award_keeps_its_design() -> None:
    """Rule 10: later edits never change an award already granted."""
    world = World().given(organization(), certificate(1), session(1), feedback(1))
    world.when(
        certificate_changed(name="Other", colour="#ffffff"),
        session(2, "mia", "eve"),
        feedback(2, "eve"),
    )
    assert {grant.user_id: (grant.title, grant.colour) for grant in world.granted()} == {
        "mia": ("Spring certificate", "#0a5c36"),
        "ben": ("Spring certificate", "#0a5c36"),
        "eve": ("Other", "#ffffff"),
    }


def test_a_change_clears_with_null_and_keeps_the_rest() -> None:
    """Rule 13 and the contract: null clears guidance and the number; what is absent stays."""
    world = World().given(organization(), certificate(5, guidance="Give feedback"), joined("ben"))
    (unearned,) = world.activity("ben").certificates.unearned
    assert (unearned.guidance, unearned.required_sessions) == ("Give feedback", 5)
    world.when(certificate_changed(guidance=None, required_sessions=None, name=UNSET))
    (unearned,) = world.activity("ben").certificates.unearned
    assert (unearned.guidance, unearned.required_sessions, unearned.title) == (
        None,
        None,
        "Spring certificate",
    )


def test_manual_awards_wait_for_the_certificate() -> None:
    """Rule 12: an award by hand waits until the certificate is enabled, and is granted then."""
    world = World().given(organization(), by_hand("ben", at=day(4)))
    assert holders(world) == []
    world.when(certificate(5))
    (earned,) = world.activity("ben").certificates.earned
    assert (earned.how, earned.earned_at) == ("manual", day(4))


def test_manual_awards_wait_for_availability() -> None:
    """Rules 2 and 12: an award by hand while certificates are unavailable waits for them."""
    world = World().given(certificate(5), by_hand("ben"))
    assert holders(world) == []
    assert holders(world.when(organization("professional"))) == ["ben"]


def test_holders_are_skipped() -> None:
    """Rule 12: members who hold the certificate already are skipped."""
    world = World().given(
        organization(),
        certificate(1),
        session(1),
        feedback(1),
        by_hand("ben", "eve"),
        by_hand("eve"),
    )
    assert [(grant.user_id, grant.how) for grant in world.granted()] == [
        ("mia", "automatic"),
        ("ben", "automatic"),
        ("eve", "manual"),
    ]


def test_the_smaller_instant_goes_first() -> None:
    """Rule 18: where a manual and an automatic award are due at once, the smaller instant goes first."""
    for awarded_at, how, earned_at in ((day(0), "manual", day(0)), (day(9), "automatic", day(1.5))):
        world = World().given(
            session(1), feedback(1), by_hand("ben", at=awarded_at), certificate(1), organization()
        )
        (earned,) = world.activity("ben").certificates.earned
        assert (earned.how, earned.earned_at) == (how, earned_at)
        first_at = None if how == "manual" else earned_at
        assert [grant.first_at for grant in world.granted() if grant.user_id == "ben"] == [first_at]
        assert len(world.activity("ben").certificates.earned) == 1


def test_a_revoked_certificate_can_be_awarded_again_by_hand_only() -> None:
    """Rule 20: a revoked certificate is never granted again automatically, but by hand, as another award."""
    world = World().given(organization(), certificate(1), session(1), feedback(1))
    (first,) = [award.award_id for award in world.awards() if award.user_id == "ben"]
    world.when(revoked(first), session(2), feedback(2), certificate(1))
    assert holders(world) == ["mia"]
    assert world.activity("ben").certificates.unearned[0].revoked
    world.when(by_hand("ben"))
    assert holders(world) == ["ben", "mia"]
    (second,) = world.activity("ben").certificates.earned
    assert (second.award_id != first, second.how) == (True, "manual")


def test_development_sessions_count_for_nothing_automatic() -> None:
    """Rules 6 and 16: sessions without feedback are listed for one-to-one programs only."""
    world = World().given(
        organization(),
        group_session(1, [("mia", "mentor"), ("ben", "mentee")], "development", program="d1"),
    )
    assert world.activity("mia").sessions_without_feedback == []


def test_sessions_without_feedback_are_listed_in_order() -> None:
    """Rule 16: completed one-to-one sessions without valid feedback, by instant and then by id."""
    world = World().given(
        organization(), session(2), session("b", at=START), session("a", at=START), feedback(2)
    )
    assert [one.session_id for one in world.activity("ben").sessions_without_feedback] == [
        "sa",
        "sb",
    ]


def test_known_sessions_cannot_be_told_otherwise() -> None:
    """The contract: a session id again with other content is refused, the first stands; the same changes nothing."""
    world = World().given(
        organization(), session(1), session(1), session(1, mentee="eve"), session(1, program="p2")
    )
    world.when(session(1, at=day(2)))
    assert world.refused == ["conflicting_session"] * 3
    assert world.activity("eve").sessions_without_feedback == []


def test_of_several_feedbacks_the_earliest_counts() -> None:
    """The contract: of several feedbacks of one person about one session the smallest instant counts."""
    world = World().given(
        organization(),
        session(1),
        feedback(1, at=day(5)),
        feedback(1, at=day(3)),
        feedback(1, at=day(4)),
    )
    world.when(certificate(1))
    assert world.activity("ben").certificates.earned[0].earned_at == day(3)
