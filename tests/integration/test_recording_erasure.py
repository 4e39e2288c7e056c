"""Rule 27 on a real database: whoever is erased is nowhere, at once and for good, and nobody else is touched."""

import json
from itertools import repeat
from typing import Any, Final

import psycopg
import pytest

from services.achievements.intake import Intake
from services.journal import Journal
from services.kafka import Message
from tests.integration.service import empty, project
from tests.integration.test_recording import (
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
    Headers,
    binary_headers,
    changed,
    envelope,
    to_bytes,
)

NAME: Final = "Adélaïde O'Hara"
EMAIL: Final = "adélaïde+x@example.org"
ERASED: Final = ("acme", "ada")


@pytest.fixture
def journal(database: Journal) -> Journal:
    empty(database)
    take(database, message("MemberRegistered", display_name=NAME, email=EMAIL))
    return database


def written(text: str) -> set[str]:
    """The ways in which a text may lie in a row of the database, as `repr` shows it."""
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    escaped = json.dumps(text)[1:-1]
    forms = {text, plain, escaped, escaped.replace("'", "\\u0027")}
    as_bytes = {repr(form.encode())[2:-1] for form in forms}
    return forms | as_bytes | {form.upper() for form in as_bytes}


def traces(journal: Journal, *texts: str) -> list[str]:
    """The tables in whose rows any of these texts is found, in whatever column and form."""
    return [
        table
        for table, rows in everything(journal).items()
        if any(form in repr(row) for row in rows for text in texts for form in written(text))
    ]


def letter_about(**fields: Any) -> Message:
    """A registration that can't be used."""
    return message("MemberRegistered", roles=["wizard"], **fields)


def test_a_person_is_destroyed(journal: Journal) -> None:
    """Name and address are gone with the erasure, and the user id is remembered as erased."""
    assert traces(journal, NAME, EMAIL) == ["achievements.person"]
    take(journal, message("MemberErased"))
    assert traces(journal, NAME, EMAIL) == []
    assert everything(journal)["achievements.person"] == []
    assert everything(journal)["achievements.erased_person"] == [ERASED]


def test_a_later_registration_is_ignored(journal: Journal) -> None:
    """A registration of an erased user id leaves no trace: not in the next batch, nor in the same one."""
    again = message("MemberRegistered", display_name=NAME)
    take(journal, message("MemberErased"), again)
    erased = everything(journal)
    take(journal, again, message("MemberRegistered", display_name=NAME, roles=[]))
    assert everything(journal) == erased
    assert traces(journal, NAME) == []


def test_a_registration_just_before_is_destroyed(journal: Journal) -> None:
    """What one batch tells of a member is gone where the same batch erases them."""
    take(
        journal,
        letter_about(display_name=f"{NAME}x"),
        message("MemberRegistered", display_name="Ada Lovelace"),
        message("MemberErased"),
    )
    assert traces(journal, "Ada Lovelace", NAME, f"{NAME}x", EMAIL) == []
    assert codes(journal) == []


ABOUT_ADA: Final = {
    "parsed ids": message("ProgramJoined", role="wizard"),
    "a list of ids": message("ManualAward", user_ids=["ben", "ada"], awarded_at="soon"),
    "a participant": message("SessionCompleted", completed_at="soon"),
    "an admin": message("CertificateDisabled", disabled_by="ada"),
    "a name in a reason": message("AwardRevoked", reason=f"{NAME} asked for it"),
    "an address": message("AwardRevoked", reason=f"Ask {EMAIL}."),
    "escapes": raw(to_bytes({"x": f"dear {NAME}"}).replace(b"'", b"\\u0027")),
    "upper escapes": raw(b'{"x": "Ad\\u00E9la\\u00EFde O\'Hara"}'),
    "raw text": raw(f'{{"x": "{NAME}"}}'.encode()),
    "no JSON": raw(f"user {NAME} said no".encode()),
    "no JSON, the id": raw(b'{"user_id": "ada", '),
    "no text": raw(b"\xff\xfe " + NAME.encode("latin-1")),
    "a key": raw(b"{}", key=b"acme:ada"),
    "a header": raw(b"{}", headers=(("x", b"\0"), ("who", NAME.encode()))),
    "a header's name": raw(b"{}", headers=((NAME, None),)),
    "too large": raw(
        to_bytes(envelope("MemberRegistered", SAMPLES["MemberRegistered"], x="x" * 300_000))
    ),
    "binary mode": raw(
        to_bytes(changed("ProgramJoined", role="x")), headers=binary_headers("ProgramJoined")
    ),
}


@pytest.mark.parametrize("how", ABOUT_ADA)
def test_dead_letters_that_name_them_are_destroyed(journal: Journal, how: str) -> None:
    """A dead letter that names the member in any way is destroyed with them."""
    take(journal, ABOUT_ADA[how])
    assert len(codes(journal)) == 1
    take(journal, message("MemberErased"))
    assert codes(journal) == []


@pytest.mark.parametrize("organization_id", ["a:b", 7, None, "\ud800"])
def test_whose_organization_can_not_be_read(journal: Journal, organization_id: Any) -> None:
    """A dead letter whose organization can't be read may be about any member of this id, and so is destroyed with each
    of them; one about somebody else stays."""
    take(
        journal,
        message("ProgramJoined", organization_id=organization_id),
        message("ProgramJoined", organization_id=organization_id, user_id="eva"),
    )
    with journal.connection() as connection:
        kept = connection.execute("SELECT organization_id, user_ids FROM dead_letter").fetchall()
    assert kept == [(None, ["ada"]), (None, ["eva"])]
    take(journal, message("MemberErased"))
    with journal.connection() as connection:
        kept = connection.execute("SELECT organization_id, user_ids FROM dead_letter").fetchall()
    assert kept == [(None, ["eva"])]


ABOUT_OTHERS: Final = {
    "a longer id": message("ProgramJoined", user_id="ada2", role="x"),
    "an id with hers in it": message("ProgramJoined", user_id="x-ada", role="x"),
    "an id that is a word": message("AwardRevoked", reason="an adage, or Ada's"),
    "another organization": message("ProgramJoined", organization_id="globex", role="x"),
    "her namesake elsewhere": letter_about(organization_id="globex", display_name=NAME),
    "another name": letter_about(user_id="eva", display_name=f"{NAME}n", email=None),
    "another address": letter_about(user_id="eva", display_name="Eva", email=f"x{EMAIL}"),
    "nobody": raw(b"\xff nonsense \\u00"),
    "no value": raw(None, key=None),
}


@pytest.mark.parametrize("whom", ABOUT_OTHERS)
def test_dead_letters_of_others_stay(journal: Journal, whom: str) -> None:
    """A dead letter that names somebody else, or nobody, stays byte for byte."""
    take(journal, ABOUT_OTHERS[whom])
    before = letters(journal)
    assert len(before) == 1
    take(journal, message("MemberErased"))
    assert letters(journal) == before


def test_remarks_that_name_them_are_destroyed(journal: Journal) -> None:
    """An admin's note or reason goes if it holds the name or address; one that names nobody stays."""
    grant(journal)
    take(
        journal,
        message("ManualAward", note=f"For {NAME}!"),
        message("ManualAward", note=f"Ask {EMAIL}."),
        message("ManualAward", note="Well done"),
        message("ManualAward", note=f"{NAME}n"),
        message("ManualAward", organization_id="globex", note=f"Not the {NAME} of acme"),
        message("AwardRevoked", reason=f"{NAME} left"),
    )
    take(journal, message("MemberErased"))
    remarks = {words for *_, words in everything(journal)["achievements.remark"]}
    assert remarks == {"Well done", f"{NAME}n", f"Not the {NAME} of acme"}


def test_others_stay(journal: Journal) -> None:
    """Erasing one member touches nobody else: not their namesake of another organization either."""
    take(
        journal,
        message("MemberRegistered", organization_id="globex", display_name=NAME, email=EMAIL),
        message("MemberRegistered", user_id="ben", display_name="Ben"),
    )
    take(journal, message("MemberErased"))
    people = {row[:3] for row in everything(journal)["achievements.person"]}
    assert people == {("globex", "ada", NAME), ("acme", "ben", "Ben")}
    take(journal, letter_about(user_id="ben"), letter_about(organization_id="globex"))
    assert len(codes(journal)) == 2


RIGHT: Final = changed("MemberRegistered", display_name=NAME, email=EMAIL)
INVALID: Final[dict[str, tuple[Any, Headers]]] = {
    "invalid_data": (to_bytes(envelope("MemberRegistered", RIGHT | {"roles": 1})), ()),
    "too_large": (to_bytes(envelope("MemberRegistered", RIGHT | {"x": "x" * 300_000})), ()),
    "not_json: NaN": (to_bytes(envelope("MemberRegistered", RIGHT | {"x": float("nan")})), ()),
    "not_json: digits": (to_bytes(envelope("MemberRegistered", RIGHT | {"x": 10**4_000})), ()),
    "not_json: cut off": (to_bytes(envelope("MemberRegistered", RIGHT))[:-1], ()),
    "not_json: nested": (
        to_bytes(envelope("MemberRegistered", RIGHT))[:-1] + b',"x":' + b"[" * 10_000,
        (),
    ),
    "not_cloudevent": (to_bytes(envelope("MemberRegistered", RIGHT, specversion="2")), ()),
    "binary": (to_bytes(RIGHT | {"roles": 1}), binary_headers("MemberRegistered")),
    "binary: header": (
        to_bytes(RIGHT),
        (*binary_headers("MemberRegistered"), ("ce_subject", b"\xff")),
    ),
}


@pytest.mark.parametrize("how", INVALID)
def test_an_invalid_registration_of_the_erased_is_dropped(journal: Journal, how: str) -> None:
    """A registration of an erased member is dropped whatever is wrong with it, as its bytes hold a name; another
    member's is kept."""
    value, headers = INVALID[how]
    assert isinstance(value, bytes)
    ben = value.replace(b'"ada"', b'"ben"')
    take(journal, message("MemberErased"), raw(value, headers=headers))
    erased = everything(journal)
    take(journal, raw(value, headers=headers))
    assert everything(journal) == erased
    assert traces(journal, NAME, EMAIL) == []
    globex = value.replace(b'"acme"', b'"globex"')
    take(journal, raw(ben, headers=headers), raw(globex, headers=headers, key=b"globex"))
    assert len(codes(journal)) == 2


def test_a_name_is_nowhere(journal: Journal) -> None:
    """After a whole story with awards, remarks and dead letters, an erased member's name is in no table at all."""
    grant(journal)
    take(
        journal,
        message("OrganizationConfigured"),
        message("CertificateEnabled", required_sessions=1),
        message("SessionCompleted"),
        message("FeedbackSubmitted"),
        message("ManualAward", note=f"For {NAME}"),
        message("AwardRevoked", reason=f"{NAME} left"),
        *ABOUT_ADA.values(),
        letter_about(display_name=NAME, email=EMAIL),
    )
    project(journal, repeat(100))
    assert set(traces(journal, NAME, EMAIL)) == {
        *("achievements.person", "achievements.remark", "achievements.dead_letter")
    }
    take(journal, message("MemberErased"))
    project(journal, repeat(100))
    assert traces(journal, NAME, EMAIL) == []


def test_an_erasure_that_is_rolled_back(journal: Journal) -> None:
    """Where the batch is rolled back, the person is still there, and the same batch again erases them."""
    take(journal, letter_about(display_name=NAME))
    before = everything(journal)
    work = Intake(journal)([message("MemberErased")])
    with journal.transaction() as connection:
        work(connection)
        raise psycopg.Rollback
    assert everything(journal) == before
    with journal.transaction() as connection:
        work(connection)
    assert traces(journal, NAME, EMAIL) == []
    assert len(events(journal)) == 2
