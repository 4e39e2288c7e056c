"""Who takes part, in which roles, and who is forgotten: product rules 4 and 27."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from schemas import learning
from schemas.journal import Event, MemberErased, MemberRegistered, ProgramJoined
from services.achievements.deciding import Decider
from services.causes import Causes


class Member(Struct, frozen=True):
    erased: bool = False
    causes: Causes = Causes()


def decide(
    command: learning.MemberRegistered | learning.ProgramJoined | learning.MemberErased,
    cause: str | None,
    member: Member,
) -> Sequence[Event]:
    if cause in member.causes:
        return []
    match command:
        case learning.MemberErased():
            if member.erased:
                return []
            return [MemberErased(organization_id=command.organization_id, user_id=command.user_id)]
        case learning.MemberRegistered():
            if member.erased:
                return []  # a later registration of an erased user id is ignored
            return [
                MemberRegistered(
                    cause=cause,
                    organization_id=command.organization_id,
                    user_id=command.user_id,
                    roles=tuple(sorted(set(command.roles))),
                )
            ]
        case learning.ProgramJoined():
            return [
                ProgramJoined(
                    cause=cause,
                    organization_id=command.organization_id,
                    program_id=command.program_id,
                    user_id=command.user_id,
                    role=command.role,
                    joined_at=command.joined_at,
                )
            ]


def evolve(member: Member, event: Event) -> Member:
    match event:
        case MemberErased():
            return replace(member, erased=True)
        case MemberRegistered(cause=cause) | ProgramJoined(cause=cause):
            return member if cause is None else replace(member, causes=member.causes.adding(cause))
    raise TypeError(f"a member knows no {type(event).__name__}")


MEMBER = Decider(Member(), decide, evolve)
