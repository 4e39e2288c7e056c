"""Random histories of several organizations, in phases: what loosens and what tightens take turns.

A history is made as it goes, for what is revoked must have been granted before. Equal seeds and equal awards give
equal histories. What is made here is in the order of its keys; `interleaving` shuffles it, doubles and poisons.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final, NamedTuple

from tests.e2e import names
from tests.e2e.facts import Facts, Organization, Plans, Program, refused
from tests.e2e.messages import DIRECTORY, INBOUND, Json, Message
from tests.e2e.poison import invalid

PHASES: Final = ("loosening", "tightening", "loosening", "tightening", "loosening")
FLOATING: Final = (0.6, 0.25, 0.15)
REGISTRATIONS: Final = (0.5, 0.06, 0.06)
"""How what may come at any time, and what people register, is spread over the loosening phases."""

_ON: Final = ("enterprise", True)
KINDS: Final[Sequence[Plans]] = (
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
FACTS_OF_ORGANIZATION: Final = 3_000


class Held(NamedTuple):
    """An award as it was heard of; `program_id` is empty for a badge."""

    organization_id: str
    user_id: str
    code: str
    program_id: str
    award_id: str


class History:
    """A history of about so many facts, without duplicates and poison."""

    def __init__(self, seed: int, facts: int) -> None:
        self._random = Random(seed)
        self._tell = Facts(self._random)
        number = max(len(KINDS), facts // FACTS_OF_ORGANIZATION)
        self.organizations = [self._organization(one, facts // number) for one in range(number)]

    def people(self) -> Iterator[tuple[str, str]]:
        """Everybody who may be named, and somebody who is not, by organization and user."""
        for organization in self.organizations:
            for user_id in (*organization.users, "nobody ever heard of"):
                yield organization.id, user_id

    def phase(self, number: int, held: Sequence[Held]) -> list[list[Message]]:
        """The messages of a phase, one list per topic and key, in order; `held` are all awards not revoked."""
        queues: defaultdict[tuple[str, bytes | None], list[Message]] = defaultdict(list)
        for organization in self.organizations:
            if PHASES[number] == "loosening":
                messages = [*self._loosen(organization, number)]
            else:
                theirs = [award for award in held if award.organization_id == organization.id]
                messages = [*self._tighten(organization, number, theirs)]
            for message in messages:
                queues[message.topic, message.key].append(message)
        return list(queues.values())

    def _organization(self, number: int, share: int) -> Organization:
        types = ["one_to_one", "one_to_one", "group", "development"]
        types += ["one_to_one"] * (1 + share // 500)
        organization = Organization(
            number=number,
            id=names.organization(number),
            plans=KINDS[number % len(KINDS)],
            programs=[Program(names.program(one), type_) for one, type_ in enumerate(types)],
            users=[names.user(one) for one in range(max(16, share // 15))],
        )
        for one in range(share * 7 // 20):
            self._float_session(organization, one)
        for user_id in organization.users:
            for _ in range(self._random.choice((0, 0, 1, 1, 2))):
                self._float(organization, self._tell.joined(organization, user_id))
        return organization

    def _float_session(self, organization: Organization, number: int) -> None:
        """A session and what is told about it, each in a phase of its own."""
        told = self._tell.session(organization, number)
        session = told.fact.data
        organization.sessions[self._float(organization, told)].append(session)
        if self._random.random() < 0.05:
            self._float(organization, self._tell.restated(organization, session))
        for _ in range(self._random.choice((0, 0, 1, 1, 2, 3))):
            self._float(organization, self._tell.feedback(organization, session))

    def _float(self, organization: Organization, message: Message) -> int:
        """Puts a message into one of the loosening phases and gives its number; any may come on any topic."""
        (phase,) = self._random.choices(range(len(FLOATING)), FLOATING)
        if message.topic != DIRECTORY and self._random.random() < 0.03:
            message = replace(message, topic=self._random.choice(INBOUND))
        organization.floating[phase].append(message)
        return phase

    # What loosens.

    def _loosen(self, organization: Organization, phase: int) -> Iterator[Message]:
        yield from organization.floating[phase // 2]
        yield from self._directory(organization, phase)
        for program in organization.programs:
            yield from self._some_by_hand(organization, program)
            if program.type == "group":
                required = self._random.choice((None, 3))
                yield refused(self._tell.enabled(organization, program, required))
            else:
                yield from self._certificate_loosens(organization, program, phase)
            yield from self._some_by_hand(organization, program)

    def _directory(self, organization: Organization, phase: int) -> Iterator[Message]:
        """In any order, but the plans in theirs."""
        share = REGISTRATIONS[phase // 2]
        people = [u for u in organization.users for _ in range(2) if self._random.random() < share]
        programs = organization.programs if phase == 0 else organization.programs[:1]
        messages = [
            *(self._tell.registered(organization, user_id) for user_id in people),
            *(self._tell.program_configured(organization, program) for program in programs),
        ]
        self._random.shuffle(messages)
        plans = [self._tell.configured(organization, *plan) for plan in organization.plans[phase]]
        places = sorted(self._random.randrange(len(messages) + 1) for _ in plans)
        for place, plan in reversed([*zip(places, plans, strict=True)]):
            messages.insert(place, plan)
        return iter(messages)

    def _certificate_loosens(
        self, organization: Organization, program: Program, phase: int
    ) -> Iterator[Message]:
        too_early: list[Message] = []
        if not program.was_enabled and self._random.random() < 0.5:
            changed = self._tell.changed(organization, program, name="Too early")
            too_early = [refused(changed)]
            yield from too_early
            yield refused(self._tell.disabled(organization, program))
        if program.type == "development" and self._random.random() < 0.5:
            yield refused(self._tell.enabled(organization, program, 2))
        if program.was_enabled and not program.enabled and self._random.random() < 0.5:
            yield self._tell.changed(organization, program, guidance="It is off.")
        if not program.enabled and self._random.random() < (0.7 if phase == 0 else 0.5):
            required = self._random.choice((None, 1, 2, 3, 5))
            program.required = None if program.type == "development" else required
            program.enabled = program.was_enabled = True
            yield self._tell.enabled(organization, program, program.required)
        if program.enabled:
            yield from too_early  # what was refused is sent again under its id, and is right now
            for _ in range(self._random.choice((0, 0, 1, 2))):
                yield from self._lowered(organization, program)

    def _lowered(self, organization: Organization, program: Program) -> Iterator[Message]:
        """Changes, none of which makes a certificate harder to earn."""
        changes = self._tell.looks()
        if program.type == "development":
            required: Json = {"required_sessions": 3}
            yield refused(self._tell.changed(organization, program, **changes, **required))
            changes |= self._random.choice(({}, {"required_sessions": None}))
        elif self._random.random() < 0.6:
            program.required = max(1, (program.required or 6) - self._random.randint(0, 2))
            changes["required_sessions"] = program.required
        if self._random.random() < 0.8:
            yield self._tell.changed(organization, program, **changes)
        else:
            yield self._tell.enabled(organization, program, program.required)

    def _some_by_hand(self, organization: Organization, program: Program) -> Iterator[Message]:
        """Strangers are among them, erased ones, some twice."""
        users = organization.users
        for _ in range(self._random.choice((0, 1) if program.enabled else (0, 1, 1, 2))):
            size = self._random.choice((1, 1, 2, 3, len(users) // 3))
            some = self._random.sample(users, k=size)
            some += some[: self._random.choice((0, 0, 1))]
            yield self._tell.by_hand(organization, program.id, some)

    # What tightens, and what follows it under its key.

    def _tighten(
        self, organization: Organization, phase: int, held: Sequence[Held]
    ) -> Iterator[Message]:
        plans = organization.plans[phase]
        yield from (self._tell.configured(organization, *plan) for plan in plans)
        yield from self._erasures(organization)
        for program in organization.programs:
            if program.enabled:
                yield from self._certificate_tightens(organization, program)
        revocable = [award for award in held if award.user_id not in organization.erased]
        for award in self._random.sample(revocable, k=(len(revocable) + 7) // 8):
            yield from self._revocation(organization, award, may_follow=not plans)
        yield from self._unknown_awards(organization, held)
        yield from self._conflicts(organization, phase)

    def _erasures(self, organization: Organization) -> Iterator[Message]:
        """Members are erased; what comes later about them is ignored."""
        users = [user for user in organization.users if user not in organization.erased]
        for user_id in self._random.sample(users, k=max(1, len(users) // 25)):
            organization.erased.add(user_id)
            for _ in range(self._random.choice((1, 1, 2))):  # again, as a fact of its own
                yield self._tell.erased(organization, user_id)
            for _ in range(self._random.choice((0, 1, 2))):
                registered = self._tell.registered(organization, user_id)
                yield registered
                yield invalid(registered, self._random, roles="mentor")
                yield self._tell.joined(organization, user_id)

    def _certificate_tightens(
        self, organization: Organization, program: Program
    ) -> Iterator[Message]:
        required = program.required
        match self._random.randrange(4):
            case 0:
                program.enabled = False
                yield self._tell.disabled(organization, program)
            case 1 if required is not None:
                program.required = required + self._random.randint(1, 4)
                yield self._tell.changed(organization, program, required_sessions=program.required)
            case 2 if required is not None:
                program.required = self._random.choice((None, required + 2))
                yield self._tell.enabled(organization, program, program.required)
            case 3:
                program.required = None
                yield self._tell.changed(organization, program, required_sessions=None)

    def _revocation(
        self, organization: Organization, award: Held, *, may_follow: bool
    ) -> Iterator[Message]:
        """An award is revoked; sometimes, right behind it, the certificate is awarded by hand again."""
        program_id = award.program_id or self._random.choice(organization.programs).id
        for _ in range(self._random.choice((1, 1, 2))):
            yield self._tell.revoked(organization, program_id, award.award_id)
        if award.program_id and may_follow and self._random.random() < 0.5:
            yield self._tell.by_hand(organization, program_id, [award.user_id])

    def _unknown_awards(
        self, organization: Organization, held: Sequence[Held]
    ) -> Iterator[Message]:
        program_id = organization.programs[0].id
        unknown = self._tell.unknown_award()
        yield refused(self._tell.revoked(organization, program_id, unknown))
        if held:  # that of one organization, revoked by the next
            other = self.organizations[(organization.number + 1) % len(self.organizations)]
            theirs = self._random.choice(held).award_id
            yield refused(self._tell.revoked(other, other.programs[0].id, theirs))

    def _conflicts(self, organization: Organization, phase: int) -> Iterator[Message]:
        """About sessions that were told before; nobody who is erased now is named."""
        told = [session for some in organization.sessions[: (phase + 1) // 2] for session in some]
        for session in self._random.sample(told, k=len(told) // 30):
            users = {person["user_id"] for person in session["participants"]}
            if not users & organization.erased:
                yield self._tell.conflicting(organization, session)
