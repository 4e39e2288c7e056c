"""Messages that can't be used, of every dead-letter code that a message's form alone can have.

Each is made from a fact that is right but for the one thing that is spoilt.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final, NamedTuple

from tests.e2e.messages import (
    MAX_VALUE_BYTES,
    Fact,
    Headers,
    Json,
    Message,
    binary_headers,
    envelope_of,
    write,
)

Spoilt = tuple[bytes | None, Headers]

_BAD_IDS: Final = ("", "x" * 129, "a:b", "a/b", ".", "..", "me", "a\nb", "a\0", "\x7f", "\ud800")
_BAD_TEXTS: Final[tuple[Any, ...]] = (7, [], {}, True, "with\0NUL", "with \ud800 alone")
_BAD_TIMES: Final = (
    "",
    "yesterday",
    "2026-02-30T10:00:00Z",
    "2026-02-03",
    "2026-02-03T10:00:00",
    "2026-02-03 10:00",
    "2026-13-03T10:00:00Z",
    "2026-02-03T24:30:00Z",
    "2026-02-03T10:00:00+25:00",
    1_770_000_000,
    None,
)
_BAD_REQUIRED: Final = (0, -1, 10_001, 2**70, "3", True, 2.5, [3])
_BAD_ASSETS: Final = ("logo.png", "sha256:", "sha256:" + "g" * 64, "sha256:" + "a" * 63, 7)
_BAD_COLOURS: Final = ("red", "#12345", "#1234567", "#12345g", "123456", 0x123456, None)
_BAD_ROLES: Final = ("boss", "Mentor", "", 1, None)
_BAD_PROGRAM_TYPES: Final = ("one-to-one", "ONE_TO_ONE", "", 1, None)
_BAD_PERSONS: Final = (
    "somebody",
    None,
    {"user_id": "a:b", "role": "mentor"},
    {"user_id": "somebody", "role": "boss"},
    {"user_id": "somebody"},
    {"role": "mentor"},
    {"user_id": None, "role": "mentor"},
)

_IDS: Final = {"organization_id": _BAD_IDS, "program_id": _BAD_IDS, "user_id": _BAD_IDS}
_BAD_VALUES: Final[dict[str, dict[str, Sequence[Any]]]] = {
    "OrganizationConfigured.v1": {
        "organization_id": _BAD_IDS,
        "name": (*_BAD_TEXTS, None),
        "plan": (*_BAD_TEXTS, None),
        "badges_enabled": ("yes", 1, None),
        "timezone": ("Mars/Base", "", 7),
        "logo": _BAD_ASSETS,
        "linkedin_organization_id": _BAD_TEXTS,
    },
    "ProgramConfigured.v1": {
        "organization_id": _BAD_IDS,
        "program_id": _BAD_IDS,
        "program_type": _BAD_PROGRAM_TYPES,
        "name": (*_BAD_TEXTS, None),
        "banner": _BAD_ASSETS,
    },
    "ProgramJoined.v1": _IDS | {"role": _BAD_ROLES, "joined_at": _BAD_TIMES},
    "MemberRegistered.v1": {
        "organization_id": _BAD_IDS,
        "user_id": _BAD_IDS,
        "display_name": (*_BAD_TEXTS, None, "", "x" * 201),
        "email": (7, [], "a\0@b.example"),
        "roles": ("mentor", ["boss"], [None], None, {}),
        "locale": (7, []),
    },
    "MemberErased.v1": {"organization_id": _BAD_IDS, "user_id": _BAD_IDS},
    "SessionCompleted.v1": {
        "organization_id": _BAD_IDS,
        "program_id": _BAD_IDS,
        "program_type": _BAD_PROGRAM_TYPES,
        "session_id": (*_BAD_IDS, None, 7),
        "match_id": (*_BAD_IDS, 7),
        "participants": ([], None, {}, "two people"),
        "completed_at": _BAD_TIMES,
    },
    "FeedbackSubmitted.v1": _IDS | {"session_id": (*_BAD_IDS, None), "submitted_at": _BAD_TIMES},
    "CertificateEnabled.v1": {
        "organization_id": _BAD_IDS,
        "program_id": _BAD_IDS,
        "program_type": _BAD_PROGRAM_TYPES,
        "program_name": (*_BAD_TEXTS, None),
        "required_sessions": _BAD_REQUIRED,
        "name": (*_BAD_TEXTS, None),
        "text": (*_BAD_TEXTS, None),
        "colour": _BAD_COLOURS,
        "banner": _BAD_ASSETS,
        "logo": _BAD_ASSETS,
        "guidance": _BAD_TEXTS,
        "enabled_by": (*_BAD_IDS, None),
        "enabled_at": _BAD_TIMES,
    },
    "CertificateChanged.v1": {
        "organization_id": _BAD_IDS,
        "program_id": _BAD_IDS,
        "required_sessions": _BAD_REQUIRED,
        "name": (*_BAD_TEXTS, None),
        "text": (*_BAD_TEXTS, None),
        "colour": _BAD_COLOURS,
        "banner": _BAD_ASSETS,
        "logo": _BAD_ASSETS,
        "guidance": _BAD_TEXTS,
        "changed_by": (*_BAD_IDS, None),
        "changed_at": _BAD_TIMES,
    },
    "CertificateDisabled.v1": {
        "organization_id": _BAD_IDS,
        "program_id": _BAD_IDS,
        "disabled_by": (*_BAD_IDS, None),
        "disabled_at": _BAD_TIMES,
    },
    "ManualAward.v1": {
        "organization_id": _BAD_IDS,
        "program_id": _BAD_IDS,
        "user_ids": ([], None, "somebody", [7], [None], ["a:b"], [f"x{n}" for n in range(1_001)]),
        "awarded_by": (*_BAD_IDS, None),
        "awarded_at": _BAD_TIMES,
        "note": _BAD_TEXTS,
    },
    "AwardRevoked.v1": {
        "organization_id": _BAD_IDS,
        "award_id": (*_BAD_IDS, None),
        "reason": (*_BAD_TEXTS, None),
        "revoked_by": (*_BAD_IDS, None),
        "revoked_at": _BAD_TIMES,
    },
}
_REQUIRED: Final = {
    "OrganizationConfigured.v1": ("organization_id", "name", "plan", "badges_enabled"),
    "ProgramConfigured.v1": ("organization_id", "program_id", "program_type", "name"),
    "ProgramJoined.v1": ("organization_id", "program_id", "user_id", "role", "joined_at"),
    "MemberRegistered.v1": ("organization_id", "user_id", "display_name", "roles"),
    "MemberErased.v1": ("organization_id", "user_id"),
    "SessionCompleted.v1": (
        *("organization_id", "program_id", "program_type", "session_id"),
        *("participants", "completed_at"),
    ),
    "FeedbackSubmitted.v1": (
        *("organization_id", "program_id", "session_id", "user_id", "submitted_at"),
    ),
    "CertificateEnabled.v1": (
        *("organization_id", "program_id", "program_type", "program_name"),
        *("name", "text", "colour", "enabled_by", "enabled_at"),
    ),
    "CertificateChanged.v1": ("organization_id", "program_id", "changed_by", "changed_at"),
    "CertificateDisabled.v1": ("organization_id", "program_id", "disabled_by", "disabled_at"),
    "ManualAward.v1": ("organization_id", "program_id", "user_ids", "awarded_by", "awarded_at"),
    "AwardRevoked.v1": ("organization_id", "award_id", "reason", "revoked_by", "revoked_at"),
}


def spoil(message: Message, random: Random, *, id_: str) -> Message:
    """The message, spoilt in some way, under this CloudEvents id where it has one."""
    (code,) = random.choices(list(_WAYS), [way.weight for way in _WAYS.values()])
    fact = replace(message.fact, id=id_)
    value, headers = _WAYS[code].spoil(fact, random)
    key = message.key if random.random() < 0.8 else random.choice((None, b"", b"\xff\x00 key"))
    return Message(message.topic, key, value, headers, fact, unusable=code)


def invalid(message: Message, random: Random, **wrong: Any) -> Message:
    """The message with these wrong values in its data."""
    fact = replace(message.fact, data=message.fact.data | wrong)
    value, headers = _encode(fact, random)
    return Message(message.topic, message.key, value, headers, fact, unusable="invalid_data")


def _too_large(fact: Fact, random: Random) -> Spoilt:
    size = MAX_VALUE_BYTES + random.choice((1, 1, 2, 10_000, 300_000))
    return of_size(fact, size, random)


def of_size(fact: Fact, size_bytes: int, random: Random) -> tuple[bytes, Headers]:
    """The fact in a value of just this size."""
    document = fact.data | {"padding": ""}
    headers = binary_headers(fact, random)
    if random.random() < 0.5:
        document, headers = envelope_of(fact, random) | {"data": document}, []
    value = json.dumps(document).encode()
    return value.replace(
        b'"padding": ""', b'"padding": "' + b"x" * (size_bytes - len(value)) + b'"'
    ), headers


def _not_json(fact: Fact, random: Random) -> Spoilt:
    document: Json = envelope_of(fact, random) | {"data": fact.data}
    headers: Headers = [("content-type", b"application/cloudevents+json")]
    if random.random() < 0.3:
        document, headers = dict(fact.data), binary_headers(fact, random)
    if random.random() < 0.3:  # odd, but allowed: what is wrong must be found all the same
        document["x-surrogate"] = "\ud800"
    good = json.dumps(document | {"x-spoilt": 0}).encode()
    if random.random() < 0.3:
        return random.choice((None, b"", b" ", good[:-1], good[: len(good) // 2])), headers
    spoilt = random.choice(
        (
            b"NaN",
            b"Infinity",
            b"-Infinity",
            b"1e999",
            b"-1e999",
            b"9" * 400,
            b"-" + b"9" * 5_000,
            b"[" * 100_000 + b"]" * 100_000,
            b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
            b'"\xff"',
            b'"\xed\xa0\x80"',
            b'"\xc0\xaf"',
            b'"raw \n line"',
            b"'single'",
            b"undefined",
            b"01",
            b"+1",
            b".5",
            b"1.",
            b"0x10",
            b"[1,]",
            b'"\\x41"',
            b'"\\ud8"',
            b"0 /* why */",
            b"0} {",
        )
    )
    return good.replace(b'"x-spoilt": 0', b'"x-spoilt": ' + spoilt), headers


def _not_cloudevent(fact: Fact, random: Random) -> Spoilt:
    envelope = envelope_of(fact, random) | {"data": fact.data}
    if random.random() < 0.3:
        headers = binary_headers(fact, random)
        spoilt = random.choice(("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"))
        headers = [(name, content) for name, content in headers if name != spoilt]
        instead = {"ce_specversion": b"0.3", "ce_time": b"noon"}.get(spoilt, b"")
        if random.random() < 0.5 or spoilt == "ce_time":
            headers.append((spoilt, instead))
        return write(fact.data, random), headers
    if random.random() < 0.3:
        return random.choice((b"[]", b"7", b'"text"', b"true", b"null", b"[{}]", b"{}")), []
    name = random.choice(("specversion", "id", "source", "type", "time"))
    wrong: dict[str, tuple[Any, ...]] = {
        "specversion": ("0.3", "1", 1.0, "", None),
        "time": ("noon", "2026-02-30T10:00:00Z", 7, "", "2026-02-03T10:00:00"),
    }
    envelope[name] = random.choice(wrong.get(name, ("", None, 7, ["x"], {})))
    if name != "time" and random.random() < 0.4:
        del envelope[name]
    return write(envelope, random), []


def _unknown_type(fact: Fact, random: Random) -> Spoilt:
    unknown = random.choice(
        (
            fact.type.replace(".v1", ".v2"),
            fact.type.removesuffix(".v1"),
            fact.type.lower(),
            fact.type + " ",
            "AwardGranted.v1",
            "example.other.event",
        )
    )
    return _encode(Fact(unknown, fact.data, fact.source, fact.id), random)


def _invalid_data(fact: Fact, random: Random) -> Spoilt:
    if random.random() < 0.05:
        data: Any = random.choice((None, [], "text", 7))
        return _encode(Fact(fact.type, data, fact.source, fact.id), random)
    data = dict(fact.data)
    if random.random() < 0.3:
        del data[random.choice(_REQUIRED[fact.type])]
    elif fact.type == "SessionCompleted.v1" and random.random() < 0.5:
        data["participants"] = _wrong_participants(data, random)
    else:
        wrong = _BAD_VALUES[fact.type]
        name = random.choice(list(wrong))
        data[name] = random.choice(wrong[name])
    return _encode(Fact(fact.type, data, fact.source, fact.id), random)


def _wrong_participants(data: Json, random: Random) -> list[Any]:
    people: list[Any] = list(data["participants"])
    somebody = people[0]
    match random.randrange(4):
        case 0:
            return [*people[:-1], somebody, dict(somebody)]  # one person twice
        case 1:
            return [*people[:-1], random.choice(_BAD_PERSONS)]
        case 2:
            return [{"user_id": f"crowd {n}", "role": "mentee"} for n in range(501)]
        case _:
            other = {"user_id": somebody["user_id"], "role": "mentee"}
            return [*people, other] if random.random() < 0.5 else [other, *people]


def _encode(fact: Fact, random: Random) -> Spoilt:
    if random.random() < 0.3:
        return write(fact.data, random), binary_headers(fact, random)
    return write(envelope_of(fact, random) | {"data": fact.data}, random), []


class _Way(NamedTuple):
    spoil: Callable[[Fact, Random], Spoilt]
    weight: int


_WAYS: Final = {
    "too_large": _Way(_too_large, 2),
    "not_json": _Way(_not_json, 30),
    "not_cloudevent": _Way(_not_cloudevent, 20),
    "unknown_type": _Way(_unknown_type, 8),
    "invalid_data": _Way(_invalid_data, 40),
}
