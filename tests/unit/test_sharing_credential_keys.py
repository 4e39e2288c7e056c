"""Key files: what SIGNING_KEY may name, and what is made of it."""

import subprocess
from pathlib import Path

import jwt
import pytest

from services.environment import SettingsError, read_settings
from services.sharing.credentials.keys import SigningKeys, multibase, signing_keys
from services.sharing.settings import SharingSettings
from tests.signing import (
    PrivateKey,
    key_file,
    new_ed25519,
    new_p256,
    new_rsa,
    private_pem,
    public_pem,
)


def keys_of(folder: Path, *pems: str) -> SigningKeys:
    return signing_keys(key_file(folder, *pems))


@pytest.mark.parametrize(
    ("key", "algorithm"), [(new_rsa(), "RS256"), (new_p256(), "ES256"), (new_ed25519(), "EdDSA")]
)
def test_the_kind_of_key_decides_the_algorithm(
    tmp_path: Path, key: PrivateKey, algorithm: str
) -> None:
    """Each kind of key signs by its own algorithm, and is published without its private half."""
    keys = keys_of(tmp_path, private_pem(key))
    assert keys.signer.algorithm == algorithm
    (published,) = jwt.PyJWKSet.from_dict(dict(keys.jwks)).keys
    assert published.algorithm_name == algorithm
    assert published.key == key.public_key()
    assert published.key_id == keys.signer.id
    assert not keys.jwks["keys"][0].keys() & {"d", "p", "q", "dp", "dq", "qi"}


def test_the_first_key_signs_and_the_first_ed25519_key_proves(tmp_path: Path) -> None:
    """Order is meaning: newer keys stand first, older ones only check, repeated ones count once."""
    rsa, ed25519, old = new_rsa(), new_ed25519(), new_ed25519()
    keys = keys_of(
        tmp_path, private_pem(rsa), public_pem(old), private_pem(ed25519), private_pem(rsa)
    )
    assert [key.algorithm for key in keys] == ["RS256", "EdDSA", "EdDSA"]
    assert keys.signer.public == rsa.public_key()
    assert keys.prover is not None
    assert keys.prover.public == ed25519.public_key()
    assert keys_of(tmp_path, private_pem(rsa), public_pem(old)).prover is None


def test_files_of_openssl_are_understood(tmp_path: Path) -> None:
    """What the command line of OpenSSL writes can be used as it is, old formats and parameters too."""
    for command in (
        "genpkey -algorithm ed25519",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        "genrsa -traditional 2048",
        "ecparam -name prime256v1 -genkey",
    ):
        made = subprocess.run(
            ["openssl", *command.split()], capture_output=True, check=True, text=True
        )
        assert len(keys_of(tmp_path, made.stdout)) == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not a key",
        "\u00e9",
        public_pem(new_ed25519()),
        private_pem(new_rsa(1024)),
        private_pem(new_ed25519()).replace("M", "N", 1),
        private_pem(new_ed25519()) + private_pem(new_rsa(1024)),
    ],
    ids=["empty", "text", "not ASCII", "public only", "short", "damaged", "one good, one short"],
)
def test_a_wrong_file_is_refused_by_its_name(tmp_path: Path, content: str) -> None:
    """What can't sign stops the service at its start, and the complaint shows nothing of the file."""
    variables = {"SIGNING_KEY": key_file(tmp_path, content)}
    with pytest.raises(
        SettingsError, match=r"^SIGNING_KEY: found '.*', expected PEM keys"
    ) as error:
        read_settings(SharingSettings, variables)
    assert "PRIVATE KEY" not in str(error.value)


def test_encrypted_and_other_keys_are_refused(tmp_path: Path) -> None:
    """Keys behind a password, or of a curve that verifiers don't know, are not for signing here."""
    for command in (
        ["genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:secret"],
        ["ecparam", "-name", "secp384r1", "-genkey", "-noout"],
    ):
        made = subprocess.run(["openssl", *command], capture_output=True, check=True, text=True)
        with pytest.raises(ValueError, match="unencrypted"):
            keys_of(tmp_path, made.stdout)


def test_no_key_is_no_complaint() -> None:
    """Without SIGNING_KEY the service starts, and signs nothing."""
    assert read_settings(SharingSettings, {}).signing_keys is None


def test_settings_show_no_private_key(tmp_path: Path) -> None:
    """Settings may be printed: they hold no private number."""
    key = new_rsa()
    settings = read_settings(SharingSettings, {"SIGNING_KEY": key_file(tmp_path, private_pem(key))})
    assert settings.signing_keys is not None
    shown = repr(settings) + repr(list(settings.signing_keys))
    assert str(key.private_numbers().d) not in shown
    assert "PRIVATE" not in shown


def test_multibase_keeps_leading_zeros() -> None:
    """Base58 as in its draft's examples (draft-msporny-base58, 5), zeros in front as ones."""
    assert multibase(b"Hello World!") == "z2NEpo7TZRRrLZSi2U"
    assert multibase(bytes.fromhex("0000287fb4cd")) == "z11233QC4"
    assert multibase(b"") == "z"
    assert multibase(b"\0") == "z1"
