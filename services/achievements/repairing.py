"""What operators do about dead letters: look, try again after a fix or as they are, or discard; with who and when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import psycopg
from psycopg.rows import class_row

from services.achievements.dead_letters import DeadLetter, decode_headers
from services.achievements.intake import decode
from services.achievements.recording import record
from services.achievements.relay import DEAD_LETTER_READER
from services.journal import Journal
from services.kafka import Message

DDL: Final = """
CREATE TABLE IF NOT EXISTS dead_letter_action (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    dead_letter_id bigint NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    code text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL
);
COMMENT ON TABLE dead_letter_action IS 'what operators did about dead letters; nothing of what was in them';
"""

_ACCEPTED: Final = frozenset({"recorded", "unchanged", "dropped"})
_COLUMNS: Final = 'id, code, detail, topic, partition, "offset", at, key, value, headers'


class UnknownDeadLetterError(LookupError):
    """There is no dead letter with this id (any more)."""


class UnpublishedDeadLetterError(Exception):
    """The dead letter is not on its topic yet, where it belongs before anything is done about it."""


class Filter(NamedTuple):
    """Which dead letters are meant; None: whatever it is. `since` is included, `until` is not."""

    code: str | None = None
    topic: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Action(NamedTuple):
    """What was done about a dead letter: `outcome` is `recorded`, `unchanged`, `dropped`, `discarded`, or the code
    that it was refused with again."""

    dead_letter_id: int
    action: Literal["retry", "discard"]
    outcome: str
    detail: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the dead letter is gone."""
        return self.outcome in _ACCEPTED or self.action == "discard"


def find(
    connection: psycopg.Connection[Any], which: Filter, limit: int | None = None
) -> list[DeadLetter]:
    """The dead letters that are meant, from the oldest."""
    return (
        connection.cursor(row_factory=class_row(DeadLetter))
        .execute(
            f"""
            SELECT {_COLUMNS} FROM dead_letter
            WHERE (%(code)s::text IS NULL OR code = %(code)s)
              AND (%(topic)s::text IS NULL OR topic = %(topic)s)
              AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
              AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
            ORDER BY id LIMIT %(limit)s
            """,
            {**which._asdict(), "limit": limit},
        )
        .fetchall()
    )


def show(connection: psycopg.Connection[Any], id_: int) -> DeadLetter:
    """One dead letter, whole; `UnknownDeadLetterError`."""
    return _one(connection, id_, "")


def history(connection: psycopg.Connection[Any], id_: int) -> Sequence[tuple[Any, ...]]:
    """What was done about a dead letter before: action, outcome, who, when."""
    return connection.execute(
        "SELECT action, outcome, by, at FROM dead_letter_action WHERE dead_letter_id = %s ORDER BY id",
        (id_,),
    ).fetchall()


def retry(journal: Journal, id_: int, by: str, corrected: bytes | None = None) -> Action:
    """Has a dead letter recorded as if it were consumed now, with a corrected value where one is given.

    One that is taken is gone; one that is refused again stays, once, with the reason it was refused for now.
    """
    with journal.transaction() as connection:
        letter = _to_be_acted_on(journal, connection, id_)
        message = _message(letter, letter.value if corrected is None else corrected)
        with connection.transaction() as attempt:
            (outcome,) = record(journal, connection, [decode(message)]).outcome
            action = Action(id_, "retry", outcome)
            if not action.is_done:
                action = action._replace(detail=_latest_detail(connection))
                raise psycopg.Rollback(attempt)
        if action.is_done:
            connection.execute("DELETE FROM dead_letter WHERE id = %s", (id_,))
        else:
            connection.execute(
                "UPDATE dead_letter SET code = %s, detail = %s WHERE id = %s",
                (action.outcome, action.detail, id_),
            )
        _note(connection, letter, action, by)
    return action


def discard(journal: Journal, id_: int, by: str) -> Action:
    """Destroys a dead letter for good."""
    with journal.transaction() as connection:
        letter = _to_be_acted_on(journal, connection, id_)
        connection.execute("DELETE FROM dead_letter WHERE id = %s", (id_,))
        action = Action(id_, "discard", "discarded")
        _note(connection, letter, action, by)
    return action


def _to_be_acted_on(journal: Journal, connection: psycopg.Connection[Any], id_: int) -> DeadLetter:
    """A dead letter that nobody else acts on meanwhile: who records or erases takes the same lock first."""
    journal.lock(connection)
    letter = _one(connection, id_, "FOR UPDATE")
    if id_ > journal.position(connection, DEAD_LETTER_READER):
        raise UnpublishedDeadLetterError(
            f"dead letter {id_} was not published yet: start `relay`, and try again when it was"
        )
    return letter


def _one(connection: psycopg.Connection[Any], id_: int, locking: str) -> DeadLetter:
    letter = (
        connection.cursor(row_factory=class_row(DeadLetter))
        .execute(f"SELECT {_COLUMNS} FROM dead_letter WHERE id = %s {locking}", (id_,))
        .fetchone()
    )
    if letter is None:
        raise UnknownDeadLetterError(f"there is no dead letter {id_} (any more)")
    return letter


def _message(letter: DeadLetter, value: bytes | None) -> Message:
    headers = decode_headers(letter.headers)
    return Message(letter.topic, letter.partition, letter.offset, letter.key, value, headers)


def _latest_detail(connection: psycopg.Connection[Any]) -> str:
    """Why the retry was refused: the dead letter that it just led to, which is taken back again."""
    row = connection.execute("SELECT detail FROM dead_letter ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0]) if row else ""


def _note(connection: psycopg.Connection[Any], letter: DeadLetter, action: Action, by: str) -> None:
    connection.execute(
        """
        INSERT INTO dead_letter_action
            (dead_letter_id, action, outcome, by, code, topic, partition, "offset")
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            letter.id,
            action.action,
            action.outcome,
            by,
            letter.code,
            letter.topic,
            letter.partition,
            letter.offset,
        ),
    )
