"""Facts as CloudEvents on Kafka, in either mode, as different publishers would write them."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Final

Json = dict[str, Any]
Headers = list[tuple[str, bytes | None]]

MAX_VALUE_BYTES: Final = 256 * 1024
DIRECTORY: Final = "mentoring.directory.v1"
SESSIONS: Final = "mentoring.sessions.v1"
FEEDBACK: Final = "mentoring.feedback.v1"
CERTIFICATES: Final = "mentoring.certificates.v1"
INBOUND: Final = (DIRECTORY, SESSIONS, FEEDBACK, CERTIFICATES)

_STRUCTURED: Final[tuple[Headers, ...]] = (
    [("content-type", b"application/cloudevents+json")],
    [("content-type", b"application/cloudevents+json; charset=UTF-8")],
    [("traceparent", b"00-1-2-01"), ("content-type", b"application/cloudevents+json")],
    [],
)


@dataclass(frozen=True)
class Fact:
    """What a publisher has to tell."""

    type: str
    data: Json
    source: str
    id: str


@dataclass(frozen=True)
class Message:
    """What is sent.

    `unusable` is the dead-letter code of one whose form is beyond use, None of all others. Of those others the rules
    may refuse some: these are not `acceptable`, and not to be sent again once they may have become so.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = field(hash=False)
    fact: Fact
    unusable: str | None = None
    acceptable: bool = True


def rfc3339(moment: datetime, random: Random) -> str:
    """The instant in one of the forms that RFC 3339 allows."""
    offset = random.choice((0, 0, 0, 0, 120, -330, 765))
    local = moment.astimezone(timezone(timedelta(minutes=offset)))
    text = local.strftime("%Y-%m-%dT%H:%M:%S")
    if moment.microsecond:
        text += f".{moment.microsecond:06}".rstrip("0")
    elif random.random() < 0.1:
        text += ".000"
    zulu = local.strftime("%z")
    zulu = f"{zulu[:3]}:{zulu[3:]}" if offset or random.random() < 0.3 else "Z"
    text += zulu
    return text.lower() if random.random() < 0.05 else text


def encode(fact: Fact, random: Random) -> tuple[bytes, Headers]:
    """The value and headers of a message that tells the fact; in half of them are things that we don't know."""
    data = dict(fact.data)
    if random.random() < 0.3:
        _add_unknown_fields(data, random)
    if random.random() < 0.15:
        _write_nulls_for_absent(fact, data, random)
    if random.random() < 0.3:
        return write(data, random), binary_headers(fact, random)
    envelope = envelope_of(fact, random) | {"data": data}
    if random.random() < 0.2:
        _add_unknown_fields(envelope, random)
    return write(envelope, random), list(random.choice(_STRUCTURED))


def envelope_of(fact: Fact, random: Random) -> Json:
    """The attributes of a structured-mode event."""
    envelope: Json = {
        "specversion": "1.0",
        "id": fact.id,
        "source": fact.source,
        "type": fact.type,
    }
    match random.randrange(4):
        case 0:
            pass
        case 1:
            envelope["time"] = None
        case _:
            envelope["time"] = rfc3339(datetime(2026, 5, 17, 8, 30, tzinfo=UTC), random)
    return envelope


def binary_headers(fact: Fact, random: Random) -> Headers:
    """The attributes of a binary-mode event."""
    headers: Headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", fact.id.encode()),
        ("ce_source", fact.source.encode()),
        ("ce_type", fact.type.encode()),
    ]
    if random.random() < 0.5:
        headers.append(("ce_time", b"2026-05-17T08:30:00Z"))
    if random.random() < 0.2:
        headers += [("ce_tenant", "ünknown".encode()), ("other", b"\xff\x00"), ("null", None)]
    random.shuffle(headers)
    return [*headers, ("content-type", b"application/json")]


def write(document: Any, random: Random) -> bytes:
    """JSON as one of many writers puts it."""
    if isinstance(document, dict) and random.random() < 0.5:
        items = list(document.items())
        random.shuffle(items)
        document = dict(items)
    escaping = random.random() < 0.5
    indent = 2 if random.random() < 0.1 else None
    try:
        return json.dumps(document, ensure_ascii=escaping, indent=indent).encode()
    except UnicodeEncodeError:  # a lone surrogate can only be escaped
        return json.dumps(document, indent=indent).encode()


def _add_unknown_fields(document: Json, random: Random) -> None:
    for number in range(random.randint(1, 3)):
        document[f"x-{number}-{random.choice(('a', 'é', ''))}"] = _oddity(random)
    if random.random() < 0.1:
        document["\ud83d"] = "a lone surrogate for a name"


def _oddity(random: Random) -> Any:
    return random.choice(
        (
            "\ud800",
            "\udfff tail",
            ["a", {"b": "\ud800\ud800"}],
            _nested(random.randint(2, 200)),
            2**63,
            -(2**70),
            10**300,
            1.7976931348623157e308,
            5e-324,
            -0.0,
            "\0",
            "",
            None,
            [],
            {},
            {"": {"organization_id": "another", "user_id": None}},
            {"required_sessions": "three", "participants": 7},
            "long " * random.choice((1, 1, 1, 1_000)),
        )
    )


def _nested(depth: int) -> Any:
    inner: Any = 1
    for level in range(depth):
        inner = [inner] if level % 2 else {"in": inner}
    return inner


OPTIONAL: Final = {
    "OrganizationConfigured.v1": ("timezone", "logo", "linkedin_organization_id"),
    "ProgramConfigured.v1": ("banner",),
    "MemberRegistered.v1": ("email", "locale"),
    "SessionCompleted.v1": ("match_id",),
    "CertificateEnabled.v1": ("required_sessions", "banner", "logo", "guidance"),
    "ManualAward.v1": ("note",),
}
"""What may be null; in CertificateChanged null is no absence."""


def _write_nulls_for_absent(fact: Fact, data: Json, random: Random) -> None:
    for name in OPTIONAL.get(fact.type, ()):
        if name not in data and random.random() < 0.7:
            data[name] = None
