"""The short way of decoding says the same as the long way, or nothing."""

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.cloudevents import CloudEvent, Decoder, RefusedError
from schemas.learning import INBOUND_TYPES, Inbound
from schemas.usual import UsualDecoder
from tests.unit.test_schemas_samples import SAMPLES
from tests.unit.test_schemas_samples import envelope as envelope_of

SHORT = UsualDecoder[Inbound](INBOUND_TYPES)
DECODER = Decoder[Inbound](INBOUND_TYPES)
ANOTHER_WAY_OF_SAYING_IT = (
    ("ce-irrelevant", b""),
    ("content-type", b"application/cloudevents+json"),
)

VALUES: list[Any] = [
    *("", ".", "..", "me", "a:b", "a/b", "x" * 128, "x" * 129, "é", "\0", "\x7f", "\ud800", "a b", "1.0", "UTC", "#12345g"),
    *("mentor", "group", "sha256:00", "a@b", 0, 1, 10_001, -1, 5.0, 1e400, 10**30, True, None, [], {}, ["ada", "ada"], [None]),
]  # fmt: skip
TIMES = [
    date + separator + time + fraction + offset
    for date in ("2026-03-01", "0001-01-01", "9999-12-31", "2026-02-30", "2026-3-1")
    for separator in ("T", "t", " ", "_", "\\u0020")
    for time in ("09:30:00", "09:30:60", "24:00:00", "09:30", "0930")
    for fraction in ("", ".5", ".123456", ".1234567", ".9999999", ".0000000001", ",5", ".")
    for offset in ("Z", "z", "", "+00:00", "-00:00", "+0000", "-0000", "+00", "+01:00", "+0100", "+24:00", " Z")
]  # fmt: skip


def envelope(name: str) -> dict[str, Any]:
    return envelope_of(name, copy.deepcopy(SAMPLES[name]))


def compare(value: bytes) -> bool:
    """Holds both ways side by side; tells whether the short one took the message."""
    short = SHORT.decode(value)
    if short is not None:
        assert DECODER._decode(value, None) == short
    return short is not None


def names_and_places(document: Any) -> list[tuple[Any, Any]]:
    """All places in a document where a value could be another one."""
    places: list[tuple[Any, Any]] = []
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, inner in items:
        places.append((document, key))
        if isinstance(inner, dict | list):
            places += names_and_places(inner)
    return places


@pytest.mark.parametrize("name", SAMPLES)
def test_usual_messages_go_the_short_way(name: str) -> None:
    """Each type's usual message goes the short way, with and without spaces between its parts."""
    for separators in ((",", ":"), (", ", ": ")):
        text = json.dumps(envelope(name), separators=separators)
        assert compare(text.replace("10:30:00+01:00", "09:30:00Z").encode())


@pytest.mark.parametrize("name", SAMPLES)
def test_other_values(name: str) -> None:
    """Whatever stands in place of any value, or beside it, is taken the same or not at all."""
    for at in range(len(names_and_places(envelope(name)))):
        for value in VALUES:
            document = envelope(name)
            inside, key = names_and_places(document)[at]
            inside[key] = value
            compare(json.dumps(document).encode())
            compare(json.dumps(document, ensure_ascii=False).encode(errors="surrogatepass"))
        document = envelope(name)
        inside, key = names_and_places(document)[at]
        if isinstance(inside, dict):
            inside["unknown"] = 1
            assert not compare(json.dumps(document).encode())
            del inside["unknown"], inside[key]
            compare(json.dumps(document).encode())


def test_other_times() -> None:
    """Whatever form a time has, it is taken for the same instant or not at all."""
    taken = 0
    for time in TIMES:
        for field in ("time", "data"):
            document = envelope("FeedbackSubmitted")
            inside, key = (
                (document, "time") if field == "time" else (document["data"], "submitted_at")
            )
            inside[key] = "TIME"
            taken += compare(json.dumps(document).replace("TIME", time).encode())
    assert 0 < taken < len(TIMES)


@settings(max_examples=500)
@given(st.sampled_from(sorted(SAMPLES)), st.randoms(use_true_random=False), st.binary(max_size=4))
def test_other_bytes(name: str, choice: random.Random, splice: bytes) -> None:
    """Whatever bytes are put over those of a message, it is taken the same or not at all."""
    value = json.dumps(envelope(name)).encode()
    start = choice.randrange(len(value))
    compare(value[:start] + splice + value[start + choice.randrange(6) :])


def test_what_is_nested_too_deep() -> None:
    """Depth ends neither way with anything but a refusal."""
    deep = json.dumps(envelope("MemberErased")).replace('"ada"', "[" * 100_000).encode()
    with pytest.raises(RefusedError):
        DECODER.decode(deep, ())


def test_both_ways_give_events() -> None:
    """What goes the long way for its headers alone is the same event."""
    value = json.dumps(envelope("MemberErased")).encode()
    events = [DECODER.decode(value, headers) for headers in ((), ANOTHER_WAY_OF_SAYING_IT)]
    assert isinstance(events[0], CloudEvent)
    assert events[0] == events[1]


def test_types_that_pass_over_unknown_fields_are_refused() -> None:
    """A type that would let msgspec pass over unknown fields can't be decoded so."""
    lax = type("Lax", (Inbound,), {"__annotations__": {"note": str}}, forbid_unknown_fields=False)
    with pytest.raises(TypeError, match="Lax must forbid unknown fields"):
        UsualDecoder([lax])
