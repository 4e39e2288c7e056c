"""The rows of the read models, and the tables that hold them; the structs are the one source of both."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

import psycopg
from msgspec import Struct
from psycopg.rows import tuple_row

from projections.counting import Participation
from schemas.awards import How
from schemas.learning import ProgramType

Row = TypeVar("Row", bound=Struct)
Key = tuple[str, ...]

PLATFORM: Final = ""
"""Stands for all organizations where a row belongs to none."""
BADGE_PROGRAM: Final = ""
"""Stands for the program of an award that belongs to none: a badge."""


class Organization(Struct):
    organization_id: str
    name: str
    timezone: str = "UTC"
    logo: str | None = None
    linkedin_organization_id: str | None = None
    badges: bool = False
    certificates: bool = False


class BadgeThreshold(Struct):
    """What an operator set, for one organization or the platform; null: nothing (any more)."""

    organization_id: str
    code: str
    threshold: int | None


class Program(Struct):
    organization_id: str
    program_id: str
    program_type: ProgramType
    name: str
    banner: str | None


class Certificate(Struct):
    organization_id: str
    program_id: str
    program_type: ProgramType
    program_name: str
    enabled: bool
    required_sessions: int | None
    name: str
    text: str
    colour: str
    banner: str | None
    logo: str | None
    guidance: str | None


class Member(Struct):
    """A person of an organization: the roles known of them, from where, and the running counters of badges."""

    organization_id: str
    user_id: str
    registered_mentor: bool = False
    registered_mentee: bool = False
    active_mentor: bool = False
    active_mentee: bool = False
    erased: bool = False
    sessions_as_mentor: int = 0
    sessions_as_mentee: int = 0
    people_met: int = 0


class Enrolment(Struct):
    """A member of a program; the running counters of its certificate."""

    organization_id: str
    program_id: str
    user_id: str
    sessions_completed: int = 0
    sessions_counted: int = 0


class Session(Struct):
    """A session, from the first fact about it on, be it its completion or feedback.

    `roles` are those of `participants`, in their order; `feedback_at` are the earliest instants at which those
    in `feedback_by` gave feedback, whoever they are.
    """

    organization_id: str
    session_id: str
    program_id: str | None
    program_type: ProgramType | None
    completed_at: datetime | None
    participants: list[str]
    roles: list[str]
    feedback_by: list[str]
    feedback_at: list[datetime]
    feedback_counts_at: datetime | None


class Award(Struct):
    """`granted_at` is null only while the grant is being appended."""

    organization_id: str
    user_id: str
    award_id: str
    code: str
    program_id: str
    title: str
    how: How
    grant_number: int
    earned_at: datetime
    granted_at: datetime | None
    revoked: bool


class WaitingAward(Struct):
    """A manual award that was not granted yet: its certificate is not enabled or not available."""

    organization_id: str
    program_id: str
    user_id: str
    awarded_at: datetime


_SQL_TYPES: Mapping[Any, str] = {
    str: "text",
    int: "int8",
    bool: "bool",
    datetime: "timestamptz",
    list[str]: "text[]",
    list[datetime]: "timestamptz[]",
}


class Table(Generic[Row]):
    """One read model's table: its columns are the fields of its row."""

    def __init__(
        self, name: str, row: type[Row], key: Sequence[str], indexes: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.row = row
        self.key = tuple(key)
        self.columns = row.__struct_fields__
        # of one name, attrgetter gives no tuple
        self._key_of = attrgetter(*key) if len(key) > 1 else lambda row: (getattr(row, key[0]),)
        self._indexes = indexes
        self._types = {column: _sql_type(hint) for column, hint in get_type_hints(row).items()}
        self._definitions = ", ".join(f"{column} {type_}" for column, type_ in self._types.items())

    def key_of(self, row: Row) -> Key:
        """The row's primary key."""
        key: Key = self._key_of(row)
        return key

    def create_statements(self) -> list[str]:
        """SQL that creates the table and its indexes where they are missing, in the first schema of the path."""
        return [
            f"CREATE TABLE IF NOT EXISTS {self.name} ({self._definitions}, PRIMARY KEY ({', '.join(self.key)}))",
            *self._indexes,
        ]

    def create_bare(self) -> str:
        """SQL that creates the table alone, which takes rows in several times as fast as with its indexes."""
        return f"CREATE TABLE {self.name} ({self._definitions})"

    def complete_bare(self) -> list[str]:
        """SQL that adds to a table that was created bare what it lacks."""
        return [f"ALTER TABLE {self.name} ADD PRIMARY KEY ({', '.join(self.key)})", *self._indexes]

    def select(
        self,
        connection: psycopg.Connection[Any],
        keys: Iterable[Key],
        by: Sequence[str] | None = None,
    ) -> list[Row]:
        """The rows with these keys, or with these values in the columns `by`."""
        return self.rows(self.ask(connection, keys, by))

    def ask(
        self,
        connection: psycopg.Connection[Any],
        keys: Iterable[Key],
        by: Sequence[str] | None = None,
    ) -> psycopg.Cursor[tuple[Any, ...]] | None:
        """Asks what `select` gives; in a pipeline several tables are asked at once. None: nothing to ask."""
        columns = by or self.key
        asked = [list(values) for values in zip(*set(keys), strict=True)]
        if not asked:
            return None
        listed = ", ".join(
            f"%s::{self._types[column].removesuffix(' NOT NULL')}[]" for column in columns
        )
        return connection.cursor(row_factory=tuple_row, binary=True).execute(
            f"""
            SELECT {", ".join(self.columns)} FROM {self.name}
            JOIN unnest({listed}) AS asked ({", ".join(columns)}) USING ({", ".join(columns)})
            """,
            asked,
        )

    def rows(self, answer: psycopg.Cursor[tuple[Any, ...]] | None) -> list[Row]:
        """The rows that `ask` was answered with."""
        return [self.row(*values) for values in answer] if answer is not None else []

    @cached_property
    def create_staging(self) -> str:
        """Makes a table, of this connection only, from which rows are written; it empties itself."""
        return (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS new_{self.name} (LIKE {self.name})"
            " ON COMMIT DELETE ROWS"
        )

    def stage(self, connection: psycopg.Connection[Any], rows: Iterable[Row]) -> None:
        """Brings rows into the staging table."""
        self._copy(connection, f"new_{self.name}", rows)

    @cached_property
    def write_staged(self) -> str:
        """Inserts the staged rows, or replaces those of the same key, and empties the staging table."""
        assignments = ", ".join(f"{c} = excluded.{c}" for c in self.columns if c not in self.key)
        columns = ", ".join(self.columns)
        return f"""
            WITH staged AS (DELETE FROM new_{self.name} RETURNING {columns})
            INSERT INTO {self.name} ({columns}) SELECT {columns} FROM staged
            ON CONFLICT ({", ".join(self.key)}) DO UPDATE SET {assignments}
            """

    def insert(self, connection: psycopg.Connection[Any], rows: Sequence[Row]) -> None:
        """Inserts rows, none of which is in the table."""
        if rows:
            self._copy(connection, self.name, rows)

    def delete(self, connection: psycopg.Connection[Any], keys: Sequence[Key]) -> None:
        """Deletes the rows with these keys."""
        if keys:
            columns = ", ".join(self.key)
            connection.execute(
                f"DELETE FROM {self.name} WHERE ({columns}) IN"
                f" (SELECT * FROM unnest({', '.join(['%s::text[]'] * len(self.key))}))",
                [list(values) for values in zip(*keys, strict=True)],
            )

    def _copy(self, connection: psycopg.Connection[Any], into: str, rows: Iterable[Row]) -> None:
        columns = self.columns
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {into} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types([self._types[column].removesuffix(" NOT NULL") for column in columns])
            for row in rows:
                copy.write_row([getattr(row, column) for column in columns])


def _sql_type(hint: Any) -> str:
    if get_origin(hint) is UnionType or NoneType in get_args(hint):
        inner = next(part for part in get_args(hint) if part is not NoneType)
        return _sql_type(inner).removesuffix(" NOT NULL")
    if get_origin(hint) is Literal:
        return "text NOT NULL"
    return f"{_SQL_TYPES[hint]} NOT NULL"


ORGANIZATIONS = Table("organization", Organization, ("organization_id",))
BADGE_THRESHOLDS = Table("badge_threshold", BadgeThreshold, ("organization_id", "code"))
PROGRAMS = Table("program", Program, ("organization_id", "program_id"))
CERTIFICATES = Table("certificate", Certificate, ("organization_id", "program_id"))
MEMBERS = Table("member", Member, ("organization_id", "user_id"))
ENROLMENTS = Table(
    "enrolment",
    Enrolment,
    ("organization_id", "program_id", "user_id"),
    ["CREATE INDEX IF NOT EXISTS enrolment_of_member ON enrolment (organization_id, user_id)"],
)
SESSIONS = Table("session", Session, ("organization_id", "session_id"))
PARTICIPATIONS = Table(
    "participation",
    Participation,
    ("organization_id", "user_id", "session_id"),
    [
        "CREATE INDEX IF NOT EXISTS participation_with ON participation (organization_id, user_id, partner_id)"
    ],
)
AWARDS = Table(
    "award",
    Award,
    ("organization_id", "user_id", "award_id"),
    ["CREATE INDEX IF NOT EXISTS award_of_program ON award (organization_id, program_id, user_id)"],
)
WAITING_AWARDS = Table("waiting_award", WaitingAward, ("organization_id", "program_id", "user_id"))

TABLES: tuple[Table[Any], ...] = (
    ORGANIZATIONS,
    BADGE_THRESHOLDS,
    PROGRAMS,
    CERTIFICATES,
    MEMBERS,
    ENROLMENTS,
    SESSIONS,
    PARTICIPATIONS,
    AWARDS,
    WAITING_AWARDS,
)
