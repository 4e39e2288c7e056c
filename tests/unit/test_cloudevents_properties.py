"""Whatever comes in, an event or a refusal comes out; whatever is true comes through whole."""

import json
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import UNSET, UnsetType

from schemas import checks, learning
from schemas.cloudevents import CloudEvent, RefusedError, encode_structured, names_in
from schemas.learning import INBOUND_TYPES, Inbound
from tests.unit.test_schemas_samples import (
    SAMPLES,
    STRUCTURED,
    Headers,
    binary_headers,
    decode,
    envelope,
    to_bytes,
)

CODES_OF_DECODING: Final = {
    "too_large",
    "not_json",
    "not_cloudevent",
    "unknown_type",
    "invalid_data",
}

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
ids = st.text(
    st.characters(
        exclude_categories=("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"),
        exclude_characters=":/",
        include_characters=" ",
    ),
    min_size=1,
    max_size=128,
).filter(lambda value: value not in {".", "..", "me"})
hexadecimal = st.text(string.hexdigits, min_size=6, max_size=6)
instants = st.datetimes(timezones=st.just(UTC))

OF_TYPES: Final[Mapping[Any, SearchStrategy[Any]]] = {
    learning.Id: ids,
    learning.Text: text,
    learning.DisplayName: text.filter(bool),
    learning.Email: st.from_regex(r"[a-z0-9.+é]{1,64}@[a-z0-9.é]{1,99}", fullmatch=True),
    learning.Locale: st.from_regex(r"[a-z]{2}(-[A-Z]{2})?", fullmatch=True),
    learning.Timezone: st.sampled_from(sorted(available_timezones() - {"localtime"})),
    learning.AssetId: st.binary(min_size=32, max_size=32).map(lambda b: "sha256:" + b.hex()),
    learning.Colour: hexadecimal.map(lambda digits: f"#{digits}"),
    learning.RequiredSessions: st.integers(1, 10_000),
    datetime: instants,
    bool: st.booleans(),
    NoneType: st.none(),
    UnsetType: st.just(UNSET),
}


def values(hint: Any) -> SearchStrategy[Any]:
    """All that a field with this annotation may hold."""
    if hint in OF_TYPES:
        return OF_TYPES[hint]
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(*map(values, get_args(hint)))
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if get_origin(hint) is Annotated:
        return values(get_args(hint)[0])
    return st.lists(values(get_args(hint)[0]), min_size=1, max_size=20).map(tuple)


def facts(cls: type[Inbound]) -> SearchStrategy[Inbound]:
    """Any right fact of a type."""
    fields = {
        name: values(hint)
        for name, hint in get_type_hints(cls, include_extras=True).items()
        if hint is not learning.Participant and name != "participants"
    }
    if cls is not learning.SessionCompleted:
        return st.builds(cls, **fields)
    roles = values(learning.Role)
    people = st.lists(
        st.builds(learning.Participant, ids, roles),
        min_size=1,
        max_size=20,
        unique_by=lambda person: person.user_id,
    ).map(tuple)
    pair = people.filter(lambda some: len(some) >= 2).map(lambda some: some[:2])
    one_to_one = fields | {"program_type": st.just("one_to_one"), "participants": pair}
    others = fields | {
        "program_type": st.sampled_from(("group", "development")),
        "participants": people,
    }
    return st.one_of(st.builds(cls, **one_to_one), st.builds(cls, **others))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["\ud800", "\0", "", "2026-01-01T00:00:00Z", "one_to_one", "mentor"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4)
    ),
    max_leaves=8,
)
headers: SearchStrategy[Headers] = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "ce_id", "ce_type", "CE_source", "ce_time", "ce_", "x"])
        | text,
        st.none() | st.binary(max_size=20) | st.sampled_from([b"1.0", b"application/cloudevents"]),
    ),
    max_size=6,
).map(tuple)


def event_or_refusal(
    value: bytes | None, with_headers: Headers
) -> CloudEvent[Inbound] | RefusedError:
    """What decoding gives or raises."""
    try:
        return decode(value, with_headers)
    except RefusedError as error:
        return error


def comes_out(value: bytes | None, with_headers: Headers) -> None:
    """Decodes; any other exception fails the test. Whoever is named can be told, too."""
    type_, organization_id, users = names_in(value, with_headers)
    for name in (type_, organization_id, *users):
        assert name is None or checks.text_problem(name) is None
    result = event_or_refusal(value, with_headers)
    if isinstance(result, RefusedError):
        assert result.code in CODES_OF_DECODING
        assert len(result.detail.encode()) > 0
    else:
        data = result.data
        assert isinstance(data, INBOUND_TYPES)
        assert (type_, organization_id) == (f"{type(data).__name__}.v1", data.organization_id)


@settings(deadline=None)
@given(st.none() | st.binary(), headers)
def test_any_bytes(value: bytes | None, with_headers: Headers) -> None:
    """Any bytes with any headers give an event or a refusal with a code of the contract, never anything else."""
    comes_out(value, with_headers)


@settings(deadline=None)
@given(json_values, headers, st.booleans())
def test_any_json(document: Any, with_headers: Headers, is_escaped: bool) -> None:
    """Any JSON, or what Python writes for it, gives an event or a refusal."""
    written = json.dumps(document, ensure_ascii=is_escaped).encode("utf-8", "surrogatepass")
    comes_out(written, with_headers)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.dictionaries(
        st.sampled_from(sorted({field for sample in SAMPLES.values() for field in sample})),
        json_values,
        max_size=4,
    ),
    st.dictionaries(
        st.sampled_from(["specversion", "id", "source", "type", "time", "data", "x"]),
        json_values,
        max_size=2,
    ),
)
def test_any_change_of_a_right_message(
    name: str, fields: dict[str, Any], attributes: dict[str, Any]
) -> None:
    """A right message with anything in any of its fields gives an event or a refusal."""
    document = envelope(name, SAMPLES[name] | fields) | attributes
    comes_out(to_bytes(document), STRUCTURED)
    comes_out(to_bytes(SAMPLES[name] | fields), binary_headers(name))


@settings(deadline=None)
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3)), min_size=1, max_size=4),
)
def test_any_damage_to_a_right_message(name: str, damages: list[tuple[float, bytes]]) -> None:
    """A right message with bytes replaced anywhere gives an event or a refusal."""
    value = to_bytes(envelope(name, SAMPLES[name]))
    for where, damage in damages:
        at = int(where * len(value))
        value = value[:at] + damage + value[at + max(1, len(damage)) :]
    comes_out(value, STRUCTURED)


@pytest.mark.parametrize("cls", INBOUND_TYPES, ids=lambda cls: cls.__name__)
@settings(deadline=None, max_examples=25)
@given(st.data(), text.filter(bool), text.filter(bool), instants)
def test_any_fact_comes_through(
    cls: type[Inbound], data: st.DataObject, source: str, id_: str, time: datetime
) -> None:
    """Any right fact, written as an event, is read back as the same fact of the same event, in both modes."""
    fact = data.draw(facts(cls))
    value, written = encode_structured(source, id_, time, fact)
    assert decode(value, tuple(written)) == CloudEvent(source, id_, fact)
    assert decode(value, ()) == CloudEvent(source, id_, fact)
    raw = to_bytes(json.loads(value)["data"])
    assert decode(raw, binary_headers(cls.__name__, source=source, id=id_)) == CloudEvent(
        source, id_, fact
    )
