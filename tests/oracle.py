"""What the rules give: a plain model of the product's and the contract's rules, apart from all code that is tested.

It takes published messages and says what must come of them: who is granted what, what each member sees, and what
ends among the dead letters. It knows nothing of streams, batches or tables: it looks at all facts again and again.

A history is taken in phases, with a pause after each until everything has taken effect. Within a phase facts take
effect in any order, but those of one key on one topic in the order they are given in. So what tightens has a phase
of its own, where nothing but what follows it under its own key loosens. Where the order decides (an award by hand or
an automatic one, and since when), the oracle gives all outcomes that the rules allow; `Way` says which.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from tests.e2e.known import (
    CERTIFICATE,
    Achievement,
    Certificate,
    Json,
    Known,
    Published,
    Told,
    availability_of,
    instant,
)

__all__ = ["Achievement", "Grant", "Json", "Oracle", "Published", "instant"]

NAMES: Final = {
    "connector": "Connector",
    "mentee": "Mentee",
    "mentor": "Mentor",
    "super_mentor": "Super Mentor",
}
THRESHOLDS: Final = {"connector": 10, "mentee": 10, "mentor": 10, "super_mentor": 40}
ROLES: Final = {"connector": None, "mentee": "mentee", "mentor": "mentor", "super_mentor": "mentor"}
"""In which role sessions count towards a badge."""
NEVER: Final = 1_000_000
"""More sessions than anybody has."""


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


class Series(NamedTuple):
    """Instants that count, sorted: of all facts, and of those told before this phase; and all that may have counted."""

    all: list[datetime]
    before: list[datetime]
    possible: frozenset[datetime]


class Oracle(Known):
    """All facts taken so far, and the awards that come of them."""

    def __init__(self) -> None:
        super().__init__()
        self.grants: defaultdict[Achievement, list[Grant]] = defaultdict(list)
        self._by_award_id: dict[str, Grant] = {}

    def take_phase(self, messages: Iterable[Published]) -> list[Grant]:
        """Takes a phase in the order it was published in; gives what must have been granted by its end."""
        self.begin_phase()
        for message in messages:
            self.take(message)
        due = [*self._badges_due(), *self._certificates_due()]
        for grant in due:
            self.grants[grant.achievement].append(grant)
            self.waiting.pop(grant.achievement, None)
        return due

    def learn(self, grant: Grant, event: Json) -> None:
        """Takes note of the AwardGranted by which a grant was heard of."""
        grant.event = event
        self._by_award_id[event["award_id"]] = grant

    def is_held(self, achievement: Achievement) -> bool:
        return any(not grant.revoked for grant in self.grants.get(achievement, ()))

    def award_revoked(self, data: Json) -> str | None:
        grant = self._by_award_id.get(data["award_id"])
        if grant is None or grant.achievement.organization_id != data["organization_id"]:
            return "unknown_award"
        grant.revoked = True
        return None

    # Who is due what.

    def _badges_due(self) -> Iterator[Grant]:
        for organization_id, user_id in sorted(self.heard_of - self.erased):
            if not self.available(organization_id)[0]:
                continue
            for code, threshold in THRESHOLDS.items():
                achievement = Achievement(organization_id, user_id, code)
                series = self.badge_series(achievement)
                if achievement not in self.grants and len(series.all) >= threshold:
                    design = self._organization_design(organization_id, 0)
                    design |= {"title": {NAMES[code]}, "kind": {"badge"}}
                    yield Grant(achievement, [_automatic(series, [threshold])], design)

    def _certificates_due(self) -> Iterator[Grant]:
        for organization_id, user_id in sorted(self.heard_of - self.erased):
            if not self.available(organization_id)[1]:
                continue
            for program_id in sorted(self.programs_of[organization_id, user_id]):
                certificate = self.certificates.get((organization_id, program_id))
                achievement = Achievement(organization_id, user_id, CERTIFICATE, program_id)
                if certificate is None or not certificate.enabled or self.is_held(achievement):
                    continue
                ways = self._ways(achievement, certificate)
                if ways:
                    design = self._certificate_design(achievement, certificate)
                    yield Grant(achievement, ways, design)

    def _ways(self, achievement: Achievement, certificate: Certificate) -> list[Way]:
        """Automatic and by hand; where both were due at once, the smaller instant goes first."""
        series = self.certificate_series(achievement)
        required = certificate.now.get("required_sessions") or NEVER
        automatic = manual = None
        if len(series.all) >= required and achievement not in self.grants:
            asked = [version.get("required_sessions") for version in certificate.versions]
            automatic = _automatic(series, [n for n in asked if n and n <= len(series.all)])
        waiting = self.waiting.get(achievement, [])
        if waiting:
            manual = _by_hand(waiting, self.phase)
        if automatic is None or manual is None:
            return [way for way in (automatic, manual) if way is not None]
        was_waiting = any(told.phase < self.phase for told in waiting)
        asks_the_same = all(v.get("required_sessions") == required for v in certificate.versions)
        if was_waiting and asks_the_same and len(series.before) >= required:
            latest = min(automatic.latest, manual.latest)
            return [way._replace(latest=latest) for way in (automatic, manual)]
        return [automatic, manual]

    # What counts.

    def badge_series(self, achievement: Achievement) -> Series:
        """The one-to-one sessions in the badge's role; for Connector, the people in them."""
        organization_id, user_id, code, _ = achievement
        sessions = [
            (session_id, session)
            for session_id, session in self.sessions_with(organization_id, user_id)
            if session.program_type == "one_to_one"
        ]
        if code == "connector":
            return self._series((s.partner(user_id), s.completed) for _, s in sessions)
        return self._series(
            (session_id, session.completed)
            for session_id, session in sessions
            if session.roles[user_id] == ROLES[code]
        )

    def certificate_series(self, achievement: Achievement) -> Series:
        """The sessions of the program that have valid feedback, from the instant at which they had both."""
        organization_id, user_id, _, program_id = achievement
        counting: list[tuple[str, Told]] = []
        for session_id, session in self.sessions_with(organization_id, user_id):
            if session.program_id == program_id:
                counting += [
                    (session_id, _both(session.completed, given))
                    for given in self.valid_feedback(organization_id, session_id)
                ]
        return self._series(counting)

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
        versions = [v for v in self.organizations[organization_id] if availability_of(v)[kind]]
        return {
            "organization_name": {version["name"] for version in versions},
            "timezone": {version.get("timezone") or "UTC" for version in versions},
            "linkedin_organization_id": {v.get("linkedin_organization_id") for v in versions},
        }

    def _certificate_design(
        self, achievement: Achievement, certificate: Certificate
    ) -> dict[str, set[Any]]:
        organization_id, _, _, program_id = achievement
        design: dict[str, set[Any]] = {
            name: {version.get(name) for version in certificate.versions}
            for name in ("name", "text", "colour", "program_name", "banner", "logo")
        }
        logos = {version.get("logo") for version in self.organizations[organization_id]}
        return self._organization_design(organization_id, 1) | {
            "kind": {"certificate"},
            "program_id": {program_id},
            "program_name": design["program_name"],
            "title": design["name"],
            "text": design["text"],
            "colour": design["colour"],
            "banner": _own_or(design["banner"], {*self.banners[organization_id, program_id]}),
            "logo": _own_or(design["logo"], logos),
        }


def _automatic(series: Series, thresholds: Sequence[int]) -> Way:
    """Granted when anything between what was known before the phase and all of it was known."""
    latest = max(
        series.before[threshold - 1] if len(series.before) >= threshold else max(series.possible)
        for threshold in thresholds
    )
    return Way("automatic", series.all[min(thresholds) - 1], latest, series.possible)


def _by_hand(waiting: Sequence[Told], phase: int) -> Way:
    instants = frozenset(told.at for told in waiting)
    before = [told.at for told in waiting if told.phase < phase]
    return Way("manual", min(instants), min(before) if before else max(instants), instants)


def _both(one: Told, other: Told) -> Told:
    return Told(max(one.at, other.at), max(one.phase, other.phase))


def _own_or(own: set[Any], inherited: set[Any]) -> set[Any]:
    return (own - {None}) | (inherited if None in own else set())
