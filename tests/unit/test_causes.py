"""The causes that a state has heard of."""

from collections.abc import Callable
from functools import reduce
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import journal as learnt
from schemas import links
from services.achievements.members import MEMBER
from services.achievements.organizations import ORGANIZATION
from services.achievements.programs import PROGRAM
from services.causes import Causes
from services.sharing import availability, recipients
from tests.sharing_samples import NOW

Step = tuple[int, str]


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abcdef"))))
def test_like_sets(steps: list[Step]) -> None:
    """Whichever of them is added to, and in whatever order, each holds just what a set would."""
    made = [(Causes(), frozenset[str]())]
    for number, cause in steps:
        causes, expected = made[number % len(made)]
        made.append((causes.adding(cause), expected | {cause}))
    for causes, expected in made:
        assert {cause for cause in "abcdef" if cause in causes} == expected
        assert [causes == other for other, _ in made] == [expected == other for _, other in made]
    assert None not in Causes().adding("a")


def test_nothing_is_shared_by_those_who_begin_anew() -> None:
    """All begin with the same empty one, and none leaves anything in it."""
    empty = Causes()
    one, another = empty.adding("one"), empty.adding("another")
    assert ("one" in one, "one" in another, "one" in empty) == (True, False, False)


def _named(cause: str) -> links.Event:
    return links.RecipientNamed(organization_id="acme", cause=cause, user_id="ada")


def _available(cause: str) -> links.Event:
    return links.AvailabilityChanged(
        organization_id="acme", cause=cause, badges=True, certificates=True, at=NOW
    )


def _registered(cause: str) -> learnt.Event:
    return learnt.MemberRegistered(organization_id="acme", cause=cause, user_id="ada", roles=())


def _program(cause: str) -> learnt.Event:
    return learnt.ProgramConfigured(
        organization_id="acme", cause=cause, program_id="p", program_type="group", name="P"
    )


def _organization(cause: str) -> learnt.Event:
    return learnt.OrganizationConfigured(
        organization_id="acme",
        cause=cause,
        name="Acme",
        plan="enterprise",
        badges_enabled=True,
        timezone="UTC",
    )


@pytest.mark.parametrize(
    ("initial", "evolve", "event"),
    [
        (recipients.Recipient(), recipients.evolve, _named),
        (availability.Availability(), availability.evolve, _available),
        (MEMBER.initial, MEMBER.evolve, _registered),
        (PROGRAM.initial, PROGRAM.evolve, _program),
        (ORGANIZATION.initial, ORGANIZATION.evolve, _organization),
    ],
    ids=["recipient", "availability", "member", "program", "organization"],
)
def test_long_histories(
    initial: object,
    evolve: Callable[[object, object], object],
    event: Callable[[str], object],
) -> None:
    """What is told ten thousand times is folded in a moment: nobody else can write meanwhile."""
    events = [event(str(number)) for number in range(10_000)]
    started = process_time()
    state = reduce(evolve, events, initial)
    assert process_time() - started < 0.5
    causes = state.causes  # type: ignore[attr-defined] # all of these have them
    assert "0" in causes
    assert "9999" in causes
    assert "10000" not in causes
