"""Open Badges as strangers get and verify them, from processes of sharing (rules 20 to 22 and 27)."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from msgspec.structs import replace
from openbadgeslib.ob3.credential import IdentityObject
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier

from devstack import Addresses
from services.journal import Journal
from tests.integration.sharing_credentials import (
    AS_JSON,
    AS_TOKEN,
    dead_positions,
    disable,
    json_of,
    new_world,
    share,
    steps,
    token_of,
    verify_json,
    verify_token,
)
from tests.integration.sharing_processes import PUBLIC_URL, fresh_database, new_journal, serving
from tests.integration.sharing_world import World
from tests.sharing_samples import BADGE, CERTIFICATE
from tests.signing import key_file, new_ed25519, new_rsa, private_pem
from tests.verifiers import verify_in_javascript


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, new_journal(url) as journal:
        yield journal


@pytest.fixture(scope="module")
def http(journal: Journal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("keys")
    keys = key_file(folder, private_pem(new_rsa()), private_pem(new_ed25519()))
    with serving(journal.conninfo, SIGNING_KEY=keys) as client:
        yield client


@pytest.fixture
def world(journal: Journal) -> World:
    return new_world(journal)


@pytest.mark.parametrize("award", [BADGE, CERTIFICATE], ids=lambda award: award.kind)
def test_independent_verifiers_take_both_forms(
    http: httpx.Client, world: World, award: Any
) -> None:
    """A credential is verified by two strangers' libraries, with its issuer's keys and its status."""
    path = share(http, world, award.award_id)
    document = json_of(http, path)
    for credential in (
        verify_token(http, token_of(http, path)),
        verify_json(http, document),
    ):
        assert credential.id == PUBLIC_URL + path
        assert credential.name == credential.achievement.name == award.title
        assert credential.achievement.criteria_narrative == award.criteria
        assert credential.achievement.achievement_type.lower() == award.kind
        assert credential.issuer.name == award.organization_name
        assert credential.issuance_date == award.earned_at
    (result,) = verify_in_javascript([document], http, PUBLIC_URL)
    assert steps(result) == {
        "valid_signature": True,
        "expiration": True,
        "revocation_status": True,
        "registered_issuer": False,  # we are in no registry
    }


def test_what_was_changed_is_not_taken(http: httpx.Client, world: World) -> None:
    """A credential in which a word was changed, or that another key signed, is found out by both."""
    path = share(http, world)
    document = json_of(http, path)
    forged = {**document, "name": "Super Mentor"}
    with pytest.raises(OB3VerificationError, match="signature mismatch"):
        verify_json(http, forged)
    (result,) = verify_in_javascript([forged], http, PUBLIC_URL)
    assert [error["name"] for error in result["errors"]] == ["invalid_signature"]
    token = token_of(http, path)
    claims = jwt.decode(token, options={"verify_signature": False})
    headers = {"kid": jwt.get_unverified_header(token)["kid"]}
    with pytest.raises(OB3VerificationError, match="Invalid signature"):
        verify_token(http, jwt.encode(claims, new_rsa(), "RS256", headers))


@pytest.mark.parametrize(
    "kill",
    [
        disable,
        lambda _, world: world.revoke("award-1"),
        lambda _, world: world.erase("ada"),
    ],
    ids=["disabled", "revoked", "erased"],
)
def test_a_kept_copy_is_known_to_be_dead(
    http: httpx.Client, world: World, kill: Callable[[httpx.Client, World], None]
) -> None:
    """Rules 20 to 22 and 27: whoever kept a copy learns at once, from the list, that it holds no more."""
    world.grant(replace(BADGE, award_id="award-3", user_id="bob"))
    made = http.put("/v1/awards/award-3/link", headers=world.bearer("bob")).json()
    others = json_of(http, f"{made['url'].removeprefix(PUBLIC_URL)}/credential.json")
    path = share(http, world)
    token, document = token_of(http, path), json_of(http, path)
    assert dead_positions(http, document) == set()
    kill(http, world)
    assert dead_positions(http, document) == {int(document["credentialStatus"]["statusListIndex"])}
    with pytest.raises(OB3VerificationError, match="status 'revocation' is set"):
        verify_token(http, token)
    with pytest.raises(OB3VerificationError, match="status 'revocation' is set"):
        verify_json(http, document)
    verify_json(http, others)
    dead, alive = verify_in_javascript([document, others], http, PUBLIC_URL)
    assert steps(dead)["revocation_status"] is False
    assert steps(dead)["valid_signature"] is True
    assert steps(alive)["revocation_status"] is True


def test_a_new_link_is_another_credential(http: httpx.Client, world: World) -> None:
    """Rule 21: a link shared after a disabled one has a place of its own, and is not dead with it."""
    first = json_of(http, share(http, world))
    disable(http, world)
    second = json_of(http, share(http, world))
    assert first["id"] != second["id"]
    assert first["credentialSubject"]["id"] != second["credentialSubject"]["id"]
    assert first["credentialStatus"]["id"] != second["credentialStatus"]["id"]
    verify_json(http, second)


def test_there_is_no_credential_where_there_is_no_award_to_see(
    http: httpx.Client, world: World
) -> None:
    """Rules 2, 20 and 22: never issued and unavailable 404; disabled, revoked and erased 410; kept by nobody."""
    path, revoked = share(http, world), share(http, world, "award-2")
    tag = http.get(path).headers["etag"]

    def refusal(path: str) -> int:
        for headers in (AS_TOKEN, AS_JSON, {"If-None-Match": tag}):
            answer = http.get(path, headers=headers)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["cache-control"] == "no-store"
            assert "etag" not in answer.headers
            assert answer.json()["status"] == answer.status_code
            assert "Ada" not in answer.text
        return answer.status_code

    assert refusal("/s/never-issued/credential.json") == 404
    world.revoke("award-2")
    assert refusal(revoked) == 410
    world.available(badges=False)
    assert refusal(path) == 404
    world.available()
    assert http.get(path).status_code == 200
    disable(http, world)
    assert refusal(path) == 410
    again = share(http, world)
    world.erase("ada")
    assert refusal(again) == 410


def test_an_organization_without_anything_to_see_is_no_issuer(
    http: httpx.Client, journal: Journal, world: World
) -> None:
    """Rules 1 and 2: where nothing was issued, or nothing is available, there is no issuer either."""

    def statuses(organization_id: str) -> set[int]:
        address = f"/issuers/{organization_id}"
        paths = (address, f"{address}/did.json", f"{address}/status/1")
        return {http.get(path).status_code for path in paths}

    assert statuses(world.organization_id) == {404}
    path = share(http, world)
    assert statuses(world.organization_id) == {404}  # shared, but nobody asked for a credential
    assert http.get(path).status_code == 200
    assert statuses(world.organization_id) == {200}
    world.available(badges=False)
    assert statuses(world.organization_id) == {200}
    world.available(badges=False, certificates=False)
    assert statuses(world.organization_id) == {404}
    for impossible in ("%00", "a%3Ab", "me", "x" * 200):
        assert statuses(impossible) == {404}
    for number in ("0", "2", "99999999999", "x"):
        assert http.get(f"/issuers/{world.organization_id}/status/{number}").status_code == 404


def test_nothing_published_tells_who_it_is_about(http: httpx.Client, world: World) -> None:
    """Rules 21 and 27: of the recipient a credential holds a hash that only their name opens."""
    path = share(http, world)
    document = json_of(http, path)
    address = f"/issuers/{world.organization_id}"
    published = [
        http.get(path, headers=AS_JSON).text,
        json.dumps(jwt.decode(token_of(http, path), options={"verify_signature": False})),
        *(http.get(f"{address}{rest}").text for rest in ("", "/did.json", "/status/1")),
    ]
    for text in published:
        assert "Ada" not in text
        assert "Lovelace" not in text
        assert '"ada"' not in text
        assert "award-1" not in text
    (identity,) = document["credentialSubject"]["identifier"]
    expected = IdentityObject.create("Ada Lovelace", identity["salt"], "name")
    assert identity == expected.to_dict()


def test_organizations_of_any_name_are_found(http: httpx.Client, journal: Journal) -> None:
    """An organization's id may hold any printable character; its DID resolves all the same."""
    world = new_world(journal, f"Größe ~100% & Co. #{uuid4().hex}?")
    document = json_of(http, share(http, world))
    verify_json(http, document)
    (result,) = verify_in_javascript([document], http, PUBLIC_URL)
    assert steps(result)["valid_signature"] is True
    assert steps(result)["revocation_status"] is True


def test_a_badge_in_a_picture(http: httpx.Client, world: World) -> None:
    """The picture of a badge holds its credential, as verifiers extract it (OB 3.0, 5.3.1)."""
    path = share(http, world)
    picture = http.get(path.replace("credential.json", "badge.png"))
    assert picture.headers["content-type"] == "image/png"
    token = OB3Verifier.extract_token_from_png(picture.content)
    assert token == token_of(http, path)
    assert verify_token(http, token).achievement.name == BADGE.title
