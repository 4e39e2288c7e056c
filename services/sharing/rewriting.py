"""What a link says lies in rows of several tables. Whenever an award or a name changes, the database rewrites as they
are the rows of the links that show it, whoever made the change: so readers need to look at these alone (see `reading`).
"""

from typing import Final

import psycopg

_FUNCTIONS: Final = """
CREATE OR REPLACE FUNCTION rewrite_links_of_award() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %I.link SET active = active'
                   ' WHERE organization_id = $1 AND award_id = $2 AND active', TG_TABLE_SCHEMA)
    USING NEW.organization_id, NEW.award_id;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION rewrite_tokens_of_recipient() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %I.link_token SET token = token'
                   ' WHERE organization_id = $1 AND user_id = $2 AND token IS NOT NULL', TG_TABLE_SCHEMA)
    USING coalesce(NEW.organization_id, OLD.organization_id), coalesce(NEW.user_id, OLD.user_id);
    RETURN NULL;
END
$$;
"""
OF_AWARD: Final = "AFTER UPDATE ON award FOR EACH ROW EXECUTE FUNCTION rewrite_links_of_award()"
OF_RECIPIENT: Final = (
    "AFTER INSERT OR UPDATE OR DELETE ON recipient_name"
    " FOR EACH ROW EXECUTE FUNCTION rewrite_tokens_of_recipient()"
)


def create_functions(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Creates what triggers call, in the first schema of the search path."""
    connection.execute(_FUNCTIONS)


def create_missing(
    connection: psycopg.Connection[tuple[object, ...]], table: str, trigger: str
) -> None:
    """Creates the trigger of a table. One that is there is left alone: to replace it keeps all writers waiting."""
    found = connection.execute(
        "SELECT FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = 'rewriting'", (table,)
    )
    if not found.rowcount:
        connection.execute(f"CREATE TRIGGER rewriting {trigger}")
