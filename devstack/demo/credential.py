"""A shared award as an Open Badge: a stranger's program checks who signed it, and whether it still holds."""

from __future__ import annotations

import gzip
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import urljoin

import jwt

from devstack.demo import story
from devstack.demo.failures import DemoError
from devstack.demo.telling import Demo

_SERVE = "sharing serve"


def checked(demo: Demo, page: str) -> Any:
    """The credential of a page, after its signature and its status were checked."""
    demo.screen.gap()
    demo.screen.say("A stranger's program takes the same award as an Open Badge, and checks it:")
    answer = demo.apis.open(f"{page}/credential.json", accept="text/plain")
    demo.screen.verbatim(f"GET {answer.request.url.path} → {answer.status_code}", style="dim")
    keys = demo.apis.open(urljoin(page, "/.well-known/jwks.json")).json()
    try:
        credential = _verified(answer.text, keys)
    except jwt.PyJWTError as error:
        raise DemoError("a credential signed by a published key", str(error), _SERVE) from error
    issuer = credential["issuer"]
    name = issuer["name"]
    demo.check(name == story.ORGANIZATION_NAME, story.ORGANIZATION_NAME, name, _SERVE)
    demo.check(
        not _is_revoked(demo, credential), "a credential that holds", "a revoked one", _SERVE
    )
    demo.screen.verbatim(f"{credential['name']}: signed for {issuer['name']}, not revoked")
    demo.screen.verbatim(issuer["id"], style="dim")
    return credential


def revoked(demo: Demo, credential: Any) -> None:
    """Whoever kept a copy learns that it holds no more."""
    demo.screen.gap()
    demo.screen.say("The stranger's program looks up the copy that it kept:")
    demo.check(_is_revoked(demo, credential), "a revoked credential", "one that holds", _SERVE)
    demo.screen.verbatim(f"{credential['name']}: revoked")


def _verified(token: str, key_set: Any) -> Any:
    """What a token holds; PyJWTError where it is none, or its signature is wrong."""
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWKSet.from_dict(key_set)[header["kid"].rpartition("#")[2]]
    return jwt.decode(token, key, algorithms=[header["alg"]])


def _is_revoked(demo: Demo, credential: Any) -> bool:
    """Bitstring Status List 1.0: the credential's bit, counted from the left."""
    status = credential["credentialStatus"]
    answer = demo.apis.open(status["statusListCredential"], accept="application/json")
    encoded = answer.json()["credentialSubject"]["encodedList"].removeprefix("u")
    bits = gzip.decompress(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    place = int(status["statusListIndex"])
    return bool(bits[place // 8] & 0x80 >> place % 8)
