"""The rules' code in memory against the oracle: random histories without Kafka, PostgreSQL and processes."""

import json
from collections.abc import Iterator

import msgspec
import pytest

from projections.activity import home as home_of
from projections.rows import MEMBERS
from schemas.cloudevents import Decoder, RefusedError, names_in
from schemas.journal import AwardGranted
from schemas.learning import INBOUND_TYPES
from tests.e2e.comparison import compare_dead_letters, compare_grants, compare_views
from tests.e2e.expected import activity, home
from tests.e2e.history import PHASES
from tests.e2e.kafka import Place, published
from tests.e2e.script import Script
from tests.oracle import Json, Oracle, Published
from tests.scenario import World

_decoder = Decoder(INBOUND_TYPES)


@pytest.mark.parametrize("seed", range(3))
def test_random_histories(seed: int) -> None:
    """A random history in a random order, with duplicates and poison, comes to just what the oracle says."""
    assert list(_differences(seed, facts=800)) == []


def _differences(seed: int, facts: int) -> Iterator[str]:
    script, oracle, world = Script(seed, facts), Oracle(), World()
    letters: dict[Place, list[Json]] = {}
    offset = granted = 0
    for number in range(len(PHASES)):
        messages = script.phase(number, oracle)
        told = [published(message, "t", 0, offset + n) for n, message in enumerate(messages)]
        offset += len(told)
        for message in told:
            code = _take(world, message)
            if code is not None:
                place = message["topic"], message["partition"], message["offset"]
                letters[place] = [_letter(message, code)]
        new = world.granted()[granted:]
        granted += len(new)
        events = [_told(world, event) for event in new]
        yield from compare_grants(oracle, oracle.take_phase(told), events)
        for person in script.people():
            yield from _differing_views(oracle, world, *person)
    yield from compare_dead_letters(oracle, letters)


def _take(world: World, message: Published) -> str | None:
    """Takes a message; gives the code of a dead letter."""
    refused = len(world.refused)
    try:
        event = _decoder.decode(message["value"], message["headers"])
    except RefusedError as error:
        return None if _is_dropped(world, message) else error.code
    world.take(event.data, event.cause)
    world.advance()
    return world.refused[-1] if len(world.refused) > refused else None


def _is_dropped(world: World, message: Published) -> bool:
    type_, organization_id, users = names_in(message["value"], message["headers"])
    found = [world.progress.get(MEMBERS, organization_id or "", user_id) for user_id in users]
    return type_ == "MemberRegistered.v1" and any(m is not None and m.erased for m in found)


def _letter(message: Published, code: str) -> Json:
    return {
        "about": {"dlq.reason": code, "dlq.detail": "in memory"},
        "key": message["key"],
        "value": message["value"],
        "headers": message["headers"],
    }


def _told(world: World, event: AwardGranted) -> Json:
    award = world.progress.awards[event.organization_id, event.user_id][event.award_id]
    told: Json = json.loads(msgspec.json.encode(event))
    return told | {"granted_at": str(award.granted_at)}


def _differing_views(
    oracle: Oracle, world: World, organization_id: str, user_id: str
) -> Iterator[str]:
    expected = activity(oracle, organization_id, user_id, "")
    for session in expected["sessions_without_feedback"]:
        session["feedback_url"] = None
    found = world.activity(user_id, organization_id)
    who = f"{organization_id} {user_id}"
    yield from compare_views(who, expected, json.loads(msgspec.json.encode(found)))
    at_home = json.loads(msgspec.json.encode(home_of(found)))
    yield from compare_views(f"{who} (home)", home(expected), at_home)
