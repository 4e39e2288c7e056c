"""The lock on the names of the read models' tables."""

from services.journal import Journal, lock_key


def views_key(journal: Journal) -> int:
    """Held while the read models are switched; shared by those who read them in several statements as of one instant."""
    return lock_key(journal.schema, "views")
