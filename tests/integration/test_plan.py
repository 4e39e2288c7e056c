"""Plans: first what exactly would happen, then exactly that. Product rules 5, 11, 18 and 19."""

import json
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from projections.rows import AWARDS
from schemas.journal import AwardGranted, BadgeThresholdSet, Event, PlanApplied
from schemas.learning import MemberRegistered
from services.journal import Journal
from tests.integration.operating import killed_at_work, killed_waiting, run, state
from tests.integration.service import migrated, project, rows, take
from tests.scenario import (
    certificate,
    certificate_disabled,
    erased,
    feedback,
    joined,
    organization,
    revoked,
    session,
)


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(f"{database_url}?application_name=the%20test") as its_journal:
        yield its_journal


def registered(user_id: str, email: str | None = "somebody@example.org") -> MemberRegistered:
    return MemberRegistered(
        organization_id="acme", user_id=user_id, display_name="Somebody", email=email, roles=()
    )


def eight_sessions(journal: Journal) -> None:
    take(
        journal,
        organization(),
        certificate(5),
        *(session(n) for n in range(1, 9)),
        feedback(1),
        feedback(2),
    )
    project(journal, repeat(1_000))


def planned(journal: Journal, *arguments: str) -> Any:
    done = run(journal, "plan", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def plan_file(journal: Journal, folder: Path, *arguments: str) -> Path:
    done = run(journal, "plan", *arguments, "--out", folder / "plan.json")
    assert done.exit_code == 0, done.stderr
    return folder / "plan.json"


def events(journal: Journal, cls: type[Event]) -> list[Any]:
    with journal.connection() as connection:
        found = journal.read(connection, 0, 1_000, [journal.mapper.names[cls]])
    return [recorded.event for recorded in found]


def test_a_plan_shows_and_changes_nothing(journal: Journal) -> None:
    """Rule 5: a plan says who would be granted what and since when, how many emails, and changes nothing."""
    eight_sessions(journal)
    take(journal, registered("mia"))
    before = state(journal)
    assert planned(journal, "--badge", "mentor=8", "--certificate", "acme/p1=2") == {
        "grants": [
            {
                "organization_id": "acme",
                "user_id": "ben",
                "kind": "certificate",
                "code": "certificate",
                "program_id": "p1",
                "earned_at": "2026-01-03T21:00:00Z",
            },
            {
                "organization_id": "acme",
                "user_id": "mia",
                "kind": "certificate",
                "code": "certificate",
                "program_id": "p1",
                "earned_at": "2026-01-03T21:00:00Z",
            },
            {
                "organization_id": "acme",
                "user_id": "mia",
                "kind": "badge",
                "code": "mentor",
                "program_id": None,
                "earned_at": "2026-01-09T09:00:00Z",
            },
        ],
        "emails": 2,
        "below": [],
    }
    assert state(journal) == before


def test_a_plan_does_not_grant_what_is_due_anyway(journal: Journal) -> None:
    """What is due without the change is not in a plan, and is not granted by it, either."""
    take(journal, organization(), *(session(n) for n in range(1, 11)))
    before = state(journal)
    assert planned(journal, "--badge", "super_mentor=10")["grants"] == [
        {
            "organization_id": "acme",
            "user_id": "mia",
            "kind": "badge",
            "code": "super_mentor",
            "program_id": None,
            "earned_at": "2026-01-11T09:00:00Z",
        }
    ]
    assert state(journal) == before


def test_emails_are_those_that_can_be_sent(journal: Journal) -> None:
    """Rule 19: who has no address or has unsubscribed is not counted among the emails, and the plan says why."""
    sessions = [session(n, f"m{n}", f"n{n}") for n in range(4)]
    people = [registered("m0"), registered("m1"), registered("m2", None)]
    take(journal, organization(), *sessions, *people)
    with journal.connection() as connection:
        connection.execute("INSERT INTO mail_recipient VALUES ('acme', 'm1', 'token', now())")
    done = run(journal, "plan", "--badge", "mentor=1")
    assert "In all: 4 awards, 1 email (no address known: 2, unsubscribed: 1)." in done.stdout


def test_apply_does_just_that_once(journal: Journal, tmp_path: Path) -> None:
    """Rule 5: applying a plan does what it said, notes by whom, and a second time is refused with status 3."""
    eight_sessions(journal)
    file = plan_file(journal, tmp_path, "--badge", "mentor=8")
    done = run(journal, "apply", file, "--by", "olga", "--no-email")
    assert done.exit_code == 0, done.stderr
    assert "In all: 1 award, no emails." in done.stdout
    assert [award.code for award in rows(journal, AWARDS).values()] == ["mentor"]
    (granted,) = events(journal, AwardGranted)
    assert (granted.mailed, granted.threshold, granted.threshold_from) == (False, 8, "platform")
    (applied,) = events(journal, PlanApplied)
    assert (applied.by, applied.grants, applied.mailed) == ("olga", 1, False)
    assert applied.plan_id == json.loads(file.read_bytes())["plan_id"]
    assert [event.by for event in events(journal, BadgeThresholdSet)] == ["olga"]
    before = state(journal)
    again = run(journal, "apply", file)
    assert (again.exit_code, "applied already, by olga" in again.stderr) == (3, True)
    assert state(journal) == before


def test_what_was_due_anyway_is_mailed(journal: Journal, tmp_path: Path) -> None:
    """Rule 19: a plan without emails silences its own grants alone."""
    eight_sessions(journal)
    file = plan_file(journal, tmp_path, "--badge", "mentor=8")
    take(journal, *(session(n, "zoe", "ben") for n in (9, 10)))
    assert run(journal, "apply", file, "--no-email").exit_code == 0
    assert {(one.code, one.mailed) for one in events(journal, AwardGranted)} == {
        ("mentee", True),
        ("mentor", False),
    }


def test_apply_is_refused_where_facts_have_moved(journal: Journal, tmp_path: Path) -> None:
    """Rule 5: a plan whose outcome would be another by now is refused with status 3, showing what moved."""
    eight_sessions(journal)
    file = plan_file(journal, tmp_path, "--badge", "mentor=8", "--badge", "mentee=8")
    take(journal, *(session(n, "zoe", "eve") for n in range(21, 29)), erased("ben"))
    before = state(journal)
    refused = run(journal, "apply", file)
    assert refused.exit_code == 3
    assert "would be granted, too: acme, zoe: mentor, earned 2026-01-29" in refused.stderr
    assert "would not be granted any more: acme, ben: mentee" in refused.stderr
    assert state(journal) == before


def test_an_email_more_is_another_outcome(journal: Journal, tmp_path: Path) -> None:
    """How many emails are sent is part of what was planned, unless none are to be sent."""
    eight_sessions(journal)
    file = plan_file(journal, tmp_path, "--badge", "mentor=8")
    take(journal, registered("mia"))
    refused = run(journal, "apply", file)
    assert (refused.exit_code, "1 instead of 0" in refused.stderr) == (3, True)
    assert run(journal, "apply", file, "--no-email").exit_code == 0


def test_those_below_keep_what_they_have(journal: Journal, tmp_path: Path) -> None:
    """Rules 5 and 11: raising a threshold takes nothing away; the plan says who keeps an award though below."""
    take(journal, organization(), certificate(1), *(session(n) for n in range(1, 11)), feedback(1))
    project(journal, repeat(1_000))
    file = plan_file(journal, tmp_path, "--badge", "mentor=11", "--certificate", "acme/p1=2")
    below = json.loads(file.read_bytes())["outcome"]["below"]
    assert [(one["user_id"], one["code"], one["program_id"]) for one in below] == [
        ("ben", "certificate", "p1"),
        ("mia", "certificate", "p1"),
        ("mia", "mentor", None),
    ]
    held = rows(journal, AWARDS)
    assert run(journal, "apply", file).exit_code == 0
    assert rows(journal, AWARDS) == held


def test_an_organizations_own_threshold_goes_first(journal: Journal, tmp_path: Path) -> None:
    """Rule 5: one organization's threshold goes before the one for all, and `default` takes it away again."""
    eight_sessions(journal)
    own = plan_file(journal, tmp_path, "--organization", "acme", "--badge", "mentor=20")
    assert run(journal, "apply", own).exit_code == 0
    assert planned(journal, "--badge", "mentor=8")["grants"] == []
    for_all = plan_file(journal, tmp_path, "--badge", "mentor=8")
    assert run(journal, "apply", for_all).exit_code == 0
    undone = planned(journal, "--organization", "acme", "--badge", "mentor=default")
    assert [grant["user_id"] for grant in undone["grants"]] == ["mia"]


def test_a_change_for_all_is_not_about_who_has_their_own(journal: Journal, tmp_path: Path) -> None:
    """Rule 5: a change for all names nobody of an organization that keeps its own threshold, and says that it does."""
    take(journal, organization(), *(session(n) for n in range(1, 11)))
    own = plan_file(journal, tmp_path, "--organization", "acme", "--badge", "mentor=20")
    assert run(journal, "apply", own).exit_code == 0
    assert planned(journal, "--badge", "mentor=15")["below"] == []
    said = run(journal, "plan", "--badge", "mentor=15").stdout
    assert "badge mentor: organizations with a threshold of their own, which keep it: 1" in said


def test_the_erased_and_the_revoked_gain_nothing(journal: Journal) -> None:
    """Rules 20 and 27: a plan grants nothing to the erased, and nothing anew that was revoked."""
    take(journal, organization(), *(session(n) for n in range(1, 11)))
    project(journal, repeat(1_000))
    (mentors,) = [award for award in rows(journal, AWARDS).values() if award.code == "mentor"]
    take(journal, revoked(mentors.award_id), erased("ben"))
    gains = planned(journal, "--badge", "mentor=1", "--badge", "connector=1")["grants"]
    assert [(gain["user_id"], gain["code"]) for gain in gains] == [("mia", "connector")]


def test_a_report_to_decide_by(journal: Journal) -> None:
    """A plan tells, for each achievement, who gains it since when, who keeps it though below, and how progress moves."""
    eight_sessions(journal)
    take(journal, *(session(n, "zoe", "eve") for n in range(21, 28)), certificate_disabled())
    done = run(journal, "plan", "--badge", "mentor=8", "--certificate", "acme/p1=2")
    assert done.stdout.splitlines() == [
        "acme: certificate of p1, 5 -> 2",
        "  on the way: 2 members, 3 fewer to go; just one to go: 0",
        "",
        "acme: badge mentor, 10 -> 8",
        "  granted to 1 member:",
        "    mia, earned 2026-01-09 09:00 UTC",
        "  on the way: 1 member, 2 fewer to go; just one to go: 1",
        "",
        "certificate of acme/p1: it is disabled; nothing is granted until it is enabled",
        "In all: 1 award, 0 emails (no address known: 1).",
        "Nothing was changed. --out FILE keeps the plan.",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--badge", "nope=3"], "--badge nope: there is no such badge; there are connector"),
        (["--badge", "mentor=0"], "--badge mentor: the threshold must be 1 to"),
        (["--badge", "mentor=x"], "--badge mentor=x: what follows '=' must be a whole number"),
        (["--badge", "mentor"], "--badge mentor: must be CODE=N or CODE=default"),
        (["--badge", f"mentor={'9' * 5_000}"], "what follows '=' must be a whole number"),
        (["--badge", "mentor=3", "--badge", "mentor=4"], "--badge: one is named twice"),
        (["--certificate", "acme/none=3"], "acme/none: its certificate was never enabled"),
        (["--certificate", "x/p1=3"], "an organization x was never configured"),
        (["--certificate", "acme/dev=3"], "acme/dev: a development program's certificate"),
        (["--certificate", "acme/p1=0"], "--certificate acme/p1=0: N must be 1 to"),
        (["--certificate", "acme=3"], "--certificate acme=3: must be ORGANIZATION/PROGRAM=N"),
        (["--organization", "nobody", "--badge", "mentor=3"], "nobody: it was never configured"),
        (["--organization", "acme"], "name a change"),
        ([], "name a change"),
    ],
)
def test_what_cannot_be_planned(journal: Journal, arguments: list[str], said: str) -> None:
    """The contract: wrong usage ends with status 2 and says which change is wrong, and why."""
    take(journal, organization(), joined("ann", program="none"))
    take(journal, certificate(None, program="dev", program_type="development"))
    done = run(journal, "plan", *arguments)
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


def test_a_plan_changed_by_hand_is_none(journal: Journal, tmp_path: Path) -> None:
    """What is applied is what was shown: a plan's file that was edited is refused with status 2."""
    eight_sessions(journal)
    file = plan_file(journal, tmp_path, "--badge", "mentor=8")
    file.write_text(file.read_text().replace('"threshold": 8', '"threshold": 7'))
    done = run(journal, "apply", file)
    assert (done.exit_code, "changed after it was made" in done.stderr) == (2, True)
    file.write_bytes(b"{}")
    assert run(journal, "apply", file).exit_code == 2


def test_apply_killed_has_done_all_or_nothing(
    journal: Journal, database_url: str, tmp_path: Path
) -> None:
    """A process killed in the middle of `apply` leaves the old state or the new one, never a third."""
    sessions = [session(n, f"m{n % 40}", f"n{n % 41}") for n in range(400)]
    take(journal, organization(), *sessions)
    file = plan_file(journal, tmp_path, "--badge", "mentor=5", "--badge", "mentee=4")
    project(journal, repeat(1_000))
    file = plan_file(journal, tmp_path, "--badge", "mentor=5", "--badge", "mentee=4")
    gains = len(json.loads(file.read_bytes())["outcome"]["grants"])
    old, awards = state(journal), len(rows(journal, AWARDS))
    # it notes its position behind what it has granted
    killed_waiting(
        journal, database_url, "LOCK TABLE journal_position IN SHARE MODE", "apply", file
    )
    assert state(journal) == old
    for _ in range(4):
        killed_at_work(journal, database_url, "apply", file)
        if state(journal) != old:
            break
        assert not events(journal, PlanApplied)
    else:
        assert run(journal, "apply", file).exit_code == 0
    assert run(journal, "apply", file).exit_code == 3
    assert len(events(journal, PlanApplied)) == 1
    assert len(rows(journal, AWARDS)) == awards + gains > awards
