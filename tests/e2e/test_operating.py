"""The operators' recipes of docs/operating.md, run as they stand there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from uuid import uuid4

import pytest

from devstack import Addresses, create_database, shared
from devstack.postgres import BINARIES
from schemas.cloudevents import encode_structured
from schemas.journal import EVENT_TYPES
from services.achievements.intake import Intake
from services.achievements.relay import DEAD_LETTER_READER
from services.journal import Journal
from services.kafka import Message
from services.sharing.credentials.keys import signing_keys
from tests.integration.service import project
from tests.scenario import START, certificate_disabled, organization, session

GUIDE = Path(__file__).parents[2] / "docs" / "operating.md"
RECIPES = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def stack() -> Iterator[Addresses]:
    with shared() as addresses:
        yield addresses


@pytest.fixture
def environment(stack: Addresses) -> dict[str, str]:
    """Databases and topics of the test's own, and the commands on the path."""
    own = uuid4().hex
    commands = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{commands}{os.pathsep}{BINARIES}{os.pathsep}{os.environ['PATH']}",
        "DATABASE_URL": create_database(stack.database_url, f"operating_{own}"),
        "SHARING_DATABASE_URL": create_database(stack.database_url, f"operating_sharing_{own}"),
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": f"{own}.",
        "KAFKA_GROUP_PREFIX": f"{own}.",
    }


def sh(script: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a script as an operator would, ending at the first command that fails."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def take_in(database_url: str) -> None:
    """Eight sessions of a mentor, and two messages that can't be used."""
    facts = [organization(), *(session(number) for number in range(1, 9)), certificate_disabled()]
    values = [
        encode_structured("/platform/directory", f"event-{at}", START, fact)[0]
        for at, fact in enumerate(facts)
    ]
    values.append(b"{")
    with Journal(database_url, "achievements", EVENT_TYPES) as journal:
        messages = [Message("topic", 0, at, None, value, ()) for at, value in enumerate(values)]
        work = Intake(journal)(messages)
        with journal.transaction() as connection:
            work(connection)
            journal.advance(connection, DEAD_LETTER_READER, 100)  # as if `relay` had run
        project(journal, repeat(1_000))


def test_each_recipe_does_what_it_says(environment: dict[str, str], tmp_path: Path) -> None:
    """Every block of the operators' guide runs, in its order, and ends well."""
    ready = sh("achievements migrate --topics && sharing migrate", environment, tmp_path)
    assert ready.returncode == 0, ready.stderr
    take_in(environment["DATABASE_URL"])
    assert len(RECIPES) == 10
    outputs = []
    for recipe in RECIPES:
        done = sh(recipe, environment, tmp_path)
        assert done.returncode == 0, f"{recipe}\n{done.stdout}\n{done.stderr}"
        outputs.append(done.stdout)
    _, threshold, _, dead_letters, trace, *_ = outputs
    assert "mentor" in threshold
    assert "unknown_certificate" in dead_letters
    assert "discarded" in dead_letters
    assert re.findall(r"position \d+, .*: ([a-z0-9.-]+), ", trace) == [
        "organization-configured.1",
        "availability-changed.1",
        "session-completed.1",
        "badge-threshold-set.1",
    ]
    completed = "completed award accb4699-6fcf-8e14-9811-61d055b15061 at position"
    assert trace.count(completed) == 1, "lowering the threshold completed it"


def test_a_restored_backup_is_whole(environment: dict[str, str], tmp_path: Path) -> None:
    """A backup restored into an empty database is verified clean, and goes on from its positions."""
    backup = 'pg_dump --format=custom --file=achievements.dump "$DATABASE_URL"'
    ready = sh("achievements migrate", environment, tmp_path)
    assert ready.returncode == 0, ready.stderr
    take_in(environment["DATABASE_URL"])
    assert sh(backup, environment, tmp_path).returncode == 0
    emptied = create_database(
        environment["DATABASE_URL"].rpartition("/")[0] + "/postgres", f"restored_{uuid4().hex}"
    )
    restored = {**environment, "DATABASE_URL": emptied}
    done = sh(
        'pg_restore --clean --if-exists --dbname="$DATABASE_URL" achievements.dump\nachievements verify',
        restored,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_keys_are_rotated_as_the_guide_says(environment: dict[str, str], tmp_path: Path) -> None:
    """New keys are published before they sign, and old ones stay published after that."""
    begin, publish, sign = (recipe for recipe in RECIPES if "signing.pem" in recipe)
    file = tmp_path / "signing.pem"

    def keys_after(recipe: str) -> list[str]:
        done = sh(recipe, environment, tmp_path)
        assert done.returncode == 0, done.stderr
        assert file.stat().st_mode & 0o077 == 0
        return [key.id for key in signing_keys(str(file))]

    old = keys_after(begin)
    assert len(old) == 2
    published = keys_after(publish)
    assert published[:2] == old
    new = published[2:]
    assert len(new) == 2
    assert keys_after(sign) == new + old
    assert list(tmp_path.iterdir()) == [file]
