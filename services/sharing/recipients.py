"""What is known of the people who hold awards: pure decisions (rule 27).

Name and locale are in the command alone: events don't carry them, so that erasing a row erases them.
"""

from msgspec import Struct
from msgspec.structs import replace

from schemas.links import Event, RecipientErased, RecipientNamed
from services.causes import Causes


class NameRecipient(Struct, frozen=True, kw_only=True):
    """A member was registered, or registered again; `cause` tells a redelivery."""

    cause: str
    organization_id: str
    user_id: str
    display_name: str
    locale: str | None = None


class EraseRecipient(Struct, frozen=True, kw_only=True):
    """The member is to be forgotten."""

    organization_id: str
    user_id: str


Command = NameRecipient | EraseRecipient


class Recipient(Struct, frozen=True):
    erased: bool = False
    causes: Causes = Causes()


def decide(command: Command, state: Recipient) -> list[Event]:
    """The latest registration names a member; nothing names an erased one, for ever."""
    if state.erased:
        return []
    match command:
        case NameRecipient(cause=cause, organization_id=organization_id, user_id=user_id):
            if cause in state.causes:
                return []
            return [RecipientNamed(cause=cause, organization_id=organization_id, user_id=user_id)]
        case EraseRecipient(organization_id=organization_id, user_id=user_id):
            return [RecipientErased(organization_id=organization_id, user_id=user_id)]


def evolve(state: Recipient, event: Event) -> Recipient:
    """The state after the event."""
    match event:
        case RecipientNamed(cause=cause):
            return replace(state, causes=state.causes.adding(cause))
        case RecipientErased():
            return replace(state, erased=True)
        case _:
            return state
