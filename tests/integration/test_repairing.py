"""What operators do about dead letters."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from schemas.cloudevents import encode_structured
from schemas.learning import Inbound
from services.achievements import repairing
from services.achievements.intake import Intake
from services.achievements.relay import DEAD_LETTER_READER
from services.achievements.repairing import Filter, UnknownDeadLetterError
from services.journal import Journal
from services.kafka import Message
from tests.integration.service import migrated
from tests.scenario import START, certificate, certificate_disabled, session

EVERYTHING = Filter()


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as its_journal:
        yield its_journal


def consume(journal: Journal, *values: bytes, topic: str = "topic") -> None:
    messages = [Message(topic, 0, at, b"key", value, ()) for at, value in enumerate(values)]
    work = Intake(journal)(messages)
    with journal.transaction() as connection:
        work(connection)
        journal.advance(connection, DEAD_LETTER_READER, 100)  # as if it had been published


def encoded(fact: Inbound, id_: str) -> bytes:
    return encode_structured("/test", id_, START, fact)[0]


def ids(journal: Journal, which: Filter = EVERYTHING) -> list[int]:
    with journal.connection() as connection:
        return [letter.id for letter in repairing.find(connection, which)]


def test_one_that_can_be_used_by_now_is_gone(journal: Journal) -> None:
    """A dead letter tried again after its cause is gone is taken, and gone; who did it is kept."""
    consume(journal, encoded(certificate_disabled(), "1"))
    (id_,) = ids(journal)
    refused = repairing.retry(journal, id_, "olga")
    assert (refused.outcome, refused.is_done) == ("unknown_certificate", False)
    assert ids(journal) == [id_], "one that fails stays, once"
    consume(journal, encoded(certificate(1), "2"))
    assert repairing.retry(journal, id_, "olga").outcome == "recorded"
    assert ids(journal) == []
    with journal.connection() as connection:
        done = repairing.history(connection, id_)
    assert [(action, outcome, by) for action, outcome, by, _ in done] == [
        ("retry", "unknown_certificate", "olga"),
        ("retry", "recorded", "olga"),
    ]


def test_one_that_was_corrected_is_taken(journal: Journal) -> None:
    """A dead letter is tried again with a corrected value; one that is still wrong stays as it was, with the new reason."""
    consume(journal, b"{")
    (id_,) = ids(journal)
    still_wrong = repairing.retry(journal, id_, "olga", b'{"specversion":"1.0"}')
    assert still_wrong.outcome == "not_cloudevent"
    with journal.connection() as connection:
        letter = repairing.show(connection, id_)
    assert (letter.code, letter.value) == ("not_cloudevent", b"{")
    assert "source" in letter.detail
    assert repairing.retry(journal, id_, "olga", encoded(session(1), "1")).outcome == "recorded"
    with pytest.raises(UnknownDeadLetterError):
        repairing.retry(journal, id_, "olga")


def test_discarding(journal: Journal) -> None:
    """A discarded dead letter is destroyed for good, and who did it is kept, without what was in it."""
    consume(journal, json.dumps({"secret": 1}).encode())
    (id_,) = ids(journal)
    assert repairing.discard(journal, id_, "olga").is_done
    assert ids(journal) == []
    with journal.connection() as connection:
        rows = connection.execute("SELECT dead_letter_action::text FROM dead_letter_action")
        assert "secret" not in str(rows.fetchall())


def test_filters(journal: Journal) -> None:
    """Dead letters are found by code, topic and time."""
    consume(journal, b"{", b"[]", topic="one")
    consume(journal, b"{", topic="two")
    now = datetime.now(UTC)
    assert len(ids(journal, Filter(code="not_json"))) == 2
    assert len(ids(journal, Filter(topic="one"))) == 2
    assert len(ids(journal, Filter(code="not_json", topic="two"))) == 1
    assert len(ids(journal, Filter(since=now - timedelta(hours=1), until=now))) == 3
    assert ids(journal, Filter(since=now + timedelta(hours=1))) == []
