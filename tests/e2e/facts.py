"""Random facts about the organizations of a history, as messages; what happens when is `history`'s to say."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final
from uuid import UUID

from tests.e2e import names
from tests.e2e.messages import (
    CERTIFICATES,
    DIRECTORY,
    FEEDBACK,
    MAX_VALUE_BYTES,
    SESSIONS,
    Fact,
    Json,
    Message,
    encode,
    rfc3339,
)
from tests.e2e.poison import of_size

Plans = Sequence[Sequence[tuple[str, bool]]]
"""An organization's plan and its switch for badges, as they are told in each phase."""

_START: Final = datetime(2025, 1, 1, 8, tzinfo=UTC)
_ASSETS: Final = tuple(f"sha256:{digit * 64}" for digit in "0af9")
_TEXTS: Final = ("For taking part", "Für die Teilnahme", "参加証", 'He said: "<b>&amp;</b>"')
_SOURCES: Final = ("/platform/a", "/platform/b", "urn:ünï:c")
_LARGEST: Final = 0.000_5
"""How often a message is just as large as is allowed."""


@dataclass
class Program:
    """A program as it stands after all that was told so far."""

    id: str
    type: str
    enabled: bool = False
    was_enabled: bool = False
    required: int | None = None


@dataclass
class Organization:
    """`sessions` and `floating` are by the loosening phase in which they are told."""

    number: int
    id: str
    plans: Plans
    programs: list[Program]
    users: list[str]
    erased: set[str] = field(default_factory=set)
    sessions: list[list[Json]] = field(default_factory=lambda: [[], [], []])
    floating: list[list[Message]] = field(default_factory=lambda: [[], [], []])


def refused(message: Message) -> Message:
    """The message, which the rules refuse as things are."""
    return replace(message, acceptable=False)


class Facts:
    """Tells facts in words of its own; each is an event of its own."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ids: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))
        self._remarks = count(1)

    # The directory.

    def configured(self, organization: Organization, plan: str, badges: bool) -> Message:
        data: Json = {
            "organization_id": organization.id,
            "name": f"Organization {organization.number}, {self._random.randrange(1_000)}",
            "plan": plan,
            "badges_enabled": badges,
        }
        self._maybe(data, "timezone", ("Europe/Paris", "Asia/Kolkata", "America/St_Johns"))
        self._maybe(data, "logo", _ASSETS)
        self._maybe(data, "linkedin_organization_id", ("1337", "acme-inc"))
        return self._message(DIRECTORY, organization, None, "OrganizationConfigured.v1", data)

    def program_configured(self, organization: Organization, program: Program) -> Message:
        data = {
            "organization_id": organization.id,
            "program_id": program.id,
            "program_type": program.type,
            "name": f"Program {self._random.randrange(1_000)}",
        }
        self._maybe(data, "banner", _ASSETS)
        return self._message(DIRECTORY, organization, None, "ProgramConfigured.v1", data)

    def registered(self, organization: Organization, user_id: str) -> Message:
        number = organization.users.index(user_id)
        roles: tuple[list[str], ...] = ([], ["mentor"], ["mentee"], ["mentee", "mentor"])
        data = {
            "organization_id": organization.id,
            "user_id": user_id,
            "display_name": names.display_name(organization.number, number),
            "roles": self._random.choice((*roles, ["mentor", "mentor"])),
        }
        self._maybe(data, "email", [names.email(organization.number, number)])
        self._maybe(data, "locale", ("fr-CA", "de", "zh-Hant-TW"))
        return self._message(DIRECTORY, organization, None, "MemberRegistered.v1", data)

    def joined(self, organization: Organization, user_id: str) -> Message:
        data = {
            "organization_id": organization.id,
            "program_id": self._random.choice(organization.programs).id,
            "user_id": user_id,
            "role": self._random.choice(("mentor", "mentee")),
            "joined_at": self._time(),
        }
        return self._message(DIRECTORY, organization, None, "ProgramJoined.v1", data)

    def erased(self, organization: Organization, user_id: str) -> Message:
        data = {"organization_id": organization.id, "user_id": user_id}
        return self._message(DIRECTORY, organization, None, "MemberErased.v1", data)

    # Sessions and feedback.

    def session(self, organization: Organization, number: int) -> Message:
        program = self._random.choice(organization.programs)
        program_type = program.type
        if self._random.random() < 0.05:  # each session's own type goes for it
            program_type = self._random.choice(("one_to_one", "group", "development"))
        data: Json = {
            "organization_id": organization.id,
            "program_id": program.id,
            "program_type": program_type,
            "session_id": names.session(number),
            "participants": self._participants(organization, program_type),
            "completed_at": self._time(),
        }
        self._maybe(data, "match_id", ("match 1", "m.2"))
        return self._session(organization, data)

    def restated(self, organization: Organization, session: Json) -> Message:
        """The same session in other words, which is no conflict."""
        people = self._random.sample(session["participants"], k=len(session["participants"]))
        completed_at = rfc3339(_instant(session["completed_at"]), self._random)
        again = {"participants": people, "completed_at": completed_at, "match_id": "match 9"}
        return self._session(organization, session | again)

    def conflicting(self, organization: Organization, session: Json) -> Message:
        """A known session with other content."""
        first, *others = session["participants"]
        other_role = "mentor" if first["role"] == "mentee" else "mentee"
        other_type = "group" if session["program_type"] != "group" else "development"
        programs = [p.id for p in organization.programs if p.id != session["program_id"]]
        conflict = self._random.choice(
            (
                {"program_id": programs[0]},
                {"program_type": other_type},
                {"completed_at": "2024-02-29T23:59:59.999999Z"},
                {"participants": [first | {"role": other_role}, *others]},
                {"participants": [first | {"user_id": "somebody else"}, *others]},
            )
        )
        return refused(self._session(organization, session | conflict))

    def feedback(self, organization: Organization, session: Json) -> Message:
        """Early or late, by one who took part or a stranger, about a session that was told or never is."""
        by = self._random.choice(session["participants"])["user_id"]
        if self._random.random() < 0.15:
            by = self._random.choice(organization.users)
        program_id = session["program_id"]
        if self._random.random() < 0.05:
            program_id = self._random.choice(organization.programs).id
        later = timedelta(hours=self._random.randint(-48, 240))
        data = {
            "organization_id": organization.id,
            "program_id": program_id,
            "session_id": session["session_id"] if self._random.random() > 0.02 else "never held",
            "user_id": by,
            "submitted_at": rfc3339(_instant(session["completed_at"]) + later, self._random),
        }
        return self._message(FEEDBACK, organization, program_id, "FeedbackSubmitted.v1", data)

    def _session(self, organization: Organization, data: Json) -> Message:
        program_id = data["program_id"]
        return self._message(SESSIONS, organization, program_id, "SessionCompleted.v1", data)

    def _participants(self, organization: Organization, program_type: str) -> list[Json]:
        """A few mentors have most sessions."""
        users = organization.users
        mentor = users[int(len(users) * self._random.random() ** 5)]
        others = [user for user in users if user != mentor]
        if program_type == "one_to_one" or self._random.random() < 0.3:
            mentee = others[int(len(others) * self._random.random() ** 1.5)]
            pair = [{"user_id": mentor, "role": "mentor"}, {"user_id": mentee, "role": "mentee"}]
            return pair if self._random.random() < 0.7 else pair[::-1]
        size = self._random.choice((0, 1, 3, 5, 8, len(others)))
        crowd = self._random.sample(others, k=min(size, len(others), 499))
        roles = ("mentee", "mentee", "mentor")
        return [{"user_id": user, "role": self._random.choice(roles)} for user in (mentor, *crowd)]

    # Certificates and awards: all of one program under one key.

    def enabled(
        self, organization: Organization, program: Program, required: int | None
    ) -> Message:
        data: Json = {
            "organization_id": organization.id,
            "program_id": program.id,
            "program_type": program.type,
            "program_name": f"Program {self._random.randrange(1_000)}",
            "name": f"Certificate {self._random.randrange(1_000)}",
            "text": self._random.choice(_TEXTS),
            "colour": "#0a5C36",
            "enabled_by": "admin",
            "enabled_at": self._time(),
        }
        if required is not None:
            data["required_sessions"] = required
        self._maybe(data, "banner", _ASSETS)
        self._maybe(data, "logo", _ASSETS)
        self._maybe(data, "guidance", ("Meet & talk.",))
        return self._message(CERTIFICATES, organization, program.id, "CertificateEnabled.v1", data)

    def changed(self, organization: Organization, program: Program, **changes: Any) -> Message:
        data = {
            "organization_id": organization.id,
            "program_id": program.id,
            "changed_by": "admin",
            "changed_at": self._time(),
            **changes,
        }
        return self._message(CERTIFICATES, organization, program.id, "CertificateChanged.v1", data)

    def looks(self) -> Json:
        """Changes of what a certificate looks like; some are cleared."""
        changes: Json = {}
        self._maybe(changes, "name", [f"Certificate {self._random.randrange(1_000)}"])
        self._maybe(changes, "text", _TEXTS)
        self._maybe(changes, "colour", ("#00ff7A", "#123456"))
        self._maybe(changes, "guidance", (None, "Just talk to each other."))
        self._maybe(changes, "banner", (None, *_ASSETS))
        self._maybe(changes, "logo", (None, *_ASSETS))
        return changes

    def disabled(self, organization: Organization, program: Program) -> Message:
        data = {
            "organization_id": organization.id,
            "program_id": program.id,
            "disabled_by": "admin",
            "disabled_at": self._time(),
        }
        return self._message(CERTIFICATES, organization, program.id, "CertificateDisabled.v1", data)

    def by_hand(self, organization: Organization, program_id: str, users: Sequence[str]) -> Message:
        data = {
            "organization_id": organization.id,
            "program_id": program_id,
            "user_ids": list(users),
            "awarded_by": "admin",
            "awarded_at": self._time(),
        }
        self._maybe(data, "note", [names.remark(next(self._remarks))])
        return self._message(CERTIFICATES, organization, program_id, "ManualAward.v1", data)

    def revoked(self, organization: Organization, program_id: str, award_id: str) -> Message:
        data = {
            "organization_id": organization.id,
            "award_id": award_id,
            "reason": names.remark(next(self._remarks)),
            "revoked_by": "admin",
            "revoked_at": self._time(),
        }
        return self._message(CERTIFICATES, organization, program_id, "AwardRevoked.v1", data)

    def unknown_award(self) -> str:
        """An id that no award has, or that none can have."""
        unknown = UUID(int=self._random.getrandbits(128), version=4)
        return self._random.choice((str(unknown), "no such award"))

    # What all have in common.

    def _message(
        self,
        topic: str,
        organization: Organization,
        program_id: str | None,
        type_: str,
        data: Json,
    ) -> Message:
        source = self._random.choice(_SOURCES)  # the ids of one are those of another, too
        fact = Fact(type_, data, source, f"event:{next(self._ids[source])}/é")
        key = organization.id if program_id is None else f"{organization.id}:{program_id}"
        value, headers = encode(fact, self._random)
        if self._random.random() < _LARGEST:
            value, headers = of_size(fact, MAX_VALUE_BYTES, self._random)
        return Message(topic, key.encode(), value, headers, fact)

    def _maybe(self, data: Json, name: str, values: Sequence[Any]) -> None:
        if self._random.random() < 0.5:
            data[name] = self._random.choice(values)

    def _time(self) -> str:
        """Often one that others have, too."""
        hours = self._random.choice((5_000, 5_000, 12))
        moment = _START + timedelta(hours=self._random.randrange(hours))
        if self._random.random() < 0.3:
            moment += timedelta(microseconds=self._random.randrange(3_600_000_000))
        return rfc3339(moment, self._random)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())
