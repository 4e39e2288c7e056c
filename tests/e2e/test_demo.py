"""The demo as those meet it who have just cloned the repository; what it shows it checks itself."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote

import httpx
import msgspec
import psutil  # type: ignore[import-untyped]  # it ships no types
import psycopg
import pytest
from kafka import KafkaAdminClient
from rich.cells import cell_len

from devstack import Addresses, shared
from devstack.demo import expectations, story
from devstack.demo.__main__ import CHAPTERS
from devstack.demo.running import PROCESSES
from devstack.demo.sees import Sees, progress
from devstack.demo.wire import envelope
from schemas import learning
from schemas.cloudevents import Decoder, RefusedError
from tests.scenario import World

CHECKOUT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180


class Demo:
    """A run of the demo, in a folder of its own, seen through a pipe."""

    def __init__(self, folder: Path, servers: Addresses, *arguments: str, **more: str) -> None:
        self.folder = folder
        self._output = folder.with_suffix(".txt")
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "devstack.demo", *arguments],
                cwd=CHECKOUT,
                env=os.environ | servers.as_environment() | {"DEVSTACK_FOLDER": str(folder)} | more,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        _until(lambda: any(folder.glob("demo-*")) or self.process.poll() is not None)
        (self.name,) = (run.name for run in folder.glob("demo-*"))

    @property
    def said(self) -> str:
        return self._output.read_text()

    def wait(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)

    def until_it_says(self, words: str) -> None:
        _until(lambda: words in self.said or self.process.poll() is not None)
        assert words in self.said, self.said

    def until_all_have_started(self) -> dict[str, psutil.Process]:
        names = {process.name for process in PROCESSES}
        _until(lambda: self.process.poll() is not None or self.services().keys() == names)
        return self.services()

    def services(self) -> dict[str, psutil.Process]:
        """The services' processes, by service and command."""
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                found[" ".join(child.cmdline()[-2:]).removeprefix("services.")] = child
        return found

    def names_left(self, servers: Addresses) -> list[str]:
        """What is left of it on the servers and in its folder."""
        with psycopg.connect(servers.database_url) as connection:
            databases = connection.execute("SELECT datname FROM pg_database").fetchall()
        with KafkaAdminClient(bootstrap_servers=servers.kafka_bootstrap_servers) as admin:
            names = [*admin.list_topics(), *(database for (database,) in databases)]
        return [*(name for name in names if self.name in name), *map(str, self.folder.glob("*"))]


@pytest.fixture(scope="module")
def servers() -> Iterator[Addresses]:
    with shared() as addresses:
        yield addresses


def test_what_the_demo_expects_is_what_the_rules_say() -> None:
    """The same facts, decided and counted in memory, give what the demo holds the services to."""
    world = World()
    early, late = story.SESSIONS[story.EARLY_FEEDBACK], story.SESSIONS[story.LATE_FEEDBACK]
    told = [*story.directory(), story.feedback(early, "asuka", early.feedback_at)]
    told += [*story.season(), story.session_completed(story.SESSIONS[story.DELIVERED_TWICE])]
    assert _seen(world, told) == expectations.SEASON
    told = [story.session_completed(story.SESSIONS[story.POISON])]
    assert _seen(world, told) == expectations.MENDED
    told = [story.certificate_enabled("borders", story.REQUIRED_SESSIONS, "")]
    assert _seen(world, told) == expectations.CERTIFICATE
    told = [story.feedback(late, "leila", story.LATE_FEEDBACK_AT)]
    assert _seen(world, told) == expectations.LATE_FEEDBACK
    told = [story.certificate_enabled("leadership", None, ""), story.awarded_by_hand()]
    assert _seen(world, told) == expectations.BY_HAND
    assert sorted(one.user_id for one in world.granted()) == expectations.AWARDS


def test_what_is_not_as_expected_is_told() -> None:
    """Where a member sees something else, it is said what, and what was expected."""
    expected = Sees(badges_in_progress={"mentor": progress(9, 10)}, without_feedback=("b04",))
    assert list(expected.differences(expected)) == []
    assert list(expected.differences(Sees(badges_in_progress={"mentor": progress(8, 10)}))) == [
        "badges in progress: mentor 8 of 10 (expected: mentor 9 of 10)",
        "without feedback: none (expected: b04)",
    ]


@contextmanager
def running(folder: Path, servers: Addresses, *arguments: str, **more: str) -> Iterator[Demo]:
    demo = Demo(folder, servers, *arguments, **more)
    try:
        yield demo
    finally:
        demo.process.kill()
        demo.wait()


def test_the_demo_tells_the_story(tmp_path: Path, servers: Addresses) -> None:
    """It ends with success, has shown every chapter, also what the README quotes of it, in 80 columns
    without colours, and leaves nothing on the servers or in its folder."""
    with running(tmp_path / "demo", servers) as demo:
        assert demo.wait() == 0, demo.said
        lines = demo.said.splitlines()
        shown = [line for line in lines if re.match(r"\d+  ", line)]
        titles = [f"{number}  {title}" for number, (title, _) in enumerate(CHAPTERS, 1)]
        assert [line.rstrip(" ─") for line in shown] == titles
        assert set(_quoted_in_the_readme()) <= set(lines)
        assert "\x1b" not in demo.said
        assert [line for line in lines if cell_len(line) > 80] == []
        assert demo.names_left(servers) == []


def test_up_leaves_everything_running(tmp_path: Path, servers: Addresses) -> None:
    """What it says of addresses and requests is so, until Ctrl-C ends it all with success."""
    with running(tmp_path / "up", servers, "--stay") as demo:
        demo.until_it_says("It all runs until Ctrl-C")
        services = demo.until_all_have_started()
        requests = dict(_requests(demo.said))
        assert len(requests) >= 4 + 2 + 1 + len(PROCESSES)
        for url, headers in requests.items():
            assert httpx.get(url, headers=headers).status_code == 200, url
        assert _publishes_another_fact(demo)
        assert "Across Borders" in _page_of_leila(demo.said)
        demo.process.send_signal(signal.SIGINT)
        assert demo.wait() == 0, demo.said
        assert not any(_lives(service) for service in services.values())
        assert demo.names_left(servers) == []


def test_a_killed_demo_takes_its_processes_along(tmp_path: Path, servers: Addresses) -> None:
    """Nothing of it outlives it, even if it is killed."""
    with running(tmp_path / "killed", servers) as demo:
        services = demo.until_all_have_started()
        demo.process.kill()
        _until(lambda: not any(_lives(service) for service in services.values()))


def test_an_interrupted_demo_leaves_nothing(tmp_path: Path, servers: Addresses) -> None:
    """Told to end in the middle of it, it does so with the status of the signal."""
    with running(tmp_path / "interrupted", servers) as demo:
        services = demo.until_all_have_started()
        demo.process.terminate()
        assert demo.wait() == 128 + signal.SIGTERM
        assert not any(_lives(service) for service in services.values())
        assert demo.names_left(servers) == []


def test_a_process_that_dies_is_named(tmp_path: Path, servers: Addresses) -> None:
    """Where a process ends unasked, the demo fails, says which one, and keeps the logs."""
    with running(tmp_path / "died", servers) as demo:
        demo.until_all_have_started()["achievements project"].kill()
        assert demo.wait() == 1
        assert "process   achievements project" in demo.said
        assert "seen      it ended unasked with status -9" in demo.said
        (log,) = demo.folder.glob("demo-*/achievements-project.log")
        assert str(log) in demo.said.replace("\n", "")


def test_what_cannot_start_is_told_plainly(tmp_path: Path, servers: Addresses) -> None:
    """Where a process can't start, the demo fails with what that process itself had to say."""
    with running(tmp_path / "unstarted", servers, LOG_LEVEL="loud") as demo:
        assert demo.wait() == 1
        assert "step      starting" in demo.said
        assert "LOG_LEVEL: found 'loud', expected one of debug, info, warning, error" in demo.said
        assert "Traceback" not in demo.said


def _seen(world: World, told: list[story.Fact]) -> dict[str, Sees]:
    """What everybody sees once these facts are told; what can't be used is passed over."""
    decoder = Decoder[learning.Inbound](learning.INBOUND_TYPES)
    for fact in told:
        with suppress(RefusedError):
            world.given(decoder.decode(envelope(fact), ()).data)
    activities = {one.user_id: world.activity(one.user_id, "lantern") for one in story.PEOPLE}
    return {user_id: Sees.of(msgspec.to_builtins(seen)) for user_id, seen in activities.items()}


def _quoted_in_the_readme() -> list[str]:
    """The lines of what the README shows of the demo."""
    readme = (CHECKOUT / "README.md").read_text()
    (excerpt,) = re.findall(r"<!-- of make demo -->\n```\n(.*?)```", readme, re.DOTALL)
    return [line for line in excerpt.splitlines() if line and line != "…"]


def _requests(said: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The requests to copy, with their tokens, and the addresses that anybody may open."""
    tokens = dict(re.findall(r"^  ([A-Z]+)=(\S+)$", said, re.MULTILINE))
    for name, url in re.findall(r'^  curl .*Bearer \$([A-Z]+)" (\S+)$', said, re.MULTILINE):
        yield url, {"Authorization": f"Bearer {tokens[name]}"}
    addresses = said.partition("  Addresses\n")[2]
    for url in re.findall(
        r"(http://\S+(?:/openapi.json|/metrics|/s/\S+))$", addresses, re.MULTILINE
    ):
        yield url, {}


def _publishes_another_fact(demo: Demo) -> bool:
    """The command to copy works, in a shell that has taken in the variables."""
    (variables,) = re.findall(r"^  (\. \S+)$", demo.said, re.MULTILINE)
    (command,) = re.findall(r"^  (\S+ -m devstack.demo.publish .*)$", demo.said, re.MULTILINE)
    script = f"{variables} && {command}"
    return subprocess.run(["sh", "-c", script], cwd=CHECKOUT, check=False).returncode == 0


def _page_of_leila(said: str) -> str:
    """Where the form of the page that it names leads a browser to."""
    (file,) = re.findall(r"file://(/\S+)$", said, re.MULTILINE)
    form = Path(unquote(file)).read_text()
    (action,) = re.findall('action="(.*?)"', form)
    (token,) = re.findall('name="token" value="(.*?)"', form)
    with httpx.Client(follow_redirects=True) as browser:
        return browser.post(action, data={"token": token}).text


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
