"""What facts have told so far, and which of them are refused: the part of the oracle that takes them in."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypedDict

Json = dict[str, Any]
Place = tuple[str, str]
"""An organization, and one of its programs, members or sessions."""

CERTIFICATE: Final = "certificate"
PLANS_WITH_AWARDS: Final = ("enterprise", "professional")
CHANGEABLE: Final = ("required_sessions", "name", "text", "colour", "banner", "logo", "guidance")


class Published(TypedDict):
    """A message as Kafka holds it, and what it says.

    `unusable` is the dead-letter code of a message whose very form is beyond use; what it says is then told as far
    as it can be read.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    type: str
    source: str
    id: str
    data: Json
    unusable: str | None


class Achievement(NamedTuple):
    """What one member can be awarded; `program_id` is empty for a badge."""

    organization_id: str
    user_id: str
    code: str
    program_id: str = ""


class DeadLetter(NamedTuple):
    code: str
    message: Published


class Told(NamedTuple):
    """An instant that a fact told, and the phase in which it was told."""

    at: datetime
    phase: int


@dataclass
class Session:
    program_id: str
    program_type: str
    roles: dict[str, str]
    completed: Told

    def partner(self, user_id: str) -> str:
        """The other one of a one-to-one session."""
        (partner,) = self.roles.keys() - {user_id}
        return partner

    def is_same(self, other: "Session") -> bool:
        """Whether two tellings of a session agree in all that must agree."""
        return (self.program_id, self.program_type, self.roles, self.completed.at) == (
            other.program_id,
            other.program_type,
            other.roles,
            other.completed.at,
        )


@dataclass
class Certificate:
    """`versions` are those that were in force, enabled, at some instant of this phase."""

    now: Json
    enabled: bool = True
    versions: list[Json] = field(default_factory=list)


class Known:
    """All facts taken so far; `organizations` and `banners` hold what was in force in this phase, the last last."""

    def __init__(self) -> None:
        self.phase = 0
        self.dead_letters: list[DeadLetter] = []
        self.dropped = 0
        self.erased: set[Place] = set()
        self.heard_of: set[Place] = set()
        self.organizations: dict[str, list[Json]] = {}
        self.banners: defaultdict[Place, list[str | None]] = defaultdict(lambda: [None])
        self.certificates: dict[Place, Certificate] = {}
        self.sessions: dict[Place, Session] = {}
        self.sessions_of: defaultdict[Place, list[str]] = defaultdict(list)
        self.feedback: defaultdict[Place, list[tuple[str, Told]]] = defaultdict(list)
        self.registered: dict[Place, list[str]] = {}
        self.joined: defaultdict[Place, set[str]] = defaultdict(set)
        self.programs_of: defaultdict[Place, set[str]] = defaultdict(set)
        self.waiting: defaultdict[Achievement, list[Told]] = defaultdict(list)
        self._seen: set[tuple[str, str]] = set()
        self._rules: dict[str, Callable[[Json], str | None]] = {
            "OrganizationConfigured.v1": self._organization_configured,
            "ProgramConfigured.v1": self._program_configured,
            "ProgramJoined.v1": self._program_joined,
            "MemberRegistered.v1": self._member_registered,
            "MemberErased.v1": self._member_erased,
            "SessionCompleted.v1": self._session_completed,
            "FeedbackSubmitted.v1": self._feedback_submitted,
            "CertificateEnabled.v1": self._certificate_enabled,
            "CertificateChanged.v1": self._certificate_changed,
            "CertificateDisabled.v1": self._certificate_disabled,
            "ManualAward.v1": self._manual_award,
            "AwardRevoked.v1": self.award_revoked,
        }

    def begin_phase(self) -> None:
        """From now on facts are those of the next phase."""
        self.phase += 1
        for certificate in self.certificates.values():
            certificate.versions = [certificate.now] if certificate.enabled else []
        for organizations in self.organizations.values():
            del organizations[:-1]
        for banners in self.banners.values():
            del banners[:-1]

    def take(self, message: Published) -> None:
        """Takes in a message, or counts it among the dead letters."""
        data, event = message["data"], (message["source"], message["id"])
        if message["type"] == "MemberRegistered.v1" and _member(data) in self.erased:
            self.dropped += 1
            return
        code = message["unusable"]
        if code is None and event not in self._seen:
            code = self._rules[message["type"]](data)
            if code is None:
                self._seen.add(event)
        if code is not None:
            self.dead_letters.append(DeadLetter(code, message))

    def is_held(self, achievement: Achievement) -> bool:
        """Whether the member holds it; who does is not waiting for it."""
        raise NotImplementedError

    def award_revoked(self, data: Json) -> str | None:
        """Takes back an award, if there is such a one."""
        raise NotImplementedError

    def available(self, organization_id: str) -> tuple[bool, bool]:
        """Whether badges, and whether certificates."""
        versions = self.organizations.get(organization_id)
        return availability_of(versions[-1]) if versions else (False, False)

    def valid_feedback(self, organization_id: str, session_id: str) -> list[Told]:
        """Feedback by those who took part; nobody has in a session that was not completed."""
        session = self.sessions.get((organization_id, session_id))
        given = self.feedback.get((organization_id, session_id), [])
        return [told for user_id, told in given if session and user_id in session.roles]

    def sessions_with(self, organization_id: str, user_id: str) -> Iterable[tuple[str, Session]]:
        """The completed sessions of a member, by their ids."""
        for session_id in self.sessions_of[organization_id, user_id]:
            yield session_id, self.sessions[organization_id, session_id]

    # What facts change; each gives a dead-letter code, or None where the fact is accepted.

    def _organization_configured(self, data: Json) -> str | None:
        self.organizations.setdefault(data["organization_id"], []).append(data)
        return None

    def _program_configured(self, data: Json) -> str | None:
        self.banners[_program(data)].append(data.get("banner"))
        return None

    def _program_joined(self, data: Json) -> str | None:
        self.joined[_member(data)].add(data["role"])
        self._takes_part(data["organization_id"], data["user_id"], data["program_id"])
        return None

    def _member_registered(self, data: Json) -> str | None:
        self.registered[_member(data)] = data["roles"]
        self.heard_of.add(_member(data))
        return None

    def _member_erased(self, data: Json) -> str | None:
        self.erased.add(_member(data))
        self.heard_of.add(_member(data))
        return None

    def _session_completed(self, data: Json) -> str | None:
        organization_id = data["organization_id"]
        key = organization_id, data["session_id"]
        session = Session(
            program_id=data["program_id"],
            program_type=data["program_type"],
            roles={person["user_id"]: person["role"] for person in data["participants"]},
            completed=Told(instant(data["completed_at"]), self.phase),
        )
        if key in self.sessions:
            return None if self.sessions[key].is_same(session) else "conflicting_session"
        self.sessions[key] = session
        for user_id in session.roles:
            self.sessions_of[organization_id, user_id].append(data["session_id"])
            self._takes_part(organization_id, user_id, session.program_id)
        return None

    def _feedback_submitted(self, data: Json) -> str | None:
        told = Told(instant(data["submitted_at"]), self.phase)
        self.feedback[data["organization_id"], data["session_id"]].append((data["user_id"], told))
        return None

    def _certificate_enabled(self, data: Json) -> str | None:
        if data["program_type"] == "group":
            return "certificate_not_allowed"
        if data["program_type"] == "development" and data.get("required_sessions") is not None:
            return "certificate_not_allowed"
        certificate = self.certificates.setdefault(_program(data), Certificate(data))
        certificate.now, certificate.enabled = data, True
        certificate.versions.append(data)
        return None

    def _certificate_changed(self, data: Json) -> str | None:
        certificate = self.certificates.get(_program(data))
        if certificate is None:
            return "unknown_certificate"
        by_hand_only = certificate.now["program_type"] == "development"
        if by_hand_only and data.get("required_sessions") is not None:
            return "certificate_not_allowed"
        changes = {name: data[name] for name in CHANGEABLE if name in data}
        certificate.now = certificate.now | changes
        if certificate.enabled:
            certificate.versions.append(certificate.now)
        return None

    def _certificate_disabled(self, data: Json) -> str | None:
        certificate = self.certificates.get(_program(data))
        if certificate is None:
            return "unknown_certificate"
        certificate.enabled = False
        return None

    def _manual_award(self, data: Json) -> str | None:
        organization_id, program_id = _program(data)
        told = Told(instant(data["awarded_at"]), self.phase)
        for user_id in data["user_ids"]:
            self._takes_part(organization_id, user_id, program_id)
            achievement = Achievement(organization_id, user_id, CERTIFICATE, program_id)
            if not self.is_held(achievement):
                self.waiting[achievement].append(told)
        return None

    def _takes_part(self, organization_id: str, user_id: str, program_id: str) -> None:
        self.heard_of.add((organization_id, user_id))
        self.programs_of[organization_id, user_id].add(program_id)


def availability_of(organization: Json) -> tuple[bool, bool]:
    """Whether badges, and whether certificates, as an organization is configured."""
    has_plan = organization["plan"] in PLANS_WITH_AWARDS
    return has_plan and organization["badges_enabled"], has_plan


def instant(text: str) -> datetime:
    """The UTC instant of an RFC 3339 time."""
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def _member(data: Json) -> Place:
    return data.get("organization_id", ""), data.get("user_id", "")


def _program(data: Json) -> Place:
    return data["organization_id"], data["program_id"]
