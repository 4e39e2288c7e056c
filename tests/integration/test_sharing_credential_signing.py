"""Which keys sign credentials, in which form they come, and that all processes agree (rules 21 and 22)."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier

from devstack import Addresses
from services.journal import Journal
from tests.integration.sharing_credentials import (
    AS_JSON,
    AS_TOKEN,
    disable,
    json_of,
    new_world,
    share,
    token_of,
    verify_json,
    verify_token,
)
from tests.integration.sharing_processes import PUBLIC_URL, fresh_database, new_journal, serving
from tests.integration.sharing_world import World
from tests.signing import (
    PrivateKey,
    key_file,
    new_ed25519,
    new_p256,
    new_rsa,
    private_pem,
    public_pem,
)
from tests.verifiers import verify_in_javascript

RSA, ED25519 = new_rsa(), new_ed25519()


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, new_journal(url) as journal:
        yield journal


@pytest.fixture(scope="module")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def http(journal: Journal, key_folder: Path) -> Iterator[httpx.Client]:
    keys = key_file(key_folder, private_pem(RSA), private_pem(ED25519))
    with serving(journal.conninfo, SIGNING_KEY=keys) as client:
        yield client


@pytest.fixture
def world(journal: Journal) -> World:
    return new_world(journal)


def test_every_process_gives_the_same_bytes(
    http: httpx.Client, journal: Journal, key_folder: Path, world: World
) -> None:
    """The same state gives the same credential and list, byte for byte, in any process; 304 till it changes."""
    path = share(http, world)
    address = f"/issuers/{world.organization_id}"
    paths = [path, f"{address}/status/1", f"{address}/did.json", address]
    with serving(journal.conninfo, SIGNING_KEY=str(key_folder / "signing.pem")) as other:
        for headers in (AS_TOKEN, AS_JSON):
            for each in paths:
                here, there = http.get(each, headers=headers), other.get(each, headers=headers)
                assert here.content == there.content
                assert here.headers["etag"] == there.headers["etag"]
                assert here.headers["cache-control"] == "no-cache"
                same = other.get(each, headers={**headers, "If-None-Match": here.headers["etag"]})
                assert (same.status_code, same.content) == (304, b"")
        tags = [other.get(each).headers["etag"] for each in paths[:2]]
        world.name("ada", "Ada King")
        assert http.get(path, headers={"If-None-Match": tags[0]}).status_code == 200
        disable(http, world)
        assert other.get(paths[1], headers={"If-None-Match": tags[1]}).status_code == 200


@pytest.mark.parametrize(
    ("accept", "of_credential", "of_list"),
    [
        ("*/*", "application/vc+ld+json", "application/vc+jwt"),
        ("application/ld+json, application/json", "application/ld+json", "application/ld+json"),
        (
            "application/json;q=0.5, text/plain",
            "text/plain",
            "text/plain",
        ),
        ("application/vc", "application/vc", "application/vc"),
        ("application/jwt", "application/jwt", "application/jwt"),
        ("text/html,*/*;q=0.8", "application/vc+ld+json", "application/vc+jwt"),
    ],
)
def test_the_form_is_the_readers_choice(
    http: httpx.Client, world: World, accept: str, of_credential: str, of_list: str
) -> None:
    """JSON and token by Accept (RFC 9110, 12.5.1); GET and HEAD alike, for pages of anybody, too."""
    paths = {
        share(http, world): of_credential,
        f"/issuers/{world.organization_id}/status/1": of_list,
    }
    for path, expected in paths.items():
        get, head = (
            http.request(method, path, headers={"Accept": accept}) for method in ("GET", "HEAD")
        )
        assert get.headers["content-type"] == head.headers["content-type"] == expected
        assert get.headers["etag"] == head.headers["etag"]
        assert get.headers["vary"] == "Accept"
        assert get.headers["access-control-allow-origin"] == "*"
        assert get.headers["x-robots-tag"] == "noindex, noarchive"
        assert head.content == b""
        assert get.text.startswith("{") == ("jwt" not in expected and "text" not in expected)


def test_a_replaced_key_still_checks_what_it_signed(
    http: httpx.Client, journal: Journal, tmp_path: Path, world: World
) -> None:
    """Rotation: new keys in front sign from now on; an old one is good for old copies until it is taken out."""
    path = share(http, world)
    token, document = token_of(http, path), json_of(http, path)
    new = private_pem(new_rsa()), private_pem(new_ed25519())
    old = public_pem(RSA), public_pem(ED25519)
    with serving(journal.conninfo, SIGNING_KEY=key_file(tmp_path, *new, *old)) as rotated:
        verify_token(rotated, token)
        verify_json(rotated, document)
        assert verify_in_javascript([document], rotated, PUBLIC_URL)[0]["log"][0]["valid"]
        newer = token_of(rotated, path)
        assert jwt.get_unverified_header(newer)["kid"] != jwt.get_unverified_header(token)["kid"]
        verify_token(rotated, newer)
        verify_json(rotated, json_of(rotated, path))
    with serving(journal.conninfo, SIGNING_KEY=key_file(tmp_path, *new)) as without:
        verify_token(without, newer)
        with pytest.raises(OB3VerificationError, match="no verificationMethod"):
            verify_token(without, token)
        with pytest.raises(OB3VerificationError):
            verify_json(without, document)


@pytest.mark.parametrize(
    ("key", "algorithm"), [(new_rsa(), "RS256"), (new_p256(), "ES256"), (new_ed25519(), "EdDSA")]
)
def test_one_key_of_any_kind_is_enough(
    journal: Journal, tmp_path: Path, world: World, key: PrivateKey, algorithm: str
) -> None:
    """A token is signed by the key there is; JSON carries a proof if it can, else it envelops the token."""
    with serving(journal.conninfo, SIGNING_KEY=key_file(tmp_path, private_pem(key))) as http:
        path = share(http, world)
        token, document = token_of(http, path), json_of(http, path)
        assert jwt.get_unverified_header(token)["alg"] == algorithm
        verify_token(http, token)
        if algorithm == "EdDSA":
            verify_json(http, document)
        else:
            assert document == {
                "@context": "https://www.w3.org/ns/credentials/v2",
                "id": f"data:application/vc+jwt,{token}",
                "type": "EnvelopedVerifiableCredential",
            }


def test_keys_are_published_where_they_are_looked_for(http: httpx.Client, world: World) -> None:
    """The JWK Set and the host's DID document hold the keys; a token tells which of them it needs."""
    token = token_of(http, share(http, world))
    header = jwt.get_unverified_header(token)
    assert header.keys() == {"alg", "kid", "jwk", "typ"}  # others are not allowed (OB 3.0, 8.2)
    key_set = jwt.PyJWKSet.from_dict(http.get("/.well-known/jwks.json").json())
    key = key_set[header["kid"].rpartition("#")[2]]
    claims = jwt.decode(token, key)
    assert claims["jti"] == claims["id"]
    assert claims["sub"] == claims["credentialSubject"]["id"]
    host = http.get("/.well-known/did.json").json()
    assert host["id"] == "did:web:awards.example"
    issuer = http.get(f"/issuers/{world.organization_id}/did.json").json()
    assert issuer["controller"] == host["id"]
    assert issuer["id"] == claims["issuer"]["id"]
    names = [
        {method["id"].partition("#")[2] for method in document["verificationMethod"]}
        for document in (host, issuer)
    ]
    assert names[0] == names[1]
    profile = http.get(issuer["alsoKnownAs"][0].removeprefix(PUBLIC_URL)).json()
    assert {**profile, "@context": None} == {**claims["issuer"], "@context": None}


def test_without_a_key_nothing_is_signed(journal: Journal, world: World) -> None:
    """Without SIGNING_KEY there are no credentials and no issuers; what is dead is dead as ever."""
    with serving(journal.conninfo) as http:
        path = share(http, world)
        answer = http.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        for address in ("/.well-known/did.json", "/.well-known/jwks.json"):
            assert http.get(address).status_code == 404
        picture = http.get(path.replace("credential.json", "badge.png"))
        with pytest.raises(OB3VerificationError, match="No openbadgecredential"):
            OB3Verifier.extract_token_from_png(picture.content)
        disable(http, world)
        assert http.get(path).status_code == 410
