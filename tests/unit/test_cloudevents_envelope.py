"""Messages as a whole: size, JSON, the event's envelope, both content modes; and their refusals."""

import json
from typing import Any, Final

import pytest

from schemas.cloudevents import MAX_DETAIL_CHARACTERS, MAX_VALUE_BYTES
from tests.unit.test_schemas_samples import (
    SAMPLES,
    STRUCTURED,
    Headers,
    binary_headers,
    changed,
    decode,
    envelope,
    refused,
    to_bytes,
)

ERASED: Final = SAMPLES["MemberErased"]
EVENT: Final = to_bytes(envelope("MemberErased", ERASED))


def with_unused(raw: bytes) -> bytes:
    """A right event with these bytes as the value of a field that is not used."""
    return EVENT[:-1] + b', "newer": ' + raw + b"}"


def test_the_largest_value_that_is_taken() -> None:
    """A value of 256 KiB is taken, one more byte is `too_large`, whatever it holds and in either mode."""
    limit = 256 * 1024
    assert limit == MAX_VALUE_BYTES
    assert decode(EVENT + b" " * (limit - len(EVENT))) == decode(EVENT)
    data = to_bytes(ERASED).ljust(limit)
    assert decode(data, binary_headers("MemberErased")) == decode(EVENT)
    for value in (EVENT.ljust(limit + 1), b"\xff" * (limit + 1), b"[" * 10 * limit):
        code, detail = refused(value)
        assert code == "too_large"
        assert str(len(value)) in detail
    assert refused(data + b" ", binary_headers("MemberErased"))[0] == "too_large"


NOT_JSON: Final = (
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"nan",
    b"1e999",
    b"-1e999",
    b"1" + b"0" * 309,
    b"-1" + b"0" * 5_000,
    b"01",
    b"+1",
    b".5",
    b"1.",
    b"0x10",
    b"'a'",
    b'"\x01"',
    b'"\x00"',
    b'"\\x41"',
    b'"\\u12"',
    b'"\\ud8zz"',
    b'"\xff"',
    b'"\xc3\x28"',
    b'"\xed\xa0\x80"',
    b'"\xf4\x90\x80\x80"',
    b'"\xc0\x80"',
    b"[1,]",
    b"{,}",
    b"True",
    b"undefined",
    b"/* */ 1",
    b"[" * 2_000 + b"]" * 2_000,
    b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
)


@pytest.mark.parametrize("raw", NOT_JSON)
def test_not_json(raw: bytes) -> None:
    """What RFC 8259 does not allow, NaN, numbers no double can hold and deep nesting are `not_json`, even where unused
    and beside a lone surrogate."""
    assert refused(raw)[0] == "not_json"
    assert refused(with_unused(raw))[0] == "not_json"
    assert refused(with_unused(b'["\\ud800", ' + raw + b"]"))[0] == "not_json"
    assert refused(raw, binary_headers("MemberErased"))[0] == "not_json"


@pytest.mark.parametrize(
    "value",
    [
        *(None, b"", b" ", b"\n", b"\0", b"{", b"\xff\xfe"),
        *(EVENT[:-1], EVENT + b"{}", EVENT + b"\0", b"\xef\xbb\xbf" + EVENT),
        *(EVENT.decode().encode(code) for code in ("utf-16", "utf-16-le", "utf-32")),
    ],
)
def test_no_json_value_at_all(value: bytes | None) -> None:
    """No value, an empty one, half of one, several, a byte order mark or another encoding is `not_json`."""
    for headers in (STRUCTURED, (), binary_headers("MemberErased")):
        assert refused(value, headers)[0] == "not_json"


@pytest.mark.parametrize(
    "raw",
    [
        b"1e308",
        b"-1.7976931348623157e308",
        b"1e-999",
        b"1" + b"0" * 308,
        b"18446744073709551616",
        b"-0.0",
        b'"\\ud800"',
        b'["\\udc00", "\\ud83d\\ude00", "\\ud83d\\ud83d\\ude00"]',
        b'{"\\ud800": {"\\udfff": null}}',
        b"[" * 900 + b"]" * 900,
        b'"\\u0000\\/\\b"',
    ],
)
def test_json_that_we_have_no_use_for(raw: bytes) -> None:
    """Whatever JSON holds where we don't look, lone surrogates and large numbers too, does no harm."""
    assert decode(with_unused(raw)) == decode(EVENT)
    in_data = EVENT.replace(b'"user_id"', b'"newer": ' + raw + b', "user_id"')
    assert decode(in_data) == decode(EVENT)


def test_the_last_of_equal_names_stands() -> None:
    """Of a name that is there twice the last one is taken, as most readers of JSON do."""
    assert decode(EVENT.replace(b'"data"', b'"data": 1, "data"')) == decode(EVENT)


@pytest.mark.parametrize("document", [None, True, 1, "x", [], [envelope("MemberErased", ERASED)]])
def test_an_event_is_an_object(document: Any) -> None:
    """JSON that is no object is `not_cloudevent`; so is a batch."""
    assert refused(to_bytes(document))[0] == "not_cloudevent"
    batch = (("content-type", b"application/cloudevents-batch+json"),)
    assert refused(to_bytes(document), batch)[0] == "not_cloudevent"


WRONG_ATTRIBUTES: Final[list[tuple[str, tuple[Any, ...]]]] = [
    ("specversion", ("0.3", "1.0.2", "1", "", 1.0, 1, None, True, [])),
    ("id", ("", None, 1, True, [], {}, "a\0b", "\ud800")),
    ("source", ("", None, 1, False, [], {}, "\0", "/\udfff")),
    ("type", ("", None, 1, [], {}, "\0", "MemberErased.v1\0", "\ud800")),
]


@pytest.mark.parametrize(("field", "wrongs"), WRONG_ATTRIBUTES)
def test_attributes_that_an_event_must_have(field: str, wrongs: tuple[Any, ...]) -> None:
    """Without specversion 1.0, id, source and type it is no CloudEvent; the detail names what is wrong."""
    absent = envelope("MemberErased", ERASED)
    del absent[field]
    for document in (absent, *(envelope("MemberErased", ERASED, **{field: w}) for w in wrongs)):
        code, detail = refused(to_bytes(document))
        assert (code, detail.partition(":")[0]) == ("not_cloudevent", field)
    others = tuple(
        header for header in binary_headers("MemberErased") if header[0] != f"ce_{field}"
    )
    for content in (None, *(w.encode() for w in wrongs if type(w) is str and w.isascii())):
        code, detail = refused(to_bytes(ERASED), (*others, (f"ce_{field}", content)))
        assert (code, detail.partition(":")[0]) == ("not_cloudevent", field)


def test_id_and_source_can_be_any_text() -> None:
    """Ids and sources of events are the publisher's: of any length, script and sign."""
    for text in (" ", ":", "/", "me", "..", "x" * 10_000, "日本", "👩‍🚀", "\n"):
        event = decode(to_bytes(envelope("MemberErased", ERASED, id=text, source=text)))
        assert (event.id, event.source) == (text, text)


def test_source_and_id_together_are_an_events_identity() -> None:
    """Two events are one and the same only if both source and id are."""

    def cause(source: str, id_: str) -> str:
        return decode(to_bytes(envelope("MemberErased", ERASED, source=source, id=id_))).cause

    causes = {cause(s, i) for s in ("/a", "/b", "/a/b") for i in ("1", "2", "b")}
    assert len(causes) == 9
    assert {len(one) for one in causes} == {32}
    assert cause("/a", "1") == cause("/a", "1")


@pytest.mark.parametrize(
    "name",
    [
        *("MemberErased", "MemberErased.v2", "memberErased.v1", "MemberErased.v1 "),
        *("AwardGranted.v1", "Inbound.v1", "com.example.x", "x" * 5_000),
    ],
)
def test_unknown_types(name: str) -> None:
    """A type that we don't know, ours outwards and other versions too, is `unknown_type`, whatever its data."""
    for data in (ERASED, None, 1):
        code, detail = refused(to_bytes(envelope("x", data, type=name)))
        assert code == "unknown_type"
        assert name[:100] in detail
    assert refused(b"1", binary_headers("x", type=name))[0] == "unknown_type"


@pytest.mark.parametrize("data", [None, 1, "x", [], [ERASED], json.dumps(ERASED)])
def test_data_is_an_object(data: Any) -> None:
    """Data that is no object, or is missing, is `invalid_data`."""
    wanted = ("invalid_data", "data: must be a JSON object")
    assert refused(to_bytes(envelope("MemberErased", data))) == wanted
    assert refused(to_bytes(data), binary_headers("MemberErased")) == wanted
    nothing = envelope("MemberErased", data)
    del nothing["data"]
    assert refused(to_bytes(nothing)) == wanted


def test_headers_of_any_case() -> None:
    """Names of headers have no case, and the value of content-type has none and may have parameters."""
    binary = binary_headers("MemberErased")
    shouted: Headers = tuple((name.upper(), content) for name, content in binary)
    assert decode(to_bytes(ERASED), shouted) == decode(EVENT)
    for content_type in (
        b"application/cloudevents+json; charset=UTF-8",
        b"application/cloudevents+json;charset=utf-8",
        b"Application/CloudEvents+JSON",
    ):
        assert decode(EVENT, (("Content-Type", content_type), *binary)) == decode(EVENT)
        assert decode(EVENT, (*shouted, ("CONTENT-TYPE", content_type))) == decode(EVENT)


def test_the_content_type_decides_on_the_mode() -> None:
    """Structured mode is told by content-type or the absence of ce_ headers; without content-type ce_ headers tell
    binary mode, and other content types say nothing."""
    binary = binary_headers("MemberErased")
    unreadable = (("ce_subject", b"\xff"), ("ce_id", b"\xff"))
    assert decode(EVENT, (*unreadable, *STRUCTURED)) == decode(EVENT)
    assert decode(to_bytes(ERASED), binary[1:]) == decode(EVENT)
    for content_type in (b"text/plain", b"", b"\xff", None, b"application/avro"):
        assert decode(to_bytes(ERASED), (*binary[1:], ("content-type", content_type)))
        assert decode(EVENT, (("content-type", content_type), ("traceparent", b"\xff")))
    assert decode(EVENT, (("ce_id", None), ("ce_type", None))) == decode(EVENT)


def test_binary_headers_that_are_no_text() -> None:
    """A ce_ header that is not UTF-8 makes it no CloudEvent; one that is null is absent."""
    headers = (*binary_headers("MemberErased"), ("ce_subject", b"\xff"))
    code, detail = refused(to_bytes(ERASED), headers)
    assert code == "not_cloudevent"
    assert "ce_subject" in detail
    absent = tuple(header for header in binary_headers("MemberErased") if header[0] != "ce_id")
    code, detail = refused(to_bytes(ERASED), (*absent, ("ce_id", None)))
    assert (code, detail.partition(":")[0]) == ("not_cloudevent", "id")


def test_binary_attributes_beyond_ascii() -> None:
    """Headers of binary mode are UTF-8, and extensions are ignored."""
    headers = binary_headers("MemberErased", source="/日本", subject="é", newer="1")
    assert decode(to_bytes(ERASED), headers).source == "/日本"


def test_a_whole_event_in_binary_mode_is_not_data() -> None:
    """A structured value under ce_ headers is not looked into: its fields are not those of the data."""
    assert refused(EVENT, binary_headers("MemberErased"))[0] == "invalid_data"


def test_a_detail_has_an_end() -> None:
    """A detail stays short, however long what it quotes is: it becomes a header."""
    data = changed("ProgramConfigured", program_type="x" * 100_000)
    code, detail = refused(to_bytes(envelope("ProgramConfigured", data)))
    assert code == "invalid_data"
    assert detail.startswith("data.program_type: ")
    assert len(detail) <= MAX_DETAIL_CHARACTERS
