"""The order in which a phase is published: any that keeps the messages of a key on a topic in theirs.

On the way some are doubled, at once or much later, and poison is put in between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Final

from tests.e2e.messages import Fact, Message
from tests.e2e.poison import spoil

DUPLICATES: Final = 0.05
LATE_DUPLICATES: Final = 0.03
POISON: Final = 0.03
CORRECTIONS: Final = 0.01


@dataclass(frozen=True)
class Erased:
    """Who was erased before the phase, by organization and user, and whose ids are erased in it somewhere."""

    before: frozenset[tuple[str, str]]
    now: frozenset[str]

    def allow(self, fact: Fact) -> bool:
        """Whether it is certain what becomes of a dead letter made of the fact."""
        person = fact.data.get("organization_id"), fact.data.get("user_id")
        if fact.type == "MemberRegistered.v1" and person in self.before:
            return False
        named = {fact.data.get("user_id"), *fact.data.get("user_ids", ())}
        named |= {one["user_id"] for one in fact.data.get("participants", ())}
        return not named & self.now


class Interleaving:
    """Knows what was published before, as that may come again."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ids = count(1)
        self._published: list[Message] = []

    def phase(self, queues: Sequence[Sequence[Message]], unnamed: Erased) -> list[Message]:
        """One phase in the order of its publication.

        No poison names those who are erased in it: who can say whether it is destroyed before it is told? Nor is
        any made of registrations of those erased before.
        """
        merged = [*self._merged([self._doubled(queue, unnamed) for queue in queues])]
        again = [one for one in self._published if self._random.random() < LATE_DUPLICATES]
        for message in again:
            merged.insert(self._random.randrange(len(merged) + 1), message)
        for queue in queues:
            self._published += [one for one in queue if one.acceptable and one.unusable is None]
        return merged

    def _doubled(self, queue: Sequence[Message], unnamed: Erased) -> list[Message]:
        """A queue with poison, corrections of it and duplicates in it."""
        doubled: list[Message] = []
        for message in queue:
            if self._random.random() < POISON and unnamed.allow(message.fact):
                doubled.append(spoil(message, self._random, id_=f"poison {next(self._ids)}"))
            if self._random.random() < CORRECTIONS and unnamed.allow(message.fact):
                doubled.append(spoil(message, self._random, id_=message.fact.id))
            doubled.append(message)
            if self._random.random() < DUPLICATES:
                doubled.append(message)
        return self._with_late_duplicates(doubled)

    def _with_late_duplicates(self, queue: Sequence[Message]) -> list[Message]:
        late: list[tuple[float, Message]] = []
        for place, message in enumerate(queue):
            late.append((place, message))
            may_come_again = message.acceptable and message.unusable is None
            if may_come_again and self._random.random() < LATE_DUPLICATES:
                late.append((self._random.uniform(place, len(queue)), message))
        return [message for _, message in sorted(late, key=lambda pair: pair[0])]

    def _merged(self, queues: Sequence[Sequence[Message]]) -> Iterator[Message]:
        turns = [number for number, queue in enumerate(queues) for _ in queue]
        self._random.shuffle(turns)
        heads = [iter(queue) for queue in queues]
        return (next(heads[number]) for number in turns)
