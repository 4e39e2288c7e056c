"""From the journal to Kafka: awards and dead letters out, at least once, in order per key.

Only one relay leads. One that has lost the lead without knowing is fenced off by Kafka: all share one transactional
id. The journal's position moves behind a batch after Kafka has acknowledged it; a crash in between sends it again
under the same event ids.
"""

import threading
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.serializer import Serializer

from schemas import awards, journal
from schemas.awards import Outbound
from schemas.cloudevents import encode_structured
from services.achievements import dead_letters
from services.achievements.dead_letters import DeadLetter
from services.achievements.metrics import DEAD_LETTERS_TOO_LARGE, POSITION
from services.achievements.topics import AWARDS, DEAD_LETTERS, MAX_DEAD_LETTER_BYTES
from services.following import follow
from services.journal import Journal, Recorded
from services.kafka import KafkaSettings
from services.topics import producer

log = structlog.get_logger()

SOURCE: Final = "/achievements"
READER: Final = "relay"
DEAD_LETTER_READER: Final = "relay of dead letters"
MAX_MESSAGES: Final = 1_000
MAX_DEAD_LETTERS: Final = 50
_RELAYED: Final = (
    journal.AwardGranted,
    journal.AwardRevoked,
    journal.MemberErased,
    journal.AvailabilityChanged,
)


class _Null(bytes):
    """Stands for null in kafka-python's `send`, which refuses null headers, and no key with no value."""


_NULL: Final = _Null()


class _Headers(list[tuple[str, bytes | None]]):
    """Headers whose lengths kafka-python does not add up for its statistics: it can't where one is null."""

    def __bool__(self) -> bool:
        return False


class _Exact(Serializer):  # type: ignore[misc] # kafka-python is untyped
    """Puts null where it belongs, once `send` has looked at its arguments."""

    def serialize(
        self, topic: str, headers: list[tuple[str, bytes | None]], data: bytes | None
    ) -> bytes | None:
        headers[:] = [(name, None if content is _NULL else content) for name, content in headers]
        return None if data is _NULL else data


class Outgoing(NamedTuple):
    """A message to be sent."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def relay(its_journal: Journal, kafka: KafkaSettings, stop: threading.Event) -> None:
    """Publishes what is appended, until `stop` is set; Kafka and the database are waited for."""
    sender = Sender(kafka)
    try:
        follow(
            its_journal,
            "relay",
            Relay(its_journal, kafka, sender).step,
            stop,
            outages=(KafkaError,),
        )
    finally:
        sender.close()


class Sender:
    """A transactional producer, made anew after a failure."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer: KafkaProducer | None = None

    def send(self, messages: list[Outgoing]) -> None:
        """Sends all of them and waits until they are acknowledged; KafkaError where they may not be."""
        if not messages:
            return
        try:
            self._send(self._ready(), messages)
        except KafkaError:
            self.close()
            raise

    def close(self) -> None:
        """Gives up what was not acknowledged."""
        if self._producer is not None:
            self._producer.close(timeout=5)
            self._producer = None

    def _ready(self) -> KafkaProducer:
        if self._producer is None:
            made = producer(
                self._kafka,
                transactional_id=self._kafka.group(self._kafka.topic("achievements.relay")),
                max_request_size=MAX_DEAD_LETTER_BYTES + 64 * 1024,
                compression_type="lz4",
                value_serializer=_Exact(),
            )
            self._producer = made
            made.init_transactions()
        return self._producer

    def _send(self, ready: KafkaProducer, messages: list[Outgoing]) -> None:
        ready.begin_transaction()
        sent = [
            ready.send(
                message.topic,
                key=message.key,
                value=_NULL if message.value is None else message.value,
                headers=_Headers(
                    (name, _NULL if content is None else content)
                    for name, content in message.headers
                ),
            )
            for message in messages
        ]
        ready.commit_transaction()
        for future in sent:
            future.get(timeout=30)


class Relay:
    """Reads on in the journal and among the dead letters, and sends what it finds."""

    def __init__(self, its_journal: Journal, kafka: KafkaSettings, sender: Sender) -> None:
        self._journal = its_journal
        self._names = [its_journal.mapper.names[cls] for cls in _RELAYED]
        self._awards = kafka.topic(AWARDS)
        self._dead_letters = kafka.topic(DEAD_LETTERS)
        self._sender = sender

    def step(self) -> bool:
        """Sends one batch of each; True where there may be more."""
        more_events = self._relay_events()
        return self._relay_dead_letters() or more_events

    def _relay_events(self) -> bool:
        with self._journal.connection() as connection:
            after = self._journal.position(connection, READER)
            head = self._journal.head(
                connection
            )  # before reading: what comes later is not passed over
            events = self._journal.read(connection, after, MAX_MESSAGES, self._names)
        self._sender.send([_event_message(self._awards, recorded) for recorded in events])
        last = events[-1].position if events else after
        reached = last if len(events) == MAX_MESSAGES else max(head, last)
        self._advance(READER, after, reached)
        if events:
            log.info("events_relayed", events=len(events), position=reached)
        return len(events) == MAX_MESSAGES

    def _relay_dead_letters(self) -> bool:
        with self._journal.connection() as connection:
            after = self._journal.position(connection, DEAD_LETTER_READER)
            letters = dead_letters.read(connection, after, MAX_DEAD_LETTERS)
        self._sender.send(
            [_dead_letter_message(self._dead_letters, letter) for letter in _sendable(letters)]
        )
        if letters:
            self._advance(DEAD_LETTER_READER, after, letters[-1].id)
            log.info("dead_letters_relayed", dead_letters=len(letters), id=letters[-1].id)
        return len(letters) == MAX_DEAD_LETTERS

    def _advance(self, reader: str, after: int, reached: int) -> None:
        if reached > after:
            with self._journal.transaction() as connection:
                self._journal.advance(connection, reader, reached)
            POSITION.labels(reader).set(reached)


def outbound(recorded: Recorded) -> tuple[str, Outbound]:
    """The key and the data by which others learn of an event."""
    at = recorded.recorded_at
    match recorded.event:
        case journal.AwardGranted() as event:
            return f"{event.organization_id}:{event.user_id}", _award_granted(event, recorded)
        case journal.AwardRevoked() as event:
            withdrawn = awards.AwardWithdrawn(
                award_id=event.award_id,
                organization_id=event.organization_id,
                user_id=event.user_id,
                at=at,
            )
            return f"{event.organization_id}:{event.user_id}", withdrawn
        case journal.MemberErased() as event:
            erased = awards.RecipientErased(
                organization_id=event.organization_id, user_id=event.user_id, at=at
            )
            return f"{event.organization_id}:{event.user_id}", erased
        case journal.AvailabilityChanged() as event:
            availability = awards.AvailabilityChanged(
                organization_id=event.organization_id,
                badges=event.badges,
                certificates=event.certificates,
                at=at,
            )
            return f"{event.organization_id}:", availability
    raise TypeError(f"nobody is told of {type(recorded.event).__name__}")


def _award_granted(event: journal.AwardGranted, recorded: Recorded) -> awards.AwardGranted:
    same: dict[str, Any] = {
        field: getattr(event, field)
        for field in awards.AwardGranted.__struct_fields__
        if field not in ("count", "granted_at")
    }
    return awards.AwardGranted(**same, count=event.threshold, granted_at=recorded.recorded_at)


def _event_message(topic: str, recorded: Recorded) -> Outgoing:
    key, data = outbound(recorded)
    id_ = f"{recorded.originator_id}:{recorded.originator_version}"
    value, headers = encode_structured(SOURCE, id_, recorded.recorded_at, data)
    return Outgoing(topic, key.encode(), value, [*headers])


def _dead_letter_message(topic: str, letter: DeadLetter) -> Outgoing:
    about = {
        "dlq.reason": letter.code,
        "dlq.detail": letter.detail,
        "dlq.topic": letter.topic,
        "dlq.partition": str(letter.partition),
        "dlq.offset": str(letter.offset),
        "dlq.at": letter.at.isoformat(),
    }
    headers = [*letter.original_headers(), *((name, text.encode()) for name, text in about.items())]
    return Outgoing(topic, letter.key, letter.value, headers)


def _sendable(letters: list[DeadLetter]) -> Iterator[DeadLetter]:
    for letter in letters:
        if (
            len(letter.value or b"") + len(letter.key or b"") + len(letter.headers)
            <= MAX_DEAD_LETTER_BYTES
        ):
            yield letter
        else:
            DEAD_LETTERS_TOO_LARGE.inc()
            log.error("dead_letter_too_large_to_publish", id=letter.id, topic=letter.topic)
