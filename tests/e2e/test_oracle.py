"""The oracle by itself: small histories whose outcome can be read off the rules."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from tests.e2e.expected import activity, home
from tests.oracle import Achievement, Grant, Json, Oracle, Published, instant

_numbers = count(1)


def fact(type_: str, *, id_: str | None = None, **data: Any) -> Published:
    """A message that tells something about the organization `o`."""
    number = next(_numbers)
    return {
        "topic": "t",
        "partition": 0,
        "offset": number,
        "key": None,
        "value": b"",
        "headers": [],
        "type": f"{type_}.v1",
        "source": "/test",
        "id": id_ or str(number),
        "data": {"organization_id": "o"} | data,
        "unusable": None,
    }


def configured(plan: str = "enterprise", *, badges: bool = True) -> Published:
    return fact("OrganizationConfigured", name="O", plan=plan, badges_enabled=badges)


def session(number: int, mentor: str = "ann", mentee: str = "bob") -> Published:
    """A one-to-one session in the program `p`, on the day of its number."""
    people = [{"user_id": mentor, "role": "mentor"}, {"user_id": mentee, "role": "mentee"}]
    return fact(
        "SessionCompleted",
        program_id="p",
        program_type="one_to_one",
        session_id=f"s{number:02}",
        participants=people,
        completed_at=f"2026-03-{number:02}T12:00:00Z",
    )


def feedback(number: int, by: str = "bob", *, day: int | None = None) -> Published:
    return fact(
        "FeedbackSubmitted",
        program_id="p",
        session_id=f"s{number:02}",
        user_id=by,
        submitted_at=f"2026-03-{day or number:02}T18:00:00Z",
    )


def enabled(required: int | None, type_: str = "one_to_one") -> Published:
    return fact(
        "CertificateEnabled",
        program_id="p",
        program_type=type_,
        program_name="P",
        required_sessions=required,
        name="C",
        text="T",
        colour="#000000",
    )


def by_hand(*users: str, day: int = 9) -> Published:
    awarded_at = f"2026-03-{day:02}T00:00:00Z"
    return fact("ManualAward", program_id="p", user_ids=[*users], awarded_at=awarded_at)


def revoked(award_id: str, **more: Any) -> Published:
    return fact("AwardRevoked", award_id=award_id, **more)


def take(oracle: Oracle, *messages: Published) -> list[Grant]:
    """Takes a phase, and hears of its awards."""
    due = oracle.take_phase(messages)
    for grant in due:
        oracle.learn(grant, _event(grant))
    return due


def _event(grant: Grant) -> Json:
    way = grant.ways[0]
    return {
        "award_id": f"award {next(_numbers)}",
        "kind": "certificate" if grant.achievement.program_id else "badge",
        "code": grant.achievement.code,
        "program_id": grant.achievement.program_id,
        "title": "C",
        "earned_at": way.earliest.isoformat(),
        "granted_at": way.earliest.isoformat(),
        "how": way.how,
    }


def whats(due: Sequence[Grant]) -> list[tuple[str, str]]:
    return [(grant.achievement.user_id, grant.achievement.code) for grant in due]


def refusals(oracle: Oracle) -> list[str]:
    return [letter.code for letter in oracle.dead_letters]


def test_tenth_session_earns_the_mentor_badge() -> None:
    """Ten one-to-one sessions as mentor earn the badge, at the instant of the tenth; nine do not."""
    oracle = Oracle()
    assert take(oracle, configured(), *(session(n) for n in range(1, 10))) == []
    due = take(oracle, session(11))
    assert whats(due) == [("ann", "mentor"), ("bob", "mentee")]
    (way,) = due[0].ways
    assert (way.earliest, way.latest) == (instant("2026-03-11T12:00:00Z"),) * 2


def test_what_comes_in_one_phase_may_come_in_any_order() -> None:
    """Eleven sessions of one phase may earn the badge at the tenth or the eleventh, never earlier."""
    due = take(Oracle(), configured(), *(session(n) for n in range(1, 12)))
    (way,) = due[0].ways
    allowed = [
        n for n in range(1, 12) if way.allows("automatic", instant(f"2026-03-{n:02}T12:00Z"))
    ]
    assert allowed == [10, 11]


def test_late_switching_on_grants_for_the_past() -> None:
    """Rule 2: what is unavailable is granted once it becomes available, as of when it was earned."""
    oracle = Oracle()
    assert take(oracle, configured("free"), *(session(n) for n in range(1, 12))) == []
    (way,) = take(oracle, configured())[0].ways
    assert (way.earliest, way.latest) == (instant("2026-03-10T12:00:00Z"),) * 2


def test_connector_counts_people() -> None:
    """Ten different people earn Connector; ten sessions with nine do not."""
    oracle = Oracle()
    people = [session(n, mentee=f"m{min(n, 9)}") for n in range(1, 11)]
    assert ("ann", "connector") not in whats(take(oracle, configured(), *people))
    assert ("ann", "connector") in whats(take(oracle, session(11, mentee="m10")))


def test_certificate_counts_sessions_with_feedback_of_participants() -> None:
    """Rule 8: a stranger's feedback does not count, one participant's counts for both, from the later instant on."""
    oracle = Oracle()
    assert take(oracle, configured(), enabled(1), session(1), feedback(1, by="eve")) == []
    due = take(oracle, feedback(1, by="ann", day=5))
    assert whats(due) == [("ann", "certificate"), ("bob", "certificate")]
    assert due[0].ways[0].earliest == instant("2026-03-05T18:00:00Z")


def test_smaller_instant_goes_first() -> None:
    """Rule 18: where an award by hand and an automatic one are due at once, the smaller instant goes first."""
    for day, how in ((1, "manual"), (9, "automatic")):
        oracle = Oracle()
        take(oracle, configured(), session(3), feedback(3), by_hand("ann", day=day))
        grant = next(g for g in take(oracle, enabled(1)) if g.achievement.user_id == "ann")
        at = {way.how: way.earliest for way in grant.ways}
        assert [way.how for way in grant.ways if way.allows(way.how, at[way.how])] == [how]


def test_revoked_is_granted_again_by_hand_only() -> None:
    """Rule 20: a revoked certificate is never granted again automatically, but by hand, and then is another."""
    oracle = Oracle()
    first = take(oracle, configured(), enabled(1), session(1), feedback(1))[0]
    assert first.event
    assert take(oracle, revoked(first.event["award_id"]), session(2), feedback(2)) == []
    assert whats(take(oracle, by_hand("ann"))) == [("ann", "certificate")]
    assert len(oracle.grants[Achievement("o", "ann", "certificate", "p")]) == 2


def test_what_an_award_by_hand_finds_held_is_skipped_for_good() -> None:
    """Rule 12: who holds the certificate is skipped, and gets nothing for it after a revocation."""
    oracle = Oracle()
    first = take(oracle, configured(), enabled(None), by_hand("ann"))[0]
    assert first.event
    assert take(oracle, by_hand("ann")) == []
    assert take(oracle, revoked(first.event["award_id"])) == []


def test_duplicates_change_nothing() -> None:
    """The same source and id again changes nothing, however late; a dead letter can be sent again under its id."""
    oracle = Oracle()
    disabled = fact("CertificateDisabled", id_="off", program_id="p")
    take(oracle, disabled, configured(), enabled(None))
    take(oracle, disabled)
    assert whats(take(oracle, enabled(None), by_hand("ann"))) == [("ann", "certificate")]
    assert take(oracle, disabled, by_hand("bob")) != []
    assert refusals(oracle) == ["unknown_certificate"]


def test_refusals() -> None:
    """What the rules refuse ends among the dead letters with its code, each time it comes."""
    oracle = Oracle()
    other_role = session(1, mentor="bob", mentee="ann")
    take(oracle, session(1), enabled(1, "group"), enabled(1, "development"), revoked("none"))
    take(oracle, session(1), other_role, other_role)
    not_allowed, conflicting = "certificate_not_allowed", "conflicting_session"
    expected = [not_allowed, not_allowed, "unknown_award", conflicting, conflicting]
    assert refusals(oracle) == expected


def test_erased_member_is_as_nobody() -> None:
    """Rule 27: an erased member is granted and shown nothing; a later registration is dropped, not refused."""
    oracle = Oracle()
    erased = fact("MemberErased", user_id="ann")
    again = fact("MemberRegistered", user_id="ann", display_name="Ann", roles=["mentor"])
    take(oracle, configured(), enabled(1), session(1), feedback(1))
    take(oracle, erased, again, again | {"unusable": "invalid_data"})
    seen = activity(oracle, "o", "ann", "")
    nobody = activity(oracle, "o", "nobody", "")
    assert seen | {"user_id": "nobody"} == nobody
    assert [badge["code"] for badge in nobody["badges"]["in_progress"]] == ["connector"]
    assert refusals(oracle) == []


def test_home_shows_only_what_is_in_progress() -> None:
    """Home has badges with a count and certificates that take sessions, in the shape of activity."""
    oracle = Oracle()
    take(oracle, configured(), enabled(2), session(1))
    seen = activity(oracle, "o", "ann", "https://x/{session_id}")
    assert home(seen) == {
        "badges": seen["badges"]["in_progress"],
        "certificates": seen["certificates"]["unearned"],
    }
    assert [badge["code"] for badge in seen["badges"]["in_progress"]] == [
        "connector",
        "mentor",
        "super_mentor",
    ]
    (without_feedback,) = seen["sessions_without_feedback"]
    assert without_feedback["feedback_url"] == "https://x/s01"
