"""A member's activity and home over HTTP, in the contract's exact shapes: product rules 2, 4, 13, 16, 20, 26 and 27."""

from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Final
from urllib.parse import quote

import pytest

from schemas import learning
from services.journal import Journal
from tests.integration.http_calls import Client, bearer
from tests.integration.service import project, take
from tests.scenario import (
    START,
    by_hand,
    certificate,
    day,
    feedback,
    group_session,
    joined,
    organization,
    revoked,
    session,
)

NOT_EARNED: Final = {"revoked": False}
CONNECTOR: Final = {"code": "connector", "name": "Connector", "threshold": 10} | NOT_EARNED


def know(journal: Journal, *facts: learning.Inbound) -> None:
    """Records facts in one batch and projects them."""
    take(journal, *facts)
    project(journal, repeat(1_000))


def seen(client: Client, user_id: str, what: str = "activity") -> Any:
    """What a member sees of themselves."""
    answer = client.get(f"/members/{quote(user_id, safe='')}/{what}", user_id, "member")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    return answer.json()


def told(journal: Journal) -> None:
    """Ben holds a badge and a certificate, is on the way to more, and owes feedback."""
    know(
        journal,
        organization(),
        certificate(1),
        certificate(2, program="p2", name="Summer", guidance="Meet again"),
        certificate(None, program="p3", name="By hand", guidance=None),
        joined("ben", program="p3"),
        *(session(n) for n in range(1, 11)),
        session(11, program="p2"),
        feedback(1, at=day(20)),
    )


def granted_at(answer: Any, kind: str) -> str:
    (earned,) = answer[kind]["earned"]
    moment = datetime.fromisoformat(earned["granted_at"])
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60
    assert earned["granted_at"].endswith("Z")
    return str(earned["granted_at"])


def test_the_whole_of_an_activity(client: Client, journal: Journal) -> None:
    """Rule 16: badges and certificates earned and not earned, and sessions without feedback, each with all of its
    fields and no other."""
    told(journal)
    found = seen(client, "ben")
    badge, award = (found[kind]["earned"][0]["award_id"] for kind in ("badges", "certificates"))
    assert found == {
        "organization_id": "acme",
        "user_id": "ben",
        "available": {"badges": True, "certificates": True},
        "badges": {
            "earned": [
                {
                    "award_id": badge,
                    "code": "mentee",
                    "name": "Mentee",
                    "earned_at": "2026-01-11T09:00:00Z",
                    "granted_at": granted_at(found, "badges"),
                }
            ],
            "in_progress": [CONNECTOR | {"count": 1, "missing": 9}],
        },
        "certificates": {
            "earned": [
                {
                    "award_id": award,
                    "program_id": "p1",
                    "title": "Spring certificate",
                    "earned_at": "2026-01-21T09:00:00Z",
                    "granted_at": granted_at(found, "certificates"),
                    "how": "automatic",
                }
            ],
            "unearned": [
                {
                    "program_id": "p2",
                    "title": "Summer",
                    "count": 0,
                    "required_sessions": 2,
                    "missing": 2,
                    "guidance": "Meet again",
                    "revoked": False,
                },
                {
                    "program_id": "p3",
                    "title": "By hand",
                    "count": 0,
                    "required_sessions": None,
                    "missing": None,
                    "guidance": None,
                    "revoked": False,
                },
            ],
        },
        "sessions_without_feedback": [
            {
                "session_id": f"s{n}",
                "program_id": "p1" if n < 11 else "p2",
                "completed_at": f"2026-01-{n + 1:02}T09:00:00Z",
                "feedback_url": f"https://example.org/acme/{'p1' if n < 11 else 'p2'}/s{n}",
            }
            for n in range(2, 12)
        ],
    }


def test_home_has_only_what_is_in_progress(client: Client, journal: Journal) -> None:
    """Rule 16: home shows badges with a count and certificates with a number, the same items as in activity."""
    told(journal)
    full = seen(client, "ben")
    assert seen(client, "ben", "home") == {
        "badges": full["badges"]["in_progress"],
        "certificates": full["certificates"]["unearned"][:1],
    }
    know(journal, joined("zoe", "mentor"))
    assert [one["code"] for one in seen(client, "zoe")["badges"]["in_progress"]] == [
        *("connector", "mentor", "super_mentor")
    ]
    assert seen(client, "zoe", "home")["badges"] == []


def test_a_number_is_neither_capped_nor_negative(client: Client, journal: Journal) -> None:
    """`count` is the true number, also beyond the threshold, and `missing` stays at 0: here of what was revoked."""
    told(journal)
    know(journal, feedback(2), feedback(3))
    for kind in ("badges", "certificates"):
        (earned,) = seen(client, "ben")[kind]["earned"]
        know(journal, revoked(earned["award_id"]))
    know(journal, session(12), feedback(12))
    found = seen(client, "ben")
    assert [found[kind]["earned"] for kind in ("badges", "certificates")] == [[], []]
    mentee = {"code": "mentee", "name": "Mentee", "count": 12, "threshold": 10}
    assert found["badges"]["in_progress"][1] == mentee | {"missing": 0, "revoked": True}
    spring = found["certificates"]["unearned"][0]
    assert (spring["count"], spring["required_sessions"], spring["missing"]) == (4, 1, 0)
    assert spring["revoked"] is True


def test_a_certificate_given_by_hand(client: Client, journal: Journal) -> None:
    """Rule 12: a manual award shows as such, earned when it was given."""
    told(journal)
    know(journal, by_hand("ben", at=day(2.25), program="p3"))
    earned = seen(client, "ben")["certificates"]["earned"]
    assert [(one["program_id"], one["how"], one["earned_at"]) for one in earned] == [
        ("p1", "automatic", "2026-01-21T09:00:00Z"),
        ("p3", "manual", "2026-01-03T15:00:00Z"),
    ]


IDS: Final = ["%2F", "A", "B", "a", "b", "é", "日", "ﬀ", "𝔸", "👩"]


def test_everything_is_ordered_by_code_point(client: Client, journal: Journal) -> None:
    """Certificates go by program and equal instants by session, each by code point: not by any language's rules, nor by
    UTF-16."""
    assert sorted(IDS) == IDS
    know(
        journal,
        organization(),
        *(certificate(None, program=one) for one in IDS),
        *(joined("ada", program=one) for one in reversed(IDS)),
        *(session(one, "ada", "ben", at=day(1), program=one) for one in IDS[::-2] + IDS[::2]),
    )
    found = seen(client, "ada")
    assert [item["program_id"] for item in found["certificates"]["unearned"]] == IDS
    sessions = found["sessions_without_feedback"]
    assert [item["session_id"] for item in sessions] == [f"s{one}" for one in IDS]
    know(journal, session("0", "ada", at=day(2)), session("𝔸𝔸", "ada", at=day(0)))
    ids = [item["session_id"] for item in seen(client, "ada")["sessions_without_feedback"]]
    assert (ids[0], ids[-1]) == ("s𝔸𝔸", "s0")
    know(journal, by_hand("ada", program="é"), *(by_hand("ada", program=one) for one in IDS))
    earned = seen(client, "ada")["certificates"]["earned"]
    assert [item["program_id"] for item in earned] == IDS


ODD_IDS: Final = [
    *("50%", "%41", "a b", "a+b", "?x=1", "#", "a&b=c", "a\\b", "...", "~", '"', "{user_id}"),
    *("日本", "é", "e\u0301", "👩", "ME", "me.", "x" * 128, "日" * 128, ";v=1", "@", "<b>", "'--"),
]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_odd_ids_are_percent_encoded(client: Client, journal: Journal, odd: str) -> None:
    """Any id can stand percent-encoded in an address, and stands so in `feedback_url`."""
    know(journal, organization(), session(odd, odd, "ben", program=odd, at=START))
    found = seen(client, odd)
    assert found["user_id"] == odd
    program, its_session = quote(odd, safe=""), quote(f"s{odd}", safe="")
    assert found["sessions_without_feedback"] == (
        [
            {
                "session_id": f"s{odd}",
                "program_id": odd,
                "completed_at": "2026-01-01T09:00:00Z",
                "feedback_url": f"https://example.org/acme/{program}/{its_session}",
            }
        ]
    )
    assert seen(client, odd, "home")["badges"][0]["count"] == 1


def test_an_organization_with_an_odd_id(client: Client, journal: Journal) -> None:
    """Another organization's data are its own, whatever it is called."""
    odd = "a%2Fb é?"
    settings = organization(organization_id=odd)
    know(journal, organization(), settings, session(1), session(2, organization_id=odd))
    path = f"/v1/organizations/{quote(odd, safe='')}/members/me/activity"
    found = client.call("GET", path, bearer("ben", "member", organization_id=odd)).json()
    assert found["organization_id"] == odd
    (owed,) = found["sessions_without_feedback"]
    assert owed["session_id"] == "s2"
    assert owed["feedback_url"] == f"https://example.org/{quote(odd, safe='')}/p1/s2"


def test_me_stands_for_the_tokens_user(client: Client, journal: Journal) -> None:
    """`me` is the caller: with the same answer, and their own id in it."""
    told(journal)
    for what in ("activity", "home"):
        answer = client.get(f"/members/me/{what}", "ben", "member")
        assert answer.json() == seen(client, "ben", what)
    assert client.get("/members/me/activity", "boss").json()["user_id"] == "boss"


def test_sessions_that_owe_no_feedback(client: Client, journal: Journal) -> None:
    """Only completed one-to-one sessions without valid feedback are listed: a stranger's feedback is none."""
    people: list[tuple[str, learning.Role]] = [("ben", "mentee"), ("mia", "mentor")]
    know(
        journal,
        organization(),
        group_session(1, people),
        group_session(2, people, "development", program="d1"),
        *(session(n) for n in (3, 4, 5)),
        *(feedback(3, "mia"), feedback(4, "eve"), feedback(6)),
    )
    owed = [one["session_id"] for one in seen(client, "ben")["sessions_without_feedback"]]
    assert owed == ["s4", "s5"]


def test_the_edges_of_the_calendar(client: Client, journal: Journal) -> None:
    """Instants are told in UTC to the microsecond, from the first to the last."""
    first = datetime(1, 1, 1, tzinfo=UTC)
    last = datetime.max.replace(tzinfo=UTC)
    know(journal, organization(), session(1, at=last), session(2, at=first))
    owed = seen(client, "ben")["sessions_without_feedback"]
    assert [one["completed_at"] for one in owed] == [
        *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z")
    ]
