"""Admins' calls whose process is killed: the old state or the new one, never a third. Rules 2, 9, 12 and 20."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest

from schemas import learning
from services.achievements.verifying import verify
from services.journal import Journal
from tests.integration.http_calls import BASE, SECRET, bearer
from tests.integration.notifying import eventually
from tests.integration.operating import others, others_lock
from tests.integration.service import migrated, project, take
from tests.scenario import certificate, feedback, organization, session

MEMBERS = 150
PEOPLE = [f"u{number}" for number in range(MEMBERS)]
KILLS_AT_RANDOM = 2
LONGEST_SECONDS = 0.3
"""About as long as a call takes from its first statement to its commit."""


class Call(NamedTuple):
    """What an admin tells, and the events that it leads to, by their stored names."""

    method: str
    path: str
    body: Mapping[str, Any]
    events: Counter[str]


DESIGN = {"name": "Spring", "text": "Well done", "colour": "#0a5c36"}
ACME = {"name": "Acme", "plan": "enterprise", "badges_enabled": True}
CERTIFICATE = "/programs/p1/certificate"
PREVIEW = Call("POST", f"{CERTIFICATE}/previews", {"required_sessions": 1}, Counter())
CALLS = {
    "enabling a certificate": Call(
        "PUT",
        CERTIFICATE,
        {**DESIGN, "required_sessions": 1},
        Counter({"certificate-enabled.1": 1, "award-granted.1": MEMBERS}),
    ),
    "awarding by hand": Call(
        "POST",
        "/programs/p2/certificate/awards",
        {"user_ids": PEOPLE, "note": "Thank you"},
        Counter({"awarded-by-hand.1": 1, "award-granted.1": MEMBERS}),
    ),
    "making badges available": Call(
        "PUT",
        "/settings",
        ACME,
        Counter(
            {"organization-configured.1": 1, "availability-changed.1": 1, "award-granted.1": 2}
        ),
    ),
}


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    with migrated(f"{database_url}?application_name=the%20test") as its_journal:
        yield its_journal


def prepare(journal: Journal) -> None:
    """Sessions with feedback of many in one program; a certificate by hand in another; two who wait for badges."""
    programs = [
        learning.ProgramConfigured(
            organization_id="acme", program_id=program, program_type="one_to_one", name=program
        )
        for program in ("p1", "p2")
    ]
    by_hand = certificate(None, program="p2")
    pairs = list(zip(PEOPLE[::2], PEOPLE[1::2], strict=True))
    take(journal, organization(badges=False), *programs, by_hand)
    take(
        journal,
        *(session(n, *pair, at=session(0).completed_at) for n, pair in enumerate(pairs)),
        *(feedback(n, pair[0], at=session(0).completed_at) for n, pair in enumerate(pairs)),
        *(session(f"9{n}", *pairs[0], at=session(0).completed_at) for n in range(10)),
    )
    project(journal, repeat(1_000))


class Serving:
    """`achievements serve` as operators run it."""

    def __init__(self, database_url: str, log: Path) -> None:
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.achievements", "serve"],
                env={
                    **os.environ,
                    "DATABASE_URL": database_url,
                    "ACHIEVEMENTS_LISTEN": "127.0.0.1:0",
                    "AUTH_SECRET": SECRET.decode(),
                    "LOG_FORMAT": "json",
                },
                stderr=said,
            )
        eventually(lambda: b'"listening"' in log.read_bytes())
        lines = map(msgspec.json.decode, log.read_bytes().splitlines())
        (address,) = [line["address"] for line in lines if line["event"] == "listening"]
        self._url = f"http://{address}{BASE}"

    def tell(self, call: Call, more: Mapping[str, Any]) -> httpx.Response:
        return httpx.request(
            call.method,
            f"{self._url}{call.path}",
            json={**call.body, **more},
            headers=bearer("boss", "admin", "operator"),
            timeout=60,
        )

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def serving(database_url: str, log: Path) -> Iterator[Serving]:
    its_process = Serving(database_url, log)
    try:
        yield its_process
    finally:
        its_process.kill()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "serve.log"


@pytest.mark.parametrize("name", CALLS)
def test_a_call_killed_has_done_all_or_nothing(
    journal: Journal, database_url: str, log: Path, name: str
) -> None:
    """A process killed in the middle of an admin's call leaves what was before or what the call comes to; told again,
    the call comes to that, and nobody is granted anything twice."""
    prepare(journal)
    call, old = CALLS[name], known(journal)
    new = old + call.events + Counter(awards=call.events["award-granted.1"])
    if "note" in call.body:
        new["remarks"] += 1
    with serving(database_url, log) as process:
        killed_before_its_commit(journal, process, call)
    assert known(journal) == old
    for _ in range(KILLS_AT_RANDOM):
        with serving(database_url, log) as process:
            killed_at_work(journal, process, call)
        assert known(journal) in (old, new)
        if known(journal) == new:
            break
    with serving(database_url, log) as process:
        assert process.tell(call, confirmation(process, call)).is_success
    assert known(journal)["award-granted.1"] == known(journal)["awards"] == new["awards"]
    assert verify(journal, lambda _done, _of: None).differences == []


def confirmation(process: Serving, call: Call) -> dict[str, str]:
    """What goes with a call that confirms what it was shown before."""
    if call.path != CERTIFICATE:
        return {}
    return {"preview_id": process.tell(PREVIEW, {}).json()["preview_id"]}


def known(journal: Journal) -> Counter[str]:
    """How many there are of each event, of awards to be read, and of admins' words."""
    with journal.connection() as connection:
        events = connection.execute("SELECT topic, count(*) FROM journal GROUP BY topic").fetchall()
        beside = connection.execute(
            "SELECT 'awards', count(*) FROM award UNION SELECT 'remarks', count(*) FROM remark"
        ).fetchall()
    return +Counter(dict([*events, *beside]))


def killed_before_its_commit(journal: Journal, process: Serving, call: Call) -> None:
    """Everything is written, and cannot be committed before the process is dead."""
    more = confirmation(process, call)
    with ThreadPoolExecutor(1) as threads:
        with journal.transaction() as connection:
            connection.execute("LOCK TABLE journal_position IN SHARE MODE")
            threads.submit(told_in_vain, process, call, more)
            eventually(lambda: others_lock(journal, "locktype = 'relation' AND NOT granted"))
            process.kill()
        eventually(lambda: not others(journal))


def killed_at_work(journal: Journal, process: Serving, call: Call) -> None:
    """It dies at some moment between the call's first lock and soon after its answer."""
    more = confirmation(process, call)
    with ThreadPoolExecutor(1) as threads:
        telling = threads.submit(told_in_vain, process, call, more)
        eventually(
            lambda: telling.done() or others_lock(journal, "locktype = 'advisory' AND granted")
        )
        time.sleep(random.uniform(0, LONGEST_SECONDS))
        process.kill()
        eventually(lambda: not others(journal))


def told_in_vain(process: Serving, call: Call, more: Mapping[str, str]) -> None:
    """Whoever makes the call may get no answer."""
    with suppress(httpx.TransportError):
        process.tell(call, more)
