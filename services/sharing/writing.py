"""What sharing does for requests, asked from the event loop: it may wait, and nobody waits for it."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from services.sharing.application import OwnersLink, Sharing
from services.sharing.credentials.statuses import StatusEntry
from services.sharing.personal import Person
from services.web.threads import Threads

PATIENCE_SECONDS: Final = 20.0
"""More than connecting and writing may take; only a server that has fallen silent takes longer."""


class Writing:
    """The verbs of `Sharing` for one event loop, with its errors.

    An OperationalError doesn't tell whether it was done; asking again does no harm.
    """

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing
        self._threads = Threads(patience_seconds=PATIENCE_SECONDS)

    async def issue_link(self, who: Person, award_id: str) -> OwnersLink:
        """Gives the award's active link, made now where there is none."""
        return await self._threads.run(self._sharing.issue_link, who, award_id, datetime.now(UTC))

    async def disable_link(
        self, who: Person, award_id: str, *, link_id: UUID | None = None
    ) -> bool:
        """Kills the award's active link, as `Sharing.disable_link` says."""
        return await self._threads.run(
            self._sharing.disable_link, who, award_id, datetime.now(UTC), link_id=link_id
        )

    async def give_status_entry(self, organization_id: str, link_id: UUID) -> StatusEntry:
        """The link's place in the status lists of its organization, given now where it has none."""
        return await self._threads.run(self._sharing.give_status_entry, organization_id, link_id)
