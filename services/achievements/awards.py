"""One award of one member: granted once, revoked at most once. Product rules 18 and 20."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from schemas import learning
from schemas.journal import AwardGranted, AwardRevoked, Event
from services.achievements.deciding import Decider
from services.achievements.errors import UnknownAwardError


class Award(Struct, frozen=True):
    granted: AwardGranted | None = None
    revoked: bool = False


def decide(command: learning.AwardRevoked, _cause: str | None, award: Award) -> Sequence[Event]:
    granted = award.granted
    if granted is None or granted.organization_id != command.organization_id:
        raise UnknownAwardError("award_id: the organization has no such award")
    if award.revoked:
        return []
    return [
        AwardRevoked(
            award_id=granted.award_id,
            organization_id=granted.organization_id,
            user_id=granted.user_id,
            code=granted.code,
            program_id=granted.program_id,
            revoked_by=command.revoked_by,
            revoked_at=command.revoked_at,
        )
    ]


def evolve(award: Award, event: Event) -> Award:
    match event:
        case AwardGranted():
            return Award(event)
        case AwardRevoked():
            return replace(award, revoked=True)
    raise TypeError(f"an award knows no {type(event).__name__}")


AWARD = Decider(Award(), decide, evolve)
