"""Organizations as issuers: under which addresses and ids verifiers find them.

Each organization is an issuer of its own, with a DID (did:web) that resolves to a document of ours
below `PUBLIC_URL`; the host itself has one, too, and is the controller of theirs.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from schemas.checks import id_problem

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_ENCODED: Final = "_"


class Issuer(NamedTuple):
    """An organization: its id in credentials, and the address that all it publishes lies under."""

    did: str
    address: str

    def status_list(self, number: int) -> str:
        """The address of one of its status lists."""
        return f"{self.address}/status/{number}"


def issuer(public_url: str, organization_id: str) -> Issuer:
    """An organization as issuer of what is shared under `public_url`."""
    address = f"{public_url}/issuers/{segment_of(organization_id)}"
    return Issuer(did_web(address), address)


def host_did(public_url: str) -> str:
    """The DID of the host that shares, whatever path it shares under."""
    return did_web(f"//{urlsplit(public_url).netloc}")


def did_web(address: str) -> str:
    """The DID whose document lies at `did.json` below an address (did:web, "Read (Resolve)")."""
    parts = urlsplit(address)
    return ":".join(["did:web", quote(parts.netloc, safe=""), *parts.path.split("/")[1:]])


def segment_of(organization_id: str) -> str:
    """How an organization is named in addresses and DIDs: by its id, or that in base64url.

    Percent-encoding would be more usual, but resolvers of did:web decode it too early.
    """
    if _PLAIN.fullmatch(organization_id):
        return organization_id
    return _ENCODED + urlsafe_b64encode(organization_id.encode()).rstrip(b"=").decode()


def organization_of(segment: str) -> str | None:
    """The id of the organization with that name, None where none can have it."""
    organization_id = _decoded(segment) if segment.startswith(_ENCODED) else segment
    if id_problem(organization_id) or segment_of(organization_id) != segment:
        return None
    return organization_id


def _decoded(segment: str) -> str:
    text = segment.removeprefix(_ENCODED)
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return ""
