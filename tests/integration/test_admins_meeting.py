"""Admins who do the same at once, twice, or late: each ends in one clear outcome. Product rules 9, 12 and 20."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from projections.rows import AWARDS, CERTIFICATES, Certificate
from schemas import learning
from schemas.journal import AwardGranted, AwardRevoked
from services.achievements.application import Application, AwardedByHand
from services.achievements.errors import PreviewNeededError, StalePreviewError
from services.achievements.previews import VALID_FOR
from services.achievements.verifying import verify
from services.journal import Journal
from tests.integration.service import migrated, rows, take
from tests.scenario import certificate, feedback, organization, session

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
ADMINS = 4


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as its_journal:
        take(
            its_journal,
            organization(badges=False),
            learning.ProgramConfigured(
                organization_id="acme", program_id="p1", program_type="one_to_one", name="Spring"
            ),
            *(session(n, f"m{n}", f"n{n}") for n in range(10)),
            *(feedback(n, f"m{n}") for n in range(10)),
        )
        yield its_journal


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each gave, or raised."""

    def outcome(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(outcome, calls))


def grants(journal: Journal) -> Counter[str]:
    """How many awards each member was ever granted."""
    with journal.connection() as connection:
        names = [journal.mapper.names[AwardGranted]]
        return Counter(one.event.user_id for one in journal.read(connection, 0, 1_000, names))


def enabling(
    application: Application, required: int | None, preview_id: UUID | None
) -> Callable[[], Certificate]:
    return lambda: application.enable_certificate(certificate(required), preview_id)


def test_a_confirmation_comes_too_late(journal: Journal) -> None:
    """Rule 9: a preview can be confirmed for a while; later the confirmation is refused and shows a fresh one, though the
    outcome is the same; that one can be confirmed."""
    clock = [START]
    application = Application(journal, lambda: clock[0])
    preview = application.preview_certificate("acme", "p1", 1)
    assert preview.expires_at == START + VALID_FOR
    clock[0] = preview.expires_at
    with pytest.raises(StalePreviewError) as refused:
        enabling(application, 1, preview.preview_id)()
    fresh = refused.value.preview
    assert fresh.would_grant == preview.would_grant
    assert not grants(journal)
    clock[0] += timedelta(seconds=1)
    enabling(application, 1, fresh.preview_id)()
    assert grants(journal).total() == 20


def test_a_preview_confirmed_many_times_at_once(journal: Journal) -> None:
    """Rule 9: however often a confirmation is clicked at once, it succeeds each time and grants once."""
    preview = Application(journal).preview_certificate("acme", "p1", 1)
    clicks = [enabling(Application(journal), 1, preview.preview_id) for _ in range(ADMINS)]
    assert {type(outcome) for outcome in at_once(*clicks)} == {Certificate}
    assert grants(journal) == Counter(f"{letter}{n}" for letter in "mn" for n in range(10))
    assert verify(journal, lambda _done, _of: None).differences == []


def test_admins_who_change_the_number_at_once(journal: Journal) -> None:
    """Rule 9: of admins who confirm different numbers at once all who succeed have confirmed what came of it, and the
    last one's number is in force; nobody is granted what no admin was shown."""
    take(journal, certificate(5))
    application = Application(journal)
    shown = {n: application.preview_certificate("acme", "p1", n) for n in (1, 2, 3)}
    outcomes = at_once(*(enabling(Application(journal), n, shown[n].preview_id) for n in shown))
    succeeded = [one.required_sessions for one in outcomes if isinstance(one, Certificate)]
    assert all(isinstance(one, Certificate | StalePreviewError) for one in outcomes)
    (in_force,) = rows(journal, CERTIFICATES).values()
    assert in_force.required_sessions in succeeded
    assert grants(journal).total() == (shown[1].would_grant.count if 1 in succeeded else 0)
    assert verify(journal, lambda _done, _of: None).differences == []


def test_admins_who_award_the_same_people_at_once(journal: Journal) -> None:
    """Rule 12: of several admins who name the same member at once one awards them, and the others are told so."""
    with pytest.raises(PreviewNeededError) as needed:
        enabling(Application(journal), None, None)()
    enabling(Application(journal), None, needed.value.preview.preview_id)()
    people = tuple(f"u{n}" for n in range(30))

    def awarding(number: int) -> Callable[[], AwardedByHand]:
        command = learning.ManualAward(
            organization_id="acme",
            program_id="p1",
            user_ids=people[number:] + people[:number],
            awarded_by=f"admin {number}",
            awarded_at=START + timedelta(seconds=number),
        )
        return lambda: Application(journal).award_by_hand(command)

    outcomes: list[AwardedByHand] = at_once(*(awarding(number) for number in range(ADMINS)))
    assert sorted(len(one.granted) for one in outcomes) == [0] * (ADMINS - 1) + [len(people)]
    for one in outcomes:
        assert {award.user_id for award in one.granted} | {*one.already_held} == {*people}
        assert not one.pending
    assert grants(journal) == Counter(people)


def test_admins_who_revoke_and_award_at_once(journal: Journal) -> None:
    """Rule 20: an award is revoked once, however many do it at once; who awards it meanwhile finds it held or grants it
    anew, and is told which."""
    application = Application(journal)
    preview = application.preview_certificate("acme", "p1", None)
    enabling(application, None, preview.preview_id)()
    by_hand = learning.ManualAward(
        organization_id="acme",
        program_id="p1",
        user_ids=("zoe",),
        awarded_by="boss",
        awarded_at=START,
    )
    (first,) = application.award_by_hand(by_hand).granted
    revocation = learning.AwardRevoked(
        organization_id="acme",
        award_id=first.award_id,
        reason="wrong",
        revoked_by="boss",
        revoked_at=START,
    )
    again, *revocations = at_once(
        lambda: Application(journal).award_by_hand(by_hand),
        *[lambda: Application(journal).revoke_award(revocation)] * ADMINS,
    )
    assert revocations == [None] * ADMINS
    with journal.connection() as connection:
        names = [journal.mapper.names[AwardRevoked]]
        assert len(journal.read(connection, 0, 1_000, names)) == 1
    held = [award for award in rows(journal, AWARDS).values() if not award.revoked]
    assert len(held) == len(again.granted) == grants(journal)["zoe"] - 1
    assert again.already_held == ([] if held else ["zoe"])
