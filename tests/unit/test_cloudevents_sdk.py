"""The official CloudEvents SDK as a second opinion, where both are strict.

It is laxer in places: it makes up a missing specversion, id and time, takes NaN for JSON and more forms of time.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka, to_binary, to_structured
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as OfficialEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import awards
from schemas.awards import OUTBOUND_TYPES, Outbound
from schemas.cloudevents import Decoder, RefusedError, encode_structured
from schemas.learning import INBOUND_TYPES, Inbound
from tests.unit.test_cloudevents_properties import event_or_refusal, facts, instants, text
from tests.unit.test_schemas_samples import LOGO, NINE, SAMPLES, decode, envelope, to_bytes

OURS: Final[tuple[Outbound, ...]] = (
    awards.AwardGranted(
        award_id="a1",
        kind="badge",
        code="mentor",
        organization_id="acme",
        organization_name="Acmé",
        user_id="ada",
        title="Mentor",
        text="日本",
        colour="#1d4f91",
        criteria="Completed 10 sessions.",
        earned_at=NINE,
        granted_at=datetime(2026, 3, 1, 9, 30, 0, 250_000, tzinfo=UTC),
        how="automatic",
        timezone="UTC",
    ),
    awards.AwardGranted(
        award_id="a2",
        kind="certificate",
        code="certificate",
        organization_id="acme",
        organization_name="Acme",
        program_id="p1",
        program_name="Spring",
        user_id="ada",
        title="Spring certificate",
        text="",
        colour="#0a5c36",
        banner=LOGO,
        logo=LOGO,
        criteria="Awarded by the administrators of Spring.",
        earned_at=NINE,
        granted_at=NINE,
        how="manual",
        timezone="Europe/Paris",
        linkedin_organization_id="1337",
    ),
    awards.AwardWithdrawn(award_id="a1", organization_id="acme", user_id="ada", at=NINE),
    awards.RecipientErased(organization_id="acme", user_id="ada", at=NINE),
    awards.AvailabilityChanged(organization_id="acme", badges=True, certificates=False, at=NINE),
)


def official(value: bytes, headers: dict[str, bytes]) -> BaseCloudEvent:
    """The event as the SDK reads it."""
    return from_kafka(KafkaMessage(headers=headers, key=None, value=value), JSONFormat())


def read(value: bytes, headers: dict[str, bytes]) -> Any:
    """The event as we read it."""
    return decode(value, tuple(headers.items()))


@pytest.mark.parametrize("data", OURS, ids=lambda data: type(data).__name__)
def test_the_sdk_accepts_what_we_send(data: Outbound) -> None:
    """Each outbound event is one for the SDK, with our id, source, type, time and data; and for ourselves."""
    value, headers = encode_structured("/achievements", "s:1", NINE, data)
    event = official(value, dict(headers))
    assert (event.get_specversion(), event.get_id(), event.get_source()) == (
        "1.0",
        "s:1",
        "/achievements",
    )
    assert event.get_type() == f"{type(data).__name__}.v1"
    assert event.get_time() == NINE
    assert event.get_datacontenttype() == "application/json"
    assert event.get_data() == json.loads(value)["data"]
    assert Decoder[Outbound](OUTBOUND_TYPES).decode(value, headers).data == data


def test_every_outbound_type_is_among_them() -> None:
    """All types that we send are shown to the SDK."""
    assert {type(data) for data in OURS} == set(OUTBOUND_TYPES)


def test_what_is_not_there_is_not_sent() -> None:
    """Optional fields without a value are absent, not null, and times end in Z."""
    value, headers = encode_structured("/achievements", "s:1", NINE, OURS[0])
    document = json.loads(value)
    assert document["time"] == "2026-03-01T09:30:00Z"
    assert document["data"]["granted_at"] == "2026-03-01T09:30:00.250000Z"
    assert document["data"].keys() == set(awards.AwardGranted.__struct_fields__) - {
        *("program_id", "program_name", "banner", "logo", "linkedin_organization_id"),
        *("count", "first_at"),
    }
    assert headers == [("content-type", b"application/cloudevents+json")]


@pytest.mark.parametrize("cls", INBOUND_TYPES, ids=lambda cls: cls.__name__)
@settings(deadline=None, max_examples=20)
@given(st.data(), text.filter(bool), text.filter(bool), instants)
def test_we_read_what_the_sdk_writes(
    cls: type[Inbound], data: st.DataObject, source: str, id_: str, time: datetime
) -> None:
    """An event that the SDK writes, in either mode, is the same event with the same data for us."""
    fact = data.draw(facts(cls))
    value, _ = encode_structured(source, id_, time, fact)
    attributes = {
        "id": id_,
        "source": source,
        "type": f"{cls.__name__}.v1",
        "time": time,
        "datacontenttype": "application/json",
    }
    event = OfficialEvent(attributes, json.loads(value)["data"])
    for write in (to_structured, to_binary):
        message = write(event, JSONFormat())
        ours = read(message.value, message.headers)
        assert (ours.source, ours.id, ours.data) == (source, id_, fact)


attribute_names = st.sampled_from(["specversion", "id", "source", "type", "subject", "extension"])
strict_values = text | st.integers() | st.booleans() | st.none() | st.lists(text)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.dictionaries(attribute_names, strict_values, max_size=3),
    st.sampled_from([None, "source", "type", "data", "time"]),
)
def test_the_same_envelopes_are_right(
    name: str, changes: dict[str, Any], missing: str | None
) -> None:
    """An event for the SDK is the same event for us: of the same id, source and type."""
    document = envelope(name, SAMPLES[name]) | changes
    if missing is not None:
        document.pop(missing)
    value = to_bytes(document)
    try:
        theirs = official(value, {"content-type": b"application/cloudevents+json"})
    except CloudEventValidationError:
        return
    ours = event_or_refusal(value, ())
    if isinstance(ours, RefusedError):
        unknown = theirs.get_type() != f"{name}.v1"
        assert ours.code == ("unknown_type" if unknown else "invalid_data")
        assert unknown or missing == "data"
    else:
        assert (ours.id, ours.source) == (theirs.get_id(), theirs.get_source())
        assert f"{type(ours.data).__name__}.v1" == theirs.get_type()


@pytest.mark.parametrize(
    "attributes",
    [
        *({"specversion": "0.9"}, {"source": ""}, {"type": ""}, {"id": 1}, {"source": None}),
        *({"type": []}, {"time": "2026-03-01T09:30:00"}, {"time": "yesterday"}),
    ],
)
def test_both_refuse(attributes: dict[str, Any]) -> None:
    """What the SDK holds for no event is none for us."""
    value = to_bytes(envelope("MemberErased", SAMPLES["MemberErased"], **attributes))
    with pytest.raises((CloudEventValidationError, ValueError)):
        official(value, {"content-type": b"application/cloudevents+json"})
    with pytest.raises(RefusedError, match="not_cloudevent"):
        read(value, {})
