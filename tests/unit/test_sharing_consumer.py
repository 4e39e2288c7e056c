"""What sharing takes from its topics, what it passes over, and what it says of what it can't use."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace
from structlog.testing import capture_logs

from schemas import awards, learning
from schemas.cloudevents import CloudEvent, encode_structured
from services.kafka import Message
from services.sharing.application import Sharing
from services.sharing.availability import ChangeAvailability
from services.sharing.consumer import Intake, fact_of
from services.sharing.links import ReceiveAward, WithdrawAward
from services.sharing.recipients import EraseRecipient, NameRecipient
from tests.sharing_samples import BADGE, CERTIFICATE, NOW

CAUSE = CloudEvent("/test", "1", learning.MemberErased(organization_id="o", user_id="u")).cause


def fact(data: Struct) -> Any:
    return fact_of(CloudEvent("/test", "1", data))


def message(value: bytes | None, offset: int = 0) -> Message:
    return Message("mentoring.directory.v1", 3, offset, b"acme", value, [])


@pytest.mark.parametrize("award", [BADGE, replace(BADGE, count=10, first_at=NOW), CERTIFICATE])
def test_an_award_is_received_whole(award: Any) -> None:
    """Rule 10: all that was granted is kept as it came, the frozen design too."""
    granted = awards.AwardGranted(**msgspec.structs.asdict(award))
    assert fact(granted) == ReceiveAward(award=award)


def test_each_fact_has_its_verb() -> None:
    """What the awards topic and the directory say about awards and recipients is taken in."""
    ids = {"organization_id": "acme", "user_id": "ada"}
    at = datetime(2026, 6, 1, tzinfo=UTC)
    assert fact(awards.AwardWithdrawn(award_id="award-1", at=at, **ids)) == WithdrawAward(
        award_id="award-1", at=at, **ids
    )
    assert fact(awards.RecipientErased(at=at, **ids)) == EraseRecipient(**ids)
    assert fact(learning.MemberErased(**ids)) == EraseRecipient(**ids)
    assert fact(
        learning.MemberRegistered(
            display_name="Ada", email="a@b.example", roles=(), locale="fr-CA", **ids
        )
    ) == NameRecipient(cause=CAUSE, display_name="Ada", locale="fr-CA", **ids)
    assert fact(
        awards.AvailabilityChanged(organization_id="acme", badges=True, certificates=False, at=at)
    ) == ChangeAvailability(
        cause=CAUSE, organization_id="acme", badges=True, certificates=False, at=at
    )


def test_other_known_types_are_passed_over() -> None:
    """What only achievements needs is not refused, and changes nothing here."""
    joined = learning.ProgramJoined(
        organization_id="acme", program_id="p", user_id="ada", role="mentor", joined_at=NOW
    )
    assert fact(joined) is None
    value, _ = encode_structured("/test", "1", NOW, joined)
    with capture_logs() as lines:
        Intake(_no_sharing())([message(value)])
    assert lines == []


@pytest.mark.parametrize("count", [0, 2**31])
def test_a_count_that_can_not_be_kept_is_refused(count: int) -> None:
    """A number that no column takes stops nothing: that message is refused, and the others taken in."""
    whole = awards.AwardGranted(**msgspec.structs.asdict(replace(BADGE, count=count)))
    value, _ = encode_structured("/test", "1", NOW, whole)
    with capture_logs() as lines:
        Intake(_no_sharing())([message(value)])
    assert [line["places"] for line in lines] == [["invalid_data mentoring.directory.v1 3 0"]]


def test_what_can_not_be_used_is_logged_by_its_place_alone() -> None:
    """Rule 27: of a refused message only topic, partition, offset and code are told, not what it holds."""
    poison = [
        b'{"specversion":"1.0","id":"1","source":"/x","type":"MemberRegistered.v1",'
        b'"data":{"organization_id":"acme","user_id":"ada","display_name":["Ada Lovelace"]}}',
        b'{"specversion":"1.0","id":"2","source":"/x","type":"Ada Lovelace"}',
        b"Ada Lovelace",
        None,
    ]
    with capture_logs() as lines:
        Intake(_no_sharing())([message(value, offset) for offset, value in enumerate(poison)])
    assert [line["places"] for line in lines] == [
        [
            "invalid_data mentoring.directory.v1 3 0",
            "unknown_type mentoring.directory.v1 3 1",
            "not_json mentoring.directory.v1 3 2",
            "not_json mentoring.directory.v1 3 3",
        ]
    ]
    assert "Lovelace" not in str(lines)


def _no_sharing() -> Sharing:
    """Decoding needs no database: only the work that it returns does."""
    return Sharing(None)  # type: ignore[arg-type] # and so no journal
