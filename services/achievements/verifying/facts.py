"""One organization's history told again in plain words: what its facts come to.

Written from the product's rules alone, beside the code that it verifies. Events are told one by one, in the journal's
order.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from msgspec import UNSET

from schemas import journal
from schemas.learning import Participant

DEFAULT_THRESHOLDS: Final = {"connector": 10, "mentee": 10, "mentor": 10, "super_mentor": 40}
CERTIFICATE: Final = "certificate"
BADGE: Final = ""
"""Stands for the program where somebody is looked at for their badges."""
PLANS_WITH_AWARDS: Final = ("enterprise", "professional")
DESIGN: Final = ("required_sessions", "name", "text", "colour", "banner", "logo", "guidance")

Look = tuple[str, str]
"""A member and a program: something may be due to them. `BADGE` for badges."""


@dataclass(slots=True)
class Session:
    """Who took part in which role, and each person's earliest feedback, whoever they are."""

    program_id: str | None = None
    program_type: str | None = None
    completed_at: datetime | None = None
    people: dict[str, str] = field(default_factory=dict)
    feedback: dict[str, datetime] = field(default_factory=dict)
    counts_at: datetime | None = None
    """When it both was completed and had feedback of somebody who took part (rule 8)."""


@dataclass(slots=True)
class Person:
    """The instants of one-to-one sessions by role, sorted, and of the first one with each other person."""

    registered_roles: tuple[str, ...] = ()
    active_roles: set[str] = field(default_factory=set)
    erased: bool = False
    sessions_as: dict[str, list[datetime]] = field(
        default_factory=lambda: {"mentor": [], "mentee": []}
    )
    met_at: dict[str, datetime] = field(default_factory=dict)

    def instants(self, badge: str) -> list[datetime]:
        """The instants at which the person came nearer to a badge, unsorted."""
        if badge == "connector":
            return list(self.met_at.values())
        return self.sessions_as["mentee" if badge == "mentee" else "mentor"]


@dataclass(slots=True)
class Enrolment:
    """A member of a program, and which of their sessions count from when on."""

    sessions_completed: int = 0
    counted_at: dict[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Grant:
    """An award that had to be made, by the event at `decided_at_position`."""

    award_id: str
    user_id: str
    code: str
    program_id: str
    how: str
    first_at: datetime | None
    earned_at: datetime
    threshold: int | None
    threshold_from: str | None
    grant_number: int
    decided_at_position: int
    revoked: bool = False


@dataclass(slots=True)
class Certificate:
    enabled: journal.CertificateEnabled
    design: dict[str, Any]
    is_enabled: bool = True


@dataclass(slots=True)
class Organization:
    """All that is known of an organization. `grants` are those that had to be made, by member, code and program."""

    organization_id: str
    configured: journal.OrganizationConfigured | None = None
    badges: bool = False
    certificates: bool = False
    thresholds: dict[str, int | None] = field(default_factory=dict)
    platform_thresholds: dict[str, int | None] = field(default_factory=dict)
    programs: dict[str, journal.ProgramConfigured] = field(default_factory=dict)
    designs: dict[str, Certificate] = field(default_factory=dict)
    people: defaultdict[str, Person] = field(default_factory=lambda: defaultdict(Person))
    sessions: defaultdict[str, Session] = field(default_factory=lambda: defaultdict(Session))
    enrolments: defaultdict[Look, Enrolment] = field(default_factory=lambda: defaultdict(Enrolment))
    waiting: dict[Look, datetime] = field(default_factory=dict)
    grants: dict[tuple[str, str, str], list[Grant]] = field(default_factory=dict)

    def learn(self, event: journal.Event) -> list[Look]:
        """Takes in an event; gives all to whom something may be due by it."""
        return list(self._learn(event))

    def granted(self, user_id: str, code: str, program_id: str) -> Sequence[Grant]:
        """All awards of an achievement that had to be granted to a member, revoked ones too."""
        return self.grants.get((user_id, code, program_id), ())

    def holds(self, user_id: str, code: str, program_id: str) -> bool:
        """Whether an award was granted and not revoked."""
        return any(not grant.revoked for grant in self.granted(user_id, code, program_id))

    def _learn(self, event: journal.Event) -> Iterable[Look]:
        match event:
            case journal.SessionCompleted():
                return self._session_completed(event)
            case journal.FeedbackSubmitted():
                return self._feedback_submitted(event)
            case journal.AwardedByHand():
                return self._awarded_by_hand(event)
            case journal.AwardRevoked():
                for grant in self.granted(event.user_id, event.code, event.program_id or BADGE):
                    grant.revoked |= grant.award_id == event.award_id
            case journal.MemberRegistered() | journal.ProgramJoined() | journal.MemberErased():
                self._member_changed(event)
            case journal.OrganizationConfigured():
                self.configured = event
            case journal.AvailabilityChanged():
                self.badges, self.certificates = event.badges, event.certificates
                return self._everybody()
            case journal.BadgeThresholdSet():
                of = self.platform_thresholds if event.organization_id is None else self.thresholds
                of[event.code] = event.threshold
                return self._everybody()
            case _:
                return self._program_changed(event)
        return ()

    def _everybody(self) -> Iterator[Look]:
        yield from ((user_id, BADGE) for user_id in list(self.people))
        yield from list(self.enrolments)

    def _enrol(self, user_id: str, program_id: str) -> Enrolment:
        self.people[user_id]  # a member of a program is a person of the organization
        return self.enrolments[user_id, program_id]

    def _session_completed(self, event: journal.SessionCompleted) -> Iterator[Look]:
        session = self.sessions[event.session_id]
        session.program_id, session.program_type = event.program_id, event.program_type
        session.completed_at = event.completed_at
        session.people = {person.user_id: person.role for person in event.participants}
        for person in event.participants:
            self._enrol(person.user_id, event.program_id).sessions_completed += 1
        if event.program_type == "one_to_one":
            one, other = event.participants
            self._met(one, other, event.completed_at)
            self._met(other, one, event.completed_at)
            yield from ((person.user_id, BADGE) for person in event.participants)
        yield from self._count(event.session_id, session)

    def _met(self, one: Participant, other: Participant, at: datetime) -> None:
        person = self.people[one.user_id]
        person.active_roles.add(one.role)
        insort(person.sessions_as[one.role], at)
        person.met_at[other.user_id] = min(at, person.met_at.get(other.user_id, at))

    def _feedback_submitted(self, event: journal.FeedbackSubmitted) -> Iterator[Look]:
        session = self.sessions[event.session_id]
        session.feedback[event.user_id] = event.submitted_at
        yield from self._count(event.session_id, session)

    def _count(self, session_id: str, session: Session) -> Iterator[Look]:
        """Notes from when on a session counts for those who took part."""
        valid = [at for user_id, at in session.feedback.items() if user_id in session.people]
        if session.completed_at is None or session.program_id is None or not valid:
            return
        session.counts_at = max(session.completed_at, min(valid))
        for user_id in session.people:
            enrolment = self.enrolments[user_id, session.program_id]
            enrolment.counted_at[session_id] = session.counts_at
            yield user_id, session.program_id

    def _awarded_by_hand(self, event: journal.AwardedByHand) -> Iterator[Look]:
        for user_id in event.user_ids:
            look = user_id, event.program_id
            self._enrol(*look)
            if self.people[user_id].erased or self.holds(user_id, CERTIFICATE, event.program_id):
                continue
            self.waiting[look] = min(event.awarded_at, self.waiting.get(look, event.awarded_at))
            yield look

    def _member_changed(
        self, event: journal.MemberRegistered | journal.ProgramJoined | journal.MemberErased
    ) -> None:
        person = self.people[event.user_id]
        match event:
            case journal.MemberRegistered():
                person.registered_roles = event.roles
            case journal.ProgramJoined():
                self._enrol(event.user_id, event.program_id)
                person.active_roles.add(event.role)
            case journal.MemberErased():
                person.erased = True
                self.waiting = {
                    look: at for look, at in self.waiting.items() if look[0] != event.user_id
                }

    def _program_changed(self, event: journal.Event) -> Iterable[Look]:
        match event:
            case journal.ProgramConfigured():
                self.programs[event.program_id] = event
                return ()
            case journal.CertificateEnabled():
                design = {name: getattr(event, name) for name in DESIGN}
                self.designs[event.program_id] = Certificate(event, design)
                return self._members_of(event.program_id)
            case journal.CertificateChanged():
                values = {name: getattr(event, name) for name in DESIGN}
                self.designs[event.program_id].design.update(
                    {name: value for name, value in values.items() if value is not UNSET}
                )
                return self._members_of(event.program_id)
            case journal.CertificateDisabled():
                self.designs[event.program_id].is_enabled = False
                return ()
        raise TypeError(f"verifying knows no {type(event).__name__}")

    def _members_of(self, program_id: str) -> list[Look]:
        return [look for look in self.enrolments if look[1] == program_id]
