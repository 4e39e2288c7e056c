"""An organization's account: its history told up to a position, beside what the journal says was granted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from schemas.journal import AwardGranted, AwardRevoked, MemberErased
from services.achievements.verifying.comparing import (
    Connection,
    Difference,
    compare_grants,
    compare_rows,
    misplaced,
)
from services.achievements.verifying.dues import grant_due
from services.achievements.verifying.facts import Organization
from services.achievements.verifying.history import Told
from services.achievements.verifying.rows import Awarded


@dataclass(slots=True)
class Account:
    """Facts are told up to the position `until`, grants all; `platform` is what holds for all organizations."""

    organization: Organization
    until: int
    platform: Sequence[Told]
    granted: dict[str, Told] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    erased_later: set[str] = field(default_factory=set)
    misplaced: list[Difference] = field(default_factory=list)

    def tell(self, told: Told) -> None:
        """Takes in an event of the organization."""
        event = told.event
        if isinstance(event, AwardGranted):
            if str(told.stream) != event.award_id or event.award_id in self.granted:
                self.misplaced.append(misplaced(told))
            self.granted.setdefault(event.award_id, told)
            return
        if isinstance(event, MemberErased):
            self.erased.add(event.user_id)
        if told.position > self.until:
            if isinstance(event, MemberErased):
                self.erased_later.add(event.user_id)
            return
        if isinstance(event, AwardRevoked):
            self.revoked.add(event.award_id)
        self._learn_of_platform(told.position)
        self._learn(told)

    def differences(self, connection: Connection) -> Iterator[Difference]:
        """All that is not as it must be, after everything was told."""
        self._learn_of_platform(self.until + 1)
        yield from self.misplaced
        granted = {award_id: told.event for award_id, told in self.granted.items()}
        yield from compare_grants(self.organization, granted, self.erased)
        awards = [
            Awarded(told.event, told.recorded_at, award_id in self.revoked)
            for award_id, told in self.granted.items()
        ]
        for one in compare_rows(connection, self.organization, awards):
            # what waits goes with the erasure, or went before with a grant that was not written down
            if one.what != "waiting_award" or one.user_id not in self.erased_later:
                yield one

    def _learn_of_platform(self, before: int) -> None:
        while self.platform and self.platform[0].position < before:
            told, self.platform = self.platform[0], self.platform[1:]
            self._learn(told)

    def _learn(self, told: Told) -> None:
        for look in self.organization.learn(told.event):
            grant_due(self.organization, look, told.position)
