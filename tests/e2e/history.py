"""Random histories of several organizations, in phases: what loosens and what tightens take turns.

A history is made as it goes, for what is revoked must have been granted before. Equal seeds and equal awards give
equal histories. What is made here is in the order of its keys; `interleaving` shuffles it, doubles and poisons.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID

from tests.e2e import names
from tests.e2e.messages import (
    CERTIFICATES,
    DIRECTORY,
    FEEDBACK,
    INBOUND,
    SESSIONS,
    Fact,
    Json,
    Message,
    encode,
    rfc3339,
)
from tests.e2e.poison import invalid, of_size

PHASES: Final = ("loosening", "tightening", "loosening", "tightening", "loosening")
SHARES: Final = (0.6, 0.25, 0.15)
"""How the facts that may come at any time are spread over the loosening phases."""

_Plans = Sequence[Sequence[tuple[str, bool]]]
_ON: Final = ("enterprise", True)
KINDS: Final[Sequence[_Plans]] = (
    # An organization's plan and its switch for badges, as they are told in each of the five phases.
    ([_ON], [], [], [], []),
    ([("free", True), ("professional", False), _ON], [], [], [], []),
    ([("professional", False)], [], [], [], [("professional", True)]),
    ([("starter", True)], [], [_ON], [], []),
    ([], [], [], [], [("professional", True)]),
    ([], [], [], [], []),
    ([("free", True)], [], [], [], []),
    ([_ON], [("Enterprise", True)], [], [], [_ON]),
    ([_ON], [("enterprise", False)], [_ON], [("enterprise", False)], []),
    ([("professional", True)], [], [], [("cancelled", False)], []),
)
MIN_FACTS_OF_ORGANIZATION: Final = 200
_START: Final = datetime(2025, 1, 1, 8, tzinfo=UTC)
_ASSETS: Final = tuple(f"sha256:{digit * 64}" for digit in "0aF9".lower())
_TEXTS: Final = ("For taking part", "Für die Teilnahme", "参加証", 'He said: "<b>&amp;</b>"')


class Held(NamedTuple):
    """An award as it was heard of; `program_id` is empty for a badge."""

    organization_id: str
    user_id: str
    code: str
    program_id: str
    award_id: str


@dataclass
class Program:
    id: str
    type: str
    enabled: bool = False
    was_enabled: bool = False
    required: int | None = None


@dataclass
class Organization:
    number: int
    id: str
    plans: _Plans
    programs: list[Program]
    users: list[str]
    erased: set[str] = field(default_factory=set)
    sessions: list[list[Json]] = field(default_factory=lambda: [[], [], []])
    floating: list[list[Message]] = field(default_factory=lambda: [[], [], []])

    def sessions_before(self, phase: int) -> list[Json]:
        """Those told in the loosening phases before this one."""
        return [session for some in self.sessions[: (phase + 1) // 2] for session in some]


class History:
    """A history of about so many facts, without duplicates and poison."""

    def __init__(self, seed: int, facts: int) -> None:
        self.random = Random(seed)
        self._ids: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))
        self._remarks = count(1)
        number = max(len(KINDS), facts // 3_000)
        share = max(MIN_FACTS_OF_ORGANIZATION, facts // number)
        self.organizations = [self._organization(one, share) for one in range(number)]

    # Phases.

    def phase(self, number: int, held: Sequence[Held]) -> list[list[Message]]:
        """The messages of a phase, one list per topic and key, in order; `held` are all awards not revoked."""
        queues: defaultdict[tuple[str, bytes | None], list[Message]] = defaultdict(list)
        loosens = PHASES[number] == "loosening"
        for organization in self.organizations:
            if loosens:
                messages = [*self._loosen(organization, number)]
            else:
                theirs = [award for award in held if award.organization_id == organization.id]
                messages = [*self._tighten(organization, number, theirs)]
            for message in messages:
                queues[message.topic, message.key].append(message)
        return list(queues.values())

    def people(self) -> Iterator[tuple[str, str]]:
        """Everybody who may be named, and somebody who is not, by organization and user."""
        for organization in self.organizations:
            for user_id in (*organization.users, "nobody ever heard of"):
                yield organization.id, user_id

    def _loosen(self, organization: Organization, phase: int) -> Iterator[Message]:
        yield from organization.floating[phase // 2]
        yield from self._directory(organization, phase)
        for program in organization.programs:
            yield from self._certificate_loosens(organization, program, phase)

    def _tighten(
        self, organization: Organization, phase: int, held: Sequence[Held]
    ) -> Iterator[Message]:
        plans = organization.plans[phase]
        yield from (self._configured(organization, *plan) for plan in plans)
        users = [user for user in organization.users if user not in organization.erased]
        erased = self.random.sample(users, k=max(1, len(users) // 25))
        for user_id in erased:
            yield from self._erase(organization, user_id)
        organization.erased.update(erased)
        for program in organization.programs:
            if program.enabled:
                yield from self._certificate_tightens(organization, program)
        revocable = [award for award in held if award.user_id not in organization.erased]
        for award in self.random.sample(revocable, k=(len(revocable) + 7) // 8):
            yield from self._revoke(organization, award, may_follow=not plans)
        yield from self._unknown_awards(organization, held)
        sessions = organization.sessions_before(phase)
        for session in self.random.sample(sessions, k=len(sessions) // 30):
            if not {person["user_id"] for person in session["participants"]} & set(erased):
                yield self._conflicting(organization, session)

    # The directory: organizations, programs, people.

    def _organization(self, number: int, share: int) -> Organization:
        programs = [
            Program(names.program(one), type_)
            for one, type_ in enumerate(
                ["one_to_one", "one_to_one", "group", "development"]
                + ["one_to_one"] * (1 + share // 500)
            )
        ]
        organization = Organization(
            number=number,
            id=names.organization(number),
            plans=KINDS[number % len(KINDS)],
            programs=programs,
            users=[names.user(one) for one in range(max(16, share // 15))],
        )
        for one in range(int(share * 0.45)):
            self._session(organization, one)
        for user_id in organization.users:
            for _ in range(self.random.choice((0, 0, 1, 1, 2))):
                self._float(organization, self._joined(organization, user_id))
        return organization

    def _directory(self, organization: Organization, phase: int) -> Iterator[Message]:
        """In any order, but the plans in theirs."""
        plans = iter(organization.plans[phase])
        users = organization.users
        share = (0.8, 0.1, 0.1)[phase // 2]
        several = [user for user in users for _ in range(2) if self.random.random() < share * 0.6]
        whats: list[Any] = [*several, *(None for _ in organization.plans[phase])]
        whats += organization.programs if phase == 0 else organization.programs[:1]
        self.random.shuffle(whats)
        for what in whats:
            match what:
                case None:
                    yield self._configured(organization, *next(plans))
                case Program():
                    yield self._program_configured(organization, what)
                case user_id:
                    yield self._registered(organization, user_id)

    def _configured(self, organization: Organization, plan: str, badges: bool) -> Message:
        version = self.random.randrange(1_000)
        data: Json = {
            "organization_id": organization.id,
            "name": f"Organization {organization.number}, {version}",
            "plan": plan,
            "badges_enabled": badges,
        }
        self._maybe(data, "timezone", ("Europe/Paris", "Asia/Kolkata", "America/St_Johns"))
        self._maybe(data, "logo", _ASSETS)
        self._maybe(data, "linkedin_organization_id", ("1337", "acme-inc"))
        return self._message(DIRECTORY, organization, None, "OrganizationConfigured.v1", data)

    def _program_configured(self, organization: Organization, program: Program) -> Message:
        data = {
            "organization_id": organization.id,
            "program_id": program.id,
            "program_type": program.type,
            "name": f"Program {self.random.randrange(1_000)}",
        }
        self._maybe(data, "banner", _ASSETS)
        return self._message(DIRECTORY, organization, None, "ProgramConfigured.v1", data)

    def _registered(self, organization: Organization, user_id: str) -> Message:
        number = organization.users.index(user_id)
        roles: tuple[list[str], ...] = ([], ["mentor"], ["mentee"], ["mentee", "mentor"])
        data = {
            "organization_id": organization.id,
            "user_id": user_id,
            "display_name": names.display_name(organization.number, number),
            "roles": self.random.choice((*roles, ["mentor", "mentor"])),
        }
        self._maybe(data, "email", [names.email(organization.number, number)])
        self._maybe(data, "locale", ("fr-CA", "de", "zh-Hant-TW"))
        return self._message(DIRECTORY, organization, None, "MemberRegistered.v1", data)

    def _joined(self, organization: Organization, user_id: str) -> Message:
        data = {
            "organization_id": organization.id,
            "program_id": self.random.choice(organization.programs).id,
            "user_id": user_id,
            "role": self.random.choice(("mentor", "mentee")),
            "joined_at": self._time(),
        }
        return self._message(DIRECTORY, organization, None, "ProgramJoined.v1", data)

    def _erase(self, organization: Organization, user_id: str) -> Iterator[Message]:
        """A member is erased; what comes later about them is ignored."""
        data = {"organization_id": organization.id, "user_id": user_id}
        for _ in range(self.random.choice((1, 1, 2))):  # again, as a fact of its own
            yield self._message(DIRECTORY, organization, None, "MemberErased.v1", data)
        for _ in range(self.random.choice((0, 1, 2))):
            registered = self._registered(organization, user_id)
            yield registered
            yield invalid(registered, self.random, roles="mentor")
            yield self._joined(organization, user_id)

    # Sessions and feedback, which may come at any time.

    def _session(self, organization: Organization, number: int) -> None:
        program = self.random.choice(organization.programs)
        program_type = program.type
        if self.random.random() < 0.05:  # each session's own type goes for it
            program_type = self.random.choice(("one_to_one", "group", "development"))
        completed_at = self._moment()
        data: Json = {
            "organization_id": organization.id,
            "program_id": program.id,
            "program_type": program_type,
            "session_id": names.session(number),
            "participants": self._participants(organization, program_type),
            "completed_at": rfc3339(completed_at, self.random),
        }
        self._maybe(data, "match_id", ("match 1", "m.2"))
        told = self._message(SESSIONS, organization, program.id, "SessionCompleted.v1", data)
        organization.sessions[self._float(organization, told)].append(data)
        if self.random.random() < 0.05:
            self._float(organization, self._restated(organization, data, completed_at))
        for _ in range(self.random.choice((0, 0, 1, 1, 1, 2))):
            self._float(organization, self._feedback(organization, data, completed_at))

    def _participants(self, organization: Organization, program_type: str) -> list[Json]:
        users = organization.users
        mentor = users[int(len(users) * self.random.random() ** 5)]
        others = [user for user in users if user != mentor]
        if program_type == "one_to_one" or self.random.random() < 0.3:
            mentee = others[int(len(others) * self.random.random() ** 1.5)]
            pair = [{"user_id": mentor, "role": "mentor"}, {"user_id": mentee, "role": "mentee"}]
            return pair if self.random.random() < 0.7 else pair[::-1]
        size = self.random.choice((0, 1, 3, 5, 8, len(others)))
        crowd = self.random.sample(others, k=min(size, len(others), 499))
        roles = ("mentee", "mentee", "mentor")
        return [{"user_id": user, "role": self.random.choice(roles)} for user in (mentor, *crowd)]

    def _restated(self, organization: Organization, data: Json, completed_at: datetime) -> Message:
        """The same session in other words, which is no conflict."""
        again = data | {
            "participants": self.random.sample(data["participants"], k=len(data["participants"])),
            "completed_at": rfc3339(completed_at, self.random),
            "match_id": "match 9",
        }
        return self._message(
            SESSIONS, organization, data["program_id"], "SessionCompleted.v1", again
        )

    def _feedback(
        self, organization: Organization, session: Json, completed_at: datetime
    ) -> Message:
        """Early or late, by one who took part or by a stranger, about a session that came or never comes."""
        by = self.random.choice(session["participants"])["user_id"]
        if self.random.random() < 0.15:
            by = self.random.choice(organization.users)
        program_id = session["program_id"]
        if self.random.random() < 0.05:
            program_id = self.random.choice(organization.programs).id
        data = {
            "organization_id": organization.id,
            "program_id": program_id,
            "session_id": session["session_id"] if self.random.random() > 0.02 else "never held",
            "user_id": by,
            "submitted_at": rfc3339(
                completed_at + timedelta(hours=self.random.randint(-48, 240)), self.random
            ),
        }
        return self._message(FEEDBACK, organization, program_id, "FeedbackSubmitted.v1", data)

    def _conflicting(self, organization: Organization, session: Json) -> Message:
        """A known session with other content; its id is what it conflicts by."""
        data = dict(session)
        people = [dict(person) for person in data["participants"]]
        other_program = next(p for p in organization.programs if p.id != data["program_id"])
        match self.random.randrange(4):
            case 0:
                data["program_id"] = other_program.id
            case 1:
                data["program_type"] = "group" if data["program_type"] != "group" else "development"
            case 2:
                data["completed_at"] = "2024-02-29T23:59:59.999999Z"
            case _:
                people[0]["role"] = "mentor" if people[0]["role"] == "mentee" else "mentee"
                data["participants"] = people
        return refused(
            self._message(SESSIONS, organization, data["program_id"], "SessionCompleted.v1", data)
        )

    # Certificates and awards by hand: all of one program under one key.

    def _certificate_loosens(
        self, organization: Organization, program: Program, phase: int
    ) -> Iterator[Message]:
        yield from self._some_by_hand(organization, program)
        if program.type == "group":
            yield refused(self._enabled(organization, program, self.random.choice((None, 3))))
            return
        too_early: list[Message] = []
        if not program.was_enabled and self.random.random() < 0.5:
            too_early = [refused(self._changed(organization, program, {"name": "Too early"}))]
            yield from too_early
            yield refused(self._disabled(organization, program))
        if program.type == "development" and self.random.random() < 0.5:
            yield refused(self._enabled(organization, program, 2))
        if program.was_enabled and not program.enabled and self.random.random() < 0.5:
            yield self._changed(organization, program, {"guidance": "It is off."})
        if not program.enabled and self.random.random() < (0.7 if phase == 0 else 0.5):
            required = self.random.choice((None, 1, 2, 3, 5))
            program.required = None if program.type == "development" else required
            program.enabled = program.was_enabled = True
            yield self._enabled(organization, program, program.required)
        if program.enabled:
            yield from too_early  # what was refused is sent again under its id, and is right now
            yield from self._lowered(organization, program)
        yield from self._some_by_hand(organization, program)

    def _lowered(self, organization: Organization, program: Program) -> Iterator[Message]:
        for _ in range(self.random.choice((0, 1, 1, 2))):
            changes: Json = {}
            self._maybe(changes, "name", [f"Certificate {self.random.randrange(1_000)}"])
            self._maybe(changes, "text", _TEXTS)
            self._maybe(changes, "colour", ("#00ff7A", "#123456"))
            self._maybe(changes, "guidance", (None, "Just talk to each other."))
            self._maybe(changes, "banner", (None, *_ASSETS))
            self._maybe(changes, "logo", (None, *_ASSETS))
            if program.type == "development":
                changes |= self.random.choice(({}, {"required_sessions": None}))
                if self.random.random() < 0.3:
                    not_allowed = changes | {"required_sessions": 3}
                    yield refused(self._changed(organization, program, not_allowed))
            elif self.random.random() < 0.6:
                program.required = max(1, (program.required or 6) - self.random.randint(0, 2))
                changes["required_sessions"] = program.required
            if self.random.random() < 0.8:
                yield self._changed(organization, program, changes)
            else:
                yield self._enabled(organization, program, program.required)

    def _certificate_tightens(
        self, organization: Organization, program: Program
    ) -> Iterator[Message]:
        match self.random.randrange(4):
            case 0:
                program.enabled = False
                yield self._disabled(organization, program)
            case 1 if program.required is not None:
                program.required += self.random.randint(1, 4)
                change = {"required_sessions": program.required}
                yield self._changed(organization, program, change)
            case 2 if program.required is not None:
                program.required = self.random.choice((None, program.required + 2))
                yield self._enabled(organization, program, program.required)
            case 3:
                program.required = None
                yield self._changed(organization, program, {"required_sessions": None})

    def _revoke(
        self, organization: Organization, award: Held, *, may_follow: bool
    ) -> Iterator[Message]:
        """An award is revoked; sometimes, right behind it, the certificate is awarded by hand again."""
        program_id = award.program_id or self.random.choice(organization.programs).id
        for _ in range(self.random.choice((1, 1, 2))):
            yield self._revoked(organization, program_id, award.award_id)
        if award.program_id and may_follow and self.random.random() < 0.5:
            yield self._by_hand(organization, program_id, [award.user_id])

    def _unknown_awards(
        self, organization: Organization, held: Sequence[Held]
    ) -> Iterator[Message]:
        program_id = organization.programs[0].id
        unknown = str(UUID(int=self.random.getrandbits(128), version=4))
        unknown = self.random.choice((unknown, "no such award"))
        yield refused(self._revoked(organization, program_id, unknown))
        if held:  # that of one organization, revoked by the next
            other = self.organizations[(organization.number + 1) % len(self.organizations)]
            theirs = self.random.choice(held)
            yield refused(self._revoked(other, other.programs[0].id, theirs.award_id))

    def _some_by_hand(self, organization: Organization, program: Program) -> Iterator[Message]:
        for _ in range(self.random.choice((0, 0, 1))):
            size = self.random.choice((1, 1, 2, 3, len(organization.users) // 3))
            users = self.random.sample(organization.users, k=size)
            users += users[: self.random.choice((0, 0, 1))]  # named twice
            yield self._by_hand(organization, program.id, users)

    def _by_hand(
        self, organization: Organization, program_id: str, users: Sequence[str]
    ) -> Message:
        data = {
            "organization_id": organization.id,
            "program_id": program_id,
            "user_ids": list(users),
            "awarded_by": "admin",
            "awarded_at": self._time(),
        }
        self._maybe(data, "note", [names.remark(next(self._remarks))])
        return self._message(CERTIFICATES, organization, program_id, "ManualAward.v1", data)

    def _revoked(self, organization: Organization, program_id: str, award_id: str) -> Message:
        data = {
            "organization_id": organization.id,
            "award_id": award_id,
            "reason": names.remark(next(self._remarks)),
            "revoked_by": "admin",
            "revoked_at": self._time(),
        }
        return self._message(CERTIFICATES, organization, program_id, "AwardRevoked.v1", data)

    def _enabled(
        self, organization: Organization, program: Program, required: int | None
    ) -> Message:
        data: Json = {
            "organization_id": organization.id,
            "program_id": program.id,
            "program_type": program.type,
            "program_name": f"Program {self.random.randrange(1_000)}",
            "name": f"Certificate {self.random.randrange(1_000)}",
            "text": self.random.choice(_TEXTS),
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

    def _changed(self, organization: Organization, program: Program, changes: Json) -> Message:
        data = {
            "organization_id": organization.id,
            "program_id": program.id,
            "changed_by": "admin",
            "changed_at": self._time(),
            **changes,
        }
        return self._message(CERTIFICATES, organization, program.id, "CertificateChanged.v1", data)

    def _disabled(self, organization: Organization, program: Program) -> Message:
        data = {
            "organization_id": organization.id,
            "program_id": program.id,
            "disabled_by": "admin",
            "disabled_at": self._time(),
        }
        return self._message(CERTIFICATES, organization, program.id, "CertificateDisabled.v1", data)

    # What all have in common.

    def _float(self, organization: Organization, message: Message) -> int:
        """Puts a message into one of the loosening phases and gives its number; any may come on any topic."""
        (phase,) = self.random.choices(range(len(SHARES)), SHARES)
        if message.topic != DIRECTORY and self.random.random() < 0.03:
            message = replace(message, topic=self.random.choice(INBOUND))
        organization.floating[phase].append(message)
        return phase

    def _message(
        self,
        topic: str,
        organization: Organization,
        program_id: str | None,
        type_: str,
        data: Json,
    ) -> Message:
        source = self.random.choice(("/platform/a", "/platform/b", "urn:ünï:c"))
        fact = Fact(type_, data, source, f"event:{next(self._ids[source])}/é")
        key = organization.id if program_id is None else f"{organization.id}:{program_id}"
        value, headers = encode(fact, self.random)
        if self.random.random() < 0.000_5:  # as large as is allowed
            largest, headers = of_size(fact, 256 * 1024, self.random)
            value = largest or b""
        return Message(topic, key.encode(), value, headers, fact)

    def _maybe(self, data: Json, name: str, values: Sequence[Any]) -> None:
        if self.random.random() < 0.5:
            data[name] = self.random.choice(values)

    def _moment(self) -> datetime:
        """Often one that others have, too."""
        moment = _START + timedelta(hours=self.random.randrange(5_000))
        if self.random.random() < 0.3:
            moment += timedelta(microseconds=self.random.randrange(3_600_000_000))
        return moment

    def _time(self) -> str:
        return rfc3339(self._moment(), self.random)


def refused(message: Message) -> Message:
    """The message, which the rules refuse as things are."""
    return replace(message, acceptable=False)
