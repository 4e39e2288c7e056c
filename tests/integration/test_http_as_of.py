"""A member's activity as it was known then, over HTTP."""

from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.rows import MEMBERS
from schemas import learning
from schemas.journal import BadgeThresholdSet, Event
from services.achievements import history as history_module
from services.achievements.recording import platform_stream
from services.journal import Entry, Journal, stream_id
from tests.histories import USERS, thresholds, whatever
from tests.integration.http_calls import Client, know
from tests.integration.service import append, empty, project, take
from tests.scenario import (
    ORGANIZATION,
    World,
    certificate,
    erased,
    feedback,
    organization,
    revoked,
    session,
)

ACTIVITY = "/members/{}/activity"


def now(journal: Journal) -> datetime:
    """When the last event was recorded."""
    with journal.connection() as connection:
        return journal.read(connection, journal.head(connection) - 1, 1)[0].recorded_at


def activity(client: Client, user_id: str, as_of: datetime | None = None) -> Any:
    query = {} if as_of is None else {"as_of": as_of.isoformat()}
    answer = client.get(ACTIVITY.format(user_id), params=query)
    assert answer.status_code == 200
    return answer.json()


def tell(journal: Journal, item: learning.Inbound | Event) -> None:
    """A fact, or a threshold that an operator sets, with all that it leads to."""
    if isinstance(item, learning.Inbound):
        take(journal, item)
    elif isinstance(item, BadgeThresholdSet):
        stream = platform_stream()
        if item.organization_id is not None:
            stream = stream_id(item.organization_id, "organization")
        with journal.connection() as connection:
            version = len(journal.load(connection, [stream]).get(stream, ()))
        append(journal, [Entry(stream, version + 1, item)])
    project(journal, repeat(100))


def test_as_it_was_known_then(client: Client, journal: Journal) -> None:
    """What came later is not known yet: neither facts nor awards, revocations, thresholds or the plan."""
    told: list[learning.Inbound | Event] = [
        organization("starter"),
        certificate(1),
        session(1),
        session(2),
        organization(),
        BadgeThresholdSet(code="mentor", threshold=2, by="op"),
        feedback(1),
        BadgeThresholdSet(organization_id="acme", code="connector", threshold=1, by="op"),
    ]
    known: list[tuple[datetime, Any]] = []
    for item in told:
        tell(journal, item)
        known.append((now(journal), activity(client, "mia")))
    know(journal, revoked(known[-1][1]["badges"]["earned"][0]["award_id"]))
    assert [activity(client, "mia", at) for at, _ in known] == [then for _, then in known]
    before = activity(client, "mia", known[0][0] - timedelta(microseconds=1))
    assert before["available"] == {"badges": False, "certificates": False}
    assert [len(then["badges"]["earned"]) for _, then in known] == [0, 0, 0, 0, 0, 1, 1, 2]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert activity(client, "mia", tomorrow) == activity(client, "mia")


def test_between_a_fact_and_what_follows_from_it(client: Client, journal: Journal) -> None:
    """Of a batch, what was recorded by then is known, and what it led to only when that was recorded, too."""
    take(journal, organization(), certificate(1), session(1), feedback(1))
    at = now(journal)
    unprojected = activity(client, "mia", at)
    project(journal, repeat(100))
    assert activity(client, "mia", at) == unprojected
    (waiting,) = unprojected["certificates"]["unearned"]
    assert (waiting["count"], waiting["missing"]) == (1, 0)
    assert activity(client, "mia", now(journal)) == activity(client, "mia")
    assert activity(client, "mia")["certificates"]["earned"]


def test_the_erased_have_no_past(client: Client, journal: Journal) -> None:
    """Rule 27: an erased member's past is empty, too; that of others is what it was."""
    know(journal, organization(), certificate(1), session(1), feedback(1))
    at = now(journal)
    mia = activity(client, "mia", at)
    nobody = activity(client, "nobody", at)
    take(journal, erased("ben"))
    assert activity(client, "ben", at) == nobody | {"user_id": "ben"}, "before it is projected"
    project(journal, repeat(100))
    assert activity(client, "ben", at) == nobody | {"user_id": "ben"}
    assert activity(client, "mia", at) == mia


def test_far_behind(client: Client, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the read models are too far behind to tell where to look, the answer is 503 rather than wrong."""
    know(journal, organization())
    at = now(journal)
    monkeypatch.setattr(history_module, "MAX_EVENTS_BEHIND", 2)
    take(journal, session(1), session(2), session(3))
    answer = client.get(ACTIVITY.format("mia"), params={"as_of": "2999-01-01T00:00:00Z"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert activity(client, "mia", at)["badges"]["in_progress"][0]["count"] == 0


def test_who_may_ask(client: Client, journal: Journal) -> None:
    """The past is for admins and operators; now is for the member and admins."""
    know(journal, organization())
    past, present = f"{ACTIVITY.format('mia')}?as_of=2026-01-01T00:00:00Z", ACTIVITY.format("mia")
    allowed = {
        ("mia", "member"): (403, 200),
        ("ben", "member"): (403, 403),
        ("boss", "admin"): (200, 200),
        ("olga", "operator"): (200, 403),
        ("mia", "operator"): (200, 200),
    }
    for (user_id, role), statuses in allowed.items():
        answers = (client.get(path, user_id, role) for path in (past, present))
        assert tuple(answer.status_code for answer in answers) == statuses, (user_id, role)
    wrong = client.get(f"{present}?as_of=yesterday", "mia", "member")
    assert wrong.status_code == 403, "403 comes before 422"
    wrong = client.get(f"{present}?as_of=yesterday")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "as_of")


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.one_of(whatever, whatever, whatever, thresholds), min_size=5, max_size=25))
def test_as_of_is_the_world_replayed_to_that_point(
    client: Client, journal: Journal, history: list[learning.Inbound | Event]
) -> None:
    """Whatever has happened since, each point of the past is answered as if it had ended there."""
    empty(journal)
    world = World()
    points: list[tuple[datetime, dict[str, Any]]] = []
    for item in [organization(), certificate(1), *history]:
        tell(journal, item)
        if isinstance(item, learning.Inbound):
            world.given(item)
        else:
            world.append(item)
        points.append((now(journal), {user_id: seen(world, user_id) for user_id in USERS}))
    members = [(user_id, world.progress.get(MEMBERS, ORGANIZATION, user_id)) for user_id in USERS]
    for user_id in (one for one, member in members if member is None or not member.erased):
        for at, then in points:
            assert timeless(activity(client, user_id, at)) == then[user_id]


def seen(world: World, user_id: str) -> Any:
    return timeless(msgspec.json.decode(msgspec.json.encode(world.activity(user_id))))


def timeless(shown: Any) -> Any:
    """An activity without what a clock or a template has said."""
    for earned in (*shown["badges"]["earned"], *shown["certificates"]["earned"]):
        del earned["granted_at"]
    for one in shown["sessions_without_feedback"]:
        del one["feedback_url"]
    return shown
