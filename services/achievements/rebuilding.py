"""The read models once more from the journal, in a schema beside the live one, which then takes its place.

The journal is folded by the code that folds it live, up to where the live read models are; what was granted comes
from the journal too, so nothing is decided, granted or sent. Readers go on through the switch, which is a change of
names in one transaction. Until then nobody sees anything of it; interrupted anywhere, it can be begun again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import IsolationLevel, sql

from projections.digests import Digest, digest
from projections.replaying import MAX_ROWS, Past, Replay
from projections.rows import TABLES, Table
from schemas.journal import AwardGranted
from services.achievements.grants import VIEW, grants_key
from services.achievements.migration import VIEWS_SUFFIX
from services.achievements.views import views_key
from services.journal import Journal, Recorded, lock_key

Connection = psycopg.Connection[Any]
OnProgress = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much of it is done."""


class RebuildRunningError(Exception):
    """Another process is building the read models again."""


class ReadModel(NamedTuple):
    """A read model that was replaced, as it was (None where it was lost) and as it is now."""

    name: str
    before: Digest | None
    after: Digest


class Rebuilt(NamedTuple):
    """What was put in place: the state after all events up to `position`."""

    position: int
    read_models: list[ReadModel]


class Batches(NamedTuple):
    """How many events are folded at a time, and how many rows of theirs are in memory, about."""

    events: int = 20_000
    rows: int = MAX_ROWS


_BATCHES: Final = Batches()
_PATIENCE_SECONDS: Final = 2.0


def rebuild(
    journal: Journal,
    on_progress: OnProgress,
    only: Table[Any] | None = None,
    batches: Batches = _BATCHES,
) -> Rebuilt:
    """Builds all read models again, and puts all or `only` one in the place of the live ones.

    `RebuildRunningError` where another process does so already.
    """
    with psycopg.connect(journal.conninfo, autocommit=True) as connection:
        _lock_out_others(connection, lock_key(journal.schema, "rebuild"))
        rebuilding = _Rebuilding(journal, connection, on_progress, batches)
        return rebuilding.run([only] if only else TABLES)


def _lock_out_others(connection: Connection, key: int) -> None:
    """Takes the lock for as long as the connection lasts; the server may notice late that another one's has ended."""
    give_up_at = monotonic() + _PATIENCE_SECONDS
    while connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone() != (True,):
        if monotonic() > give_up_at:
            raise RebuildRunningError
        sleep(0.05)


class _Rebuilding:
    """One rebuild; what is folded lies in the connection's first schema until it is switched."""

    def __init__(
        self,
        journal: Journal,
        connection: Connection,
        on_progress: OnProgress,
        batches: Batches,
    ) -> None:
        self._journal = journal
        self._connection = connection
        self._on_progress = on_progress
        self._batches = batches
        self._live = journal.schema + VIEWS_SUFFIX
        self._next = f"{self._live}_next"
        self._before = f"{self._live}_before"
        self._position = 0

    def run(self, tables: Sequence[Table[Any]]) -> Rebuilt:
        connection = self._connection
        self._prepare()
        self._fold_on()
        self._on_progress("writing rows and indexes", 0, 1)
        with connection.transaction():
            self._replay.write()
        self._on_progress("writing rows and indexes", 1, 1)
        connection.execute("ANALYZE " + ", ".join(table.name for table in TABLES))
        with (
            psycopg.connect(self._journal.conninfo) as witness,
            _holding(connection, views_key(self._journal)),
        ):
            self._fold_on()
            with _holding(connection, grants_key(self._journal)):
                self._finish()
                witness.set_isolation_level(IsolationLevel.REPEATABLE_READ)
                witness.execute("SELECT")  # from here on it sees both as they are now
                self._switch(tables)
            read_models = self._compare(witness, tables)
        self._drop(self._before)
        self._drop(self._next)
        return Rebuilt(self._position, read_models)

    def _prepare(self) -> None:
        """Makes a schema with empty tables, in the place of what an interrupted rebuild has left."""
        self._drop(self._next)
        self._drop(self._before)
        self._connection.execute(
            sql.SQL(
                "CREATE SCHEMA {next}; SET search_path = {next}, {journal}; SET synchronous_commit = off"
            ).format(next=sql.Identifier(self._next), journal=sql.Identifier(self._journal.schema))
        )
        self._replay = Replay(self._connection, self._batches.rows)

    def _fold_on(self) -> None:
        """Folds up to where the live read models are by then."""
        while (goal := self._journal.position(self._connection, VIEW)) > self._position:
            while self._position < goal:
                with self._connection.transaction():
                    chunk = self._journal.read(
                        self._connection, self._position, self._batches.events
                    )
                    self._replay.fold(_past(one for one in chunk if one.position <= goal))
                self._position = min(goal, chunk[-1].position) if chunk else goal
                self._on_progress("folding events", self._position, goal)

    def _finish(self) -> None:
        """Folds what is left, while nobody grants: also the grants that live are held before they are come to."""
        self._fold_on()
        names = [self._journal.mapper.names[AwardGranted]]
        with self._connection.transaction():
            after = self._position
            while grants := self._journal.read(
                self._connection, after, self._batches.events, names
            ):
                self._replay.fold(_past(grants))
                after = grants[-1].position
            self._replay.write()

    def _switch(self, tables: Sequence[Table[Any]]) -> None:
        """Changes the names, durably with all that was written before."""
        with self._connection.transaction():
            self._connection.execute("SET LOCAL synchronous_commit = on")
            for statement in self._renamed(tables):
                self._connection.execute(statement)

    def _renamed(self, tables: Sequence[Table[Any]]) -> Iterator[sql.Composed]:
        live, next_, before = map(sql.Identifier, (self._live, self._next, self._before))
        if len(tables) == len(TABLES):
            rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
            if self._exists("to_regnamespace", live):
                yield rename.format(live, before)
            yield rename.format(next_, live)
            return
        yield sql.SQL("CREATE SCHEMA {}").format(before)
        move = sql.SQL("ALTER TABLE IF EXISTS {}.{} SET SCHEMA {}")
        for table in tables:
            name = sql.Identifier(table.name)
            yield move.format(live, name, before)
            yield move.format(next_, name, live)

    def _compare(self, witness: Connection, tables: Sequence[Table[Any]]) -> list[ReadModel]:
        compared: list[ReadModel] = []
        for number, table in enumerate(tables, start=1):
            was_there = self._exists("to_regclass", sql.Identifier(self._before, table.name))
            before = digest(witness, self._before, table) if was_there else None
            compared.append(ReadModel(table.name, before, digest(witness, self._live, table)))
            self._on_progress("comparing with what was live", number, len(tables))
        witness.rollback()
        return compared

    def _exists(self, look_up: str, name: sql.Identifier) -> bool:
        row = self._connection.execute(
            sql.SQL("SELECT {}({}) IS NOT NULL").format(
                sql.Identifier(look_up), sql.Literal(name.as_string())
            )
        ).fetchone()
        return row == (True,)

    def _drop(self, schema: str) -> None:
        """Drops read models table by table: who holds one lock at a time can't deadlock with readers."""
        tables = self._connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)
        )
        for (table,) in tables.fetchall():
            self._connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(schema, table)))
        self._connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(schema)))


def _past(recorded: Iterable[Recorded]) -> list[Past]:
    return [Past(one.event, one.recorded_at) for one in recorded]


@contextmanager
def _holding(connection: Connection, key: int) -> Iterator[None]:
    """Waits for a lock, and gives it back; where the connection breaks the server does."""
    connection.execute("SELECT pg_advisory_lock(%s)", (key,))
    yield
    connection.execute("SELECT pg_advisory_unlock(%s)", (key,))
