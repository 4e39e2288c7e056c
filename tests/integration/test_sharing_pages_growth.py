"""Rule 22 with very many links: a page's look-up never reads a table from end to end."""

from collections.abc import Sequence

import psycopg
import pytest

from services.sharing.reading import LINKS, VERSIONS
from services.sharing.views import JOURNAL_SCHEMA, SCHEMA
from tests.integration.sharing_processes import new_journal


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        (VERSIONS, ("link_token", "link")),
        (LINKS, ("link_token", "link", "award", "recipient_name")),
    ],
)
def test_a_look_up_goes_by_indexes(database_url: str, query: str, tables: Sequence[str]) -> None:
    """Each table with a row a link, award or member can be entered by an index from the token on."""
    new_journal(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute(f"SET search_path TO {SCHEMA}, {JOURNAL_SCHEMA}")
        connection.execute("SET enable_seqscan TO off")  # where an index can be used, it is now
        rows = connection.execute(f"EXPLAIN {query}", {"digests": [b"one", b"two"]}).fetchall()
    plan = "\n".join(line for (line,) in rows)
    assert "Seq Scan" not in plan, plan
    for table in tables:
        assert f" on {table} " in plan
