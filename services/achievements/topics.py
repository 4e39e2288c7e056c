"""The topics of the contract, as `migrate --topics` makes them."""

from typing import Final

from services.kafka import KafkaSettings
from services.topics import TopicSpec

DIRECTORY: Final = "mentoring.directory.v1"
SESSIONS: Final = "mentoring.sessions.v1"
FEEDBACK: Final = "mentoring.feedback.v1"
CERTIFICATES: Final = "mentoring.certificates.v1"
AWARDS: Final = "achievements.awards.v1"
DEAD_LETTERS: Final = "achievements.dead-letters.v1"

INBOUND: Final = (DIRECTORY, SESSIONS, FEEDBACK, CERTIFICATES)
GROUP: Final = "achievements"

MAX_DEAD_LETTER_BYTES: Final = 16 * 1024 * 1024
"""A message with its key and headers; larger than any that a broker takes by default."""

_PARTITIONS: Final = 6
_WEEK_MS: Final = 7 * 24 * 60 * 60 * 1000


def specs(kafka: KafkaSettings) -> list[TopicSpec]:
    """The topics under their real names. Awards are kept for ever: sharing may begin late."""
    inbound = [TopicSpec(name=kafka.topic(name), partitions=_PARTITIONS) for name in INBOUND]
    awards = TopicSpec(
        name=kafka.topic(AWARDS),
        partitions=_PARTITIONS,
        config={
            "retention.ms": "-1",
            "cleanup.policy": "delete",
            # An award holds its certificate's texts, which may be as long as a request.
            "max.message.bytes": str(MAX_DEAD_LETTER_BYTES),
        },
    )
    dead_letters = TopicSpec(
        name=kafka.topic(DEAD_LETTERS),
        partitions=_PARTITIONS,
        config={
            "retention.ms": str(_WEEK_MS),
            "max.message.bytes": str(MAX_DEAD_LETTER_BYTES + 64 * 1024),
        },
    )
    return [*inbound, awards, dead_letters]
