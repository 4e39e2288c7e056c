"""The keys that credentials are signed with, as they stand in a file.

The file is PEM (RFC 7468): one key after the other, the newest first. A private key can sign. Of a
key that has been replaced the public half is enough for others to go on checking what it signed.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode

from services.environment import file

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

MIN_RSA_BITS: Final = 2048
_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_ED25519_MULTICODEC: Final = b"\xed\x01"  # of public keys, as a varint
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_EXPECTED: Final = (
    "PEM keys, the first one private: RSA of at least 2048 bits, P-256 or Ed25519, unencrypted"
)


@dataclass(frozen=True, eq=False)
class Key:
    """A key; without `private` others can check by it, but nothing is signed with it any more."""

    public: PublicKey
    private: PrivateKey | None = field(repr=False)

    @property
    def algorithm(self) -> str:
        """How it signs, in JOSE's words (RFC 7518, 3.1; RFC 8037, 3.1)."""
        match self.public:
            case RSAPublicKey():
                return "RS256"
            case EllipticCurvePublicKey():
                return "ES256"
            case Ed25519PublicKey():
                return "EdDSA"

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key: only the members that make it (RFC 7638, 3.2)."""
        match self.public:
            case RSAPublicKey():
                whole, names = RSAAlgorithm.to_jwk(self.public, as_dict=True), "e kty n"
            case EllipticCurvePublicKey():
                whole, names = ECAlgorithm.to_jwk(self.public, as_dict=True), "crv kty x y"
            case Ed25519PublicKey():
                whole, names = OKPAlgorithm.to_jwk(self.public, as_dict=True), "crv kty x"
        return {name: whole[name] for name in names.split()}

    @cached_property
    def id(self) -> str:
        """The thumbprint of the public key (RFC 7638): the same wherever the key is met."""
        return base64url_encode(hashlib.sha256(msgspec.json.encode(self.jwk)).digest()).decode()

    @property
    def multikey(self) -> str | None:
        """The public key as Data Integrity proofs name it (CID 1.0, 2.2.2), if it is Ed25519."""
        if not isinstance(self.public, Ed25519PublicKey):
            return None
        return multibase(_ED25519_MULTICODEC + self.public.public_bytes_raw())


class SigningKeys(Sequence[Key]):
    """All keys of a file, in its order. Repeated ones count once, where they stand first."""

    def __init__(self, keys: Sequence[Key]) -> None:
        by_id: dict[str, Key] = {}
        for key in keys:
            by_id.setdefault(key.id, key)
        self._keys = tuple(by_id.values())

    def __getitem__(self, index: Any) -> Any:
        return self._keys[index]

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def signer(self) -> Key:
        """What signs tokens: the first key."""
        return self._keys[0]

    @property
    def prover(self) -> Key | None:
        """What signs proofs within JSON: the first Ed25519 key that can sign, if there is one."""
        usable = (key for key in self._keys if isinstance(key.private, Ed25519PrivateKey))
        return next(usable, None)

    @cached_property
    def jwks(self) -> Mapping[str, Any]:
        """The public keys as a JWK Set (RFC 7517)."""
        return {
            "keys": [
                {**key.jwk, "kid": key.id, "alg": key.algorithm, "use": "sig"} for key in self._keys
            ]
        }


def signing_keys(value: str) -> SigningKeys:
    """Reads the file with that name. Its ValueError ends the sentence "expected …"."""
    path = file(value)
    keys = [
        key
        for found in _BLOCK.finditer(_text(path))
        if (key := _key(found[1], found[0].encode())) is not None
    ]
    if not keys or keys[0].private is None:
        raise ValueError(_EXPECTED)
    return SigningKeys(keys)


def new_keys() -> str:
    """New keys, as a file holds them: RSA, which every verifier takes, and Ed25519 for proofs."""
    keys = rsa.generate_private_key(65_537, 3072), Ed25519PrivateKey.generate()
    form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    return "".join(key.private_bytes(*form).decode() for key in keys)


def multibase(data: bytes) -> str:
    """Bytes in base58btc with multibase's prefix (CID 1.0, 2.4)."""
    number = int.from_bytes(data)
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "z" + _BASE58[0] * zeros + digits


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except UnicodeDecodeError:
        raise ValueError(_EXPECTED) from None


def _key(label: str, block: bytes) -> Key | None:
    """The key of a block, None where a block holds only a key's parameters (as of `openssl ecparam`)."""
    if label == "EC PARAMETERS":
        return None
    try:
        if label.endswith("PRIVATE KEY"):
            private = load_pem_private_key(block, password=None)
            return _usable(private.public_key(), private)
        return _usable(load_pem_public_key(block), None)
    except (ValueError, TypeError):  # TypeError: it is encrypted
        raise ValueError(_EXPECTED) from None


def _usable(public: object, private: object) -> Key:
    match public, private:
        case RSAPublicKey(key_size=bits), RSAPrivateKey() | None if bits >= MIN_RSA_BITS:
            return Key(public, private)
        case (
            EllipticCurvePublicKey(curve=SECP256R1()),
            EllipticCurvePrivateKey() | None,
        ):
            return Key(public, private)
        case Ed25519PublicKey(), Ed25519PrivateKey() | None:
            return Key(public, private)
        case _:
            raise ValueError("of another kind")
