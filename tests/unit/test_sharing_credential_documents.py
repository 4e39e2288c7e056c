"""What credentials say: pure functions, before anything is signed."""

import html
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace
from openbadgeslib.ob3.contexts import load_context
from openbadgeslib.ob3.status import decode_encoded_list, set_indices

from services.sharing.credentials import securing
from services.sharing.credentials.documents import open_badge, status_list
from services.sharing.credentials.issuers import (
    did_web,
    host_did,
    issuer,
    organization_of,
    segment_of,
)
from services.sharing.credentials.keys import signing_keys
from services.sharing.credentials.securing import CREDENTIALS, OPEN_BADGES, Document, Signatory
from services.sharing.credentials.statuses import LIST_LENGTH, StatusEntry, encoded_list
from services.sharing.reading import PublicLink
from tests.sharing_samples import ANOTHER_LINK, BADGE, CERTIFICATE, public_link
from tests.signing import key_file, new_ed25519, new_p256, private_pem

ACME = issuer("https://awards.example", "acme")
PAGE = "https://awards.example/s/token"
ENTRY = StatusEntry(list=3, position=40_000)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def credential(link: PublicLink) -> Document:
    return open_badge(link, PAGE, ACME, ENTRY)


def test_the_date_is_when_it_was_earned() -> None:
    """Rule 18: a credential is valid from when the award was earned, to the second, at any time there is."""
    for earned, expected in (
        (datetime(2026, 3, 31, 22, 30, 0, 999_999, UTC), "2026-03-31T22:30:00Z"),
        (datetime(2026, 4, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))), "2026-03-31T22:30:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "9999-12-31T23:59:59Z"),
    ):
        document = credential(public_link(replace(BADGE, earned_at=earned)))
        assert document["validFrom"] == document["awardedDate"] == expected


def test_a_status_is_looked_up_where_the_credential_says() -> None:
    """The entry names the list's address and the place in it, as text."""
    assert credential(public_link())["credentialStatus"] == {
        "id": "https://awards.example/issuers/acme/status/3#40000",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "40000",
        "statusListCredential": "https://awards.example/issuers/acme/status/3",
    }


def test_nobody_is_named_of_whom_no_name_is_known() -> None:
    """Where no name is known the recipient is a pseudonym alone, another one for each link."""
    nameless = credential(public_link(recipient_name=None))["credentialSubject"]
    assert "identifier" not in nameless
    another = credential(public_link(link_id=ANOTHER_LINK))["credentialSubject"]
    assert another["id"] != nameless["id"]
    hashes = [
        credential(link)["credentialSubject"]["identifier"][0]["identityHash"]
        for link in (public_link(), public_link(link_id=ANOTHER_LINK))
    ]
    assert hashes[0] != hashes[1]


def test_an_achievement_is_the_same_for_all_who_earned_it() -> None:
    """Its id is one for all who did the same for it; under another rule it is another achievement."""

    def achievement(link: PublicLink) -> str:
        return str(credential(link)["credentialSubject"]["achievement"]["id"])

    mine = achievement(public_link())
    assert achievement(public_link(replace(BADGE, user_id="bob", award_id="award-9"))) == mine
    assert achievement(public_link(replace(BADGE, criteria="Completed 8 sessions."))) != mine
    assert achievement(public_link(CERTIFICATE)) != mine
    other = issuer("https://awards.example", "globex")
    elsewhere = open_badge(public_link(), PAGE, other, ENTRY)
    assert elsewhere["credentialSubject"]["achievement"]["id"] != mine


@pytest.mark.parametrize(
    "name",
    [
        "Leadership & Listening",
        "*stars* and _lines_, ~~struck~~",
        "[a link](javascript:alert(1)) ![a picture](x)",
        "<script>alert(1)</script> <https://example.com>",
        "`code` | tables \\ and \\* slashes",
        "&lt; &#60; &",
        "one\n# two\n- three\n===\n+ four",
    ],
)
def test_criteria_are_no_markup(name: str) -> None:
    """Criteria are read as Markdown, so names in them that look like it are kept from becoming it."""
    criteria = f"Completed 4 sessions in {name}"
    document = credential(public_link(replace(BADGE, criteria=criteria)))
    narrative = document["credentialSubject"]["achievement"]["criteria"]["narrative"]
    shown = MarkdownIt("gfm-like", {"linkify": False}).render(narrative)
    body = shown.removeprefix("<p>").removesuffix("</p>\n")
    assert "<" not in body
    assert html.unescape(body) == criteria


@pytest.mark.parametrize("dead", [[], [0], [LIST_LENGTH - 1], [7, 8, 40_000], range(LIST_LENGTH)])
def test_a_list_has_the_bits_it_is_given(dead: list[int]) -> None:
    """Each position is its bit from the left, and no other, as an independent decoder reads it."""
    encoded = encoded_list(dead)
    assert encoded.startswith("u")
    assert "=" not in encoded
    bits = decode_encoded_list(encoded)
    assert len(bits) * 8 == LIST_LENGTH
    assert set_indices(bits) == set(dead)


def test_a_list_changes_by_the_day_and_with_what_is_in_it() -> None:
    """A list is the same through a day, and holds until the day after the next begins."""
    some, none = encoded_list([5]), encoded_list([])
    morning = status_list(ACME, 1, some, NOON - timedelta(hours=12))
    assert morning == status_list(ACME, 1, some, NOON + timedelta(hours=11, minutes=59))
    assert morning != status_list(ACME, 1, none, NOON)
    next_day = status_list(ACME, 1, some, NOON + timedelta(hours=12))
    assert morning["validFrom"] == "2026-06-01T00:00:00Z"
    assert morning["validUntil"] == "2026-06-03T00:00:00Z"
    assert next_day["validFrom"] == "2026-06-02T00:00:00Z"


@pytest.mark.parametrize(
    "organization_id", ["acme", "Acme-1.2_3", "_acme", "a b", "größe", "%41", "-"]
)
def test_an_organization_has_one_name(organization_id: str) -> None:
    """An organization's id and its name in addresses lead to each other, and the name fits a DID."""
    segment = segment_of(organization_id)
    assert organization_of(segment) == organization_id
    assert segment.replace("_", "-").replace(".", "-").replace("-", "a").isalnum()
    assert segment.isascii()


@pytest.mark.parametrize(
    "segment", ["", "me", ".", "..", "_", "_YWNtZQ", "_YWNtZQ==", "_!", "_gA", "a b", "a~", "a%41"]
)
def test_nothing_else_is_a_name(segment: str) -> None:
    """What no organization is named by leads to none, so that each has one address."""
    assert organization_of(segment) is None


def test_dids_are_those_of_the_addresses() -> None:
    """A DID resolves to where we answer: with its port, and below the path that links have."""
    assert did_web("https://awards.example/issuers/acme") == "did:web:awards.example:issuers:acme"
    local = "http://127.0.0.1:8002"
    assert issuer(local, "acme").did == "did:web:127.0.0.1%3A8002:issuers:acme"
    assert host_did(local) == "did:web:127.0.0.1%3A8002"
    below = "https://example.com/awards"
    assert issuer(below, "acme").did == "did:web:example.com:awards:issuers:acme"
    assert host_did(below) == "did:web:example.com"


def test_contexts_are_those_that_verifiers_hold() -> None:
    """What is signed depends on the contexts: ours are, to the last member, those of others."""
    for url in (CREDENTIALS, OPEN_BADGES):
        assert securing._load_context(url, {})["document"] == load_context(url)


def test_signing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    """Each way of signing gives the same bytes for the same document, ES256 too."""
    document = credential(public_link())
    for keys in ([private_pem(new_p256())], [private_pem(new_ed25519())]):
        name = key_file(tmp_path, *keys)
        first, second = Signatory(signing_keys(name)), Signatory(signing_keys(name))
        assert first.token(document) == second.token(document)
        assert first.json(document) == second.json(document)
