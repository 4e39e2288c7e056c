"""Everything derived again by a way of its own: clean where all is well, and finding whatever is not."""

import json
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import learning
from schemas.journal import BadgeThresholdSet, Event
from services.achievements.grants import advance
from services.achievements.recording import platform_stream
from services.achievements.verifying import Difference, verify
from services.journal import Entry, Journal, stream_id
from tests.histories import thresholds, whatever
from tests.integration.operating import run
from tests.integration.service import append, empty, migrated, project, take
from tests.integration.test_granting import LOW
from tests.scenario import (
    World,
    by_hand,
    certificate,
    erased,
    feedback,
    joined,
    organization,
    registered,
    revoked,
    session,
)


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as its_journal:
        yield its_journal


def differences(journal: Journal) -> list[Difference]:
    return verify(journal, lambda _done, _of: None).differences


def told(history: list[learning.Inbound | Event]) -> list[Entry]:
    """A history as the journal would have it, each event in its stream."""
    world = World()
    for item in history:
        if isinstance(item, BadgeThresholdSet):
            own = item.organization_id
            stream = stream_id(own, "organization") if own else platform_stream()
            world._append(stream, item)
        elif isinstance(item, learning.Inbound):
            world.take(item)
    return world.journal


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.one_of(whatever, whatever, whatever, thresholds), min_size=5, max_size=60),
    st.lists(st.integers(1, 30), min_size=1, max_size=20),
)
def test_whatever_happened_is_verified(
    journal: Journal, history: list[learning.Inbound | Event], limits: list[int]
) -> None:
    """All rules at once: what the projection built and granted of any history is just what the rules, written down a
    second time, make of it; half way through, too."""
    empty(journal)
    append(journal, told([*LOW, organization(), *history]))
    with journal.transaction() as connection:
        advance(journal, connection, sum(limits) // 3)
    assert differences(journal) == []
    project(journal, chain(limits, repeat(limits[-1])))
    assert differences(journal) == []


@pytest.fixture
def rich(journal: Journal) -> Journal:
    """A journal with something in every read model."""
    take(
        journal,
        organization(),
        learning.ProgramConfigured(
            organization_id="acme", program_id="p1", program_type="one_to_one", name="Spring"
        ),
        certificate(2),
        registered("mia", "mentor"),
        joined("ann"),
        *(session(n) for n in range(1, 11)),
        *(feedback(n) for n in range(1, 4)),
        by_hand("ann", program="p2"),
    )
    take(journal, *(session(n, "zoe", "eve", at=None) for n in range(11, 21)), erased("eve"))
    project(journal, repeat(1_000))
    assert differences(journal) == []
    return journal


def change(journal: Journal, statement: str) -> None:
    with journal.connection() as connection:
        connection.execute(statement)


GRANT = "topic = 'award-granted.1' AND convert_from(state, 'utf8') LIKE '%\"mentor\"%mia%'"
TAMPERINGS = {
    "an organization": "UPDATE organization SET badges = false",
    "a threshold": "INSERT INTO badge_threshold VALUES ('', 'mentor', 4)",
    "a program": "UPDATE program SET name = 'Autumn'",
    "a certificate": "UPDATE certificate SET required_sessions = 3",
    "a counter": "UPDATE member SET sessions_as_mentor = 11 WHERE user_id = 'mia'",
    "a role": "UPDATE member SET registered_mentor = false WHERE user_id = 'mia'",
    "an erasure": "UPDATE member SET erased = true WHERE user_id = 'mia'",
    "a member lost": "DELETE FROM member WHERE user_id = 'mia'",
    "a member made up": "INSERT INTO member SELECT 'acme', 'bob', f, f, f, f, f, 0, 0, 0 FROM (VALUES (false)) AS v (f)",
    "a program's counter": "UPDATE enrolment SET sessions_counted = 4 WHERE user_id = 'mia'",
    "a session lost": "DELETE FROM session WHERE session_id = 's1'",
    "feedback": "UPDATE session SET feedback_by = '{}', feedback_at = '{}' WHERE session_id = 's1'",
    "a participation": "UPDATE participation SET feedback_counts_at = now() WHERE user_id = 'mia' AND session_id = 's1'",
    "an award lost": "DELETE FROM award WHERE user_id = 'mia' AND code = 'mentor'",
    "an award's instant": "UPDATE award SET earned_at = now() WHERE user_id = 'mia' AND code = 'mentor'",
    "a revocation": "UPDATE award SET revoked = true WHERE user_id = 'mia' AND code = 'mentor'",
    "what waits": "DELETE FROM waiting_award WHERE user_id = 'ann'",
    "an organization made up": "INSERT INTO program VALUES ('ghost', 'p1', 'one_to_one', 'Boo', NULL)",
    "a grant lost": f"DELETE FROM journal WHERE {GRANT}",
    "a grant's instant": f"UPDATE journal SET state = convert_to(replace(convert_from(state, 'utf8'), '2026-01-11', '2026-01-12'), 'utf8') WHERE {GRANT}",
    "a grant's first instant": f"UPDATE journal SET state = convert_to(replace(convert_from(state, 'utf8'), '2026-01-02', '2026-01-01'), 'utf8') WHERE {GRANT}",
    "a grant's threshold": f"UPDATE journal SET state = convert_to(replace(convert_from(state, 'utf8'), '\"threshold\":10', '\"threshold\":9'), 'utf8') WHERE {GRANT}",
    "a grant's stream": f"UPDATE journal SET originator_id = gen_random_uuid() WHERE {GRANT}",
    "a fact lost": "DELETE FROM journal WHERE topic = 'session-completed.1' AND convert_from(state, 'utf8') LIKE '%\"s1\"%'",
}
MIAS = {
    "a counter": "member",
    "a member lost": "member",
    "a program's counter": "enrolment",
    "a participation": "participation",
    "an award lost": "award",
    "an award's instant": "award",
    "a grant lost": "grant",
    "a grant's instant": "grant",
    "a grant's first instant": "grant",
    "a grant's threshold": "grant",
    "a fact lost": "grant",
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_every_tampering_is_found(rich: Journal, what: str) -> None:
    """Whatever is changed in a read model or in the journal is found, and said of whom."""
    change(rich, TAMPERINGS[what])
    found = differences(rich)
    assert found
    if what in MIAS:
        assert ("acme", "mia", MIAS[what]) in {
            (one.organization_id, one.user_id, one.what) for one in found
        }


def test_a_second_grant_is_found(rich: Journal) -> None:
    """An award granted twice is found, wherever the second one lies."""
    change(
        rich,
        f"""
        INSERT INTO journal (originator_id, originator_version, topic, state, recorded_at)
        SELECT originator_id, 2, topic, state, recorded_at FROM journal WHERE {GRANT}
        """,
    )
    assert [(one.user_id, one.what) for one in differences(rich)] == [("mia", "grant")]


def test_grants_of_before_are_verified(rich: Journal) -> None:
    """Grants stored before the first instant was noted differ in nothing."""
    change(
        rich,
        """
        UPDATE journal SET state =
            convert_to(regexp_replace(convert_from(state, 'utf8'), '"first_at":"[^"]*",', ''), 'utf8')
        WHERE topic = 'award-granted.1'
        """,
    )
    assert differences(rich) == []


def test_what_is_revoked_and_awarded_again_is_verified(rich: Journal) -> None:
    """Rule 20: a certificate that was revoked is not due again by itself, but by hand."""
    with rich.connection() as connection:
        row = connection.execute(
            "SELECT award_id FROM award WHERE user_id = 'mia' AND code = 'certificate'"
        ).fetchone()
    assert row is not None
    take(rich, revoked(row[0]), session(30, "mia", "kim"), feedback(30, "kim"))
    project(rich, repeat(3))
    assert differences(rich) == []
    take(rich, by_hand("mia"))
    project(rich, repeat(3))
    assert differences(rich) == []


def test_verify_says_what_differs(rich: Journal) -> None:
    """The contract: `verify` ends with status 0 where all is well, else with 1, and prints the differences by member."""
    clean = run(rich, "verify", "--json")
    assert (clean.exit_code, json.loads(clean.stdout)) == (0, {"differences": []})
    change(rich, "UPDATE member SET people_met = 7 WHERE user_id = 'mia'")
    found: Any = run(rich, "verify", "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (
        1,
        {
            "differences": [
                {
                    "organization_id": "acme",
                    "user_id": "mia",
                    "what": "member",
                    "key": {},
                    "expected": {"people_met": 1},
                    "found": {"people_met": 7},
                }
            ]
        },
    )
    said = run(rich, "verify").stdout
    assert "acme, mia: member must be people_met 1, is people_met 7" in said
