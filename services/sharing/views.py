"""The read models: awards, links, who is erased, what is available; and how events change them.

They lie in a PostgreSQL schema of their own, so that a rebuild can fold the same statements into
another one and then switch the schemas' names: that locks no table, and a reader meets either all
old or all new ones.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import psycopg
from psycopg import sql

from schemas.links import (
    AvailabilityChanged,
    AwardReceived,
    AwardWithdrawn,
    Event,
    LinkDisabled,
    LinkIssued,
    RecipientErased,
)
from services.sharing import rewriting
from services.sharing.indexes import create_missing

Connection = psycopg.Connection[Any]

JOURNAL_SCHEMA: Final = "sharing"
SCHEMA: Final = "sharing_views"
AWARD_COLUMNS: Final = AwardReceived.__struct_fields__

_DDL = """
CREATE TABLE IF NOT EXISTS award (
    organization_id text COLLATE "C" NOT NULL,
    award_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    organization_name text NOT NULL,
    program_id text,
    program_name text,
    user_id text COLLATE "C" NOT NULL,
    title text NOT NULL,
    text text NOT NULL,
    colour text NOT NULL,
    banner text,
    logo text,
    criteria text NOT NULL,
    count int,
    first_at timestamptz,
    earned_at timestamptz NOT NULL,
    granted_at timestamptz NOT NULL,
    how text NOT NULL,
    timezone text NOT NULL,
    linkedin_organization_id text,
    revoked boolean NOT NULL DEFAULT false,
    PRIMARY KEY (organization_id, award_id)
);

CREATE TABLE IF NOT EXISTS link (
    link_id uuid PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    award_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    active boolean NOT NULL DEFAULT true
);

CREATE TABLE IF NOT EXISTS erased (
    organization_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);

CREATE TABLE IF NOT EXISTS availability (
    organization_id text COLLATE "C" PRIMARY KEY,
    badges boolean NOT NULL,
    certificates boolean NOT NULL
);
"""

_INDEXES: Final = {
    "award_owner": "award (organization_id, user_id, earned_at, award_id)",
    "award_latest": "award (organization_id, granted_at, award_id)",
    "link_award": "link (organization_id, award_id) WHERE active",
    "link_owner": "link (organization_id, user_id) WHERE active",
}

# For a table made before awards told how often and since when. Only then: it keeps all readers waiting.
_UPGRADE: Final = """
ALTER TABLE award ADD COLUMN IF NOT EXISTS count int,
                  ADD COLUMN IF NOT EXISTS first_at timestamptz
"""

# One type after the other, in this order, whatever order a batch has them in. The rows are the
# same: an award is withdrawn, and a link dies, once and for ever, after it was made.
_CHANGES: Final[tuple[tuple[type[Event], str], ...]] = (
    (
        AwardReceived,
        f"""
        INSERT INTO award ({", ".join(AWARD_COLUMNS)})
        VALUES ({", ".join(f"%({column})s" for column in AWARD_COLUMNS)})
        """,
    ),
    (
        AwardWithdrawn,
        """
        UPDATE award SET revoked = true
        WHERE organization_id = %(organization_id)s AND award_id = %(award_id)s
        """,
    ),
    (
        LinkIssued,
        """
        INSERT INTO link (link_id, organization_id, award_id, user_id)
        VALUES (%(link_id)s, %(organization_id)s, %(award_id)s, %(user_id)s)
        """,
    ),
    (LinkDisabled, "UPDATE link SET active = false WHERE link_id = %(link_id)s"),
    (
        RecipientErased,
        """
        UPDATE link SET active = false
        WHERE organization_id = %(organization_id)s AND user_id = %(user_id)s AND active
        """,
    ),
    (RecipientErased, "INSERT INTO erased VALUES (%(organization_id)s, %(user_id)s)"),
    (
        AvailabilityChanged,
        """
        INSERT INTO availability (organization_id, badges, certificates)
        VALUES (%(organization_id)s, %(badges)s, %(certificates)s)
        ON CONFLICT (organization_id) DO UPDATE
        SET badges = excluded.badges, certificates = excluded.certificates
        """,
    ),
)


def create(connection: Connection, schema: str = SCHEMA) -> None:
    """Creates what is missing of the schema and its tables, in the connection's transaction."""
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    use(connection, schema)
    connection.execute(_DDL)
    create_missing(connection, _INDEXES)
    rewriting.create_missing(connection, "award", rewriting.OF_AWARD)
    if not _has_columns(connection, schema, AWARD_COLUMNS):
        connection.execute(_UPGRADE)


def _has_columns(connection: Connection, schema: str, columns: Iterable[str]) -> bool:
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = 'award'",
        (schema,),
    )
    return {name for (name,) in rows} >= set(columns)


def use(connection: Connection, schema: str = SCHEMA) -> None:
    """Makes the connection's transaction see these read models, beside the journal's schema."""
    connection.execute(
        sql.SQL("SET LOCAL search_path TO {}, {}").format(
            sql.Identifier(schema), sql.Identifier(JOURNAL_SCHEMA)
        )
    )


def fold(connection: Connection, events: Iterable[msgspec.Struct]) -> None:
    """Carries events, each once and in the journal's order, into the read models in use."""
    by_type: defaultdict[type[msgspec.Struct], list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        by_type[type(event)].append(msgspec.structs.asdict(event))
    with connection.cursor() as cursor:
        for event_type, statement in _CHANGES:
            if event_type in by_type:
                cursor.executemany(statement, by_type[event_type])
