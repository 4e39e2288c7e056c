"""What can't be used: every code of the contract, kept whole, and taken once it is right."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest

from services.journal import Journal, stream_id
from services.kafka import Message
from tests.integration.test_recording import (
    AWARD_ID,
    codes,
    events,
    everything,
    grant,
    letters,
    message,
    raw,
    take,
)
from tests.unit.test_schemas_samples import (
    SAMPLES,
    STRUCTURED,
    Headers,
    binary_headers,
    changed,
    envelope,
    to_bytes,
)

PEOPLE: Final[list[dict[str, str]]] = SAMPLES["SessionCompleted"]["participants"]
OTHER_ROLES: Final = [{**person, "role": "mentor"} for person in PEOPLE]
OTHER_PEOPLE: Final = [PEOPLE[0], {"user_id": "cleo", "role": "mentee"}]


@pytest.mark.parametrize(
    "differing",
    [
        {"program_id": "p2"},
        {"program_type": "group"},
        {"participants": OTHER_ROLES},
        {"participants": OTHER_PEOPLE},
        {"completed_at": "2026-03-01T09:30:00.000001Z"},
    ],
)
def test_a_session_told_otherwise(journal: Journal, differing: dict[str, Any]) -> None:
    """A session told again with another program, type, people, roles or instant is `conflicting_session`: the first
    stands, and the detail names what differs."""
    take(journal, message("SessionCompleted"))
    take(journal, message("SessionCompleted", **differing))
    (letter,) = letters(journal)
    assert letter.code == "conflicting_session"
    assert "data.session_id" in letter.detail
    assert next(iter(differing)) in letter.detail
    assert len(events(journal)) == 1


def test_certificates_that_are_not_allowed(journal: Journal) -> None:
    """Rule 6: no certificate of a group program, and none of a development program with a number: neither at first nor
    by a change, whatever type the program is told to have elsewhere."""
    development = changed("CertificateEnabled", program_type="development", required_sessions=None)
    take(
        journal,
        message("ProgramConfigured", program_type="one_to_one"),
        message("CertificateEnabled", program_type="group", required_sessions=None),
        message("CertificateEnabled", program_type="group"),
        message("CertificateEnabled", program_type="development"),
        message("CertificateEnabled", **development),
        message("CertificateChanged"),
        message("CertificateChanged", required_sessions=None),
    )
    assert codes(journal) == ["certificate_not_allowed"] * 4
    assert {letter.detail.split(":")[0] for letter in letters(journal)} == {
        "data.program_type",
        "data.required_sessions",
    }
    assert len(events(journal)) == 3


def test_certificates_that_are_not_known(journal: Journal) -> None:
    """What was never enabled can be neither changed nor disabled; what was disabled can."""
    take(journal, message("ProgramConfigured"), message("ManualAward"))
    take(journal, message("CertificateChanged"), message("CertificateDisabled"))
    assert codes(journal) == ["unknown_certificate"] * 2
    enabled = message("CertificateEnabled"), message("CertificateDisabled")
    take(journal, *enabled, message("CertificateDisabled"), message("CertificateChanged"))
    assert len(codes(journal)) == 2
    assert len(events(journal)) == 6


def test_awards_that_are_not_known(journal: Journal) -> None:
    """An award that the organization does not have can't be revoked, nor can what is no award at all."""
    grant(journal)
    take(journal, message("MemberRegistered"), message("OrganizationConfigured"))
    strangers: Sequence[UUID | str] = (
        "no-uuid",
        "0" * 32,
        UUID(int=1),
        stream_id("acme", "member", "ada"),
        stream_id("acme", "organization"),
        stream_id("acme", "program", "p1"),
    )
    before = len(events(journal))
    for award_id in strangers:
        take(journal, message("AwardRevoked", award_id=str(award_id)))
    take(journal, message("AwardRevoked", organization_id="globex"))
    assert codes(journal) == ["unknown_award"] * 7
    assert len(events(journal)) == before
    take(journal, message("AwardRevoked", award_id=AWARD_ID.upper().replace("-", "")))
    assert len(events(journal)) == before + 1


def test_a_member_called_an_award(journal: Journal) -> None:
    """A revocation of what is no award spoils nothing of the batch that tells about that very thing."""
    no_award = message("AwardRevoked", award_id=str(stream_id("acme", "member", "ada")))
    take(journal, no_award, message("MemberRegistered"), no_award, message("ProgramJoined"))
    take(journal, message("ProgramJoined", program_id="p2"), no_award)
    assert codes(journal) == ["unknown_award"] * 3
    assert len(events(journal)) == 3


DECODING: Final = [
    ("too_large", b" " * (256 * 1024 + 1), STRUCTURED),
    ("not_json", b'{"a": NaN}', STRUCTURED),
    ("not_json", None, ()),
    ("not_json", b"", STRUCTURED),
    ("not_json", b"\xff\x00", (("\u65e5", b"\xff\x00"),)),
    ("not_cloudevent", b"[]", ()),
    ("not_cloudevent", b"{}", (("ce_id", b"\xff"),)),
    ("unknown_type", to_bytes(envelope("Nothing", {}, type="\u65e5")), STRUCTURED),
    (
        "invalid_data",
        to_bytes(changed("MemberErased", user_id="me")),
        binary_headers("MemberErased"),
    ),
    ("invalid_data", to_bytes(envelope("ProgramJoined", {"role": "\ud800\0"})), STRUCTURED),
]


@pytest.mark.parametrize(("code", "value", "headers"), DECODING)
def test_what_can_not_be_decoded(
    journal: Journal, code: str, value: bytes | None, headers: Headers
) -> None:
    """Each code of decoding: the letter says where the message lay and why it can't be used, and the next one is
    taken."""
    take(journal, raw(value, headers=headers), message("ProgramJoined"))
    (letter,) = letters(journal)
    assert letter.code == code
    assert letter.detail
    assert letter[3:6] == ("a.topic", 3, 41)
    assert letter.value == value
    assert len(events(journal)) == 1
    with journal.connection() as connection:
        assert journal.read(connection, 0, 1)[0].recorded_at == letter.at


@pytest.mark.parametrize("key", [None, b"", b"acme:p1", b"\xff\x00\n"])
@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("a", None), ("a", b""), ("a", b"\xff\x00"), ("A", b"x")),
        (("", b""), ("日本", "日本".encode()), ("dlq.reason", b"not_json"), ("a\0b", b"\0")),
    ],
)
def test_a_letter_is_kept_byte_for_byte(
    journal: Journal, key: bytes | None, headers: Headers
) -> None:
    """Key, value and headers are kept as they were: null, empty, no text, and in their order."""
    for value in (None, b"", b"\xff\x00", bytes(range(256)) * 2_000):
        take(journal, raw(value, key=key, headers=headers))
        letter = letters(journal)[-1]
        assert (letter.key, letter.value) == (key, value)
        assert tuple(letter.original_headers()) == headers


def test_a_letter_put_right_is_taken(journal: Journal) -> None:
    """Only an accepted event counts as seen: a dead letter can be corrected and sent again under its id."""
    wrong = message("ManualAward", "e1", user_ids=[])
    take(journal, wrong, wrong)
    take(journal, message("ManualAward", "e1"), message("ManualAward", "e1"))
    take(journal, message("ManualAward", "e1"))
    assert codes(journal) == ["invalid_data"] * 2
    assert len(events(journal)) == 1


def test_a_letter_that_came_too_early_is_taken(journal: Journal) -> None:
    """What the rules refused is taken under the same id, once they allow it; then it is seen."""
    early = message("CertificateChanged", "e1")
    take(journal, early, early, message("CertificateEnabled"))
    take(journal, early, early)
    assert codes(journal) == ["unknown_certificate"] * 2
    assert [type(event).__name__ for event in events(journal)] == [
        "CertificateEnabled",
        "CertificateChanged",
    ]


def test_whom_a_letter_names_is_kept_with_it(journal: Journal) -> None:
    """A letter says which members of which organization it is about, as far as it can be read."""
    take(journal, message("SessionCompleted"))
    take(
        journal,
        message("SessionCompleted", program_id="p2"),
        message("MemberRegistered", display_name=""),
        raw(b"nonsense"),
    )
    columns = [row[-2:] for row in everything(journal)["achievements.dead_letter"]]
    assert sorted(columns, key=lambda column: len(column[1]), reverse=True) == [
        ("acme", ["ada", "ben"]),
        ("acme", ["ada"]),
        (None, []),
    ]


def test_a_batch_of_nothing_but_poison(journal: Journal) -> None:
    """Letters are in the order of their messages, and no event comes of them."""
    poison: list[Message] = [raw(str(number).encode()) for number in range(200)]
    take(journal, *poison)
    assert [letter.value for letter in letters(journal)] == [one.value for one in poison]
    assert events(journal) == []


def test_nul_in_a_detail(journal: Journal) -> None:
    """What PostgreSQL can't hold as text does not stop the letter that quotes it."""
    nul = [("a\0b", b"x")]
    take(journal, raw(to_bytes(envelope("x", {}, type="a\\u0000")), headers=tuple(nul)))
    take(journal, raw(b"{}", headers=(("ce_a\0b", b"\xff"),)))
    assert codes(journal) == ["unknown_type", "not_cloudevent"]
    assert letters(journal)[1].detail == "header ce_a\\0b: is not UTF-8"
    assert msgspec.msgpack.decode(letters(journal)[0].headers) == [["a\0b", b"x"]]
