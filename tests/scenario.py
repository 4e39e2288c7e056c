"""given(facts).when(…).then(…): the whole system's rules in memory, without Kafka, PostgreSQL or a clock.

A `World` takes facts as the consumer does, decides them with the real deciders, folds the real projection and grants
by the real rules, one event at a time. What it can't show (transactions, processes) is tested on the real things.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Self
from uuid import UUID

from projections.activity import Activity, Home, activity, home
from projections.entitlement import everybody
from projections.progress import Progress, concerns_many, fold
from projections.rows import MEMBERS, Award
from schemas import learning
from schemas.journal import AwardGranted, Event
from services.achievements.errors import DomainError
from services.achievements.grants import grant
from services.achievements.recording import route
from services.journal import Entry

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
ORGANIZATION = "acme"


class World:
    """The achievements service in memory; `journal` is all that was appended, in order."""

    def __init__(self) -> None:
        self.journal: list[Entry] = []
        self.refused: list[str] = []
        self.progress = Progress()
        self._states: dict[UUID, Any] = {}
        self._versions: defaultdict[UUID, int] = defaultdict(int)
        self._folded = 0
        self._clock = count()

    def given(self, *facts: learning.Inbound) -> Self:
        """Takes in facts, each as an event of its own, and grants all that is due after each."""
        for fact in facts:
            self.take(fact)
            self.advance()
        return self

    when = given

    def take(self, fact: learning.Inbound, cause: str | None = None) -> None:
        """Records a fact without projecting it yet; a refusal is noted by its code."""
        its_route = route(fact)
        originator_id, decider = its_route.originator_id, its_route.decider
        state = self._states.get(originator_id, decider.initial)
        try:
            events = decider.decide(fact, cause, state)
        except DomainError as error:
            self.refused.append(error.code)
            return
        for event in events:
            self._append(originator_id, event)
            state = decider.evolve(state, event)
        self._states[originator_id] = state

    def append(self, *events: Event) -> Self:
        """Appends an operator's events, which no fact brings, and projects them."""
        for event in events:
            self._append(UUID(int=0), event)
        self.advance()
        return self

    def advance(self) -> None:
        """Folds what is new, one event at a time, and grants what is due by it."""
        while self._folded < len(self.journal):
            event: Any = self.journal[self._folded].event
            self._folded += 1
            touched: Iterable[Any] = fold(self.progress, event, self._now())
            if concerns_many(event):
                touched = list(everybody(self.progress))
            for granted in grant(self.progress, touched, self._folded):
                self._grant(granted)

    def _grant(self, granted: AwardGranted) -> None:
        originator_id = UUID(granted.award_id)
        self._append(originator_id, granted)
        decider = route(_revocation(granted.award_id)).decider
        state = self._states.get(originator_id, decider.initial)
        self._states[originator_id] = decider.evolve(state, granted)
        award = self.progress.awards[granted.organization_id, granted.user_id][granted.award_id]
        award.granted_at = self._now()

    def _append(self, originator_id: UUID, event: Event) -> None:
        self._versions[originator_id] += 1
        self.journal.append(Entry(originator_id, self._versions[originator_id], event))

    def _now(self) -> datetime:
        return START + timedelta(days=365, seconds=next(self._clock))

    def activity(self, user_id: str, organization_id: str = ORGANIZATION) -> Activity:
        """What the member sees, as the HTTP answer has it."""
        member = self.progress.get(MEMBERS, organization_id, user_id)
        if member is not None and member.erased:
            return activity(_without_members(self.progress), organization_id, user_id, _no_url)
        return activity(self.progress, organization_id, user_id, _no_url)

    def home(self, user_id: str, organization_id: str = ORGANIZATION) -> Home:
        return home(self.activity(user_id, organization_id))

    def awards(self) -> list[Award]:
        """All awards, in a fixed order."""
        return [
            award for of_member in self.progress.awards.values() for award in of_member.values()
        ]

    def granted(self) -> list[AwardGranted]:
        """The grants in the journal, in order."""
        return [entry.event for entry in self.journal if isinstance(entry.event, AwardGranted)]


def _revocation(award_id: str) -> learning.AwardRevoked:
    return learning.AwardRevoked(
        organization_id=ORGANIZATION, award_id=award_id, reason="", revoked_by="x", revoked_at=START
    )


def _without_members(progress: Progress) -> Progress:
    bare = Progress()
    for name in ("organization", "badge_threshold", "certificate"):
        bare.rows[name] = progress.rows[name]
    return bare


def _no_url(*_: str) -> None:
    return None


def day(number: float) -> datetime:
    """An instant, so many days after the start."""
    return START + timedelta(days=number)


def organization(
    plan: str = "enterprise", badges: bool = True, **more: Any
) -> learning.OrganizationConfigured:
    return learning.OrganizationConfigured(
        organization_id=more.pop("organization_id", ORGANIZATION),
        name=more.pop("name", "Acme"),
        plan=plan,
        badges_enabled=badges,
        **more,
    )


def session(
    number: int | str,
    mentor: str = "mia",
    mentee: str = "ben",
    *,
    at: datetime | None = None,
    program: str = "p1",
    organization_id: str = ORGANIZATION,
) -> learning.SessionCompleted:
    """A one-to-one session, on the day of its number unless told otherwise."""
    return learning.SessionCompleted(
        organization_id=organization_id,
        program_id=program,
        program_type="one_to_one",
        session_id=f"s{number}",
        participants=(
            learning.Participant(mentor, "mentor"),
            learning.Participant(mentee, "mentee"),
        ),
        completed_at=at or day(float(number)),
    )


def group_session(
    number: int,
    people: Sequence[tuple[str, learning.Role]],
    type_: learning.ProgramType = "group",
    **more: Any,
) -> learning.SessionCompleted:
    return learning.SessionCompleted(
        organization_id=ORGANIZATION,
        program_id=more.get("program", "g1"),
        program_type=type_,
        session_id=f"s{number}",
        participants=tuple(learning.Participant(*person) for person in people),
        completed_at=more.get("at") or day(number),
    )


def feedback(
    number: int | str, by: str = "ben", *, at: datetime | None = None, program: str = "p1"
) -> learning.FeedbackSubmitted:
    """Feedback about the session of this number, half a day after it unless told otherwise."""
    return learning.FeedbackSubmitted(
        organization_id=ORGANIZATION,
        program_id=program,
        session_id=f"s{number}",
        user_id=by,
        submitted_at=at or day(float(number) + 0.5),
    )


def certificate(
    required: int | None = 3, *, program: str = "p1", **more: Any
) -> learning.CertificateEnabled:
    return learning.CertificateEnabled(
        organization_id=ORGANIZATION,
        program_id=program,
        program_type=more.pop("program_type", "one_to_one"),
        program_name=more.pop("program_name", "Spring"),
        required_sessions=required,
        name=more.pop("name", "Spring certificate"),
        text=more.pop("text", "For taking part"),
        colour=more.pop("colour", "#0a5c36"),
        enabled_by="admin",
        enabled_at=START,
        **more,
    )


def certificate_changed(*, program: str = "p1", **changes: Any) -> learning.CertificateChanged:
    return learning.CertificateChanged(
        organization_id=ORGANIZATION,
        program_id=program,
        changed_by="admin",
        changed_at=START,
        **changes,
    )


def certificate_disabled(program: str = "p1") -> learning.CertificateDisabled:
    return learning.CertificateDisabled(
        organization_id=ORGANIZATION, program_id=program, disabled_by="admin", disabled_at=START
    )


def by_hand(*user_ids: str, at: datetime = START, program: str = "p1") -> learning.ManualAward:
    return learning.ManualAward(
        organization_id=ORGANIZATION,
        program_id=program,
        user_ids=user_ids,
        awarded_by="admin",
        awarded_at=at,
    )


def revoked(award_id: str, organization_id: str = ORGANIZATION) -> learning.AwardRevoked:
    return learning.AwardRevoked(
        organization_id=organization_id,
        award_id=award_id,
        reason="wrong",
        revoked_by="admin",
        revoked_at=START,
    )


def registered(
    user_id: str, *roles: learning.Role, name: str = "Somebody"
) -> learning.MemberRegistered:
    return learning.MemberRegistered(
        organization_id=ORGANIZATION, user_id=user_id, display_name=name, roles=roles
    )


def joined(
    user_id: str, role: learning.Role = "mentee", program: str = "p1"
) -> learning.ProgramJoined:
    return learning.ProgramJoined(
        organization_id=ORGANIZATION,
        program_id=program,
        user_id=user_id,
        role=role,
        joined_at=START,
    )


def erased(user_id: str) -> learning.MemberErased:
    return learning.MemberErased(organization_id=ORGANIZATION, user_id=user_id)
