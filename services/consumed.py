"""How far a group of consumers has come, and what waits for it in Kafka, for those who ask."""

from collections.abc import Iterable
from typing import NamedTuple

from services.journal import Journal
from services.positions import Positions
from services.topics import KafkaSettings, cluster_id, lag


class Consumed(NamedTuple):
    """How many messages of each topic are still to be consumed, None where there is no such topic; and the next offset
    of each partition.
    """

    lag: dict[str, int | None]
    positions: dict[str, dict[str, int]]

    @property
    def lag_of_all(self) -> dict[str, int]:
        """As the contract tells it: in a topic that does not exist nothing waits."""
        return {topic: behind or 0 for topic, behind in self.lag.items()}

    def words(self, topic: str) -> tuple[str, str]:
        """A topic's lag and next offsets, for people."""
        behind = self.lag[topic]
        reached = ", ".join(f"{number}: {at}" for number, at in self.positions[topic].items())
        return "none: no such topic" if behind is None else f"{behind:,}", reached or "none yet"


def consumed(journal: Journal, kafka: KafkaSettings, group: str, topics: Iterable[str]) -> Consumed:
    """Looks at the positions of a group, and at Kafka; `group` and `topics` are names of the contract.

    Raises KafkaError where no broker answers within seconds.
    """
    positions = Positions(cluster_id(kafka), kafka.group(group))
    with journal.connection() as connection:
        next_offsets = positions.next_offsets(connection)
    lags = lag(kafka, [kafka.topic(name) for name in topics], next_offsets)
    reached: dict[str, dict[str, int]] = {topic: {} for topic in lags}
    for (topic, partition), offset in next_offsets.items():
        reached.setdefault(topic, {})[str(partition)] = offset
    return Consumed(lags, reached)
