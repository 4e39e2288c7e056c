"""Everything derived again from the journal, by a way of its own, and compared with what is there.

facts: what an organization's events come to · dues: which awards had to be granted · rows: what the read models must
hold · accounts: both of one organization · history: reading the journal · comparing: the differences. Nothing here uses
the code that it verifies.

It looks at one instant while the system goes on: at the facts up to where the read models are, and at all grants, which
the read models hold from the moment that they are made. One organization at a time is in memory.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import psycopg
from psycopg import IsolationLevel

from services.achievements.verifying import comparing, history
from services.achievements.verifying.accounts import Account
from services.achievements.verifying.comparing import Connection, Difference
from services.achievements.verifying.facts import Organization
from services.achievements.views import views_key
from services.journal import TABLE, Journal, stream_range

__all__ = ["Difference", "Verification", "verify"]

VIEW = "progress"
PLATFORM = ""
OnProgress = Callable[[int, int], None]
"""Told how many of about how many events have been looked at."""


class Verification(NamedTuple):
    """What was looked at, as of the event at `position`, and what is not as it must be."""

    position: int
    events: int
    organizations: int
    differences: list[Difference]


def verify(journal: Journal, on_progress: OnProgress) -> Verification:
    """Verifies all organizations as of one instant."""
    with psycopg.connect(journal.conninfo, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock_shared(%s)", (views_key(journal),))
        connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        connection.set_read_only(True)
        with connection.transaction():
            return _Verifying(journal, connection, on_progress).run()


class _Verifying:
    """One verification, in a transaction that sees one instant."""

    def __init__(self, journal: Journal, connection: Connection, on_progress: OnProgress) -> None:
        self._journal = journal
        self._connection = connection
        self._on_progress = on_progress
        self._position = journal.position(connection, VIEW)
        self._platform = history.of_platform(journal, connection)
        row = connection.execute(f"SELECT count(*) FROM {TABLE}").fetchone()
        self._total: int = row[0] if row else 0
        self._events = 0
        self._differences: list[Difference] = []

    def run(self) -> Verification:
        self._differences += self._account_of_platform().differences(self._connection)
        verified: set[str] = set()
        for streams in history.of_organizations(self._connection):
            for account in self._accounts(streams):
                verified.add(account.organization.organization_id)
                self._differences += account.differences(self._connection)
        unheard_of = comparing.organizations_with_rows(self._connection) - verified - {PLATFORM}
        for organization_id in sorted(unheard_of):
            self._differences += self._account(organization_id).differences(self._connection)
        self._on_progress(self._total, self._total)
        return Verification(self._position, self._events, len(verified), self._differences)

    def _account_of_platform(self) -> Account:
        """The platform's thresholds lie among the organizations', as those of an organization without a name."""
        past = [told.event for told in self._platform if told.position <= self._position]
        thresholds = {event.code: event.threshold for event in past}
        return Account(Organization(PLATFORM, thresholds=thresholds), self._position, ())

    def _account(self, organization_id: str) -> Account:
        return Account(Organization(organization_id), self._position, self._platform)

    def _accounts(self, streams: history.Range) -> Iterable[Account]:
        """The accounts of the organizations, hardly ever more than one, whose events lie in these streams."""
        accounts: dict[str, Account] = {}
        for told in history.read(self._journal, self._connection, streams):
            self._events += 1
            if self._events % 10_000 == 0:
                self._on_progress(self._events, self._total)
            organization_id = getattr(told.event, "organization_id", None) or PLATFORM
            if stream_range(organization_id) != streams:
                self._differences.append(comparing.misplaced(told))
                continue
            if organization_id not in accounts:
                accounts[organization_id] = self._account(organization_id)
            accounts[organization_id].tell(told)
        return accounts.values()
