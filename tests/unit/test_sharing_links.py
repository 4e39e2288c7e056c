"""Rules 1, 2, 20 to 22 and 27, as far as they decide who may make and kill the link of an award."""

from functools import reduce
from uuid import UUID

import pytest
from msgspec.structs import replace

from schemas.links import Event
from services.sharing.errors import NotTheOwnerError, RevokedAwardError, UnknownAwardError
from services.sharing.links import (
    Command,
    DisableLink,
    IssueLink,
    ReceiveAward,
    SharedAward,
    WithdrawAward,
    decide,
    evolve,
)
from tests.sharing_samples import (
    ANOTHER_LINK,
    AVAILABLE,
    BADGE,
    CERTIFICATE,
    DISABLED,
    ERASED,
    ISSUED,
    LINK,
    NOW,
    UNAVAILABLE,
    WITHDRAWN,
)


class Given:
    """given(events).when(command).then(events), or .then_refused(error)."""

    def __init__(self, *events: Event) -> None:
        self._state = reduce(evolve, events, SharedAward())

    def when(self, command: Command) -> "Given":
        self._command = command
        return self

    def then(self, *events: Event) -> None:
        assert decide(self._command, self._state) == list(events)

    def then_nothing(self) -> None:
        self.then()

    def then_refused(self, error: type[Exception]) -> None:
        with pytest.raises(error):
            decide(self._command, self._state)


given = Given


def issue(by: str = "ada", link_id: UUID = LINK) -> IssueLink:
    return IssueLink(organization_id="acme", award_id="award-1", link_id=link_id, by=by, at=NOW)


def disable(by: str = "ada", link_id: UUID | None = None) -> DisableLink:
    return DisableLink(organization_id="acme", award_id="award-1", link_id=link_id, by=by, at=NOW)


def withdraw() -> WithdrawAward:
    return WithdrawAward(organization_id="acme", award_id="award-1", user_id="ada", at=NOW)


def test_the_owner_makes_a_link() -> None:
    """Rule 21: the owner of an award can make a public link to it."""
    given(AVAILABLE, BADGE).when(issue()).then(ISSUED)


def test_a_link_is_made_once() -> None:
    """Rule 21: copying the link again later makes no other one."""
    given(AVAILABLE, BADGE, ISSUED).when(issue(link_id=ANOTHER_LINK)).then_nothing()


def test_the_owner_disables_the_link() -> None:
    """Rule 21: the owner can disable the link."""
    given(AVAILABLE, BADGE, ISSUED).when(disable()).then(DISABLED)


def test_disabling_again_does_nothing() -> None:
    """Rule 21: a link that is dead, or was never made, can be disabled without effect."""
    given(AVAILABLE, BADGE, ISSUED, DISABLED).when(disable()).then_nothing()
    given(AVAILABLE, BADGE).when(disable()).then_nothing()


def test_the_link_that_is_named_is_disabled_alone() -> None:
    """Rule 21: what was confirmed for one link does not kill another that was made since."""
    given(AVAILABLE, BADGE, ISSUED).when(disable(link_id=LINK)).then(DISABLED)
    given(AVAILABLE, BADGE, ISSUED).when(disable(link_id=ANOTHER_LINK)).then_nothing()


def test_a_disabled_link_is_dead_for_good() -> None:
    """Rule 21: sharing again after disabling makes a new link."""
    given(AVAILABLE, BADGE, ISSUED, DISABLED).when(issue(link_id=ANOTHER_LINK)).then(
        replace(ISSUED, link_id=ANOTHER_LINK)
    )


@pytest.mark.parametrize("command", [issue(by="an-admin"), disable(by="an-admin")])
def test_nobody_else_has_a_say(command: Command) -> None:
    """Rule 21: nobody but the owner, and no admin, can make or disable a link."""
    given(AVAILABLE, BADGE, ISSUED).when(command).then_refused(NotTheOwnerError)


@pytest.mark.parametrize("command", [issue(), disable()])
def test_an_unknown_award_has_no_link(command: Command) -> None:
    """Rule 21: only an award that was granted can be shared."""
    given(AVAILABLE).when(command).then_refused(UnknownAwardError)


def test_a_revoked_award_gets_no_new_link() -> None:
    """Rule 20: a revoked award can't be shared anew, whether it was shared before or not."""
    given(AVAILABLE, BADGE, WITHDRAWN).when(issue()).then_refused(RevokedAwardError)
    given(AVAILABLE, BADGE, ISSUED, DISABLED, WITHDRAWN).when(issue()).then_refused(
        RevokedAwardError
    )


def test_a_revoked_award_keeps_its_link() -> None:
    """Rule 22: the link of a revoked award lives on to say so, and its owner can still disable it."""
    given(AVAILABLE, BADGE, ISSUED, WITHDRAWN).when(issue(link_id=ANOTHER_LINK)).then_nothing()
    given(AVAILABLE, BADGE, ISSUED, WITHDRAWN).when(disable()).then(DISABLED)


@pytest.mark.parametrize("command", [issue(), disable()])
def test_what_is_not_available_can_not_be_shared(command: Command) -> None:
    """Rules 1 and 2: while badges are not available, and in an organization never heard of, none is
    there to be shared."""
    given(BADGE).when(command).then_refused(UnknownAwardError)
    given(BADGE, AVAILABLE, ISSUED, UNAVAILABLE).when(command).then_refused(UnknownAwardError)


def test_badges_and_certificates_are_available_apart() -> None:
    """Rule 1: where badges are switched off, certificates can be shared all the same."""
    certificate = replace(CERTIFICATE, award_id="award-1")
    given(UNAVAILABLE, certificate).when(issue()).then(ISSUED)


def test_what_was_shared_comes_back_into_view() -> None:
    """Rule 2: when badges are available again, an earlier link is there again, the same."""
    back = replace(AVAILABLE, cause="on again")
    given(AVAILABLE, BADGE, ISSUED, UNAVAILABLE, back).when(issue()).then_nothing()


def test_a_stranger_learns_nothing_of_availability() -> None:
    """Rule 26: another person's award is refused in the same way, whether it is shown or not."""
    given(BADGE, UNAVAILABLE).when(issue(by="eve")).then_refused(NotTheOwnerError)


@pytest.mark.parametrize("command", [issue(), disable()])
def test_an_erased_member_shares_nothing(command: Command) -> None:
    """Rule 27: an erased member's awards are shown to nobody, so no link of theirs is made."""
    given(AVAILABLE, BADGE, ISSUED, ERASED).when(command).then_refused(UnknownAwardError)


def test_an_award_is_received_once() -> None:
    """Rule 10: an award stays as it was granted, however often and in whatever form it comes again."""
    given().when(ReceiveAward(award=BADGE)).then(BADGE)
    given(BADGE).when(ReceiveAward(award=replace(BADGE, title="Other"))).then_nothing()


def test_an_award_is_withdrawn_once() -> None:
    """Rule 20: what is revoked stays revoked, however often that is said."""
    given(BADGE).when(withdraw()).then(WITHDRAWN)
    given(BADGE, WITHDRAWN).when(withdraw()).then_nothing()


def test_an_award_can_be_withdrawn_before_it_comes() -> None:
    """Rule 20: a revocation that overtakes its award still revokes it."""
    given().when(withdraw()).then(WITHDRAWN)
    given(WITHDRAWN).when(ReceiveAward(award=BADGE)).then(BADGE, WITHDRAWN)
    given(WITHDRAWN, BADGE, WITHDRAWN).when(ReceiveAward(award=BADGE)).then_nothing()
