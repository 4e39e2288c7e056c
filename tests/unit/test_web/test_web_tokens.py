"""Bearer tokens and the keys they are verified by."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.environment import SettingsError, read_settings
from services.web import HttpAuthSettings, Principal, TokenVerifier, issue_token
from services.web.keys import (
    COOLDOWN_SECONDS,
    REFRESH_AFTER_SECONDS,
    KeySet,
    KeysUnavailableError,
    key_set,
)
from services.web.tokens import BadTokenError

from .conftest import AUDIENCE, SECRET, Client, Headers

WHOAMI = "/v1/organizations/acme/whoami"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
KEYS: dict[str, Any] = {"RS256": RSA_KEY, "ES256": EC_KEY, "EdDSA": ED_KEY}

ClientOf = Callable[..., Client]


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims with changes; a claim changed to `...` is left out."""
    good = {
        "sub": "ada",
        "org": "acme",
        "roles": ["member"],
        "aud": AUDIENCE,
        "exp": datetime.now(UTC) + timedelta(minutes=5),
    }
    return {name: value for name, value in (good | changes).items() if value is not ...}


def signed(algorithm: str, kid: str | None = None, **changes: Any) -> str:
    headers = {"kid": kid} if kid else None
    return jwt.encode(claims(**changes), KEYS[algorithm], algorithm, headers=headers)


def public_jwk(algorithm: str, **members: Any) -> dict[str, Any]:
    to_jwk = jwt.get_algorithm_by_name(algorithm).to_jwk
    public: dict[str, Any] = json.loads(to_jwk(KEYS[algorithm].public_key()))
    return public | members


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


ALL_KEYS = jwks(*(public_jwk(algorithm, kid=f"k-{algorithm}") for algorithm in KEYS))


class Source:
    """What a KeySet reads: a document that a test changes, or fails to give."""

    def __init__(self, document: bytes = ALL_KEYS) -> None:
        self.document: bytes | None = document
        self.reads = 0
        self.read_twice = threading.Event()
        self.now = 1000.0

    def __call__(self) -> bytes:
        self.reads += 1
        if self.reads == 2:
            self.read_twice.set()
        if self.document is None:
            raise OSError("down")
        return self.document

    def verifier(self, secret: bytes | None = None) -> TokenVerifier:
        keys = KeySet(self, clock=lambda: self.now)
        return TokenVerifier(keys=keys, secret=secret, audience=AUDIENCE)


@pytest.fixture
def source() -> Source:
    return Source()


def verify(verifier: TokenVerifier, token: str) -> Principal:
    return asyncio.run(verifier.verify(token))


def refused(client: Client, token: str) -> str:
    """Why a token is refused: 401 that says so in its challenge, too."""
    answer = client.get(WHOAMI, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert token not in answer.text
    detail: str = answer.json()["detail"]
    return detail


def test_a_good_token(client: Client) -> None:
    """A token says who calls; roles we don't know and further claims are ignored."""
    token = jwt.encode(claims(roles=["admin", "astronaut"], iss="x"), SECRET, "HS256")
    answer = client.get(WHOAMI, headers={"Authorization": f"Bearer {token}"})
    assert answer.json() == {"user_id": "ada", "roles": ["admin"]}


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_has_any_case(client: Client, as_user: Headers, scheme: str) -> None:
    """The scheme's name is case-insensitive (RFC 9110, 11.1), with one space or more behind it."""
    header = as_user()["Authorization"].replace("Bearer", scheme)
    assert client.get(WHOAMI, headers={"Authorization": header}).status_code == 200


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Bearer", "token", "Beareree x"])
def test_no_token(client: Client, header: str | None) -> None:
    """Without a bearer token it is 401 with a challenge."""
    headers = {} if header is None else {"Authorization": header}
    answer = client.get(WHOAMI, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_two_tokens(client: Client, as_user: Headers) -> None:
    """Two Authorization headers are refused: nobody should have to guess which one counts."""
    header = ("Authorization", as_user()["Authorization"])
    assert client.get(WHOAMI, headers=[header, header]).status_code == 401


def test_a_token_from_another_organization_works_without_one_in_the_address(
    client: Client, as_user: Headers
) -> None:
    """The organization in a token is free to be any legal id."""
    headers = as_user("ada", organization_id="Ünïted")
    assert (
        client.get("/v1/organizations/%C3%9Cn%C3%AFted/whoami", headers=headers).status_code == 200
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "else"}, "The token is for another audience."),
        ({"aud": ["else"]}, "The token is for another audience."),
        ({"aud": ...}, "The token has no aud."),
        ({"exp": ...}, "The token has no exp."),
        ({"exp": datetime.now(UTC) - timedelta(seconds=31)}, "The token has expired."),
        ({"exp": True}, "exp"),
        ({"exp": "9999999999"}, "exp"),
        ({"exp": float("inf")}, "The token is not valid."),
        ({"nbf": datetime.now(UTC) + timedelta(minutes=5)}, "The token is not valid yet."),
        ({"sub": ...}, "sub"),
        ({"sub": 7}, "The token is not valid."),
        ({"sub": ""}, "sub is no id"),
        ({"sub": "a:b"}, "sub is no id"),
        ({"sub": "me"}, "sub is no id"),
        ({"sub": "\ud800"}, "sub is no id"),
        ({"sub": "a\0"}, "sub is no id"),
        ({"org": ...}, "org"),
        ({"org": None}, "org"),
        ({"org": "a/b"}, "org is no id"),
        ({"roles": ...}, "roles"),
        ({"roles": "admin"}, "roles"),
        ({"roles": ["admin", 1]}, "roles"),
        ({"roles": {"admin": True}}, "roles"),
    ],
)
def test_bad_claims(client: Client, changes: dict[str, Any], reason: str) -> None:
    """A token without the claims it must have, of the right types, is refused with the reason."""
    assert reason in refused(client, jwt.encode(claims(**changes), SECRET, "HS256"))


def test_leeway(client: Client) -> None:
    """Clocks may differ by half a minute; `aud` may name several audiences."""
    just_expired = datetime.now(UTC) - timedelta(seconds=20)
    token = jwt.encode(claims(exp=just_expired, aud=["x", AUDIENCE]), SECRET, "HS256")
    assert client.get(WHOAMI, headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize(
    "token",
    [
        "a.b.c",
        "e30.e30.",
        "....",
        "ü.ü.ü",
        base64.urlsafe_b64encode(b'{"alg":["HS256"]}').decode().rstrip("=") + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":"HS256","kid":7}').decode().rstrip("=") + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":' + b"[" * 5000).decode().rstrip("=") + ".e30.e30",
        jwt.encode(claims(), "", algorithm="none"),
        jwt.encode(claims(), b"another secret of at least 32 bytes", "HS256"),
        jwt.encode(claims(), SECRET + bytes(32), "HS512"),
        jwt.encode(claims(), SECRET, "HS256") + "x",
        jwt.encode(claims(), SECRET, "HS256")[:-4],
        jwt.encode(claims(), SECRET, "HS256", headers={"crit": ["x"], "x": 1}),
    ],
)
def test_bad_tokens(client: Client, token: str) -> None:
    """Garbage, `none`, another algorithm, another signature, an unknown critical header: 401."""
    header = f"Bearer {token}".encode()
    assert client.get(WHOAMI, headers={b"Authorization": header}).status_code == 401


def test_an_oversized_token(client: Client) -> None:
    """A token larger than any header should be is refused without looking at it."""
    assert refused(client, jwt.encode(claims(x="x" * 9000), SECRET, "HS256")) == (
        "The token is too long."
    )


def test_without_keys_and_secret_no_token_is_good(client_of: ClientOf, as_user: Headers) -> None:
    """Where neither keys nor a secret are set, every token is refused."""
    verifier = TokenVerifier.from_settings(read_settings(HttpAuthSettings, {}))
    assert not verifier.can_verify
    assert client_of(verifier=verifier).get(WHOAMI, headers=as_user()).status_code == 401


def test_issued_tokens() -> None:
    """A token that we issue is one that we verify."""
    settings = read_settings(HttpAuthSettings, {"AUTH_SECRET": SECRET.decode()})
    ada = Principal("ada", "acme", frozenset({"admin", "operator"}))
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    token = issue_token(SECRET, ada, audience=settings.audience, expires_at=expires_at)
    assert verify(TokenVerifier.from_settings(settings), token) == ada
    assert ada.is_admin
    assert ada.is_operator


@pytest.mark.parametrize("algorithm", KEYS)
def test_keys_of_every_kind(source: Source, algorithm: str) -> None:
    """Tokens of RS256, ES256 and EdDSA are verified by the issuer's key of their id."""
    token = signed(algorithm, f"k-{algorithm}")
    assert verify(source.verifier(), token).user_id == "ada"


def test_a_key_without_an_id() -> None:
    """A key without an id verifies tokens without one, and no others."""
    verifier = Source(jwks(public_jwk("ES256"))).verifier()
    assert verify(verifier, signed("ES256")).user_id == "ada"
    with pytest.raises(BadTokenError):
        verify(verifier, signed("ES256", "k-ES256"))


@pytest.mark.parametrize(
    "token",
    [
        signed("RS256", "unknown"),
        signed("RS256"),
        signed("RS256", "k-ES256"),
        jwt.encode(claims(), RSA_KEY, "PS256", headers={"kid": "k-RS256"}),
        jwt.encode(claims(), RSA_KEY, "RS512", headers={"kid": "k-RS256"}),
        jwt.encode(claims(), EC_KEY, "ES256", headers={"kid": "k-RS256"}),
        jwt.encode(claims(), ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": "k-ES256"}),
        jwt.encode(claims(), "", algorithm="none", headers={"kid": "k-RS256"}),
        signed("RS256", "k-RS256", aud="else"),
    ],
)
def test_keys_verify_nothing_else(source: Source, token: str) -> None:
    """A key verifies tokens of its id and algorithm that it has signed, and nothing else."""
    with pytest.raises(BadTokenError):
        verify(source.verifier(), token)


def hs256_by_hand(secret: bytes) -> str:
    """pyjwt would not sign with a public key; an attacker does."""
    header = {"alg": "HS256", "typ": "JWT", "kid": "k-RS256"}
    payload = claims(exp=9_999_999_999)
    parts = [json.dumps(part).encode() for part in (header, payload)]
    message = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.new(secret, message, hashlib.sha256).digest()
    return (message + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.mark.parametrize("secret", [None, SECRET])
@pytest.mark.parametrize(
    "confused",
    [
        RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(public_jwk("RS256", kid="k-RS256")).encode(),
        b"",
    ],
)
def test_algorithm_confusion(source: Source, secret: bytes | None, confused: bytes) -> None:
    """A token of HS256 signed with what is public of an RSA key is refused, with and without a secret."""
    with pytest.raises(BadTokenError):
        verify(source.verifier(secret), hs256_by_hand(confused))


def test_keys_and_secret_together(source: Source) -> None:
    """With both keys and a secret each kind of token is verified by its own."""
    verifier = source.verifier(SECRET)
    assert verify(verifier, hs256_by_hand(SECRET)).user_id == "ada"
    assert verify(verifier, signed("EdDSA", "k-EdDSA")).user_id == "ada"


def test_secrets_in_a_key_set_are_ignored() -> None:
    """A symmetric key or one for encryption in the issuer's set verifies nothing."""
    secret = {"kty": "oct", "kid": "k", "k": base64.urlsafe_b64encode(SECRET).decode().rstrip("=")}
    encryption = public_jwk("RS256", kid="e", use="enc")
    verifier = Source(jwks(secret, encryption, public_jwk("ES256", kid="k-ES256"))).verifier()
    for token in (jwt.encode(claims(), SECRET, "HS256", {"kid": "k"}), signed("RS256", "e")):
        with pytest.raises(BadTokenError):
            verify(verifier, token)


def test_rotation(source: Source) -> None:
    """A key id not heard of makes the set be read again, so a new key works at once."""
    verifier = source.verifier()
    verify(verifier, signed("RS256", "k-RS256"))
    source.document = jwks(public_jwk("ES256", kid="new"))
    source.now += COOLDOWN_SECONDS
    assert verify(verifier, signed("ES256", "new")).user_id == "ada"
    with pytest.raises(BadTokenError):
        verify(verifier, signed("RS256", "k-RS256"))


def test_garbage_does_not_hammer_the_issuer(source: Source) -> None:
    """However many unknown key ids arrive, the set is read once in a cooldown."""
    verifier = source.verifier()
    for number in range(50):
        with pytest.raises(BadTokenError):
            verify(verifier, signed("ES256", f"unknown-{number}"))
    assert source.reads == 1
    source.now += COOLDOWN_SECONDS
    with pytest.raises(BadTokenError):
        verify(verifier, signed("ES256", "unknown"))
    assert source.reads == 2


def test_keys_outlive_an_outage(source: Source) -> None:
    """While the issuer is down its known keys go on, without being asked for at every token."""
    verifier = source.verifier()

    async def outage() -> None:
        await verifier.verify(signed("RS256", "k-RS256"))
        source.document = None
        source.now += REFRESH_AFTER_SECONDS
        for _ in range(5):
            await verifier.verify(signed("RS256", "k-RS256"))
            await asyncio.sleep(0.01)
        assert source.reads == 2
        with pytest.raises(KeysUnavailableError):
            await verifier.verify(signed("RS256", "unknown"))

    asyncio.run(outage())


def test_old_keys_are_read_again(source: Source) -> None:
    """A key that the issuer has withdrawn ends after the refresh time, though never unknown."""
    verifier = source.verifier()

    async def withdrawal() -> None:
        await verifier.verify(signed("RS256", "k-RS256"))
        source.document = jwks(public_jwk("ES256", kid="k-ES256"))
        source.now += REFRESH_AFTER_SECONDS
        await verifier.verify(signed("RS256", "k-RS256"))  # it starts the refresh, and doesn't wait
        await asyncio.to_thread(source.read_twice.wait, 5)
        await asyncio.sleep(0.05)
        with pytest.raises(BadTokenError):
            await verifier.verify(signed("RS256", "k-RS256"))

    asyncio.run(withdrawal())


def test_no_keys_at_all(source: Source, client_of: ClientOf) -> None:
    """While no key was ever read it is 503, to be tried again, and the service is not ready."""
    source.document = None
    client = client_of(verifier=source.verifier())
    token = signed("RS256", "k-RS256")
    answer = client.get(WHOAMI, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert client.get("/readyz").json()["detail"] == "Not usable now: token_keys."
    assert source.reads == 1
    source.document = ALL_KEYS
    source.now += COOLDOWN_SECONDS
    assert client.get("/readyz").status_code == 200
    assert client.get(WHOAMI, headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_reading_keys_blocks_nobody() -> None:
    """While the issuer takes its time, tokens of known keys are verified, and it is asked once."""
    slow, reads = threading.Event(), 0

    def read() -> bytes:
        nonlocal reads
        reads += 1
        if reads > 1:
            assert slow.wait(5)
        return ALL_KEYS

    verifier = TokenVerifier(
        keys=KeySet(read, clock=lambda: reads * COOLDOWN_SECONDS), secret=None, audience=AUDIENCE
    )

    async def race() -> list[BaseException | Principal]:
        await verifier.verify(signed("RS256", "k-RS256"))
        unknown = [
            asyncio.create_task(verifier.verify(signed("RS256", f"unknown-{number}")))
            for number in range(3)
        ]
        await asyncio.sleep(0.05)
        unknown[0].cancel()  # a caller who goes away takes nobody along
        await verifier.verify(signed("ES256", "k-ES256"))
        assert not any(task.done() for task in unknown[1:])
        slow.set()
        return await asyncio.gather(*unknown, return_exceptions=True)

    outcomes = asyncio.run(race())
    assert [type(outcome) for outcome in outcomes[1:]] == [BadTokenError, BadTokenError]
    assert reads == 2


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"keys":"x"}',
        b'{"keys":[]}',
        b'{"keys":[7,{"kty":7},{"kty":"RSA","n":7,"e":[]}]}',
        b'{"keys":[{"kty":"RSA","alg":["x"]}]}',
        b'{"keys":' + b"[" * 100_000,
    ],
)
def test_broken_key_sets(source: Source, document: bytes) -> None:
    """A document that is no key set counts as an outage: known keys go on."""
    verifier = source.verifier()
    verify(verifier, signed("RS256", "k-RS256"))
    source.document = document
    source.now += COOLDOWN_SECONDS
    with pytest.raises(KeysUnavailableError):
        verify(verifier, signed("RS256", "unknown"))
    assert verify(verifier, signed("RS256", "k-RS256")).user_id == "ada"


def test_keys_in_a_file(tmp_path: Path) -> None:
    """AUTH_JWKS can be a file, read at the start; without usable keys the service does not start."""
    keys = tmp_path / "keys.json"
    keys.write_bytes(ALL_KEYS)
    settings = read_settings(HttpAuthSettings, {"AUTH_JWKS": str(keys)})
    verifier = TokenVerifier.from_settings(settings)
    assert verify(verifier, signed("EdDSA", "k-EdDSA")).user_id == "ada"
    keys.write_bytes(jwks(public_jwk("ES256", kid="new")))
    assert verify(verifier, signed("ES256", "new")).user_id == "ada"
    keys.write_bytes(b"{}")
    with pytest.raises(SettingsError, match=r"^AUTH_JWKS: found '.*', expected a JWK Set"):
        TokenVerifier.from_settings(settings)


@pytest.fixture
def issuer() -> Iterator[tuple[str, dict[str, Any]]]:
    """An issuer's address, and what it answers."""
    answer: dict[str, Any] = {"status": 200, "body": ALL_KEYS}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer["status"])
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/keys", answer
        server.shutdown()


def test_keys_at_an_address(issuer: tuple[str, dict[str, Any]]) -> None:
    """AUTH_JWKS can be an address; it need not be up when the service starts."""
    address, answer = issuer
    answer["status"] = 500
    settings = read_settings(HttpAuthSettings, {"AUTH_JWKS": address})
    verifier = TokenVerifier.from_settings(settings)
    with pytest.raises(KeysUnavailableError):
        verify(verifier, signed("RS256", "k-RS256"))
    answer["status"] = 200
    verifier = TokenVerifier.from_settings(settings)
    for algorithm in KEYS:
        assert verify(verifier, signed(algorithm, f"k-{algorithm}")).user_id == "ada"


@pytest.mark.parametrize("status", [302, 404, 503])
def test_an_address_that_does_not_give_keys(
    issuer: tuple[str, dict[str, Any]], status: int
) -> None:
    """Only 200 gives keys; a redirect is not followed."""
    address, answer = issuer
    answer["status"] = status
    with pytest.raises(KeysUnavailableError):
        asyncio.run(key_set(address).check())
