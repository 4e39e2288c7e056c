"""An organization in sharing's database, and what is told of it."""

from typing import Self
from uuid import uuid4

from msgspec.structs import replace

from schemas.links import AwardReceived
from services.journal import Journal
from services.sharing.application import Sharing
from services.sharing.availability import ChangeAvailability
from services.sharing.links import ReceiveAward, WithdrawAward
from services.sharing.recipients import EraseRecipient, NameRecipient
from services.sharing.streams import Fact
from tests.integration.sharing_processes import bearer
from tests.sharing_samples import NOW


class World:
    """An organization of the test's own, of whom more can be told to sharing."""

    def __init__(self, journal: Journal, organization_id: str | None = None) -> None:
        self.organization_id = organization_id or uuid4().hex
        self.ada = self.bearer("ada")
        self._journal = journal
        self._said = 0

    @classmethod
    def of_ada(cls, journal: Journal, *awards: AwardReceived, locale: str | None = None) -> Self:
        """One where both kinds are available, and Ada holds these awards."""
        world = cls(journal)
        world.available()
        world.grant(*awards)
        world.name("ada", "Ada Lovelace", locale)
        return world

    def bearer(self, user_id: str, *roles: str) -> dict[str, str]:
        return bearer(user_id, self.organization_id, *roles)

    def take_in(self, *facts: Fact) -> None:
        with self._journal.transaction() as connection:
            Sharing(self._journal).take_in(connection, facts)

    def grant(self, *awards: AwardReceived) -> None:
        ours = (replace(award, organization_id=self.organization_id) for award in awards)
        self.take_in(*(ReceiveAward(award=award) for award in ours))

    def name(self, user_id: str, display_name: str, locale: str | None = None) -> None:
        self._said += 1
        self.take_in(
            NameRecipient(
                cause=str(self._said),
                organization_id=self.organization_id,
                user_id=user_id,
                display_name=display_name,
                locale=locale,
            )
        )

    def revoke(self, award_id: str) -> None:
        organization_id = self.organization_id
        self.take_in(
            WithdrawAward(organization_id=organization_id, award_id=award_id, user_id="ada", at=NOW)
        )

    def erase(self, user_id: str) -> None:
        self.take_in(EraseRecipient(organization_id=self.organization_id, user_id=user_id))

    def available(self, *, badges: bool = True, certificates: bool = True) -> None:
        self._said += 1
        self.take_in(
            ChangeAvailability(
                cause=str(self._said),
                organization_id=self.organization_id,
                badges=badges,
                certificates=certificates,
                at=NOW,
            )
        )
