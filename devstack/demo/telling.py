"""What every chapter of the demo works with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from devstack.demo.apis import Apis
from devstack.demo.expectations import Expected
from devstack.demo.failures import DemoError
from devstack.demo.mailbox import Mailbox
from devstack.demo.members import changes
from devstack.demo.running import Running
from devstack.demo.screen import Screen
from devstack.demo.sees import Sees
from devstack.demo.story import PEOPLE, Fact
from devstack.demo.wire import Place, Publisher
from services.topics import KafkaSettings

_ON_THE_WAY = ("achievements project", "achievements consume")


@dataclass
class Demo:
    """One telling of the story. `seen` is what members saw last."""

    screen: Screen
    running: Running
    kafka: KafkaSettings
    publisher: Publisher
    apis: Apis
    mailbox: Mailbox
    seen: Expected = field(default_factory=dict)

    def publish(self, *facts: Fact) -> list[Place]:
        """Publishes facts and waits until all published so far are taken in."""
        places = self.publisher.publish(*facts)
        published = self.publisher.count
        with self.screen.waiting("The facts are being taken in …"):
            self.running.until(
                f"{published} facts taken in, as many as were published",
                lambda: _unless(self.apis.facts().total(), published),
                "achievements consume",
            )
        return places

    def expect(self, expected: Expected, since: float) -> None:
        """Waits until each member sees what the rules say, and says how long that took."""
        with self.screen.waiting("Waiting for it to take effect …"):
            self.running.until(
                "each member to see what the rules say",
                lambda: self._difference(expected),
                *_ON_THE_WAY,
            )
        took = time.monotonic() - since
        self.screen.gap()
        self.screen.say(f"[dim]In effect for everybody {took:.1f} s later:[/]")
        self.seen = expected

    def show_changes(self, expected: Expected, since: float) -> None:
        """The same, and what has changed for whom."""
        before = self.seen
        self.expect(expected, since)
        self.screen.rows(changes(before, expected), 6, 20)

    def check(self, right: bool, expected: str, seen: object, *concerned: str) -> None:
        """Raises DemoError unless it is right."""
        if not right:
            raise DemoError(expected, str(seen), *concerned)

    def _difference(self, expected: Expected) -> str | None:
        for person in PEOPLE:
            found = Sees.of(self.apis.activity(person.user_id))
            for difference in expected[person.user_id].differences(found):
                return f"{person.user_id}, {difference}"
        return None


def _unless(found: int, wanted: int) -> str | None:
    return None if found == wanted else str(found)
