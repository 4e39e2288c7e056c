"""A whole history as it is published, phase by phase: interleaved, doubled and poisoned."""

from collections.abc import Iterator
from random import Random

from tests.e2e.history import Held, History
from tests.e2e.interleaving import Erased, Interleaving
from tests.e2e.messages import Message
from tests.oracle import Oracle


class Script:
    """What is published for a seed; what is revoked depends on the awards that the oracle has heard of."""

    def __init__(self, seed: int, facts: int) -> None:
        self._history = History(seed, facts)
        self._interleaving = Interleaving(Random(f"order {seed}"))
        self.facts = 0

    def phase(self, number: int, oracle: Oracle) -> list[Message]:
        """The messages of a phase, in the order of their publication."""
        before = frozenset(self.erased())
        queues = self._history.phase(number, sorted(_held(oracle)))
        now = frozenset(user_id for _, user_id in {*self.erased()} - before)
        self.facts += sum(len(queue) for queue in queues)
        return self._interleaving.phase(queues, Erased(before, now))

    def people(self) -> Iterator[tuple[str, str]]:
        """Everybody who may be named, and somebody who is not, by organization and user."""
        return self._history.people()

    def erased(self) -> Iterator[tuple[str, str]]:
        """Who was erased so far, by organization and user."""
        for organization in self._history.organizations:
            yield from ((organization.id, user_id) for user_id in organization.erased)

    def erased_numbers(self) -> Iterator[tuple[int, int]]:
        """The same by the numbers that names and addresses are made of."""
        for organization in self._history.organizations:
            for user_id in organization.erased:
                yield organization.number, organization.users.index(user_id)


def _held(oracle: Oracle) -> Iterator[Held]:
    for achievement, grants in oracle.grants.items():
        for grant in grants:
            if grant.event and not grant.revoked:
                yield Held(*achievement, grant.event["award_id"])
