"""Rule 22 with very many links: a page's look-up never reads a table from end to end."""

import psycopg

from services.sharing.reading import LINKS
from services.sharing.views import JOURNAL_SCHEMA, SCHEMA
from tests.integration.sharing_processes import new_journal


def test_a_look_up_goes_by_indexes(database_url: str) -> None:
    """Each table with a row a link, award or member can be entered by an index from the token on."""
    new_journal(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute(f"SET search_path TO {SCHEMA}, {JOURNAL_SCHEMA}")
        connection.execute("SET enable_seqscan TO off")  # where an index can be used, it is now
        rows = connection.execute(f"EXPLAIN {LINKS}", {"digests": [b"one", b"two"]}).fetchall()
    plan = "\n".join(line for (line,) in rows)
    assert "Seq Scan" not in plan, plan
    for table in ("link_token", "link", "award", "recipient_name"):
        assert f" on {table} " in plan
