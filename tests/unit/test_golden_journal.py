"""What achievements has stored once can be read for ever; see tests/golden/README.md."""

import json
from hashlib import sha256

import pytest
from msgspec import structs

from projections.entitlement import Due
from schemas.cloudevents import CloudEvent
from schemas.journal import EVENT_TYPES
from services.achievements.granting import award_stream
from services.achievements.recording import route
from services.journal import Entry, StructMapper, stream_id
from tests.golden.__main__ import JOURNAL, SUMS
from tests.golden.stored_events import STORED_EVENTS, stored_name
from tests.unit.test_schemas_samples import NINE, SAMPLES, taken

MAPPER = StructMapper(EVENT_TYPES)
STREAM = stream_id("acme", "test", "golden")


def sums() -> dict[str, str]:
    """The sum of each golden file that there ever was."""
    lines = (line.split("  ") for line in SUMS.read_text().splitlines())
    return {name: digest for digest, name in lines}


def test_every_stored_name_has_its_golden_file() -> None:
    """Each name that can be stored has a file, and each file tells what was stored under such a name."""
    files = {file.name.removesuffix(".json") for file in JOURNAL.iterdir()}
    assert files == STORED_EVENTS.keys()
    assert {stored_name(name) for name in files} == EVENT_TYPES.keys()


def test_every_field_has_its_golden_file() -> None:
    """Each field is in some file of its event, and where fields are optional a sparse file has none of them."""
    for name, cls in EVENT_TYPES.items():
        files = [JOURNAL / f"{one}.json" for one in STORED_EVENTS if stored_name(one) == name]
        stored: set[str] = set().union(*(json.loads(file.read_bytes()) for file in files))
        assert stored == set(cls.__struct_fields__)
        if cls.__struct_defaults__:
            sparse = json.loads((JOURNAL / f"{name}.sparse.json").read_bytes())
            assert sparse.keys() == {one.name for one in structs.fields(cls) if one.required}


def test_no_golden_file_disappears_or_changes() -> None:
    """The bytes of each golden file are those that it began with."""
    assert sums() == {
        file.name: sha256(file.read_bytes()).hexdigest() for file in JOURNAL.iterdir()
    }


@pytest.mark.parametrize("name", STORED_EVENTS)
def test_what_was_stored_is_read_as_it_was_meant(name: str) -> None:
    """Bytes stored once are read as the event that was meant."""
    stored = (JOURNAL / f"{name}.json").read_bytes()
    event = MAPPER.decode(stored_name(name), stored)
    assert event == STORED_EVENTS[name]
    assert type(event) is type(STORED_EVENTS[name])


@pytest.mark.parametrize("name", STORED_EVENTS)
def test_what_is_stored_today_are_the_same_bytes(name: str) -> None:
    """Today's events are stored under the same names as the same bytes; one that isn't any more needs a new name."""
    stored = MAPPER.to_stored_event(Entry(STREAM, 7, STORED_EVENTS[name]))
    assert stored.topic == stored_name(name)
    assert stored.state == (JOURNAL / f"{name}.json").read_bytes()
    assert (stored.originator_id, stored.originator_version) == (STREAM, 7)
    assert MAPPER.to_domain_event(stored) == Entry(STREAM, 7, STORED_EVENTS[name])


def test_a_name_stands_for_one_class() -> None:
    """No class is stored under two names: which of them to write would be left to chance."""
    assert len(set(EVENT_TYPES.values())) == len(EVENT_TYPES)


def test_what_later_code_adds_is_passed_over() -> None:
    """While versions run side by side, the older reads past fields that only the newer knows."""
    stored = (JOURNAL / "member-erased.1.json").read_bytes()
    newer = stored[:-1] + b',"why":{"said":null}}'
    assert MAPPER.decode("member-erased.1", newer) == STORED_EVENTS["member-erased.1"]


HEAD = "accb4699-6fcf"  # a hash of the organization
STREAMS = [
    ("OrganizationConfigured", f"{HEAD}-85f3-9db0-d3446c5e0f3b"),
    ("ProgramConfigured", f"{HEAD}-8419-962a-0cc867ccce7f"),
    ("ManualAward", f"{HEAD}-8419-962a-0cc867ccce7f"),
    ("SessionCompleted", f"{HEAD}-8018-a3e7-809b6623810d"),
    ("FeedbackSubmitted", f"{HEAD}-8018-a3e7-809b6623810d"),
    ("MemberRegistered", f"{HEAD}-80bf-8623-1c30f6c45d10"),
    ("AwardRevoked", SAMPLES["AwardRevoked"]["award_id"]),
]


@pytest.mark.parametrize(("name", "originator_id"), STREAMS)
def test_a_thing_keeps_its_stream(name: str, originator_id: str) -> None:
    """The id of a stream follows from what it is about, the same way for ever: journals out there hold it."""
    assert str(route(taken(name, SAMPLES[name])).originator_id) == originator_id
    beyond_ascii = stream_id("日本", "member", "ada")
    assert str(beyond_ascii) == "0c878e35-b59d-8eeb-9d85-8f0f4338c126"


@pytest.mark.parametrize(
    ("code", "program_id", "number", "award_id"),
    [
        ("mentor", "", 1, f"{HEAD}-8772-86f8-6ba44408781f"),
        ("certificate", "p1", 2, f"{HEAD}-83d1-ac6c-9c0f76b7bdcf"),
    ],
)
def test_an_award_keeps_its_id(code: str, program_id: str, number: int, award_id: str) -> None:
    """The id of an award follows from member, achievement and grant, the same way for ever."""
    due = Due("acme", "ada", code, program_id, "automatic", NINE, None, number)
    assert str(award_stream(due)) == award_id


def test_an_event_keeps_its_cause() -> None:
    """The hash of source and id stays the same: by it an event is known again, however late it comes."""
    data = STORED_EVENTS["member-erased.1"]
    event = CloudEvent("/platform/sessions", "e1", data)
    assert event.cause == "04699f19194219f879187b3974c230e0"
    assert CloudEvent("/日本", "é", data).cause == "b69e9e8834540becf0545797d1f06a2e"
