"""Explanations over HTTP: product rule 17."""

from itertools import repeat
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import learning
from services.journal import Journal
from tests.histories import USERS, whatever
from tests.integration.http_calls import Client, know
from tests.integration.service import empty, project, take
from tests.scenario import (
    certificate,
    certificate_disabled,
    day,
    erased,
    feedback,
    group_session,
    organization,
    revoked,
    session,
)

NOTHING: dict[str, Any] = {
    "count": 0,
    "threshold": None,
    "missing": None,
    "award_id": None,
    "counted": [],
    "excluded": [],
}


def explained(client: Client, user_id: str, code: str, program_id: str | None = None) -> Any:
    query = {} if program_id is None else {"program_id": program_id}
    answer = client.get(f"/members/{user_id}/explanations/{code}", params=query)
    assert answer.status_code == 200
    return answer.json()


def test_a_badge_is_explained(client: Client, journal: Journal) -> None:
    """Rule 17: each session of a member counts towards a badge, or is excluded for the first reason that holds."""
    know(
        journal,
        organization(),
        session("b", at=day(2)),
        session("a", at=day(2)),
        session(1),
        session(3, "eve", "mia", program="p2"),
        group_session(4, [("mia", "mentor"), ("ben", "mentee")]),
    )
    assert explained(client, "mia", "mentor") == {
        "code": "mentor",
        "program_id": None,
        "count": 3,
        "threshold": 10,
        "missing": 7,
        "award_id": None,
        "counted": [
            {"session_id": "s1", "program_id": "p1", "at": "2026-01-02T09:00:00Z"},
            {"session_id": "sa", "program_id": "p1", "at": "2026-01-03T09:00:00Z"},
            {"session_id": "sb", "program_id": "p1", "at": "2026-01-03T09:00:00Z"},
        ],
        "excluded": [
            {"session_id": "s3", "program_id": "p2", "reason": "other_role"},
            {"session_id": "s4", "program_id": "g1", "reason": "not_one_to_one"},
        ],
    }
    connector = explained(client, "mia", "connector")
    assert [one["session_id"] for one in connector["counted"]] == ["s1", "s3"]
    assert [(one["session_id"], one["reason"]) for one in connector["excluded"]] == [
        ("sa", "same_person"),
        ("sb", "same_person"),
        ("s4", "not_one_to_one"),
    ]


def test_a_certificate_is_explained(client: Client, journal: Journal) -> None:
    """Rules 8 and 17: sessions of the program count from when both they and their feedback were there, in that order."""
    know(
        journal,
        organization(),
        certificate(2),
        *(session(n) for n in (1, 2, 3, 4)),
        feedback(1, at=day(9)),
        feedback(2),
        feedback(4, "eve"),
        session(5, program="p2"),
        feedback(5, program="p2"),
        feedback(3),
    )
    found = explained(client, "ben", "certificate", "p1")
    assert (found["count"], found["threshold"], found["missing"]) == (3, 2, 0), "never capped"
    assert [(one["session_id"], one["at"]) for one in found["counted"]] == [
        ("s2", "2026-01-03T21:00:00Z"),
        ("s3", "2026-01-04T21:00:00Z"),
        ("s1", "2026-01-10T09:00:00Z"),
    ]
    assert found["excluded"] == [{"session_id": "s4", "program_id": "p1", "reason": "no_feedback"}]
    (award,) = client.get("/members/ben/activity").json()["certificates"]["earned"]
    assert found["award_id"] == award["award_id"]


def test_a_revoked_award_is_not_named(client: Client, journal: Journal) -> None:
    """Rule 20: the award is null once it is revoked; the count is what it was."""
    know(journal, organization(), certificate(1), session(1), feedback(1))
    award_id = explained(client, "ben", "certificate", "p1")["award_id"]
    know(journal, revoked(award_id))
    found = explained(client, "ben", "certificate", "p1")
    assert (found["award_id"], found["count"]) == (None, 1)


def test_what_is_unavailable_is_not_explained(client: Client, journal: Journal) -> None:
    """Rule 2: of an unavailable kind nothing is counted, excluded or told; what was granted comes back into view."""
    know(journal, organization(), certificate(1), session(1), feedback(1), session(2))
    before = explained(client, "ben", "certificate", "p1")
    know(journal, organization(badges=False))
    assert explained(client, "ben", "mentee") == {"code": "mentee", "program_id": None} | NOTHING
    assert explained(client, "ben", "certificate", "p1") == before
    know(journal, organization("starter"))
    hidden = explained(client, "ben", "certificate", "p1")
    assert hidden == {"code": "certificate", "program_id": "p1"} | NOTHING
    know(journal, organization())
    assert explained(client, "ben", "certificate", "p1") == before


def test_a_disabled_certificate(client: Client, journal: Journal) -> None:
    """Rule 11: disabling hides progress from those who don't hold the certificate, and nothing from those who do."""
    know(journal, organization(), certificate(1), session(1, mentee="eve"), session(2), feedback(2))
    held = explained(client, "mia", "certificate", "p1")
    know(journal, certificate_disabled())
    assert explained(client, "mia", "certificate", "p1") == held
    for user_id, program_id in (("eve", "p1"), ("mia", "never-enabled")):
        hidden = explained(client, user_id, "certificate", program_id)
        assert hidden == {"code": "certificate", "program_id": program_id} | NOTHING


def test_strangers_and_the_erased(client: Client, journal: Journal) -> None:
    """Rule 27: whoever was erased is explained as somebody nobody ever heard of: nothing counts yet."""
    know(journal, organization(), certificate(1), session(1), feedback(1), erased("ben"))
    for user_id in ("ben", "nobody"):
        badge = explained(client, user_id, "mentee")
        assert (badge["count"], badge["threshold"], badge["missing"]) == (0, 10, 10)
        found = explained(client, user_id, "certificate", "p1")
        assert found == {
            **NOTHING,
            "code": "certificate",
            "program_id": "p1",
            "threshold": 1,
            "missing": 1,
        }


def test_who_may_ask_and_for_what(client: Client, journal: Journal) -> None:
    """Rule 26: a member asks about themselves, an admin about anybody; what is wrong is told in the contract's order."""
    know(journal, organization())
    path = "/members/{}/explanations/{}"
    mentor = path.format("mia", "mentor")
    assert client.call("GET", mentor).status_code == 401
    assert client.get(f"/v1/organizations/other{path.format('mia', 'x')}").status_code == 404
    assert client.get(mentor, "ben", "member").status_code == 403
    assert client.get(mentor, "olga", "operator").status_code == 403
    assert client.get(path.format("me", "mentor"), "mia", "member").status_code == 200
    assert client.get(path.format("mia", "x"), "ben", "member").status_code == 403
    assert client.get(f"{path.format('mia', 'x')}?program_id=a:b").status_code == 404
    for query in ("", "?program_id=a:b"):
        answer = client.get(path.format("mia", "certificate") + query)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "program_id"


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.one_of(whatever, whatever), min_size=10, max_size=60))
def test_explanations_make_up_the_activity(
    client: Client, journal: Journal, history: list[learning.Inbound]
) -> None:
    """Rule 17: whatever has happened, each number of the activity is just the number of the sessions that explain it."""
    empty(journal)
    take(journal, organization(), certificate(2), certificate(2, program="p2"), *history)
    project(journal, repeat(100))
    for user_id in USERS:
        activity = client.get(f"/members/{user_id}/activity").json()
        for badge in activity["badges"]["in_progress"]:
            check(explained(client, user_id, badge["code"]), badge, badge["threshold"])
        for badge in activity["badges"]["earned"]:
            found = explained(client, user_id, badge["code"])
            assert (found["award_id"], found["missing"]) == (badge["award_id"], 0)
        for one in activity["certificates"]["unearned"]:
            found = explained(client, user_id, "certificate", one["program_id"])
            check(found, one, one["required_sessions"])
        for one in activity["certificates"]["earned"]:
            found = explained(client, user_id, "certificate", one["program_id"])
            assert found["award_id"] == one["award_id"]


def check(found: Any, shown: Any, threshold: int | None) -> None:
    assert found["count"] == shown["count"] == len(found["counted"])
    assert (found["missing"], found["threshold"]) == (shown["missing"], threshold)
    assert found["award_id"] is None
