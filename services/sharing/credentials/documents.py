"""What credentials and the documents around them say, unsigned: pure functions.

Of its recipient a credential holds a pseudonym, another one for each link, and a salted hash of
their name: whoever knows the name can check it, whoever does not learns nothing. The link's own
address is in it, so what is wrong with the credential can be looked up as long as the link lives.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from services.sharing.credentials.issuers import Issuer
from services.sharing.credentials.keys import Key
from services.sharing.credentials.securing import CREDENTIALS, OPEN_BADGES, Document, method_id
from services.sharing.credentials.statuses import StatusEntry
from services.sharing.names import shown_name
from services.sharing.reading import PublicLink

LIST_VALID_FOR: Final = timedelta(days=2)
_CONTEXTS: Final = [CREDENTIALS, OPEN_BADGES]
_PURPOSE: Final = "revocation"
_MARKUP: Final = re.compile(r"[\\`*_\[\]<>~|]|&(?=[#\w]+;)|^[#+=-]", re.MULTILINE)


def open_badge(link: PublicLink, page: str, issuer: Issuer, status: StatusEntry) -> Document:
    """The credential of a link, whose page has that address (Open Badges 3.0, B.1.1)."""
    award = link.award
    earned = _instant(award.earned_at)
    return {
        "@context": _CONTEXTS,
        "id": f"{page}/credential.json",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": award.title,
        "issuer": profile(issuer, award.organization_name),
        "validFrom": earned,
        "awardedDate": earned,
        "credentialSubject": _subject(link, page, issuer),
        "credentialStatus": _status(issuer, status),
    }


def profile(issuer: Issuer, name: str) -> Document:
    """The organization as it is named in its credentials."""
    return {"id": issuer.did, "type": ["Profile"], "name": name}


def issuer_profile(issuer: Issuer, name: str) -> Document:
    """The organization's profile, on its own."""
    return {"@context": _CONTEXTS, **profile(issuer, name)}


def did_document(did: str, keys: Iterable[Key], **more: Any) -> Document:
    """Whose signatures are those of `did` (DID Core, 5): all keys', old ones' too."""
    methods: list[dict[str, Any]] = []
    for key in keys:
        jwk = {**key.jwk, "kid": key.id, "alg": key.algorithm}
        methods.append(_method(did, key.id, type="JsonWebKey", publicKeyJwk=jwk))
        if key.multikey is not None:
            multikey = key.multikey
            methods.append(_method(did, multikey, type="Multikey", publicKeyMultibase=multikey))
    return {
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/multikey/v1",
            "https://w3id.org/security/jwk/v1",
        ],
        "id": did,
        **more,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }


def status_list(issuer: Issuer, number: int, encoded: str, now: datetime) -> Document:
    """One of the issuer's status lists around its bits (Bitstring Status List 1.0, 2.2).

    It holds for two days, so that nobody can show an old one for long; through a day it stays the
    same as long as nothing dies.
    """
    address = issuer.status_list(number)
    today = datetime.combine(now.astimezone(UTC), time.min, UTC)
    return {
        "@context": [CREDENTIALS],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer.did,
        "validFrom": _instant(today),
        "validUntil": _instant(today + LIST_VALID_FOR),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": _PURPOSE,
            "encodedList": encoded,
        },
    }


def _subject(link: PublicLink, page: str, issuer: Issuer) -> Document:
    subject = {
        "id": link.link_id.urn,
        "type": ["AchievementSubject"],
        "achievement": _achievement(link, page, issuer),
    }
    name = shown_name(link.recipient_name)
    if name is None:
        return subject
    salt = link.link_id.hex
    digest = sha256((name + salt).encode()).hexdigest()
    identity = {
        "type": "IdentityObject",
        "identityType": "name",
        "hashed": True,
        "identityHash": f"sha256${digest}",
        "salt": salt,
    }
    return {**subject, "identifier": [identity]}


def _achievement(link: PublicLink, page: str, issuer: Issuer) -> Document:
    award = link.award
    achievement = {
        "type": ["Achievement"],
        "achievementType": award.kind.capitalize(),
        "name": award.title,
        "description": award.text,
        "criteria": {"narrative": _markdown(award.criteria)},
    }
    # What everybody has who earned the same by the same rule; under another rule it is another.
    content = msgspec.json.encode([issuer.did, award.code, award.program_id, achievement]).decode()
    picture = "badge.png" if award.kind == "badge" else "image.png"
    return {
        "id": uuid5(NAMESPACE_URL, content).urn,
        **achievement,
        "image": {"id": f"{page}/{picture}", "type": "Image", "caption": award.title},
    }


def _status(issuer: Issuer, entry: StatusEntry) -> Document:
    address = issuer.status_list(entry.list)
    return {
        "id": f"{address}#{entry.position}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": _PURPOSE,
        "statusListIndex": str(entry.position),
        "statusListCredential": address,
    }


def _method(did: str, fragment: str, **key: Any) -> dict[str, Any]:
    return {"id": method_id(did, fragment), "controller": did, **key}


def _markdown(text: str) -> str:
    """Plain text as Markdown, which some members are read as: none of it may become markup."""
    return _MARKUP.sub(r"\\\g<0>", text)


def _instant(instant: datetime) -> str:
    """In UTC, to the second: JWT's dates must be the same instants."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
