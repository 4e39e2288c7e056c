"""What operators are told of awards, once they are granted."""

from msgspec.structs import replace
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from schemas.journal import AwardGranted
from services.achievements.announcing import MAX_AWARDS_A_LINE, announce
from tests.golden.stored_events import STORED_EVENTS

AWARD = STORED_EVENTS["award-granted.1"]
assert isinstance(AWARD, AwardGranted)
GRANTED = [
    replace(AWARD, award_id=f"award {number}", decided_at_position=number)
    for number in range(2 * MAX_AWARDS_A_LINE + 1)
]


def counted() -> float:
    labels = {"kind": "certificate", "how": "automatic"}
    return REGISTRY.get_sample_value("achievements_grants_total", labels) or 0


def test_awards_are_told_in_few_lines() -> None:
    """Every award is named once, by its id alone, with the position that it was decided at; a line names many, and none
    is longer than can be read by what collects logs."""
    before = counted()
    with capture_logs() as lines:
        announce(GRANTED)
    assert [len(line["awards"]) for line in lines] == [MAX_AWARDS_A_LINE, MAX_AWARDS_A_LINE, 1]
    assert all(line.keys() == {"event", "log_level", "awards"} for line in lines)
    told = {id_: position for line in lines for id_, position in line["awards"].items()}
    assert told == {f"award {number}": number for number in range(len(GRANTED))}
    assert counted() - before == len(GRANTED)


def test_nothing_granted_is_nothing_to_tell() -> None:
    """Most steps grant nothing, and say nothing of it."""
    with capture_logs() as lines:
        announce([])
    assert lines == []
