"""Awards of Ada's as credentials: what is asked of sharing, and what independent verifiers make of it."""

from typing import Any, Final

import httpx
import jwt
from openbadgeslib.ob3.ldp import OB3LdpVerifier
from openbadgeslib.ob3.status import decode_encoded_list, set_indices
from openbadgeslib.ob3.verifier import OB3Verifier

from services.journal import Journal
from tests.integration.sharing_processes import PUBLIC_URL
from tests.integration.sharing_world import World
from tests.sharing_samples import BADGE, CERTIFICATE
from tests.verifiers import downloader

AS_TOKEN: Final = {"Accept": "text/plain"}
AS_JSON: Final = {"Accept": "application/json"}


def new_world(journal: Journal, organization_id: str | None = None) -> World:
    """An organization where Ada has a badge and a certificate, and both kinds are available."""
    world = World(journal, organization_id)
    world.available()
    world.grant(BADGE, CERTIFICATE)
    world.name("ada", "Ada Lovelace")
    return world


def share(http: httpx.Client, world: World, award_id: str = "award-1") -> str:
    """Shares an award of Ada's; gives the path of its credential."""
    made = http.put(f"/v1/awards/{award_id}/link", headers=world.ada)
    return f"{made.json()['url'].removeprefix(PUBLIC_URL)}/credential.json"


def disable(http: httpx.Client, world: World, award_id: str = "award-1") -> None:
    assert http.delete(f"/v1/awards/{award_id}/link", headers=world.ada).status_code == 204


def token_of(http: httpx.Client, path: str) -> str:
    answer = http.get(path, headers=AS_TOKEN)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain"
    return answer.text


def json_of(http: httpx.Client, path: str) -> Any:
    answer = http.get(path, headers=AS_JSON)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def verify_token(http: httpx.Client, token: str) -> Any:
    """The credential in a token, as openbadgeslib verifies it, its status too; OB3VerificationError."""
    download = downloader(http, PUBLIC_URL)
    claims = jwt.decode(token, options={"verify_signature": False})
    verifier = OB3Verifier.for_issuer_did(claims["iss"], download=download)
    return verifier.verify(token, check_status=True, download=download)


def verify_json(http: httpx.Client, document: Any) -> Any:
    """The same of a credential in JSON."""
    verifier = OB3LdpVerifier.for_issuer_did(document["issuer"]["id"])
    return verifier.verify(document, check_status=True, download=downloader(http, PUBLIC_URL))


def steps(result: dict[str, Any]) -> dict[str, bool]:
    """What verifier-core found in each of its steps."""
    assert "errors" not in result, result
    return {step["id"]: step["valid"] for step in result["log"]}


def dead_positions(http: httpx.Client, document: Any) -> frozenset[int]:
    """What is set in the status list that a credential names, by openbadgeslib's decoder."""
    address = document["credentialStatus"]["statusListCredential"]
    encoded = json_of(http, address.removeprefix(PUBLIC_URL))["credentialSubject"]["encodedList"]
    bits = decode_encoded_list(encoded)
    assert len(bits) * 8 == 131_072
    return set_indices(bits)
