"""What a message that can't be used still tells: its type, its organization and the members it names."""

from typing import Any, Final

import pytest

from schemas.cloudevents import names_in
from tests.unit.test_schemas_samples import (
    SAMPLES,
    STRUCTURED,
    binary_headers,
    changed,
    envelope,
    to_bytes,
)

NAMED: Final = {
    "OrganizationConfigured": [],
    "ProgramConfigured": [],
    "ProgramJoined": ["ada"],
    "MemberRegistered": ["ada"],
    "MemberErased": ["ada"],
    "SessionCompleted": ["ada", "ben"],
    "FeedbackSubmitted": ["ben"],
    "CertificateEnabled": [],
    "CertificateChanged": [],
    "CertificateDisabled": [],
    "ManualAward": ["ada", "ben"],
    "AwardRevoked": [],
}


def named(data: Any, **attributes: Any) -> tuple[str | None, str | None, list[str]]:
    return names_in(to_bytes(envelope("MemberRegistered", data, **attributes)), STRUCTURED)


@pytest.mark.parametrize("name", NAMED)
def test_members_of_each_type(name: str) -> None:
    """Whoever a message is about is told, in both modes."""
    expected = (f"{name}.v1", "acme", NAMED[name])
    assert names_in(to_bytes(envelope(name, SAMPLES[name])), STRUCTURED) == expected
    assert names_in(to_bytes(SAMPLES[name]), binary_headers(name)) == expected


def test_members_of_messages_that_are_refused() -> None:
    """It doesn't matter what else is wrong: NaN, endless numbers, an unknown type, a missing attribute, the size."""
    expected = ("MemberRegistered.v1", "acme", ["ada"])
    for wrong in (float("nan"), float("inf"), "\ud800", ["x"] * 100_000):
        assert named(changed("MemberRegistered", display_name=wrong)) == expected
    endless = to_bytes(envelope("MemberRegistered", changed("MemberRegistered", x=0)))
    for raw in (b"1e999", b"9" * 10_000, b"-" + b"9" * 10_000):
        assert names_in(endless.replace(b'"x": 0', b'"x": ' + raw), STRUCTURED) == expected
    assert named(changed("MemberRegistered"), specversion="0") == expected
    assert named(changed("MemberRegistered"), type="x")[1:] == expected[1:]


def test_ids_that_are_none_are_not_told() -> None:
    """What is no text, or no text that can be stored, names nobody."""
    wrongs: tuple[Any, ...] = (None, 1, ["ada"], {}, "a\0b", "\ud800")
    for wrong in wrongs:
        data = {"organization_id": wrong, "user_id": wrong, "user_ids": [wrong, "ben"]}
        assert named(data, type=wrong) == (None, None, ["ben"])
    odd: tuple[Any, ...] = (None, 1, [], "x", {"user_ids": "ada"}, {"participants": ["ada", None]})
    for data in odd:
        assert named(data) == ("MemberRegistered.v1", None, [])


def test_without_json_nothing_is_told() -> None:
    """Where there is no JSON, or none that can be read, nothing is told; nor is anything raised."""
    deep = b'{"a":' * 100_000
    for value in (None, b"", b"\xff", b"{", deep, b"[" * 100_000, b"null", b"[]", b"1"):
        for headers in ((), STRUCTURED):
            assert names_in(value, headers) == (None, None, [])


def test_headers_that_are_no_text() -> None:
    """Where binary headers can't be read, the data still tell whom they name."""
    headers = (*binary_headers("MemberRegistered"), ("ce_subject", b"\xff"))
    value = to_bytes(SAMPLES["MemberRegistered"])
    assert names_in(value, headers) == ("MemberRegistered.v1", "acme", ["ada"])
