"""What a plan says is what comes: of any history, and in words that one can decide by. Product rules 5, 11 and 19."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.badges import BADGES, BADGES_BY_CODE, CERTIFICATE
from projections.rows import AWARDS, BADGE_THRESHOLDS, ENROLMENTS, MEMBERS, PLATFORM
from schemas import learning
from schemas.journal import AwardGranted, Event
from services.achievements import planning
from services.achievements.plan_effects import BadgeChange, Below, CertificateChange, Change
from services.achievements.planning import Gain, Plan, PlanError
from services.achievements.verifying import verify
from services.journal import Journal
from tests.histories import PROGRAMS, numbered_feedback, numbered_session, thresholds, whatever
from tests.integration.operating import run, state
from tests.integration.service import append, empty, migrated, project, rows, take
from tests.integration.test_verify import told
from tests.scenario import START, certificate, feedback, organization, session

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WITH_ADDRESS = ("ada", "ben")


BEGUN = [
    organization(),
    *(certificate(3, program=program) for program in PROGRAMS),
    *(numbered_session(number) for number in range(11)),
    *(numbered_feedback(number, 0, START) for number in range(0, 11, 2)),
]
"""Enough for anybody to gain something by another threshold."""


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as its_journal:
        yield its_journal


def registered(user_id: str, organization_id: str = "acme") -> learning.MemberRegistered:
    return learning.MemberRegistered(
        organization_id=organization_id,
        user_id=user_id,
        display_name="Somebody",
        email=f"{user_id}@example.org",
        roles=(),
    )


changes = st.builds(
    Change,
    st.sampled_from((None, "acme")),
    st.lists(
        st.builds(
            BadgeChange,
            st.sampled_from([badge.code for badge in BADGES]),
            st.one_of(st.none(), st.integers(1, 6)),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda badge: badge.code,
    ).map(tuple),
    st.lists(
        st.builds(CertificateChange, st.just("acme"), st.sampled_from(PROGRAMS), st.integers(1, 6)),
        max_size=2,
        unique_by=lambda one: one.program_id,
    ).map(tuple),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.one_of(whatever, whatever, whatever, thresholds), min_size=5, max_size=50), changes
)
def test_applying_does_what_was_planned(
    journal: Journal, history: list[learning.Inbound | Event], change: Change
) -> None:
    """Whatever has happened and whatever is changed: planning changes nothing; applying grants just those that the plan
    names, since when it says, mails as many as it says and leaves those below that it names; and all of it is as the
    rules, derived again, have it."""
    empty(journal)
    append(journal, told([*BEGUN, *history]))
    take(journal, *map(registered, WITH_ADDRESS))
    project(journal, repeat(100))
    before, known = state(journal), grants(journal)
    plan = planned(journal, change)
    assert state(journal) == before
    if plan is None:
        return
    planning.apply(journal, plan, "op", NOW, mailed=True)
    new = grants(journal)[len(known) :]
    assert {gain(award) for award in new} == set(plan.outcome.grants)
    assert len(new) == len(plan.outcome.grants)
    assert sum(award.user_id in WITH_ADDRESS for award in new) == plan.outcome.emails
    assert below(journal, change) == set(plan.outcome.below)
    assert verify(journal, lambda _done, _of: None).differences == []


def planned(journal: Journal, change: Change) -> Plan | None:
    """The plan, None where a certificate that never was can't be changed."""
    with suppress(PlanError):
        return planning.make(journal, change, "op", NOW)
    return None


def grants(journal: Journal) -> list[AwardGranted]:
    with journal.connection() as connection:
        names = [journal.mapper.names[AwardGranted]]
        return [one.event for one in journal.read(connection, 0, 10_000, names)]


def gain(award: AwardGranted) -> Gain:
    return Gain(
        organization_id=award.organization_id,
        user_id=award.user_id,
        kind=award.kind,
        code=award.code,
        program_id=award.program_id,
        earned_at=award.earned_at,
    )


def below(journal: Journal, change: Change) -> set[Below]:
    """Who holds what the change is about, automatically, and has fewer by now than it takes."""
    needed: dict[tuple[str, str], int] = {
        (CERTIFICATE, one.program_id): one.required_sessions for one in change.certificates
    }
    for badge in change.badges:
        own, platform = (threshold(journal, of, badge.code) for of in ("acme", PLATFORM))
        if change.organization_id is not None or own is None:
            default = BADGES_BY_CODE[badge.code].default_threshold
            needed[badge.code, ""] = own or platform or default
    members, enrolments = rows(journal, MEMBERS), rows(journal, ENROLMENTS)
    found = set()
    for award in rows(journal, AWARDS).values():
        member = members["acme", award.user_id]
        if (award.code, award.program_id) not in needed or award.revoked or member.erased:
            continue
        if award.code == CERTIFICATE:
            count = enrolments["acme", award.program_id, award.user_id].sessions_counted
        else:
            count = getattr(member, BADGES_BY_CODE[award.code].measure.counter)
        if award.how == "automatic" and count < needed[award.code, award.program_id]:
            found.add(Below("acme", award.user_id, award.code, award.program_id or None))
    return found


def threshold(journal: Journal, organization_id: str, code: str) -> int | None:
    """What is set for an organization, or for all."""
    known = rows(journal, BADGE_THRESHOLDS).get((organization_id, code))
    return known.threshold if known else None


def two_organizations(journal: Journal) -> None:
    """Acme's Mia has nine sessions as mentor with Ben and holds a certificate for one; Globex' Mo has eight with Ned."""
    acme = [session(n) for n in range(1, 10)]
    globex = [session(n, "mo", "ned", organization_id="globex") for n in range(1, 9)]
    take(journal, organization(), organization(organization_id="globex", name="Globex"))
    take(journal, organization(organization_id="initech", name="Initech"))
    take(journal, certificate(1), *acme, feedback(1), *globex)
    take(journal, registered("mia"), registered("mo", "globex"))
    project(journal, repeat(1_000))


REPORT = [
    "acme: certificate of p1, 1 -> 2",
    "  kept, though below the new threshold, by 2 members:",
    "    ben, mia",
    "",
    "acme: badge mentee, 10 -> 9",
    "  granted to 1 member:",
    "    ben, earned 2026-01-10 09:00 UTC",
    "",
    "acme: badge mentor, 10 -> 8",
    "  granted to 1 member:",
    "    mia, earned 2026-01-09 09:00 UTC",
    "",
    "globex: badge mentee, 10 -> 9",
    "  on the way: 1 member, 1 fewer to go; just one to go: 1",
    "",
    "globex: badge mentor, 10 -> 8",
    "  granted to 1 member:",
    "    mo, earned 2026-01-09 09:00 UTC",
    "",
    "Nobody has begun yet in 2 organizations more.",
]


def test_a_report_on_many_organizations(journal: Journal, tmp_path: Path) -> None:
    """A plan tells by organization and achievement who gains it since when, who keeps it though below, how progress
    moves, and in all how many emails go out and why not more; applying it tells the same."""
    two_organizations(journal)
    file = tmp_path / "plan.json"
    wanted = ("--badge", "mentor=8", "--badge", "mentee=9", "--certificate", "acme/p1=2")
    done = run(journal, "plan", *wanted, "--out", file)
    in_all = "In all: 3 awards, 2 emails (no address known: 1)."
    assert done.stdout.splitlines() == [
        *REPORT,
        in_all,
        f"Nothing was changed. To do just this: achievements apply {file}",
    ]
    applied = run(journal, "apply", file, "--by", "olga")
    assert applied.stdout.splitlines() == [*REPORT, in_all, "Done, by olga."]


def test_a_report_names_the_first_of_many(journal: Journal) -> None:
    """Of more members than anybody reads, a report names the first and says how many more there are; JSON has all."""
    take(journal, organization(), *(session(n, f"m{n:02}", f"n{n:02}") for n in range(25)))
    done = run(journal, "plan", "--badge", "mentor=1")
    assert "  granted to 25 members:" in done.stdout
    assert "    m19, earned 2026-01-20 09:00 UTC\n    … and 5 more" in done.stdout
    assert "m20" not in done.stdout
    asked: Any = run(journal, "plan", "--badge", "mentor=1", "--json")
    assert len(json.loads(asked.stdout)["grants"]) == 25
