"""A stranger's page beside a hello-world route of the same process, over few links and over many.

The real application serves both routes; requests come from a process of their own. Rates are of the
server kept busy by a few connections, medians of rounds that take turns; latencies are at a steady
rate, each from the moment when the request was due, so that a server that falls behind can't hide
it. Pages are asked for at random among as many as are popular at a time; `others` are all the rest,
of which a million are hardly ever asked for twice.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from bench.tables import Table
from devstack import Addresses, create_database
from schemas.links import EVENT_TYPES
from services.journal import Journal
from services.sharing import upkeep, views

FEW, MANY = 1_000, 1_000_000
STEADY_PER_SECOND = 1_000
SECRET = "bench-secret-bench-secret-bench-secret"
GOALS = "Goals: page / hello at least 0.4, unchanged / hello at least 0.5, p99 under 15 ms."

_ROWS = """
INSERT INTO award (organization_id, award_id, kind, code, organization_name, program_id,
                   program_name, user_id, title, text, colour, criteria, count, first_at,
                   earned_at, granted_at, how, timezone)
SELECT 'org', 'award-' || n, 'certificate', 'certificate', 'Lantern Collective', 'program',
       'Engineering Leadership 2026', 'user-' || n, 'Foundations of Engineering Leadership',
       'For completing the spring cohort with curiosity and care.', '#1d4f91',
       'Completed 5 mentoring sessions with feedback in Engineering Leadership 2026.', 5,
       '2026-03-05T12:00Z', '2026-06-14T12:00Z', '2026-06-14T12:00Z', 'automatic', 'Europe/Paris'
FROM generate_series(%(first)s::int, %(last)s::int) n;

INSERT INTO link (link_id, organization_id, award_id, user_id)
SELECT md5(n::text)::uuid, 'org', 'award-' || n, 'user-' || n
FROM generate_series(%(first)s::int, %(last)s::int) n;

INSERT INTO link_token (digest, token, link_id, organization_id, user_id)
SELECT sha256(convert_to('token-' || n, 'UTF8')), 'token-' || n, md5(n::text)::uuid, 'org',
       'user-' || n
FROM generate_series(%(first)s::int, %(last)s::int) n;

INSERT INTO recipient_name (organization_id, user_id, display_name)
SELECT 'org', 'user-' || n, 'Ada Lovelace ' || n
FROM generate_series(%(first)s::int, %(last)s::int) n;

INSERT INTO availability VALUES ('org', true, true) ON CONFLICT DO NOTHING
"""


def run(addresses: Addresses) -> None:
    """Prints rates and latencies for each number of links."""
    database_url = create_database(addresses.database_url, "bench_pages")
    journal = Journal(database_url, views.JOURNAL_SCHEMA, EVENT_TYPES)
    upkeep.migrate(journal)
    table = Table(
        "A public page, requests/s and milliseconds",
        ["hello", "page", "/ hello", "304", "/ hello", "others", "median", "p99"],
    )
    for first, last in ((1, FEW), (FEW + 1, MANY)):
        _fill(database_url, first, last)
        with _serving(database_url) as address:
            found = _load(address, last)
        table.row(
            f"{last:,} links",
            f"{found['hello']:,.0f}",
            f"{found['page']:,.0f}",
            f"{found['page_to_hello']:.2f}",
            f"{found['unchanged']:,.0f}",
            f"{found['unchanged_to_hello']:.2f}",
            f"{found['others']:,.0f}",
            f"{found['median']:.1f}",
            f"{found['p99']:.1f}",
        )
    table.show()
    print(GOALS)


def _fill(database_url: str, first: int, last: int) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {views.SCHEMA}, {views.JOURNAL_SCHEMA}")
        cursor = psycopg.ClientCursor(connection)
        cursor.execute(_ROWS, {"first": first, "last": last})
        connection.execute("VACUUM ANALYZE")


@contextmanager
def _serving(database_url: str) -> Iterator[str]:
    environment = os.environ | {
        "SHARING_DATABASE_URL": database_url,
        "AUTH_SECRET": SECRET,
        "LOG_LEVEL": "warning",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.pages_server"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def _load(address: str, links: int) -> dict[str, Any]:
    made = subprocess.run(
        [sys.executable, "-m", "bench.pages_load", address, str(links), str(STEADY_PER_SECOND)],
        check=True,
        stdout=subprocess.PIPE,
    )
    found: dict[str, Any] = json.loads(made.stdout)
    return found
