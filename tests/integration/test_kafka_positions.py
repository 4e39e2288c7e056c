"""Positions can be moved by one holder at a time, and only from where they are."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest

from services.positions import (
    POSITIONS_DDL,
    Position,
    Positions,
    PositionsLostError,
    Standing,
    Step,
)
from tests.integration.kafka_consumers import eventually

GROUP = Positions("cluster", "group")
TOPIC_ID = UUID(int=1)
BEGINNINGS = {("facts", 0): 5, ("facts", 1): 0}
TOPIC_IDS = {"facts": TOPIC_ID}


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(POSITIONS_DDL)
        yield connection


def _take(connection: psycopg.Connection[Any]) -> dict[tuple[str, int], Position]:
    return GROUP.take(connection, BEGINNINGS, TOPIC_IDS)


def test_a_partition_is_read_on_where_the_group_left_it(
    connection: psycopg.Connection[Any],
) -> None:
    """New to a group it starts at its beginning; later holders go on where the last one was."""
    assert _take(connection) == {
        ("facts", 0): Position(next_offset=5, epoch=1, topic_id=TOPIC_ID),
        ("facts", 1): Position(next_offset=0, epoch=1, topic_id=TOPIC_ID),
    }
    GROUP.advance(connection, [Step("facts", 0, from_offset=5, to_offset=9, epoch=1)])
    assert _take(connection) == {
        ("facts", 0): Position(next_offset=9, epoch=2, topic_id=TOPIC_ID),
        ("facts", 1): Position(next_offset=0, epoch=2, topic_id=TOPIC_ID),
    }


@pytest.mark.parametrize(
    "step",
    [
        Step("facts", 0, from_offset=5, to_offset=9, epoch=1),
        Step("facts", 0, from_offset=4, to_offset=9, epoch=2),
        Step("facts", 2, from_offset=0, to_offset=9, epoch=1),
    ],
    ids=["held by another", "not there", "never taken"],
)
def test_a_batch_moves_all_of_its_positions_or_none(
    connection: psycopg.Connection[Any], step: Step
) -> None:
    """If one position can't be moved, the batch is lost, and its transaction moves no other."""
    _take(connection)
    _take(connection)
    other = Step("facts", 1, from_offset=0, to_offset=3, epoch=2)
    with pytest.raises(PositionsLostError), connection.transaction():
        GROUP.advance(connection, [step, other])
    assert GROUP.next_offsets(connection) == {("facts", 0): 5, ("facts", 1): 0}


def test_taking_waits_for_the_transaction_of_the_former_holder(
    connection: psycopg.Connection[Any], database_url: str
) -> None:
    """A partition taken while a batch is being committed is read on behind that batch."""
    _take(connection)
    with (
        ThreadPoolExecutor() as threads,
        psycopg.connect(database_url, autocommit=True) as next_one,
    ):
        with connection.transaction():
            GROUP.advance(connection, [Step("facts", 0, from_offset=5, to_offset=9, epoch=1)])
            taken = threads.submit(_take, next_one)
            eventually(lambda: _is_waiting(connection, next_one))
        assert taken.result()["facts", 0] == Position(9, 2, TOPIC_ID)


def _is_waiting(connection: psycopg.Connection[Any], other: psycopg.Connection[Any]) -> bool:
    pid = other.info.backend_pid
    row = connection.execute("SELECT cardinality(pg_blocking_pids(%s))", (pid,)).fetchone()
    return row is not None and row[0] > 0


@pytest.mark.parametrize(
    ("step", "standing"),
    [
        (Step("facts", 1, from_offset=0, to_offset=3, epoch=1), Standing.UNTOUCHED),
        (Step("facts", 1, from_offset=-2, to_offset=0, epoch=1), Standing.COMMITTED),
        (Step("facts", 1, from_offset=0, to_offset=3, epoch=2), Standing.LOST),
        (Step("facts", 1, from_offset=1, to_offset=3, epoch=1), Standing.LOST),
        (Step("facts", 2, from_offset=0, to_offset=3, epoch=1), Standing.LOST),
    ],
)
def test_what_became_of_a_batch_is_seen_in_its_positions(
    connection: psycopg.Connection[Any], step: Step, standing: Standing
) -> None:
    """A batch is committed if its positions are behind it, lost if another has moved them."""
    _take(connection)
    assert GROUP.standing(connection, [step]) is standing


def test_groups_and_clusters_have_positions_of_their_own(
    connection: psycopg.Connection[Any],
) -> None:
    """What one group does, on one cluster, leaves the positions of all others as they are."""
    _take(connection)
    for other in (Positions("cluster", "other"), Positions("other", "group")):
        other.take(connection, {("facts", 0): 7}, TOPIC_IDS)
        assert other.next_offsets(connection) == {("facts", 0): 7}
    assert GROUP.next_offsets(connection) == {("facts", 0): 5, ("facts", 1): 0}
