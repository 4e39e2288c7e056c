"""From a fact to the awards that it completed, and back. Product rule 17."""

import json
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import pytest

from schemas import learning
from schemas.cloudevents import encode_structured
from services.achievements.intake import Intake
from services.journal import Journal
from services.kafka import Message
from tests.integration.operating import run
from tests.integration.service import migrated, project
from tests.scenario import START, by_hand, certificate, feedback, joined, organization, session

SOURCE = "/platform"


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as its_journal:
        yield its_journal


def consume(journal: Journal, **facts: learning.Inbound) -> None:
    """Takes in facts under these event ids, each in a batch of its own, and grants what is due."""
    for id_, fact in facts.items():
        value, headers = encode_structured(SOURCE, id_, START, fact)
        work = Intake(journal)([Message("topic", 0, 0, None, value, headers)])
        with journal.transaction() as connection:
            work(connection)
        project(journal, repeat(100))


def traced(journal: Journal, *arguments: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The events found by their stored names, and the awards each completed: whose, and of what."""
    done = run(journal, "trace", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return [
        (fact["name"], [(award["user_id"], award["code"]) for award in fact["completed"]])
        for fact in json.loads(done.stdout)["facts"]
    ]


def test_from_a_fact_to_its_awards_and_back(journal: Journal) -> None:
    """Whatever completed an award is found from the award, and the award from it: a session, feedback, an award by
    hand, settings that made it available."""
    consume(
        journal,
        org=organization(),
        certificate=certificate(1),
        **{f"s{n}": session(n) for n in range(1, 12)},
        late=feedback(3),
        hand=by_hand("zoe"),
    )
    assert traced(journal, "--session", "acme/s9") == [("session-completed.1", [])]
    both = [("mia", "mentor"), ("ben", "mentee")]
    assert traced(journal, "--session", "acme/s10") == [("session-completed.1", both)]
    certified = [("mia", "certificate"), ("ben", "certificate")]
    assert traced(journal, "--session", "acme/s3") == [
        ("session-completed.1", []),
        ("feedback-submitted.1", certified),
    ]
    assert traced(journal, "--event", SOURCE, "hand") == [
        ("awarded-by-hand.1", [("zoe", "certificate")])
    ]
    for award in facts(journal, "--session", "acme/s10")[0]["completed"]:
        (found,) = facts(journal, "--award", award["award_id"])
        assert found["event"]["session_id"] == "s10"
        assert award in found["completed"]
        assert award["position"] > found["position"]


def facts(journal: Journal, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(journal, "trace", *arguments, "--json").stdout)[
        "facts"
    ]
    return found


def test_what_becomes_available_is_traced_to_the_settings(journal: Journal) -> None:
    """Rule 2: awards that wait for an organization's plan are completed by the settings that changed it."""
    consume(journal, **{f"s{n}": session(n) for n in range(1, 11)})
    consume(journal, free=organization("free"), paid=organization())
    assert traced(journal, "--event", SOURCE, "free") == [("organization-configured.1", [])]
    assert traced(journal, "--event", SOURCE, "paid") == [
        ("organization-configured.1", []),
        ("availability-changed.1", [("ben", "mentee"), ("mia", "mentor")]),
    ]


def test_words_for_operators(journal: Journal) -> None:
    """What is found is told in a line for each event, and one for each award with its id, whose and since when."""
    consume(journal, org=organization(), certificate=certificate(None), hand=by_hand("zoe"))
    (award,) = facts(journal, "--event", SOURCE, "hand")[0]["completed"]
    first, second = run(journal, "trace", "--award", award["award_id"]).stdout.splitlines()
    assert first.startswith("position 4, ")
    assert first.endswith(" UTC: awarded-by-hand.1, organization acme, program p1")
    assert second == (
        f"  completed award {award['award_id']} at position 5: certificate of p1 of zoe in acme,"
        " earned 2026-01-01 09:00 UTC"
    )


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--event", SOURCE, "nope"], 1, "The journal holds nothing of what was asked for."),
        (["--event", "/elsewhere", "join"], 1, "The journal holds nothing of what was asked for."),
        (["--session", "acme/nope"], 1, "The journal holds nothing of what was asked for."),
        (["--session", "globex/s1"], 1, "The journal holds nothing of what was asked for."),
        (["--award", "00000000-0000-8000-8000-000000000000"], 1, "The journal holds nothing"),
        (["--award", "nope"], 2, "--award nope: must be the id of an award"),
        (["--session", "acme"], 2, "--session acme: must be ORGANIZATION/SESSION"),
        ([], 2, "name one: --event"),
        (["--session", "acme/s1", "--event", "/a", "b"], 2, "name one: --event"),
    ],
)
def test_what_is_not_found(journal: Journal, arguments: list[str], status: int, said: str) -> None:
    """What the journal does not hold ends with status 1 and a hint where else to look; wrong usage with 2."""
    consume(journal, join=joined("ann"), s1=session(1))
    done = run(journal, "trace", *arguments)
    assert (done.exit_code, said in done.stderr) == (status, True), done.stderr
