"""Per-user progress: how each event changes the rows of the read models. Pure; the rows lie in memory.

A `Progress` holds all rows that the events to be folded can touch: everything (a test, a rebuild), or what
`store.load` has fetched for them.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from msgspec import UNSET, Struct

from projections.badges import CERTIFICATE
from projections.counting import Participation
from projections.rows import (
    AWARDS,
    BADGE_PROGRAM,
    BADGE_THRESHOLDS,
    CERTIFICATES,
    ENROLMENTS,
    MEMBERS,
    ORGANIZATIONS,
    PARTICIPATIONS,
    PLATFORM,
    PROGRAMS,
    SESSIONS,
    WAITING_AWARDS,
    Award,
    BadgeThreshold,
    Certificate,
    Enrolment,
    Key,
    Member,
    Organization,
    Program,
    Session,
    Table,
    WaitingAward,
)
from schemas import journal
from schemas.learning import Role

Row = TypeVar("Row", bound=Struct)


class Touched(NamedTuple):
    """A member to whom something may be due now: badges, or the certificate of a program."""

    organization_id: str
    user_id: str
    program_id: str = BADGE_PROGRAM


class Progress:
    """The rows in memory, by table and key, and which of them have changed since they were loaded."""

    def __init__(self) -> None:
        self.rows: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
        self.changed: defaultdict[str, dict[Key, None]] = defaultdict(dict)
        self.deleted: defaultdict[str, dict[Key, None]] = defaultdict(dict)
        self.participations: defaultdict[Key, dict[str, Participation]] = defaultdict(dict)
        self.awards: defaultdict[Key, dict[str, Award]] = defaultdict(dict)
        self.met: set[tuple[str, str, str]] = set()

    def put_loaded(self, table: Table[Row], row: Row) -> None:
        """Takes in a row as it is in the database."""
        self.rows[table.name][table.key_of(row)] = row
        self._index(row)

    def put(self, table: Table[Row], row: Row) -> Row:
        """Adds a row, or replaces the one with its key; it counts as changed."""
        key = table.key_of(row)
        self.rows[table.name][key] = row
        self.changed[table.name][key] = None
        self.deleted[table.name].pop(key, None)
        self._index(row)
        return row

    def get(self, table: Table[Row], *key: str) -> Row | None:
        """The row with this key; not to be changed."""
        row: Row | None = self.rows[table.name].get(key)
        return row

    def edit(self, table: Table[Row], *key: str) -> Row | None:
        """The row with this key, about to be changed."""
        row: Row | None = self.rows[table.name].get(key)
        if row is not None:
            self.changed[table.name][key] = None
        return row

    def delete(self, table: Table[Row], *key: str) -> None:
        """Takes a row away, if there is one."""
        if self.rows[table.name].pop(key, None) is not None:
            self.changed[table.name].pop(key, None)
            self.deleted[table.name][key] = None

    def member(self, organization_id: str, user_id: str) -> Member:
        """The member, made known where it isn't yet; about to be changed."""
        found = self.edit(MEMBERS, organization_id, user_id)
        return found or self.put(MEMBERS, Member(organization_id, user_id))

    def enrolment(self, organization_id: str, program_id: str, user_id: str) -> Enrolment:
        """The member's part in a program, made where there is none yet; about to be changed."""
        self.member(organization_id, user_id)
        found = self.edit(ENROLMENTS, organization_id, program_id, user_id)
        return found or self.put(ENROLMENTS, Enrolment(organization_id, program_id, user_id))

    def held(self, organization_id: str, user_id: str, code: str, program_id: str) -> Award | None:
        """The award that the member holds for an achievement; a revoked one isn't held."""
        for award in self.awards_for(organization_id, user_id, code, program_id):
            if not award.revoked:
                return award
        return None

    def awards_for(
        self, organization_id: str, user_id: str, code: str, program_id: str
    ) -> Iterator[Award]:
        """All awards of an achievement to a member, revoked ones too."""
        for award in self.awards[organization_id, user_id].values():
            if award.code == code and award.program_id == program_id:
                yield award

    def _index(self, row: Struct) -> None:
        if isinstance(row, Participation):
            self.participations[row.organization_id, row.user_id][row.session_id] = row
            if row.partner_id is not None:
                self.met.add((row.organization_id, row.user_id, row.partner_id))
        elif isinstance(row, Award):
            self.awards[row.organization_id, row.user_id][row.award_id] = row


def fold(progress: Progress, event: journal.Event, recorded_at: datetime | None) -> list[Touched]:
    """Changes the rows by one event; gives the members to whom something may be due by it.

    Of an event that concerns a whole organization or program (`concerns_many`) these are not listed: whoever
    is loaded may be concerned. `recorded_at` is None for a grant that is being appended.
    """
    match event:
        case journal.SessionCompleted():
            return _session_completed(progress, event)
        case journal.FeedbackSubmitted():
            return _feedback_submitted(progress, event)
        case journal.AwardedByHand():
            return _awarded_by_hand(progress, event)
        case journal.AwardGranted():
            _award_granted(progress, event, recorded_at)
        case journal.AwardRevoked():
            award = progress.edit(AWARDS, event.organization_id, event.user_id, event.award_id)
            if award is not None:
                award.revoked = True
        case journal.MemberRegistered() | journal.ProgramJoined() | journal.MemberErased():
            _member_changed(progress, event)
        case (
            journal.OrganizationConfigured()
            | journal.AvailabilityChanged()
            | journal.BadgeThresholdSet()
        ):
            _organization_changed(progress, event)
        case (
            journal.ProgramConfigured()
            | journal.CertificateEnabled()
            | journal.CertificateChanged()
            | journal.CertificateDisabled()
        ):
            _program_changed(progress, event)
        case journal.PlanApplied():
            pass  # its changes and grants are events of their own
        case _:
            raise TypeError(f"progress knows no {type(event).__name__}")
    return []


def concerns_many(event: journal.Event) -> bool:
    """Whether something may be due by the event to anybody of an organization, a program or the platform."""
    match event:
        case journal.AvailabilityChanged(badges=badges, certificates=certificates):
            return badges or certificates
        case journal.CertificateChanged(required_sessions=required_sessions):
            return required_sessions is not UNSET
        case journal.CertificateEnabled() | journal.BadgeThresholdSet():
            return True
    return False


def _session_completed(progress: Progress, event: journal.SessionCompleted) -> list[Touched]:
    organization_id = event.organization_id
    session = progress.edit(SESSIONS, organization_id, event.session_id) or progress.put(
        SESSIONS, Session(organization_id, event.session_id, None, None, None, [], [], [], [], None)
    )
    session.program_id = event.program_id
    session.program_type = event.program_type
    session.completed_at = event.completed_at
    session.participants = [person.user_id for person in event.participants]
    session.roles = [person.role for person in event.participants]
    session.feedback_counts_at = _feedback_counts_at(session)
    touched: list[Touched] = []
    for part in _participations(session):
        enrolment = progress.enrolment(organization_id, part.program_id, part.user_id)
        enrolment.sessions_completed += 1
        if part.feedback_counts_at is not None:
            enrolment.sessions_counted += 1
            touched.append(Touched(organization_id, part.user_id, part.program_id))
        if part.program_type == "one_to_one":
            _count_for_badges(progress, part)
            touched.append(Touched(organization_id, part.user_id))
        progress.put(PARTICIPATIONS, part)
    return touched


def _feedback_submitted(progress: Progress, event: journal.FeedbackSubmitted) -> list[Touched]:
    session = progress.edit(SESSIONS, event.organization_id, event.session_id) or progress.put(
        SESSIONS,
        Session(event.organization_id, event.session_id, None, None, None, [], [], [], [], None),
    )
    if event.user_id in session.feedback_by:
        session.feedback_at[session.feedback_by.index(event.user_id)] = event.submitted_at
    else:
        session.feedback_by.append(event.user_id)
        session.feedback_at.append(event.submitted_at)
    counted_at = session.feedback_counts_at
    session.feedback_counts_at = _feedback_counts_at(session)
    if session.feedback_counts_at == counted_at:
        return []
    touched: list[Touched] = []
    for part in _participations(session):
        progress.put(PARTICIPATIONS, part)
        if counted_at is None:
            enrolment = progress.enrolment(part.organization_id, part.program_id, part.user_id)
            enrolment.sessions_counted += 1
            touched.append(Touched(part.organization_id, part.user_id, part.program_id))
    return touched


def _feedback_counts_at(session: Session) -> datetime | None:
    """When the session both was completed and had feedback by one who took part in it (rule 8)."""
    if session.completed_at is None:
        return None
    given = [
        at
        for user_id, at in zip(session.feedback_by, session.feedback_at, strict=True)
        if user_id in session.participants
    ]
    return max(session.completed_at, min(given)) if given else None


def _participations(session: Session) -> Iterator[Participation]:
    """Each participant's part in the session; none before it was completed."""
    if session.program_id is None or session.program_type is None or session.completed_at is None:
        return
    partners: list[str | None] = [None] * len(session.participants)
    if session.program_type == "one_to_one":
        partners = list(reversed(session.participants))
    for user_id, role, partner_id in zip(
        session.participants, session.roles, partners, strict=True
    ):
        yield Participation(
            organization_id=session.organization_id,
            user_id=user_id,
            session_id=session.session_id,
            program_id=session.program_id,
            program_type=session.program_type,
            role="mentor" if role == "mentor" else "mentee",
            partner_id=partner_id,
            completed_at=session.completed_at,
            feedback_counts_at=session.feedback_counts_at,
        )


def _count_for_badges(progress: Progress, part: Participation) -> None:
    member = progress.member(part.organization_id, part.user_id)
    if part.role == "mentor":
        member.active_mentor = True
        member.sessions_as_mentor += 1
    else:
        member.active_mentee = True
        member.sessions_as_mentee += 1
    if (part.organization_id, part.user_id, part.partner_id) not in progress.met:
        member.people_met += 1


def _awarded_by_hand(progress: Progress, event: journal.AwardedByHand) -> list[Touched]:
    touched: list[Touched] = []
    for user_id in event.user_ids:
        key = (event.organization_id, event.program_id, user_id)
        member = progress.member(event.organization_id, user_id)
        progress.enrolment(*key)
        if member.erased or progress.held(
            event.organization_id, user_id, CERTIFICATE, event.program_id
        ):
            continue
        waiting = progress.get(WAITING_AWARDS, *key)
        if waiting is None or event.awarded_at < waiting.awarded_at:
            progress.put(WAITING_AWARDS, WaitingAward(*key, event.awarded_at))
        touched.append(Touched(event.organization_id, user_id, event.program_id))
    return touched


def _award_granted(
    progress: Progress, event: journal.AwardGranted, recorded_at: datetime | None
) -> None:
    """Adds the award once: a grant was folded when it was decided, and is met again in the journal."""
    program_id = event.program_id or BADGE_PROGRAM
    if progress.get(AWARDS, event.organization_id, event.user_id, event.award_id) is not None:
        return
    progress.delete(WAITING_AWARDS, event.organization_id, program_id, event.user_id)
    progress.put(
        AWARDS,
        Award(
            organization_id=event.organization_id,
            user_id=event.user_id,
            award_id=event.award_id,
            code=event.code,
            program_id=program_id,
            title=event.title,
            how=event.how,
            grant_number=event.grant_number,
            earned_at=event.earned_at,
            granted_at=recorded_at,
            revoked=False,
        ),
    )


def _member_changed(
    progress: Progress,
    event: journal.MemberRegistered | journal.ProgramJoined | journal.MemberErased,
) -> None:
    member = progress.member(event.organization_id, event.user_id)
    match event:
        case journal.MemberRegistered(roles=roles):
            member.registered_mentor = "mentor" in roles
            member.registered_mentee = "mentee" in roles
        case journal.ProgramJoined(role=role, program_id=program_id):
            progress.enrolment(event.organization_id, program_id, event.user_id)
            _set_active(member, role)
        case journal.MemberErased():
            member.erased = True
            waiting = [
                key
                for key in progress.rows[WAITING_AWARDS.name]
                if key[0] == event.organization_id and key[2] == event.user_id
            ]
            for key in waiting:
                progress.delete(WAITING_AWARDS, *key)


def _set_active(member: Member, role: Role) -> None:
    if role == "mentor":
        member.active_mentor = True
    else:
        member.active_mentee = True


def _organization_changed(
    progress: Progress,
    event: journal.OrganizationConfigured | journal.AvailabilityChanged | journal.BadgeThresholdSet,
) -> None:
    match event:
        case journal.BadgeThresholdSet(
            organization_id=organization_id, code=code, threshold=threshold
        ):
            progress.put(
                BADGE_THRESHOLDS, BadgeThreshold(organization_id or PLATFORM, code, threshold)
            )
        case journal.OrganizationConfigured():
            known = progress.get(ORGANIZATIONS, event.organization_id)
            progress.put(
                ORGANIZATIONS,
                Organization(
                    organization_id=event.organization_id,
                    name=event.name,
                    timezone=event.timezone,
                    logo=event.logo,
                    linkedin_organization_id=event.linkedin_organization_id,
                    badges=known is not None and known.badges,
                    certificates=known is not None and known.certificates,
                ),
            )
        case journal.AvailabilityChanged():
            organization = progress.edit(ORGANIZATIONS, event.organization_id)
            if organization is None:
                raise LookupError("an organization's availability changed before it was configured")
            organization.badges = event.badges
            organization.certificates = event.certificates


def _program_changed(
    progress: Progress,
    event: journal.ProgramConfigured
    | journal.CertificateEnabled
    | journal.CertificateChanged
    | journal.CertificateDisabled,
) -> None:
    key = (event.organization_id, event.program_id)
    match event:
        case journal.ProgramConfigured():
            progress.put(PROGRAMS, Program(*key, event.program_type, event.name, event.banner))
        case journal.CertificateEnabled():
            progress.put(CERTIFICATES, _certificate(event))
        case journal.CertificateChanged():
            certificate = progress.edit(CERTIFICATES, *key)
            for field in CHANGEABLE:
                value = getattr(event, field)
                if value is not UNSET:
                    setattr(certificate, field, value)
        case journal.CertificateDisabled():
            certificate = progress.edit(CERTIFICATES, *key)
            if certificate is not None:
                certificate.enabled = False


CHANGEABLE = ("required_sessions", "name", "text", "colour", "banner", "logo", "guidance")
"""What can be changed of a certificate."""


def _certificate(event: journal.CertificateEnabled) -> Certificate:
    return Certificate(
        organization_id=event.organization_id,
        program_id=event.program_id,
        program_type=event.program_type,
        program_name=event.program_name,
        enabled=True,
        required_sessions=event.required_sessions,
        name=event.name,
        text=event.text,
        colour=event.colour,
        banner=event.banner,
        logo=event.logo,
        guidance=event.guidance,
    )
