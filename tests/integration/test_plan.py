"""Plans: first what exactly would happen, then exactly that. Product rules 5, 11, 18 and 19."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest

from projections.rows import AWARDS, TABLES
from schemas.journal import AwardGranted, PlanApplied
from schemas.learning import MemberRegistered
from services.journal import Journal
from tests.integration.service import migrated, project, rows, take
from tests.scenario import (
    certificate,
    erased,
    feedback,
    organization,
    revoked,
    session,
)


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(database_url) as its_journal:
        yield its_journal


class Commands:
    """The commands of achievements on this database, as processes."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self._environment = {**os.environ, "DATABASE_URL": database_url}
        self._folder = folder

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services.achievements", *arguments],
            env={**self._environment, "PYTHONPATH": os.getcwd()},
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def run(journal: Journal, database_url: str, tmp_path: Path) -> Commands:
    return Commands(database_url, tmp_path)


def everything(journal: Journal) -> object:
    """All rows of the read models, and how long the journal is."""
    with journal.connection() as connection:
        return journal.head(connection), [rows(journal, table) for table in TABLES]


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


def test_a_plan_shows_and_changes_nothing(journal: Journal, run: Commands) -> None:
    """Rule 5: a plan says who would be granted what and since when, how many emails, and changes nothing."""
    eight_sessions(journal)
    mia = MemberRegistered(
        organization_id="acme", user_id="mia", display_name="Mia", email="mia@example.org", roles=()
    )
    take(journal, mia)
    project(journal, repeat(1_000))
    before = everything(journal)
    done = run("plan", "--badge", "mentor=8", "--certificate", "acme/p1=2", "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome == {
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
    assert everything(journal) == before


def test_apply_does_just_that_once(journal: Journal, run: Commands) -> None:
    """Rule 5: applying a plan does what it said, notes by whom, and a second time is refused with status 3."""
    eight_sessions(journal)
    assert run("plan", "--badge", "mentor=8", "--out", "plan.json").returncode == 0
    done = run("apply", "plan.json", "--by", "olga", "--no-email")
    assert done.returncode == 0, done.stderr
    assert "In all: 1 award, no emails." in done.stdout
    assert [award.code for award in rows(journal, AWARDS).values()] == ["mentor"]
    with journal.connection() as connection:
        names = journal.mapper.names
        (granted,) = journal.read(connection, 0, 100, [names[AwardGranted]])
        (applied,) = journal.read(connection, 0, 100, [names[PlanApplied]])
    assert (granted.event.mailed, granted.event.threshold_from) == (False, "platform")
    assert (applied.event.by, applied.event.grants) == ("olga", 1)
    again = run("apply", "plan.json")
    assert again.returncode == 3
    assert "applied already" in again.stderr


def test_apply_is_refused_where_facts_have_moved(journal: Journal, run: Commands) -> None:
    """Rule 5: a plan whose outcome would be another by now is refused with status 3, showing what moved."""
    eight_sessions(journal)
    assert run("plan", "--badge", "mentor=8", "--out", "plan.json").returncode == 0
    take(journal, *(session(n, "zoe", "eve") for n in range(21, 29)))
    refused = run("apply", "plan.json")
    assert refused.returncode == 3
    assert "would be granted, too: acme, zoe: mentor" in refused.stderr
    assert not rows(journal, AWARDS)


def test_those_below_keep_what_they_have(journal: Journal, run: Commands) -> None:
    """Rule 5: raising a threshold takes nothing away; the plan says who keeps an award though below."""
    take(journal, organization(), *(session(n) for n in range(1, 11)))
    project(journal, repeat(1_000))
    done = run("plan", "--badge", "mentor=11", "--json")
    assert json.loads(done.stdout) == {
        "grants": [],
        "emails": 0,
        "below": [
            {"organization_id": "acme", "user_id": "mia", "code": "mentor", "program_id": None}
        ],
    }


def test_an_organizations_own_threshold_is_set_and_removed(journal: Journal, run: Commands) -> None:
    """Rule 5: one organization's threshold goes first, and `default` takes it away again."""
    eight_sessions(journal)
    assert (
        run("plan", "--organization", "acme", "--badge", "mentor=20", "--out", "a").returncode == 0
    )
    assert run("apply", "a").returncode == 0
    assert json.loads(run("plan", "--badge", "mentor=8", "--json").stdout)["grants"] == []
    assert run("plan", "--badge", "mentor=8", "--out", "b").returncode == 0
    assert run("apply", "b").returncode == 0
    undone = run("plan", "--organization", "acme", "--badge", "mentor=default", "--json")
    assert [grant["user_id"] for grant in json.loads(undone.stdout)["grants"]] == ["mia"]


def test_the_erased_and_the_revoked_gain_nothing(journal: Journal, run: Commands) -> None:
    """Rules 20 and 27: a plan grants nothing to the erased, and nothing anew that was revoked."""
    take(journal, organization(), *(session(n) for n in range(1, 11)))
    project(journal, repeat(1_000))
    (mentors,) = [award for award in rows(journal, AWARDS).values() if award.code == "mentor"]
    take(journal, revoked(mentors.award_id), erased("ben"))
    done = run("plan", "--badge", "mentor=1", "--badge", "connector=1", "--json")
    assert [(g["user_id"], g["code"]) for g in json.loads(done.stdout)["grants"]] == [
        ("mia", "connector")
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--badge", "nope=3"], "no such badge"),
        (["--badge", "mentor=0"], "1 to"),
        (["--badge", "mentor=x"], "whole number"),
        (["--certificate", "acme/none=3"], "never enabled"),
        (["--certificate", "acme=3"], "ORGANIZATION/PROGRAM=N"),
        (["--organization", "nobody", "--badge", "mentor=3"], "never configured"),
        ([], "name a change"),
    ],
)
def test_what_cannot_be_planned(
    journal: Journal, run: Commands, arguments: list[str], said: str
) -> None:
    """The contract: wrong usage ends with status 2 and says which change is wrong, and why."""
    take(journal, organization())
    done = run("plan", *arguments)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
