"""Each kind of field at its boundaries: ids, text, colours, zones, flags, numbers, lists."""

from collections.abc import Mapping
from typing import Any, Final, get_type_hints

import pytest
from msgspec import UNSET

from schemas import learning
from schemas.learning import INBOUND_TYPES, Participant
from tests.unit.test_schemas_samples import (
    OPTIONAL,
    SAMPLES,
    changed,
    refused_data,
    taken,
    without,
)

ID_FIELDS: Final = [
    (cls.__name__, field)
    for cls in INBOUND_TYPES
    for field, hint in get_type_hints(cls, include_extras=True).items()
    if hint in (learning.Id, learning.Id | None)
]
TEXT_FIELDS: Final = [
    (name, field)
    for name, sample in SAMPLES.items()
    for field in sample
    if field in {"name", "plan", "text", "guidance", "program_name", "note", "reason"}
    or field in {"linkedin_organization_id", "display_name"}
]
RIGHT_IDS: Final = (
    "x",
    "x" * 128,
    "日" * 128,
    "é",
    "שלום",
    "👩",
    "a b",
    " ",
    "...",
    "ME",
    "me2",
    "~!@#$%^&*()_+=[]{}|;'\"<>?\\,.`",
)
WRONG_IDS: Final = (
    "",
    "x" * 129,
    "日" * 129,
    "a:b",
    "a/b",
    ":",
    "/",
    ".",
    "..",
    "me",
    "a\nb",
    "a\tb",
    "a\0b",
    "\x7f",
    "a\u0085b",
    "a\u00a0b",
    "a\u200bb",
    "a\u2028b",
    "\ufeffa",
    "\ud800",
    "a\udfffb",
)


def test_every_kind_of_id_is_among_those_tested() -> None:
    """Ids of organizations, programs, sessions, matches, awards, members and admins are ids alike."""
    assert {field for _, field in ID_FIELDS} == {
        "organization_id",
        "program_id",
        "session_id",
        "match_id",
        "award_id",
        "user_id",
        *("enabled_by", "changed_by", "disabled_by", "awarded_by", "revoked_by"),
    }


@pytest.mark.parametrize(("name", "field"), ID_FIELDS)
def test_ids(name: str, field: str) -> None:
    """Ids are 1 to 128 printable characters other than ':' and '/', and not '.', '..' or 'me'."""
    for right in RIGHT_IDS:
        assert getattr(taken(name, changed(name, **{field: right})), field) == right
    wrongs: tuple[Any, ...] = (*WRONG_IDS, 5, True, ["x"], {"x": "y"})
    for wrong in wrongs:
        assert refused_data(name, changed(name, **{field: wrong})).startswith(f"data.{field}: ")


@pytest.mark.parametrize("wrong", WRONG_IDS)
def test_ids_in_lists(wrong: str) -> None:
    """Ids in a list are held to the same, and the detail tells which of them is wrong."""
    people = [{"user_id": "ada", "role": "mentor"}, {"user_id": wrong, "role": "mentee"}]
    detail = refused_data("SessionCompleted", changed("SessionCompleted", participants=people))
    assert detail.startswith("data.participants[1].user_id: ")
    detail = refused_data("ManualAward", changed("ManualAward", user_ids=["ada", wrong]))
    assert detail.startswith("data.user_ids[1]: ")


@pytest.mark.parametrize(("name", "field"), TEXT_FIELDS)
def test_text(name: str, field: str) -> None:
    """Text holds any character but NUL and lone surrogates."""
    for right in ("x", "\n\t ", "Ünï 日本 👩‍🚀", "\u200b\u202e", "\x01\x7f", "\\ud800"):
        assert getattr(taken(name, changed(name, **{field: right})), field) == right
    wrongs: tuple[Any, ...] = (
        "\0",
        "a\0b",
        "\ud800",
        "\udc00",
        "a\ud83d",
        "\ude00\ud83d",
        1,
        False,
        [],
    )
    for wrong in wrongs:
        assert refused_data(name, changed(name, **{field: wrong})).startswith(f"data.{field}: ")


def test_a_pair_of_surrogates_is_a_character() -> None:
    """What JSON escapes as a pair of surrogates is one character, beside a lone one in another field, too."""
    data = changed("ManualAward", note="\U0001f600", unused="\ud83d")
    assert taken("ManualAward", data).note == "\U0001f600"
    data = changed("ManualAward", note="\\ud83d \\u0000", unused="\ud83d")
    assert taken("ManualAward", data).note == "\\ud83d \\u0000"


def test_display_names() -> None:
    """A display name has 1 to 200 characters."""
    for right in ("x", "x" * 200, "👩" * 200, " "):
        data = changed("MemberRegistered", display_name=right)
        assert taken("MemberRegistered", data).display_name == right
    for wrong in ("", "x" * 201, "👩" * 201):
        data = changed("MemberRegistered", display_name=wrong)
        assert "data.display_name" in refused_data("MemberRegistered", data)


VALUES: Final[Mapping[tuple[str, str], tuple[list[Any], list[Any]]]] = {
    ("CertificateEnabled", "required_sessions"): (
        [1, 2, 9_999, 10_000],
        [0, -1, 10_001, 10**18, 10**30, -(10**300), 1.0, 2.5, True, False, "3", [3], {}],
    ),
    ("CertificateChanged", "required_sessions"): (
        [1, 10_000],
        [0, -1, 10_001, 2**63, 2**64, 1.0, True, "3"],
    ),
    ("CertificateEnabled", "colour"): (
        ["#000000", "#abcdef", "#ABCDEF", "#09aF1b"],
        ["", "#fff", "000000", "#0000000", "#00000g", "#00000 ", "#000000\n", "#٠٠٠٠٠٠", "red", 0],
    ),
    ("CertificateChanged", "colour"): (["#123456"], ["#12345", "blue", 1]),
    ("OrganizationConfigured", "timezone"): (
        ["UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "Asia/Kolkata"],
        ["", "europe/paris", "Paris", "+01:00", "../UTC", "localtime", "UTC ", "Mars/Base", 1, {}],
    ),
    ("OrganizationConfigured", "badges_enabled"): ([True, False], [0, 1, "true", "", [], {}]),
    ("OrganizationConfigured", "plan"): (["enterprise", "professional", "free", ""], [1, True]),
    ("OrganizationConfigured", "logo"): (
        ["sha256:" + "0123456789abcdef" * 4],
        [
            *("", "sha256:", "md5:" + "a" * 32, "a" * 64, 7),
            *("sha256:" + text for text in ("a" * 63, "a" * 65, "A" * 64, "g" * 64)),
        ],
    ),
    ("ProgramConfigured", "banner"): (["sha256:" + "a" * 64], ["banner.png", 1]),
    ("CertificateEnabled", "banner"): (["sha256:" + "a" * 64], ["x"]),
    ("CertificateChanged", "logo"): (["sha256:" + "a" * 64], ["x"]),
    ("ProgramConfigured", "program_type"): (
        ["one_to_one", "group", "development"],
        ["", "One_to_one", "1:1", "other", "\ud800", "\0", 1, []],
    ),
    ("CertificateEnabled", "program_type"): (["group"], ["x", "\ud800"]),
    ("ProgramJoined", "role"): (["mentor", "mentee"], ["", "admin", "Mentor", "\udfff", 1, True]),
    ("MemberRegistered", "email"): (
        ["a@b", "ada+x@example.org", "é@exämple.org"],
        ["", "ada", "@", "a@", "@b", "a b@c", "a@b@c", "a\0@b", "a@b\n", "a@\ud800", 1],
    ),
    ("MemberRegistered", "locale"): (
        ["fr", "fr-CA", "zh-Hant-TW", "pt_BR", "en_US.UTF-8", "", "-", "français", "x" * 256],
        ["x" * 257, "a\0", "\ud800", 7, True, ["fr"]],
    ),
}


@pytest.mark.parametrize(("name", "field"), VALUES)
def test_values(name: str, field: str) -> None:
    """What a field may hold is taken as it is; what it may not is refused by the field's name."""
    rights, wrongs = VALUES[name, field]
    for right in rights:
        assert getattr(taken(name, changed(name, **{field: right})), field) == right
    for wrong in wrongs:
        assert refused_data(name, changed(name, **{field: wrong})).startswith(f"data.{field}: ")


def people(count: int) -> list[dict[str, str]]:
    return [{"user_id": f"u{n}", "role": "mentee"} for n in range(count)]


@pytest.mark.parametrize("type_", ["group", "development"])
def test_participants(type_: str) -> None:
    """A session has 1 to 500 participants, nobody twice."""
    for count in (1, 2, 3, 500):
        data = changed("SessionCompleted", program_type=type_, participants=people(count))
        assert len(taken("SessionCompleted", data).participants) == count
    wrongs: list[Any] = [[], people(501), people(2) + people(1), [None], ["u1"], {}, "u1"]
    for wrong in wrongs:
        data = changed("SessionCompleted", program_type=type_, participants=wrong)
        assert refused_data("SessionCompleted", data).startswith("data.participants")


def test_one_person_twice_in_different_roles() -> None:
    """One person twice in a session is refused, even in two roles."""
    twice = [{"user_id": "ada", "role": "mentor"}, {"user_id": "ada", "role": "mentee"}]
    data = changed("SessionCompleted", participants=twice)
    assert refused_data("SessionCompleted", data) == "data.participants: one person is named twice"


@pytest.mark.parametrize("count", [1, 3, 500])
def test_one_to_one_has_exactly_two(count: int) -> None:
    """A one-to-one session has exactly two people, in whatever roles."""
    data = changed("SessionCompleted", participants=people(count))
    assert refused_data("SessionCompleted", data).startswith("data.participants: ")
    both = taken("SessionCompleted", changed("SessionCompleted", participants=people(2)))
    assert both.participants == (Participant("u0", "mentee"), Participant("u1", "mentee"))


def test_user_ids() -> None:
    """A manual award names 1 to 1,000 members; naming one twice does no harm."""
    for count in (1, 2, 1_000):
        ids = tuple(f"u{n}" for n in range(count))
        assert taken("ManualAward", changed("ManualAward", user_ids=ids)).user_ids == ids
    assert taken("ManualAward", changed("ManualAward", user_ids=["a", "a"])).user_ids == ("a", "a")
    wrongs: list[Any] = [[], [f"u{n}" for n in range(1_001)], [None], [1], "ada", {"ada": 1}]
    for wrong in wrongs:
        data = changed("ManualAward", user_ids=wrong)
        assert refused_data("ManualAward", data).startswith("data.user_ids")


def test_roles() -> None:
    """The roles of a registration may be none, and one twice; but no other."""
    for right in ((), ("mentor",), ("mentee", "mentor"), ("mentor", "mentor")):
        assert taken("MemberRegistered", changed("MemberRegistered", roles=right)).roles == right
    wrongs: list[Any] = ["mentor", ["admin"], [None], [1], ["mentor", ""], {}, ["\ud800"]]
    for wrong in wrongs:
        data = changed("MemberRegistered", roles=wrong)
        assert refused_data("MemberRegistered", data).startswith("data.roles")


def test_null_clears_in_a_change() -> None:
    """In CertificateChanged null clears, but name, text and colour can't be cleared; what is absent stays."""
    clearable = ("required_sessions", "banner", "logo", "guidance")
    nothing = without("CertificateChanged", *OPTIONAL["CertificateChanged"])
    data = taken("CertificateChanged", nothing | dict.fromkeys(clearable))
    assert {getattr(data, field) for field in clearable} == {None}
    assert (data.name, data.text, data.colour) == (UNSET, UNSET, UNSET)
    for field in ("name", "text", "colour"):
        detail = refused_data("CertificateChanged", nothing | {field: None})
        assert detail.startswith(f"data.{field}: ")
    assert {getattr(taken("CertificateChanged", nothing), field) for field in clearable} == {UNSET}


UNKNOWN: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1.5e300, 10**300, "", "\ud800", "\0", "\ud800\udbff"),
    *([], {}, [[{}]], {"\ud800": "\udfff"}, {"a\0": None}, [None] * 1_000),
)


@pytest.mark.parametrize("name", SAMPLES)
def test_unknown_fields_are_ignored(name: str) -> None:
    """Unknown fields are ignored, whatever they hold and however they are called: newer publishers send them."""
    plain = taken(name, SAMPLES[name])
    for number, unknown in enumerate(UNKNOWN):
        more = {"newer": unknown, f"\ud800{number}": unknown, "": 1, "organization_id\0": "x"}
        assert taken(name, SAMPLES[name] | more) == plain
        assert taken(name, SAMPLES[name], newer=unknown, **{"\udfff": 1}) == plain


def test_unknown_fields_of_participants_are_ignored() -> None:
    """A newer publisher may say more about a participant."""
    more = [person | {"name": "\ud800", "\ud800": 1} for person in people(2)]
    data = taken("SessionCompleted", changed("SessionCompleted", participants=more))
    assert data.participants == (Participant("u0", "mentee"), Participant("u1", "mentee"))
