"""The append-only store of events in PostgreSQL, used by both services.

It stands on the eventsourcing library at its narrow seam: its tables, which its own recorders can
read, its stored events and its mapper. A journal is one table; an event's position
(`notification_id`) grows in commit order, because every writer appends under one advisory lock held
until its commit: nothing ever appears behind a reader. `recorded_at` is taken under that lock and
never goes back.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Any, Final, NamedTuple, Self, cast
from uuid import UUID, SafeUUID

import msgspec
import psycopg
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from eventsourcing.postgres import PostgresDatastore, PostgresProcessRecorder
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row, scalar_row
from psycopg_pool import ConnectionPool

from services.patience import limit, noticing_silence, told_as_outage

Connection = psycopg.Connection[Any]

TABLE: Final = "journal"
POSITIONS_TABLE: Final = "journal_position"

# Rows of COPY in binary, https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format"): made by hand, as
# writing them value by value takes as long as deciding what is in them.
_COPY_BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END: Final = b"\xff\xff"
_ROWS_AT_ONCE: Final = 500  # the server takes some in while we make the next
_row_head: Final = Struct(">h i16s iq i").pack  # five columns: id, version, the length of the name
_length: Final = Struct(">i").pack
_timestamp: Final = Struct(">iq").pack
_TIMESTAMP_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An event at its place in a stream, to be appended."""

    originator_id: UUID
    originator_version: int
    event: msgspec.Struct


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """An event of the journal: `position` is its place among all, `recorded_at` when it was appended."""

    position: int
    originator_id: UUID
    originator_version: int
    recorded_at: datetime
    event: Any


class Appended(NamedTuple):
    """Where events were appended: positions `first` to `last`, all with one `recorded_at`."""

    first: int
    last: int
    recorded_at: datetime


def stream_id(organization_id: str, kind: str, *natural_key: str) -> UUID:
    """The id of the stream of one thing: the same for ever for the same thing (a UUIDv8, RFC 9562, 5.8).

    Its first 48 bits are a hash of the organization, so one organization's rows lie together in the index.
    """
    name = "\0".join((organization_id, kind, *natural_key))
    tail = int.from_bytes(blake2b(name.encode(), digest_size=10).digest())
    number = _organization_bits(organization_id) | tail & _UUID_FREE_BITS | _UUID_FIXED_BITS
    id_ = object.__new__(UUID)  # what UUID(int=number) is; that alone takes longer than all of this
    _set_int(id_, number)
    _set_is_safe(id_, SafeUUID.unknown)
    return id_


def stream_range(organization_id: str) -> tuple[UUID, UUID]:
    """The ids between which all streams of an organization lie, and hardly any other's."""
    least = _organization_bits(organization_id)
    return UUID(int=least), UUID(int=least | (1 << 80) - 1)


_UUID_FIXED_BITS: Final = 8 << 76 | 2 << 62  # version 8, variant 2
_UUID_FREE_BITS: Final = (1 << 80) - 1 & ~(0xF << 76 | 0x3 << 62)
_set_int: Final[Callable[[UUID, int], None]] = vars(UUID)["int"].__set__
_set_is_safe: Final[Callable[[UUID, SafeUUID], None]] = vars(UUID)["is_safe"].__set__


@lru_cache(maxsize=4_096)
def _organization_bits(organization_id: str) -> int:
    return int.from_bytes(blake2b(organization_id.encode(), digest_size=6).digest()) << 80


class StructMapper(Mapper[UUID]):
    """Maps msgspec structs to stored events under short stable names, and back."""

    def __init__(self, event_types: Mapping[str, type[msgspec.Struct]]) -> None:
        super().__init__(transcoder=JSONTranscoder())
        self.names = {cls: name for name, cls in event_types.items()}
        self._encode = msgspec.json.Encoder().encode
        self._decoders = {
            name: msgspec.json.Decoder(cls).decode for name, cls in event_types.items()
        }

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """The stored form of an `Entry`."""
        entry = cast(Entry, domain_event)
        return StoredEvent(entry.originator_id, entry.originator_version, *self.encode(entry.event))

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """The `Entry` of a stored form."""
        event = self.decode(stored_event.topic, stored_event.state)
        return Entry(cast(UUID, stored_event.originator_id), stored_event.originator_version, event)

    def encode(self, event: msgspec.Struct) -> tuple[str, bytes]:
        """The name that an event is stored under, and its bytes."""
        return self.names[type(event)], self._encode(event)

    def decode(self, name: str, state: bytes) -> Any:
        """The event stored under this name."""
        return self._decoders[name](state)


class Journal:
    """The journal of one service, in a PostgreSQL schema of its own.

    Errors are psycopg's own; `psycopg.errors.UniqueViolation` on appending means that another writer was
    first in one of the streams: load them again and decide again.
    """

    def __init__(
        self,
        database_url: str,
        schema: str,
        event_types: Mapping[str, type[msgspec.Struct]],
        *,
        pool_size: int = 4,
    ) -> None:
        self.schema = schema
        self.conninfo = _with_search_path(noticing_silence(database_url), schema)
        self.mapper = StructMapper(event_types)
        self._append_lock = lock_key(schema, TABLE)
        self._pool = ConnectionPool(
            self.conninfo,
            kwargs={"autocommit": True},
            min_size=0,
            max_size=pool_size,
            open=False,
            check=ConnectionPool.check_connection,
            timeout=10,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connections back to the server."""
        self._pool.close()

    def reach(self) -> None:
        """Raises OperationalError, which says why, where the database can't be reached.

        Who asks for a connection is told after ten seconds, and not why.
        """
        psycopg.connect(self.conninfo).close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in autocommit: each statement sees what is committed when it starts."""
        self._pool.open()
        with self._pool.connection() as connection:
            yield connection

    @contextmanager
    def transaction(
        self, *, seconds: int | None = None, lock_seconds: int | None = None
    ) -> Iterator[Connection]:
        """A connection in a transaction: committed on leaving, rolled back on an exception.

        Where somebody waits for an answer it has limits (see `services.patience.limit`): TooLongError
        after `seconds`, LockNotAvailable after `lock_seconds` for one lock; both OperationalErrors.
        """
        with self.connection() as connection, told_as_outage(), connection.transaction():
            limit(connection, seconds, lock_seconds)
            yield connection

    def create_tables(self) -> None:
        """Creates what is missing of the schema and the journal's tables; to be run once at a time."""
        if self._has_tables():
            return  # even IF NOT EXISTS would wait for all who read and write, and have others wait
        with self.connection() as connection:
            connection.execute(
                sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self.schema))
            )
        with _library_datastore(self.conninfo, self.schema) as datastore:
            PostgresProcessRecorder(
                datastore, events_table_name=TABLE, tracking_table_name=POSITIONS_TABLE
            ).create_table()
        with self.connection() as connection:
            connection.execute(
                f"ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS"
                " recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()"
            )

    def _has_tables(self) -> bool:
        with self.connection() as connection:
            found = connection.execute(
                "SELECT FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = 'recorded_at'",
                (f"{self.schema}.{TABLE}",),  # the column is made last
            )
            return found.rowcount > 0

    def lock(self, connection: Connection) -> datetime:
        """Waits to be the only writer until the transaction ends; gives the instant its events will carry."""
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (self._append_lock,))
        cursor = connection.cursor(row_factory=scalar_row).execute(
            f"""
            SELECT greatest(clock_timestamp(),
                            (SELECT recorded_at FROM {TABLE} ORDER BY notification_id DESC LIMIT 1))
            """
        )
        return cast(datetime, cursor.fetchone())

    def append(self, connection: Connection, entries: Sequence[Entry]) -> Appended:
        """Appends events, in this order, in the transaction of the connection; of none, `first` is beyond `last`."""
        recorded_at = self.lock(connection)
        if not entries:
            head = self.head(connection)
            return Appended(head + 1, head, recorded_at)
        with (
            connection.cursor() as cursor,
            cursor.copy(
                f"COPY {TABLE} (originator_id, originator_version, topic, state, recorded_at)"
                " FROM STDIN (FORMAT BINARY)"
            ) as copy,
        ):
            copy.write(_COPY_BEGIN)
            for start in range(0, len(entries), _ROWS_AT_ONCE):
                copy.write(self._rows(entries[start : start + _ROWS_AT_ONCE], recorded_at))
            copy.write(_COPY_END)
        connection.execute(f"NOTIFY {TABLE}")
        last = self.head(connection)  # under the lock ids are consecutive: COPY itself returns none
        return Appended(last - len(entries) + 1, last, recorded_at)

    def _rows(self, entries: Sequence[Entry], recorded_at: datetime) -> bytes:
        """Rows for COPY."""
        encode = self.mapper.encode
        recorded = _timestamp(8, (recorded_at - _TIMESTAMP_EPOCH) // timedelta(microseconds=1))
        fields: list[bytes] = []
        for entry in entries:
            name, state = encode(entry.event)
            stored_as, id_ = name.encode(), entry.originator_id.int.to_bytes(16)
            head = _row_head(5, 16, id_, 8, entry.originator_version, len(stored_as))
            fields += (head, stored_as, _length(len(state)), state, recorded)
        return b"".join(fields)

    def head(self, connection: Connection) -> int:
        """The last position, 0 where there is none."""
        cursor = connection.cursor(row_factory=scalar_row)
        return cast(
            int, cursor.execute(f"SELECT coalesce(max(notification_id), 0) FROM {TABLE}").fetchone()
        )

    def load(
        self, connection: Connection, originator_ids: Iterable[UUID]
    ) -> dict[UUID, list[Recorded]]:
        """The events of these streams, in order; a stream without events is left out."""
        rows = connection.execute(
            f"""
            SELECT notification_id, originator_id, originator_version, recorded_at, topic, state
            FROM {TABLE} WHERE originator_id = ANY(%b) ORDER BY originator_id, originator_version
            """,
            (list(originator_ids),),
            binary=True,
        )
        streams: dict[UUID, list[Recorded]] = {}
        for recorded in self._recorded(rows):
            streams.setdefault(recorded.originator_id, []).append(recorded)
        return streams

    def read(
        self, connection: Connection, after: int, limit: int, names: Sequence[str] | None = None
    ) -> list[Recorded]:
        """At most `limit` events behind a position, in order; only those stored under `names`, where given."""
        rows = connection.execute(
            f"""
            SELECT notification_id, originator_id, originator_version, recorded_at, topic, state
            FROM {TABLE} WHERE notification_id > %(after)s
              AND (%(names)s::text[] IS NULL OR topic = ANY(%(names)s))
            ORDER BY notification_id LIMIT %(limit)s
            """,
            {"after": after, "limit": limit, "names": list(names) if names is not None else None},
            binary=True,
        )
        return list(self._recorded(rows))

    def position(self, connection: Connection, name: str) -> int:
        """How far the reader of this name has come, 0 where it never began."""
        cursor = connection.cursor(row_factory=scalar_row).execute(
            f"SELECT notification_id FROM {POSITIONS_TABLE} WHERE application_name = %s", (name,)
        )
        return cursor.fetchone() or 0

    def advance(self, connection: Connection, name: str, position: int) -> None:
        """Notes in the transaction how far the reader of this name has come; never back, whoever wakes up late."""
        connection.execute(
            f"""
            INSERT INTO {POSITIONS_TABLE} (application_name, notification_id) VALUES (%(name)s, %(position)s)
            ON CONFLICT (application_name) DO UPDATE
            SET notification_id = greatest({POSITIONS_TABLE}.notification_id, excluded.notification_id)
            """,
            {"name": name, "position": position},
        )

    def _recorded(
        self, rows: Iterable[tuple[int, UUID, int, datetime, str, bytes]]
    ) -> Iterator[Recorded]:
        decode = self.mapper.decode
        for position, originator_id, version, recorded_at, name, state in rows:
            yield Recorded(position, originator_id, version, recorded_at, decode(name, state))


def lock_key(*names: str) -> int:
    """The key of an advisory lock with this name: a signed 64-bit number."""
    return int.from_bytes(blake2b("\0".join(names).encode(), digest_size=8).digest(), signed=True)


def _with_search_path(database_url: str, schema: str) -> str:
    options = str(conninfo_to_dict(database_url).get("options") or "")
    return make_conninfo(
        database_url,
        options=f"{options} -c search_path={schema},{schema}_views -c timezone=UTC".strip(),
    )


@contextmanager
def _library_datastore(conninfo: str, schema: str) -> Iterator[PostgresDatastore]:
    """The library's way to the database; it takes no URL, so the pool is told before its first use."""
    datastore = PostgresDatastore("", "", "", "", "", schema=schema)
    datastore.pool.conninfo = conninfo
    datastore.pool.kwargs = {"row_factory": dict_row}
    try:
        yield datastore
    finally:
        datastore.close()
