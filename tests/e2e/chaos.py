"""A random history on real Kafka and PostgreSQL while processes are killed, against what the rules give.

`python -m tests.e2e.chaos --facts 50000 --seed 7` runs it and exits with 0 where nothing differs. The same seed gives
the same history; what is killed when is random each time, for it depends on the clock anyway.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from uuid import uuid4

from devstack import Addresses, create_database, private, shared
from devstack.ports import reserve_port
from devstack.server import Server
from tests.e2e.comparison import (
    compare_announcements,
    compare_dead_letters,
    compare_grants,
    compare_views,
)
from tests.e2e.database import leaks, wait_until_drained
from tests.e2e.expected import activity, home
from tests.e2e.history import PHASES
from tests.e2e.kafka import (
    Announcement,
    Topics,
    announcements,
    dead_letters,
    publish,
    read_all,
)
from tests.e2e.members import FEEDBACK_URL, SECRET, views, wait_until_ready
from tests.e2e.names import MAIL_MARK, NAME_MARK, REMARK_MARK
from tests.e2e.script import Script
from tests.e2e.service import Chaos, Fleet, run
from tests.oracle import Oracle

AWARDS = "achievements.awards.v1"
DEAD_LETTERS = "achievements.dead-letters.v1"
MARKS = (NAME_MARK, MAIL_MARK, REMARK_MARK)
"""What is in each name, address and remark, and in nothing else."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much and how hard.

    A phase is published at this speed, or slower, so that it takes the least seconds of a phase. `pause_seconds` are
    the least and the longest pause between two blows.
    """

    facts: int
    seed: int
    per_second: float = 400
    phase_seconds: float = 10
    pause_seconds: tuple[float, float] = (0.2, 1.5)
    deadline_seconds: float = 600


@dataclass
class Report:
    """What was found: what differs, in words, and what was done."""

    problems: list[str] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)
    blows: Counter[str] = field(default_factory=Counter)
    seconds: list[str] = field(default_factory=list)


class Run:
    """One history, from its first fact to the comparison of all that came of it."""

    def __init__(
        self, plan: Plan, addresses: Addresses, folder: Path, servers: Sequence[Server] = ()
    ) -> None:
        name = f"chaos_{uuid4().hex[:12]}"
        self._plan = plan
        self._servers = servers
        self._topics = Topics(addresses.kafka_bootstrap_servers, f"{name}.")
        self._database_url = create_database(addresses.database_url, name)
        self._port = reserve_port()
        self._environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": self._database_url,
            "KAFKA_BOOTSTRAP_SERVERS": addresses.kafka_bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": f"{name}.",
            "KAFKA_GROUP_PREFIX": f"{name}.",
            "ACHIEVEMENTS_LISTEN": f"127.0.0.1:{self._port.number}",
            "AUTH_SECRET": SECRET,
            "FEEDBACK_URL_TEMPLATE": FEEDBACK_URL,
            "LOG_FORMAT": "json",
        }
        self._folder = folder
        self._oracle = Oracle()
        self._script = Script(plan.seed, plan.facts)
        self._chaos_random = Random(f"chaos {plan.seed}")
        self._heard_of: set[str] = set()
        self.report = Report()

    def run(self) -> Report:
        """Goes through all phases; then compares what members see, dead letters and leaks."""
        log = self._folder / "migrate.log"
        run("migrate", "--topics", environment=self._environment, log=log)
        fleet = Fleet(self._environment, self._folder)
        with fleet:
            try:
                self._phases(fleet)
            except TimeoutError as error:
                self.report.problems.append(str(error))
        self._count("facts", self._script.facts)
        self.report.problems += fleet.failures
        self.report.problems += leaks(self._database_url, self._script.erased_numbers())
        self.report.problems += self._leaks_in_logs()
        return self.report

    def _phases(self, fleet: Fleet) -> None:
        for number in range(len(PHASES)):
            self._phase(number, fleet)
            self._compare_views(f"after phase {number}")
        self._compare_dead_letters()

    def _phase(self, number: int, fleet: Fleet) -> None:
        messages = self._script.phase(number, self._oracle)
        self._count("messages", len(messages))
        started = time.monotonic()
        chaos = Chaos(fleet, self._chaos_random, self._plan.pause_seconds, self._servers)
        with chaos:
            slowly = len(messages) / self._plan.phase_seconds
            told = publish(self._topics, messages, min(self._plan.per_second, slowly))
        published_at = time.monotonic()
        self.report.blows += chaos.done
        wait_until_drained(
            self._database_url, self._topics, self._plan.deadline_seconds, fleet.look_after
        )
        self.report.seconds.append(
            f"phase {number}: {len(messages)} messages published in {published_at - started:.1f} s,"
            f" taken in {time.monotonic() - published_at:.1f} s later"
        )
        fleet.look_after()
        due = self._oracle.take_phase(told)
        self._count("grants", len(due))
        events = self._announced()
        granted = [event.data for event in events if event.type == "AwardGranted.v1"]
        new = [event for event in granted if event["award_id"] not in self._heard_of]
        self._heard_of.update(event["award_id"] for event in new)
        self.report.problems += compare_grants(self._oracle, due, new)
        self.report.problems += compare_announcements(
            self._oracle, [(event.type, event.data) for event in events]
        )

    def _announced(self) -> list[Announcement]:
        records = read_all(self._topics, AWARDS)
        events, wrong = announcements(records)
        self.report.problems += wrong
        for mark in MARKS:
            if any(mark.encode() in record.value for record in records):
                self.report.problems.append(f"the awards topic holds {mark}")
        self.report.figures["awards told again"] = len(records) - len(events)
        return events

    def _leaks_in_logs(self) -> Iterator[str]:
        """Rule 27: whatever was done, and whoever was killed at it, no line says who anybody is."""
        logs = sorted(self._folder.glob("*.log"))
        for log in logs:
            said = log.read_bytes()
            yield from (f"{log.name} holds {mark}" for mark in MARKS if mark.encode() in said)
        self._count("logs", len(logs))

    def _compare_views(self, when: str) -> None:
        base_url = f"http://127.0.0.1:{self._port.number}"
        wait_until_ready(base_url)
        for seen in views(base_url, self._script.people()):
            who = f"{when}: {seen.organization_id} {seen.user_id}"
            expected = activity(self._oracle, seen.organization_id, seen.user_id, FEEDBACK_URL)
            self.report.problems += compare_views(who, expected, seen.activity)
            self.report.problems += compare_views(f"{who} (home)", home(expected), seen.home)
            self._count("views", 2)

    def _compare_dead_letters(self) -> None:
        found = dead_letters(read_all(self._topics, DEAD_LETTERS))
        self.report.problems += compare_dead_letters(self._oracle, found)
        for letter in self._oracle.dead_letters:
            self._count(f"dead letters, {letter.code}", 1)
        again = sum(len(letters) - 1 for letters in found.values())
        self._count("dead letters told again", again)
        self._count("dropped registrations of erased members", self._oracle.dropped)

    def _count(self, what: str, number: int) -> None:
        self.report.figures[what] += number


def main() -> int:
    """Runs one history; exit status 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--per-second", type=float, default=400)
    parser.add_argument(
        "--servers", action="store_true", help="kill Kafka and PostgreSQL, too, those of our own"
    )
    arguments = parser.parse_args()
    plan = Plan(
        facts=arguments.facts,
        seed=arguments.seed,
        per_second=arguments.per_second,
    )
    print(f"seed {plan.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    if arguments.servers:
        with private(folder / "servers") as stack:
            report = Run(plan, stack.addresses, folder, [stack.kafka, stack.postgres]).run()
    else:
        with shared() as addresses:
            report = Run(plan, addresses, folder).run()
    _print(report)
    print(f"seed {plan.seed}: {len(report.problems)} problems; logs are in {folder}")
    return 1 if report.problems else 0


def _print(report: Report) -> None:
    for line in report.seconds:
        print(line)
    for counts in (report.figures, report.blows):
        print(", ".join(f"{what}: {number}" for what, number in sorted(counts.items())))
    for problem in report.problems:
        print(f"PROBLEM: {problem}")


if __name__ == "__main__":
    sys.exit(main())
