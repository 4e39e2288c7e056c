"""One right message of each inbound type: what the tests of decoding begin with, and that it is right."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from msgspec import UNSET

from schemas import learning
from schemas.cloudevents import CloudEvent, Decoder, RefusedError
from schemas.learning import INBOUND_TYPES, Inbound

LOGO: Final = "sha256:" + "0a" * 32
BANNER: Final = "sha256:" + "ff" * 32
NINE: Final = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

SAMPLES: Final[Mapping[str, dict[str, Any]]] = {
    "OrganizationConfigured": {
        "organization_id": "acme",
        "name": "Acme",
        "plan": "enterprise",
        "badges_enabled": True,
        "timezone": "Europe/Paris",
        "logo": LOGO,
        "linkedin_organization_id": "1337",
    },
    "ProgramConfigured": {
        "organization_id": "acme",
        "program_id": "p1",
        "program_type": "development",
        "name": "Spring",
        "banner": BANNER,
    },
    "ProgramJoined": {
        "organization_id": "acme",
        "program_id": "p1",
        "user_id": "ada",
        "role": "mentor",
        "joined_at": "2026-03-01T09:30:00Z",
    },
    "MemberRegistered": {
        "organization_id": "acme",
        "user_id": "ada",
        "display_name": "Ada Lovelace",
        "email": "ada@example.org",
        "roles": ["mentor", "mentee"],
        "locale": "fr-CA",
    },
    "MemberErased": {"organization_id": "acme", "user_id": "ada"},
    "SessionCompleted": {
        "organization_id": "acme",
        "program_id": "p1",
        "program_type": "one_to_one",
        "session_id": "s1",
        "match_id": "m1",
        "participants": [
            {"user_id": "ada", "role": "mentor"},
            {"user_id": "ben", "role": "mentee"},
        ],
        "completed_at": "2026-03-01T10:30:00+01:00",
    },
    "FeedbackSubmitted": {
        "organization_id": "acme",
        "program_id": "p1",
        "session_id": "s1",
        "user_id": "ben",
        "submitted_at": "2026-03-01T09:30:00Z",
    },
    "CertificateEnabled": {
        "organization_id": "acme",
        "program_id": "p1",
        "program_type": "one_to_one",
        "program_name": "Spring",
        "required_sessions": 3,
        "name": "Spring certificate",
        "text": "For taking part",
        "colour": "#0a5C36",
        "banner": BANNER,
        "logo": LOGO,
        "guidance": "Give feedback",
        "enabled_by": "root",
        "enabled_at": "2026-03-01T09:30:00Z",
    },
    "CertificateChanged": {
        "organization_id": "acme",
        "program_id": "p1",
        "required_sessions": 5,
        "name": "Summer certificate",
        "text": "For staying",
        "colour": "#ffffff",
        "banner": BANNER,
        "logo": LOGO,
        "guidance": "Meet",
        "changed_by": "root",
        "changed_at": "2026-03-01T09:30:00Z",
    },
    "CertificateDisabled": {
        "organization_id": "acme",
        "program_id": "p1",
        "disabled_by": "root",
        "disabled_at": "2026-03-01T09:30:00Z",
    },
    "ManualAward": {
        "organization_id": "acme",
        "program_id": "p1",
        "user_ids": ["ada", "ben"],
        "awarded_by": "root",
        "awarded_at": "2026-03-01T09:30:00Z",
        "note": "Well done",
    },
    "AwardRevoked": {
        "organization_id": "acme",
        "award_id": "accb4699-6fcf-83d1-ac6c-9c0f76b7bdcf",
        "reason": "By mistake",
        "revoked_by": "root",
        "revoked_at": "2026-03-01T09:30:00Z",
    },
}
"""The data of one message of each type, with every field; not to be changed, but copied."""

OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "OrganizationConfigured": ("timezone", "logo", "linkedin_organization_id"),
    "ProgramConfigured": ("banner",),
    "MemberRegistered": ("email", "locale"),
    "SessionCompleted": ("match_id",),
    "CertificateEnabled": ("required_sessions", "banner", "logo", "guidance"),
    "CertificateChanged": (
        "required_sessions",
        "name",
        "text",
        "colour",
        "banner",
        "logo",
        "guidance",
    ),
    "ManualAward": ("note",),
}
"""The fields that the contract lets be absent."""

STRUCTURED: Final = (("content-type", b"application/cloudevents+json"),)
_decoder = Decoder[Inbound](INBOUND_TYPES)

Headers = tuple[tuple[str, bytes | None], ...]


def changed(name: str, /, **changes: Any) -> dict[str, Any]:
    """A sample's data with some fields otherwise."""
    return {**SAMPLES[name], **changes}


def without(name: str, *fields: str) -> dict[str, Any]:
    """A sample's data without some fields."""
    return {field: value for field, value in SAMPLES[name].items() if field not in fields}


def envelope(name: str, data: Any, /, **attributes: Any) -> dict[str, Any]:
    """A structured event with this data, with some attributes otherwise."""
    usual = {
        "specversion": "1.0",
        "id": "e1",
        "source": "/platform/test",
        "type": f"{name}.v1",
        "time": "2026-03-01T09:30:00Z",
        "data": data,
    }
    return {**usual, **attributes}


def binary_headers(name: str, /, **attributes: str) -> Headers:
    """The headers of a binary event, with some attributes otherwise."""
    usual = {"specversion": "1.0", "id": "e1", "source": "/platform/test", "type": f"{name}.v1"}
    of_attributes = ((f"ce_{key}", value.encode()) for key, value in (usual | attributes).items())
    return (("content-type", b"application/json"), *of_attributes)


def to_bytes(document: Any) -> bytes:
    """JSON in ASCII alone, which can hold lone surrogates, too."""
    return json.dumps(document).encode()


def decode(value: bytes | None, headers: Headers = STRUCTURED) -> CloudEvent[Inbound]:
    return _decoder.decode(value, headers)


def taken(name: str, data: Any, /, **attributes: Any) -> Any:
    """What the data of a structured event is taken for."""
    return decode(to_bytes(envelope(name, data, **attributes))).data


def refused(value: bytes | None, headers: Headers = STRUCTURED) -> tuple[str, str]:
    """The code and the detail with which a message is refused."""
    with pytest.raises(RefusedError) as caught:
        decode(value, headers)
    return caught.value.code, caught.value.detail


def refused_data(name: str, data: Any) -> str:
    """The detail with which a structured event is refused as `invalid_data`."""
    code, detail = refused(to_bytes(envelope(name, data)))
    assert code == "invalid_data"
    return detail


def test_every_inbound_type_has_a_sample() -> None:
    """There is a sample of each type of the contract, and it has every field of its type."""
    assert SAMPLES.keys() == {cls.__name__ for cls in INBOUND_TYPES}
    for cls in INBOUND_TYPES:
        assert SAMPLES[cls.__name__].keys() == set(cls.__struct_fields__)


@pytest.mark.parametrize("name", SAMPLES)
def test_both_modes_tell_the_same(name: str) -> None:
    """Each inbound type is understood in structured and in binary mode, and without any header."""
    structured = decode(to_bytes(envelope(name, SAMPLES[name])))
    assert (structured.source, structured.id) == ("/platform/test", "e1")
    assert type(structured.data).__name__ == name
    assert structured == decode(to_bytes(SAMPLES[name]), binary_headers(name))
    assert structured == decode(to_bytes(envelope(name, SAMPLES[name])), ())


def test_a_fact_is_what_the_message_says() -> None:
    """Every value of a message lies in the field of its name, instants in UTC."""
    assert taken("SessionCompleted", SAMPLES["SessionCompleted"]) == learning.SessionCompleted(
        organization_id="acme",
        program_id="p1",
        program_type="one_to_one",
        session_id="s1",
        match_id="m1",
        participants=(learning.Participant("ada", "mentor"), learning.Participant("ben", "mentee")),
        completed_at=NINE,
    )
    assert taken("MemberRegistered", SAMPLES["MemberRegistered"]) == learning.MemberRegistered(
        organization_id="acme",
        user_id="ada",
        display_name="Ada Lovelace",
        email="ada@example.org",
        roles=("mentor", "mentee"),
        locale="fr-CA",
    )


@pytest.mark.parametrize(("name", "fields"), OPTIONAL.items())
def test_optional_fields_may_be_absent(name: str, fields: tuple[str, ...]) -> None:
    """Each optional field can be left out, alone and with all others; null means the same, but in CertificateChanged."""
    for absent in [*((field,) for field in fields), fields]:
        data = taken(name, without(name, *absent))
        values = {getattr(data, field) for field in absent}
        assert values == ({UNSET} if name == "CertificateChanged" else {None})
        if name != "CertificateChanged":
            assert data == taken(name, changed(name, **dict.fromkeys(absent)))


@pytest.mark.parametrize("name", SAMPLES)
def test_all_other_fields_are_required(name: str) -> None:
    """A field that is not optional is refused where it is missing or null, and the detail names it."""
    for field in SAMPLES[name].keys() - set(OPTIONAL.get(name, ())):
        assert field in refused_data(name, without(name, field))
        assert field in refused_data(name, changed(name, **{field: None}))
