"""What is delivered again, at once or years later, changes nothing."""

from typing import Any, Final

import pytest

from services.journal import Journal
from tests.integration.test_recording import (
    codes,
    events,
    everything,
    message,
    raw,
    take,
    told,
)
from tests.unit.test_schemas_samples import SAMPLES, envelope, to_bytes


@pytest.mark.parametrize("name", SAMPLES)
def test_redelivery_changes_nothing(journal: Journal, name: str) -> None:
    """The same event again changes nothing: in the same batch, in the next one, and after others of its stream."""
    again = told(journal, name)
    take(journal, again, again)
    once = everything(journal)
    take(journal, again)
    take(journal, message("ProgramJoined", "other", user_id="zoe"), again, again)
    take(journal, again)
    now = everything(journal)
    assert len(now.pop("achievements.journal")) == len(once.pop("achievements.journal")) + 1
    assert now == once


REPLACED: Final = [
    ("OrganizationConfigured", {"plan": "free"}),
    ("ProgramConfigured", {"name": "Summer"}),
    ("MemberRegistered", {"display_name": "Ada King"}),
    ("CertificateEnabled", {"required_sessions": 9}),
    ("CertificateChanged", {"name": "Autumn"}),
    ("ProgramJoined", {"role": "mentee"}),
    ("ManualAward", {"user_ids": ["cleo"]}),
]


@pytest.mark.parametrize(("name", "later"), REPLACED)
def test_an_old_event_does_not_come_back(
    journal: Journal, name: str, later: dict[str, Any]
) -> None:
    """An event that another has replaced since stays replaced, however late it is delivered again."""
    first = told(journal, name)
    take(journal, first)
    take(journal, message(name, **later))
    replaced = everything(journal)
    take(journal, first)
    take(journal, message("ProgramJoined", user_id="zoe"), first)
    now = everything(journal)
    assert len(now.pop("achievements.journal")) == len(replaced.pop("achievements.journal")) + 1
    assert now == replaced


def test_what_is_told_under_another_id_is_another_event(journal: Journal) -> None:
    """Source and id together are an event's identity: the same id of another source is another event."""
    data = SAMPLES["ProgramJoined"]
    for source in ("/a", "/b", "/a"):
        take(journal, raw(to_bytes(envelope("ProgramJoined", data, id="1", source=source))))
    assert len(events(journal)) == 2


def test_a_session_meets_its_natural_key(journal: Journal) -> None:
    """A session told again under another event id changes nothing, in whatever order its people are named."""
    people = SAMPLES["SessionCompleted"]["participants"]
    take(journal, message("SessionCompleted"))
    take(journal, message("SessionCompleted"), message("SessionCompleted", match_id="m2"))
    take(journal, message("SessionCompleted", participants=people[::-1], match_id=None))
    take(journal, message("SessionCompleted", completed_at="2026-03-01T09:30:00Z", newer=1))
    assert len(events(journal)) == 1
    assert codes(journal) == []


def test_of_several_feedbacks_the_earliest_stands(journal: Journal) -> None:
    """Feedback of one person about one session is taken in again only if it was given earlier."""
    for hour in (10, 9, 11, 9, 8):
        take(journal, message("FeedbackSubmitted", submitted_at=f"2026-03-01T{hour:02}:00:00Z"))
    take(journal, message("FeedbackSubmitted", user_id="ada", program_id="another"))
    assert [(e.user_id, e.submitted_at.hour) for e in events(journal)] == [  # type: ignore[attr-defined] # all are feedback
        ("ben", 10),
        ("ben", 9),
        ("ben", 8),
        ("ada", 9),
    ]
