"""What the rules give: a plain model of the product's and the contract's rules, apart from all code that is tested.

It takes published messages and says what must come of them: who is granted what, what each member sees, and what
ends among the dead letters. It knows nothing of streams, batches or tables: it looks at all facts again and again.

A history is taken in phases, with a pause after each until everything has taken effect. Within a phase facts take
effect in any order, but those of one key on one topic in the order they are given in. So what tightens has a phase
of its own, where nothing but what follows it under its own key loosens. Where the order decides (an award by hand or
an automatic one, and since when), the oracle gives all outcomes that the rules allow; `Way` says which.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypedDict
from urllib.parse import quote

Json = dict[str, Any]
Place = tuple[str, str]
"""An organization and one of its programs, members or sessions."""

CERTIFICATE: Final = "certificate"
PLANS_WITH_AWARDS: Final = ("enterprise", "professional")
NAMES: Final = {
    "connector": "Connector",
    "mentee": "Mentee",
    "mentor": "Mentor",
    "super_mentor": "Super Mentor",
}
THRESHOLDS: Final = {"connector": 10, "mentee": 10, "mentor": 10, "super_mentor": 40}
ROLE_SHOWN: Final = {"connector": None, "mentee": "mentee", "mentor": "mentor"} | {
    "super_mentor": "mentor"
}


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
    type: str | None
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


class Way(NamedTuple):
    """How an award may have been earned: at one of `instants`, between `earliest` and `latest`."""

    how: str
    earliest: datetime
    latest: datetime
    instants: frozenset[datetime]

    def allows(self, how: str, earned_at: datetime) -> bool:
        return (
            how == self.how
            and earned_at in self.instants
            and self.earliest <= earned_at <= self.latest
        )


@dataclass
class Grant:
    """An award that is due: the ways in which it may come, and the values its design may have.

    `event` is the data of the AwardGranted by which it was heard of, and whose award_id names it from then on.
    """

    achievement: Achievement
    ways: list[Way]
    design: dict[str, set[Any]]
    event: Json | None = None
    revoked: bool = False


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
        (partner,) = self.roles.keys() - {user_id}
        return partner


@dataclass
class Certificate:
    """`versions` are those that were in force, enabled, in this phase."""

    now: Json
    enabled: bool = True
    versions: list[Json] = field(default_factory=list)


class Series(NamedTuple):
    """Instants that count, sorted: of all facts, and of those told before this phase; and all that may have counted."""

    all: list[datetime]
    before: list[datetime]
    possible: frozenset[datetime]


class Oracle:
    """All facts taken so far, and what comes of them."""

    def __init__(self) -> None:
        self.phase = 0
        self.dead_letters: list[DeadLetter] = []
        self.dropped = 0
        self.grants: defaultdict[Achievement, list[Grant]] = defaultdict(list)
        self.erased: set[Place] = set()
        self.heard_of: set[Place] = set()
        self._seen: set[tuple[str, str]] = set()
        self._organizations: dict[str, list[Json]] = {}
        self._banners: defaultdict[Place, list[str | None]] = defaultdict(lambda: [None])
        self._certificates: dict[Place, Certificate] = {}
        self._sessions: dict[Place, Session] = {}
        self._sessions_of: defaultdict[Place, list[str]] = defaultdict(list)
        self._feedback: defaultdict[Place, list[tuple[str, Told]]] = defaultdict(list)
        self._registered: dict[Place, list[str]] = {}
        self._joined: defaultdict[Place, set[str]] = defaultdict(set)
        self._programs_of: defaultdict[Place, set[str]] = defaultdict(set)
        self._waiting: defaultdict[Achievement, list[Told]] = defaultdict(list)
        self._by_award_id: dict[str, Grant] = {}
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
            "AwardRevoked.v1": self._award_revoked,
        }

    def take(self, messages: Iterable[Published]) -> list[Grant]:
        """Takes a phase in the order it was published in; gives what must have been granted by its end."""
        self.phase += 1
        for certificate in self._certificates.values():
            certificate.versions = [certificate.now] if certificate.enabled else []
        for organizations in self._organizations.values():
            del organizations[:-1]
        for banners in self._banners.values():
            del banners[:-1]
        for message in messages:
            self._take(message)
        due = [*self._badges_due(), *self._certificates_due()]
        for grant in due:
            self.grants[grant.achievement].append(grant)
            self._waiting.pop(grant.achievement, None)
        return due

    def learn(self, grant: Grant, event: Json) -> None:
        """Takes note of the AwardGranted by which a grant was heard of."""
        grant.event = event
        self._by_award_id[event["award_id"]] = grant

    def _take(self, message: Published) -> None:
        data, event = message["data"], (message["source"], message["id"])
        if message["type"] == "MemberRegistered.v1" and _member(data) in self.erased:
            self.dropped += 1
            return
        code = message["unusable"]
        if code is None and event not in self._seen:
            code = self._rules[message["type"] or ""](data)
            if code is None:
                self._seen.add(event)
        if code is not None:
            self.dead_letters.append(DeadLetter(code, message))

    # What facts change; each gives a dead-letter code, or None where the fact is accepted.

    def _organization_configured(self, data: Json) -> str | None:
        self._organizations.setdefault(data["organization_id"], []).append(data)
        return None

    def _program_configured(self, data: Json) -> str | None:
        self._banners[_program(data)].append(data.get("banner"))
        return None

    def _program_joined(self, data: Json) -> str | None:
        self._joined[_member(data)].add(data["role"])
        self._takes_part(data["organization_id"], data["user_id"], data["program_id"])
        return None

    def _member_registered(self, data: Json) -> str | None:
        self._registered[_member(data)] = data["roles"]
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
        known = self._sessions.get(key)
        if known is not None:
            return None if _is_same(known, session) else "conflicting_session"
        self._sessions[key] = session
        for user_id in session.roles:
            self._sessions_of[organization_id, user_id].append(data["session_id"])
            self._takes_part(organization_id, user_id, session.program_id)
        return None

    def _feedback_submitted(self, data: Json) -> str | None:
        told = Told(instant(data["submitted_at"]), self.phase)
        self._feedback[data["organization_id"], data["session_id"]].append((data["user_id"], told))
        return None

    def _certificate_enabled(self, data: Json) -> str | None:
        if data["program_type"] == "group":
            return "certificate_not_allowed"
        if data["program_type"] == "development" and data.get("required_sessions") is not None:
            return "certificate_not_allowed"
        certificate = self._certificates.setdefault(_program(data), Certificate(data))
        certificate.now, certificate.enabled = data, True
        certificate.versions.append(data)
        return None

    def _certificate_changed(self, data: Json) -> str | None:
        certificate = self._certificates.get(_program(data))
        if certificate is None:
            return "unknown_certificate"
        development = certificate.now["program_type"] == "development"
        if development and data.get("required_sessions") is not None:
            return "certificate_not_allowed"
        changeable = ("required_sessions", "name", "text", "colour", "banner", "logo", "guidance")
        certificate.now = certificate.now | {
            name: data[name] for name in changeable if name in data
        }
        if certificate.enabled:
            certificate.versions.append(certificate.now)
        return None

    def _certificate_disabled(self, data: Json) -> str | None:
        certificate = self._certificates.get(_program(data))
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
            if self.held(achievement) is None:
                self._waiting[achievement].append(told)
        return None

    def _award_revoked(self, data: Json) -> str | None:
        grant = self._by_award_id.get(data["award_id"])
        if grant is None or grant.achievement.organization_id != data["organization_id"]:
            return "unknown_award"
        grant.revoked = True
        return None

    def _takes_part(self, organization_id: str, user_id: str, program_id: str) -> None:
        self.heard_of.add((organization_id, user_id))
        self._programs_of[organization_id, user_id].add(program_id)

    # What is due.

    def organizations(self) -> list[str]:
        """All that were ever configured."""
        return list(self._organizations)

    def available(self, organization_id: str) -> tuple[bool, bool]:
        """Whether badges, and whether certificates."""
        versions = self._organizations.get(organization_id)
        return _available(versions[-1]) if versions else (False, False)

    def held(self, achievement: Achievement) -> Grant | None:
        """The grant that the member holds; a revoked one is not held."""
        return next((g for g in self.grants.get(achievement, ()) if not g.revoked), None)

    def _badges_due(self) -> Iterator[Grant]:
        for organization_id, user_id in sorted(self.heard_of - self.erased):
            if not self.available(organization_id)[0]:
                continue
            for code, threshold in THRESHOLDS.items():
                achievement = Achievement(organization_id, user_id, code)
                series = self._badge_series(achievement)
                if achievement not in self.grants and len(series.all) >= threshold:
                    design = self._organization_design(organization_id, 0)
                    design |= {"title": {NAMES[code]}, "kind": {"badge"}}
                    yield Grant(achievement, [_automatic(series, [threshold])], design)

    def _certificates_due(self) -> Iterator[Grant]:
        for organization_id, user_id in sorted(self.heard_of - self.erased):
            if not self.available(organization_id)[1]:
                continue
            for program_id in sorted(self._programs_of[organization_id, user_id]):
                certificate = self._certificates.get((organization_id, program_id))
                achievement = Achievement(organization_id, user_id, CERTIFICATE, program_id)
                if certificate is None or not certificate.enabled or self.held(achievement):
                    continue
                ways = list(self._ways(achievement, certificate))
                if ways:
                    yield Grant(
                        achievement, ways, self._certificate_design(achievement, certificate)
                    )

    def _ways(self, achievement: Achievement, certificate: Certificate) -> Iterator[Way]:
        """Automatic and by hand; where both were due at once, the smaller instant goes first."""
        automatic = manual = None
        series = self._certificate_series(achievement)
        thresholds = [
            version["required_sessions"]
            for version in certificate.versions
            if _is_automatic(version) and version["required_sessions"] <= len(series.all)
        ]
        if (
            achievement not in self.grants
            and _is_automatic(certificate.now)
            and len(series.all) >= certificate.now["required_sessions"]
        ):
            automatic = _automatic(series, thresholds)
        waiting = self._waiting.get(achievement)
        if waiting:
            manual = _by_hand(waiting, self.phase)
        if automatic and manual and len(certificate.versions) == 1:
            were_waiting = any(told.phase < self.phase for told in waiting or ())
            if were_waiting and len(series.before) >= certificate.now["required_sessions"]:
                latest = min(automatic.latest, manual.latest)
                automatic = automatic._replace(latest=latest)
                manual = manual._replace(latest=latest)
        return (way for way in (automatic, manual) if way is not None)

    def _badge_series(self, achievement: Achievement) -> Series:
        organization_id, user_id, code, _ = achievement
        sessions = [
            session
            for session_id in self._sessions_of[organization_id, user_id]
            if (session := self._sessions[organization_id, session_id]).program_type == "one_to_one"
        ]
        if code == "connector":
            everyone = [(session.partner(user_id), session.completed) for session in sessions]
            return self._series(everyone)
        role = ROLE_SHOWN[code]
        return self._series(
            (str(number), session.completed)
            for number, session in enumerate(sessions)
            if session.roles[user_id] == role
        )

    def _certificate_series(self, achievement: Achievement) -> Series:
        organization_id, user_id, _, program_id = achievement
        counting: list[tuple[str, Told]] = []
        for session_id in self._sessions_of[organization_id, user_id]:
            session = self._sessions[organization_id, session_id]
            if session.program_id == program_id:
                counting += [
                    (session_id, Told(max(completed.at, at), max(completed.phase, phase)))
                    for completed in [session.completed]
                    for (at, phase) in self._valid_feedback(organization_id, session_id)
                ]
        return self._series(counting)

    def _valid_feedback(self, organization_id: str, session_id: str) -> list[Told]:
        """Feedback by whoever took part; nobody has in a session that was not completed."""
        session = self._sessions.get((organization_id, session_id))
        given = self._feedback.get((organization_id, session_id), [])
        return [told for user_id, told in given if session and user_id in session.roles]

    def _series(self, counting: Iterable[tuple[str, Told]]) -> Series:
        """The earliest instant of each thing that counts."""
        earliest: dict[str, datetime] = {}
        earliest_before: dict[str, datetime] = {}
        possible: set[datetime] = set()
        for thing, (at, phase) in counting:
            earliest[thing] = min(at, earliest.get(thing, at))
            if phase < self.phase:
                earliest_before[thing] = min(at, earliest_before.get(thing, at))
            possible.add(at)
        return Series(
            sorted(earliest.values()), sorted(earliest_before.values()), frozenset(possible)
        )

    # What an award may look like: as it was at some instant of the phase.

    def _organization_design(self, organization_id: str, kind: int) -> dict[str, set[Any]]:
        versions = [v for v in self._organizations[organization_id] if _available(v)[kind]]
        return {
            "organization_name": {version["name"] for version in versions},
            "timezone": {version.get("timezone") or "UTC" for version in versions},
            "linkedin_organization_id": {v.get("linkedin_organization_id") for v in versions},
        }

    def _certificate_design(
        self, achievement: Achievement, certificate: Certificate
    ) -> dict[str, set[Any]]:
        organization_id, _, _, program_id = achievement
        versions = certificate.versions
        logos = {version.get("logo") for version in self._organizations[organization_id]}
        banners = set(self._banners[organization_id, program_id])
        return self._organization_design(organization_id, 1) | {
            "kind": {"certificate"},
            "title": {version["name"] for version in versions},
            "text": {version["text"] for version in versions},
            "colour": {version["colour"] for version in versions},
            "program_name": {version["program_name"] for version in versions},
            "program_id": {program_id},
            "banner": _own_or_inherited({version.get("banner") for version in versions}, banners),
            "logo": _own_or_inherited({version.get("logo") for version in versions}, logos),
        }

    # What a member sees.

    def activity(self, organization_id: str, user_id: str, feedback_url: str) -> Json:
        """The activity view; `feedback_url` is the template of the address where feedback is given."""
        badges, certificates = self.available(organization_id)
        mine = (
            []
            if (organization_id, user_id) in self.erased
            else [*self._mine(organization_id, user_id)]
        )
        earned = [grant.event for grant in mine if grant.event and not grant.revoked]
        return {
            "organization_id": organization_id,
            "user_id": user_id,
            "available": {"badges": badges, "certificates": certificates},
            "badges": {
                "earned": [
                    _earned_badge(event) for event in earned if badges and event["kind"] == "badge"
                ],
                "in_progress": [*self._in_progress(organization_id, user_id)] if badges else [],
            },
            "certificates": {
                "earned": [
                    _earned_certificate(event)
                    for event in earned
                    if certificates and event["kind"] == "certificate"
                ],
                "unearned": [*self._unearned(organization_id, user_id)] if certificates else [],
            },
            "sessions_without_feedback": [
                *self._without_feedback(organization_id, user_id, feedback_url)
            ]
            if certificates
            else [],
        }

    def _mine(self, organization_id: str, user_id: str) -> Iterator[Grant]:
        programs = sorted(self._programs_of[organization_id, user_id])
        for code, program_id in [
            *((code, "") for code in sorted(NAMES)),
            *((CERTIFICATE, program_id) for program_id in programs),
        ]:
            yield from self.grants.get(Achievement(organization_id, user_id, code, program_id), ())

    def _in_progress(self, organization_id: str, user_id: str) -> Iterator[Json]:
        is_erased = (organization_id, user_id) in self.erased
        roles = {None} if is_erased else {None, *self._roles(organization_id, user_id)}
        for code in sorted(NAMES):
            achievement = Achievement(organization_id, user_id, code)
            if ROLE_SHOWN[code] not in roles or (self.held(achievement) and not is_erased):
                continue
            count = 0 if is_erased else len(self._badge_series(achievement).all)
            yield {
                "code": code,
                "name": NAMES[code],
                "count": count,
                "threshold": THRESHOLDS[code],
                "missing": max(0, THRESHOLDS[code] - count),
                "revoked": achievement in self.grants and not is_erased,
            }

    def _roles(self, organization_id: str, user_id: str) -> set[str]:
        member = organization_id, user_id
        sessions = [self._sessions[organization_id, id_] for id_ in self._sessions_of[member]]
        return {
            *self._registered.get(member, ()),
            *self._joined[member],
            *(s.roles[user_id] for s in sessions if s.program_type == "one_to_one"),
        }

    def _unearned(self, organization_id: str, user_id: str) -> Iterator[Json]:
        if (organization_id, user_id) in self.erased:
            return
        for program_id in sorted(self._programs_of[organization_id, user_id]):
            certificate = self._certificates.get((organization_id, program_id))
            achievement = Achievement(organization_id, user_id, CERTIFICATE, program_id)
            if certificate is None or not certificate.enabled or self.held(achievement):
                continue
            count = len(self._certificate_series(achievement).all)
            required = certificate.now.get("required_sessions")
            yield {
                "program_id": program_id,
                "title": certificate.now["name"],
                "count": count,
                "required_sessions": required,
                "missing": None if required is None else max(0, required - count),
                "guidance": certificate.now.get("guidance"),
                "revoked": achievement in self.grants,
            }

    def _without_feedback(
        self, organization_id: str, user_id: str, feedback_url: str
    ) -> Iterator[Json]:
        if (organization_id, user_id) in self.erased:
            return
        mine = [
            (id_, self._sessions[organization_id, id_])
            for id_ in self._sessions_of[organization_id, user_id]
        ]
        for session_id, session in sorted(mine, key=lambda pair: (pair[1].completed.at, pair[0])):
            if session.program_type == "one_to_one" and not self._valid_feedback(
                organization_id, session_id
            ):
                yield {
                    "session_id": session_id,
                    "program_id": session.program_id,
                    "completed_at": session.completed.at,
                    "feedback_url": feedback_url.format(
                        organization_id=quote(organization_id, safe=""),
                        program_id=quote(session.program_id, safe=""),
                        session_id=quote(session_id, safe=""),
                    ),
                }


def home(activity: Json) -> Json:
    """Of an activity, only what is in progress."""
    return {
        "badges": [badge for badge in activity["badges"]["in_progress"] if badge["count"] >= 1],
        "certificates": [
            certificate
            for certificate in activity["certificates"]["unearned"]
            if certificate["required_sessions"] is not None
        ],
    }


def instant(text: str) -> datetime:
    """The UTC instant of an RFC 3339 time."""
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def _member(data: Json) -> Place:
    return data.get("organization_id", ""), data.get("user_id", "")


def _program(data: Json) -> Place:
    return data["organization_id"], data["program_id"]


def _is_same(one: Session, other: Session) -> bool:
    return (one.program_id, one.program_type, one.roles, one.completed.at) == (
        other.program_id,
        other.program_type,
        other.roles,
        other.completed.at,
    )


def _available(organization: Json) -> tuple[bool, bool]:
    has_plan = organization["plan"] in PLANS_WITH_AWARDS
    return has_plan and organization["badges_enabled"], has_plan


def _is_automatic(certificate: Json) -> bool:
    return certificate.get("required_sessions") is not None


def _automatic(series: Series, thresholds: Sequence[int]) -> Way:
    """Granted while anything between what was known before the phase and all of it was known."""
    latest = max(
        series.before[threshold - 1] if len(series.before) >= threshold else max(series.possible)
        for threshold in thresholds
    )
    return Way("automatic", series.all[min(thresholds) - 1], latest, series.possible)


def _by_hand(waiting: Sequence[Told], phase: int) -> Way:
    instants = frozenset(told.at for told in waiting)
    before = [told.at for told in waiting if told.phase < phase]
    return Way("manual", min(instants), min(before) if before else max(instants), instants)


def _own_or_inherited(own: set[Any], inherited: set[Any]) -> set[Any]:
    return (own - {None}) | (inherited if None in own else set())


def _earned_badge(event: Mapping[str, Any]) -> Json:
    return {
        "award_id": event["award_id"],
        "code": event["code"],
        "name": event["title"],
        "earned_at": instant(event["earned_at"]),
        "granted_at": instant(event["granted_at"]),
    }


def _earned_certificate(event: Mapping[str, Any]) -> Json:
    return {
        "award_id": event["award_id"],
        "program_id": event["program_id"],
        "title": event["title"],
        "earned_at": instant(event["earned_at"]),
        "granted_at": instant(event["granted_at"]),
        "how": event["how"],
    }
