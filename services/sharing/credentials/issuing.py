"""Credentials as they are given out: what is said, at its address, signed."""

import asyncio
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from services.sharing.credentials import documents
from services.sharing.credentials.baking import bake
from services.sharing.credentials.issuers import Issuer, host_did, issuer
from services.sharing.credentials.keys import SigningKeys
from services.sharing.credentials.lists import StatusLists
from services.sharing.credentials.securing import Document, Signatory
from services.sharing.public import PREFIX
from services.sharing.reading import PublicLink, Reading
from services.sharing.writing import Writing


class NamedIssuer(NamedTuple):
    """An organization that has issued credentials, and what it is called."""

    issuer: Issuer
    name: str


class Credentials:
    """What can be had of credentials and those who issue them; `signatory` signs it."""

    def __init__(
        self, keys: SigningKeys, writing: Writing, reading: Reading, public_url: str
    ) -> None:
        self.keys = keys
        self.signatory = Signatory(keys)
        self._writing = writing
        self._reading = reading
        self._public_url = public_url
        self._lists = StatusLists(reading.dead_positions)

    async def open_badge(self, link: PublicLink, token: str) -> Document:
        """The credential of an active link that has this token, unsigned."""
        organization_id = link.award.organization_id
        entry = await self._reading.status_entry(link.link_id)
        if entry is None:
            entry = await self._writing.give_status_entry(organization_id, link.link_id)
        page = f"{self._public_url}{PREFIX}{token}"
        return documents.open_badge(link, page, issuer(self._public_url, organization_id), entry)

    async def bake(self, link: PublicLink, token: str, png: bytes) -> bytes:
        """The picture with the same credential in it, as a token: most verifiers look for that."""
        document = await self.open_badge(link, token)
        return bake(png, await asyncio.to_thread(self.signatory.token, document))

    async def status_list(
        self, organization_id: str, number: int, now: datetime
    ) -> Document | None:
        """An organization's status list as it is now, unsigned; None where there is none."""
        known = await self.issuer(organization_id)
        if known is None or (encoded := await self._lists.encoded(organization_id, number)) is None:
            return None
        return documents.status_list(known.issuer, number, encoded, now)

    async def issuer(self, organization_id: str) -> NamedIssuer | None:
        """An organization as issuer; None where it has issued nothing, or nothing of it is available."""
        name = await self._reading.issuer_name(organization_id)
        return (
            None if name is None else NamedIssuer(issuer(self._public_url, organization_id), name)
        )

    def tag(self, document: Document, *form: str) -> str:
        """A strong entity tag (RFC 9110, 8.8.3) of a signed document in some form, found unsigned."""
        determined_by = [document, form, [key.id for key in self.keys]]
        content = msgspec.json.encode(determined_by)
        return f'"{blake2b(content, digest_size=16).hexdigest()}"'

    def issuer_keys(self, issuer: Issuer) -> Document:
        """The DID document of an organization: the host signs for it."""
        return documents.did_document(
            issuer.did,
            self.keys,
            controller=host_did(self._public_url),
            alsoKnownAs=[issuer.address],
        )

    def host_keys(self) -> Document:
        """The DID document of the host itself."""
        return documents.did_document(host_did(self._public_url), self.keys)
