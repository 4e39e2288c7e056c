"""From Kafka into sharing: decodes a batch of messages and has the facts in it taken in.

Only what says something about awards and the people who hold them matters here; every other known
type is passed over. What can't be used is counted and logged by its place, and nothing of it is
kept: achievements keeps the dead letters of the topics that both read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import prometheus_client
import structlog

from schemas import awards, learning
from schemas.cloudevents import CloudEvent, Decoder, RefusedError
from schemas.links import AwardReceived
from services.kafka import Committed, Message, Work
from services.sharing.application import Sharing
from services.sharing.availability import ChangeAvailability
from services.sharing.links import ReceiveAward, WithdrawAward
from services.sharing.recipients import EraseRecipient, NameRecipient
from services.sharing.streams import Fact

log = structlog.get_logger()

TOPICS: Final = ("achievements.awards.v1", "mentoring.directory.v1")
GROUP: Final = "sharing"
_PLACES_LOGGED: Final = 20  # of one batch: a flood of poison must not become a flood of logs

FACTS = prometheus_client.Counter(
    "sharing_facts_total",
    "Messages consumed, by what became of them: recorded, unchanged (heard before, or of somebody"
    " erased), passed_over (not for sharing), or the code of why it can't be used.",
    ["outcome"],
)

# Our own events may be as large as the texts of their certificates are; inbound ones that are too large were
# refused by achievements.
_MAX_EVENT_BYTES: Final = 16 * 1024 * 1024
_decoder: Final = Decoder[msgspec.Struct](
    (*awards.OUTBOUND_TYPES, *learning.INBOUND_TYPES), _MAX_EVENT_BYTES
)


class Intake:
    """The handler of the consumer loop: its work takes in a batch, in the loop's transaction."""

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing

    def __call__(self, messages: Sequence[Message]) -> Work:
        facts, outcomes = _facts(messages)

        def take_in(connection: Any) -> Committed:
            changed = self._sharing.take_in(connection, facts) if facts else []
            outcome = outcomes + Counter(recorded=sum(changed), unchanged=changed.count(False))

            def committed() -> Mapping[str, object]:
                for what, count in outcome.items():
                    FACTS.labels(what).inc(count)
                return outcome

            return committed

        return take_in


def _facts(messages: Sequence[Message]) -> tuple[list[Fact], Counter[str]]:
    """The facts of a batch, in order, and how many messages hold none, by why."""
    facts: list[Fact] = []
    without: Counter[str] = Counter()
    places: list[str] = []
    for message in messages:
        try:
            fact = fact_of(_decoder.decode(message.value, message.headers))
        except RefusedError as error:  # its detail is not logged: it may quote the message
            without[error.code] += 1
            places.append(f"{error.code} {message.topic} {message.partition} {message.offset}")
            continue
        if fact is None:
            without["passed_over"] += 1
        else:
            facts.append(fact)
    if places:
        log.warning("messages_refused", count=len(places), places=places[:_PLACES_LOGGED])
    return facts, without


def fact_of(event: CloudEvent[Any]) -> Fact | None:
    """What an event says to sharing, None where that is nothing."""
    data = event.data
    match data:
        case awards.AwardGranted():
            return ReceiveAward(award=AwardReceived(**msgspec.structs.asdict(data)))
        case awards.AwardWithdrawn(
            organization_id=organization_id, award_id=award_id, user_id=user_id, at=at
        ):
            return WithdrawAward(
                organization_id=organization_id, award_id=award_id, user_id=user_id, at=at
            )
        case awards.AvailabilityChanged():
            return ChangeAvailability(cause=event.cause, **msgspec.structs.asdict(data))
        case learning.MemberRegistered():
            return NameRecipient(
                cause=event.cause,
                organization_id=data.organization_id,
                user_id=data.user_id,
                display_name=data.display_name,
                locale=data.locale,
            )
        case awards.RecipientErased() | learning.MemberErased():
            return EraseRecipient(organization_id=data.organization_id, user_id=data.user_id)
        case _:
            return None
