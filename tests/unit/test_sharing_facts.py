"""Rules 2 and 27: what sharing makes of facts that come again, late, or about somebody erased."""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.links import Event, RecipientNamed
from services.journal import Entry, Recorded
from services.sharing import availability, recipients
from services.sharing.availability import Availability, ChangeAvailability
from services.sharing.links import ReceiveAward, WithdrawAward
from services.sharing.recipients import EraseRecipient, NameRecipient, Recipient
from services.sharing.streams import Fact, Streams, route
from tests.sharing_samples import AVAILABLE, BADGE, CERTIFICATE, ERASED, NOW, UNAVAILABLE

NAMED = RecipientNamed(cause="first", organization_id="acme", user_id="ada")


def register(cause: str, user_id: str = "ada") -> NameRecipient:
    return NameRecipient(
        cause=cause, organization_id="acme", user_id=user_id, display_name=f"{user_id} {cause}"
    )


def erase(user_id: str = "ada") -> EraseRecipient:
    return EraseRecipient(organization_id="acme", user_id=user_id)


def of_recipient(command: recipients.Command, *events: Event) -> Sequence[Event]:
    return recipients.decide(command, reduce(recipients.evolve, events, Recipient()))


def of_availability(command: ChangeAvailability, *events: Event) -> Sequence[Event]:
    return availability.decide(command, reduce(availability.evolve, events, Availability()))


def change(cause: str, *, badges: bool) -> ChangeAvailability:
    return ChangeAvailability(
        cause=cause, organization_id="acme", badges=badges, certificates=True, at=NOW
    )


def test_a_registration_is_taken_in() -> None:
    """Rule 22: the latest registration names the recipient."""
    assert of_recipient(register("first")) == [NAMED]
    assert of_recipient(register("second"), NAMED) == [replace(NAMED, cause="second")]


def test_an_old_registration_does_not_bring_an_old_name_back() -> None:
    """Rule 22: the same registration again changes nothing, however late it comes."""
    assert of_recipient(register("first"), NAMED, replace(NAMED, cause="second")) == []


def test_an_erased_member_is_named_never_again() -> None:
    """Rule 27: a later registration of an erased user id is ignored, and so is one that comes late."""
    assert of_recipient(erase(), NAMED) == [ERASED]
    assert of_recipient(register("second"), NAMED, ERASED) == []
    assert of_recipient(register("first"), ERASED) == []


def test_a_member_is_erased_once() -> None:
    """Rule 27: both topics tell of an erasure; the second time changes nothing."""
    assert of_recipient(erase(), ERASED) == []


def test_a_member_never_heard_of_can_be_erased() -> None:
    """Rule 27: an erasure that comes before everything else is remembered."""
    assert of_recipient(erase()) == [ERASED]


def test_the_last_availability_is_the_truth() -> None:
    """Rule 2: an organization's availability is what was said last."""
    assert of_availability(change("off", badges=False), AVAILABLE) == [UNAVAILABLE]


def test_an_old_availability_does_not_come_back() -> None:
    """Rule 2: what was said before changes nothing when it is said again under its id."""
    assert of_availability(change("on", badges=True), AVAILABLE, UNAVAILABLE) == []


FACTS: tuple[Fact, ...] = (
    ReceiveAward(award=BADGE),
    ReceiveAward(award=CERTIFICATE),
    WithdrawAward(organization_id="acme", award_id="award-1", user_id="ada", at=NOW),
    register("first"),
    register("second"),
    register("first", "grace"),
    erase(),
    change("on", badges=True),
    change("off", badges=False),
    change("on again", badges=True),
)


def _recorded(batches: Sequence[Sequence[Fact]]) -> list[Entry]:
    """All that the journal holds after these batches."""
    journal: dict[Any, list[Recorded]] = {}
    entries: list[Entry] = []
    for batch in batches:
        streams = Streams(journal)
        for fact in batch:
            streams.decide(route(fact), fact)
        for entry in streams.entries:
            entries.append(entry)
            recorded = Recorded(
                len(entries), entry.originator_id, entry.originator_version, NOW, entry.event
            )
            journal.setdefault(entry.originator_id, []).append(recorded)
    return entries


@settings(max_examples=200, deadline=None)
@given(
    order=st.permutations(FACTS),
    repeats=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=15),
    cuts=st.sets(st.integers(0, 25), max_size=6),
)
def test_redelivery_and_batches_change_nothing(
    order: Sequence[Fact], repeats: Sequence[tuple[int, int]], cuts: set[int]
) -> None:
    """Any fact again at any later time, in batches cut anywhere, leaves the journal as it is without."""
    delivered = list(order)
    for index, later in repeats:
        fact = order[index]
        first = delivered.index(fact)
        delivered.insert(min(len(delivered), first + 1 + later), fact)
    edges = [0, *sorted(cut for cut in cuts if cut < len(delivered)), len(delivered)]
    batches = [delivered[start:end] for start, end in pairwise(edges)]
    assert _recorded(batches) == _recorded([list(order)])
