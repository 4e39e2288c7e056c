"""Signing documents, in the two ways of Open Badges 3.0 (section 8, "Proofs").

As a token (VC-JWT) the document is the payload of a compact JWS, signed by the first key; RSA is
what every verifier takes. As JSON it carries a Data Integrity proof of the cryptosuite
eddsa-rdfc-2022, made by the first Ed25519 key; where there is none, the JSON envelops the token (VC
Data Model 2.0, 4.13). The same document is signed to the same bytes each time, in any process.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from threading import Lock
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from jwt import PyJWS
from jwt.algorithms import ECAlgorithm
from jwt.utils import der_to_raw_signature
from pyld import jsonld

from services.sharing.credentials.keys import Key, SigningKeys, multibase

Document = Mapping[str, Any]

CREDENTIALS: Final = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES: Final = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"

_CONTEXTS: Final = {CREDENTIALS: "credentials-v2.json", OPEN_BADGES: "open-badges-3.0.3.json"}
_KEPT: Final = 256  # of some 4 KB each, of either kind
_one_at_a_time: Final = Lock()  # the processor's cache of contexts is not made for threads


class Signatory:
    """Signs documents of any issuer with our keys. Takes milliseconds: not for the event loop.

    What was signed lately is not signed again: many may ask for the same list.
    """

    def __init__(self, keys: SigningKeys) -> None:
        self._signer, self._prover = keys.signer, keys.prover
        self._token = lru_cache(_KEPT)(self._new_token)
        self._json = lru_cache(_KEPT)(self._new_json)

    def token(self, document: Document) -> str:
        """The document as a compact JWS."""
        return self._token(msgspec.json.encode(document))

    def json(self, document: Document) -> bytes:
        """The document with a proof in it, or a document around its token."""
        return self._json(msgspec.json.encode(document))

    def _new_token(self, content: bytes) -> str:
        document: Document = msgspec.json.decode(content)
        key = self._signer
        headers = {"kid": method_id(issuer_of(document), key.id), "jwk": key.jwk}
        payload = msgspec.json.encode({**document, **_claims(document)})
        assert key.private is not None  # of the first one the file must hold it
        return _jws.encode(payload, key.private, key.algorithm, headers)

    def _new_json(self, content: bytes) -> bytes:
        document: Document = msgspec.json.decode(content)
        if self._prover is None:
            return msgspec.json.encode(_enveloped(self.token(document)))
        return msgspec.json.encode({**document, "proof": _proof(document, self._prover)})


def method_id(issuer: str, fragment: str) -> str:
    """How a key of an issuer is named in signatures, and found in the issuer's DID document."""
    return f"{issuer}#{fragment}"


def issuer_of(document: Document) -> str:
    """The id of a document's issuer."""
    issuer = document["issuer"]
    return str(issuer if isinstance(issuer, str) else issuer["id"])


def _claims(document: Document) -> dict[str, Any]:
    """What Open Badges wants said in JWT's words, too (8.2, "Create the JWT Payload")."""
    claims = {
        "iss": issuer_of(document),
        "jti": document["id"],
        "sub": document["credentialSubject"]["id"],
        "nbf": _numeric(document["validFrom"]),
    }
    if "validUntil" in document:
        claims["exp"] = _numeric(document["validUntil"])
    return claims


def _numeric(instant: str) -> int:
    return int(datetime.fromisoformat(instant).timestamp())


def _enveloped(token: str) -> Document:
    return {
        "@context": CREDENTIALS,
        "id": f"data:application/vc+jwt,{token}",
        "type": "EnvelopedVerifiableCredential",
    }


def _proof(document: Document, key: Key) -> Document:
    """Vc-di-eddsa, 3.2: hashes of the canonical options and of the canonical document, signed."""
    assert isinstance(key.private, Ed25519PrivateKey)
    assert key.multikey is not None
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "verificationMethod": method_id(issuer_of(document), key.multikey),
        "proofPurpose": "assertionMethod",
    }
    with _one_at_a_time:
        options = _canonical({"@context": document["@context"], **proof})
        content = _canonical(document)
    signature = key.private.sign(sha256(options).digest() + sha256(content).digest())
    return {**proof, "proofValue": multibase(signature)}


def _canonical(document: Document) -> bytes:
    """The document's statements in RDFC-1.0, which the library knows under its earlier name."""
    options = {
        "algorithm": "URDNA2015",
        "format": "application/n-quads",
        "documentLoader": _load_context,
    }
    statements: str = jsonld.normalize(dict(document), options)
    return statements.encode()


@cache
def _context(url: str) -> Document:
    context: Document = msgspec.json.decode(
        files(__package__).joinpath("contexts", _CONTEXTS[url]).read_bytes()
    )
    return context


def _load_context(url: str, _options: Mapping[str, Any]) -> Document:
    """Contexts are part of what is signed: they come from our files, never from the network."""
    return {
        "document": _context(url),
        "documentUrl": url,
        "contextUrl": None,
        "contentType": "application/ld+json",
    }


class _Deterministic(ECAlgorithm):
    """ES256 with a nonce that follows from key and message (RFC 6979) in place of a random one."""

    def sign(self, msg: bytes, key: Any) -> bytes:
        private: EllipticCurvePrivateKey = key
        signature = private.sign(msg, ECDSA(SHA256(), deterministic_signing=True))
        return der_to_raw_signature(signature, private.curve)


def _signatures() -> PyJWS:
    signatures = PyJWS()
    signatures.unregister_algorithm("ES256")
    signatures.register_algorithm("ES256", _Deterministic(ECAlgorithm.SHA256))
    return signatures


_jws: Final = _signatures()
