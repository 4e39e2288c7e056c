"""Commands: `python -m devstack.demo --help`."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import Annotated, Final

import httpx
import psycopg
import typer
from kafka.errors import KafkaError

from devstack import progress
from devstack.addresses import DevstackError
from devstack.demo import chapters, link, outcomes
from devstack.demo.apis import Apis
from devstack.demo.endings import show_end, show_failure
from devstack.demo.failures import DemoError, EndedError
from devstack.demo.mailbox import mailbox
from devstack.demo.running import PROCESSES, running
from devstack.demo.screen import Screen
from devstack.demo.staying import stay_until_told
from devstack.demo.surroundings import Surroundings, surroundings
from devstack.demo.telling import Demo
from devstack.demo.wire import Publisher
from devstack.shared import shared
from services.environment import SettingsError

FAILED: Final = 1
CHAPTERS: Final = (
    ("A small organization", chapters.an_organization),
    ("A season of sessions, in no good order", chapters.a_season),
    ("The broken one is mended", chapters.mended),
    ("A certificate, switched on afterwards", chapters.certificate_afterwards),
    ("Feedback, two months late", chapters.late_feedback),
    ("An award by hand", chapters.award_by_hand),
    ("What each member sees, and why", outcomes.everybody),
    ("Why a number is what it is", outcomes.reasons),
    ("What each member is told by mail", outcomes.mail),
    ("A link for strangers", link.a_link),
)
_PLAIN: Final = (DevstackError, SettingsError, KafkaError, psycopg.Error, httpx.HTTPError, OSError)


def demo(
    stay: Annotated[
        bool, typer.Option("--stay", help="Leave everything running, with its data, until Ctrl-C.")
    ] = False,
) -> None:
    """Show the main job on real Kafka and PostgreSQL, and check it.

    Starts all processes of both services beside whatever else uses the servers, publishes the story
    of a small organization, and shows what its members, its publishers and strangers get to see.
    Exit status: 0 all was as the rules say, 1 something was not, or could not be started.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    screen = Screen()
    try:
        with shared() as addresses, surroundings(addresses) as own:
            _show(screen, own, stay=stay)
    except DemoError:
        sys.exit(FAILED)
    except _PLAIN as error:
        progress.say(str(error) or repr(error))
        sys.exit(FAILED)
    except EndedError as ended:
        sys.exit(ended.status)


def _show(screen: Screen, own: Surroundings, *, stay: bool) -> None:
    try:
        with (
            mailbox(own.folder / "mail") as box,
            running(own, box.url) as processes,
            Publisher(own.kafka) as publisher,
        ):
            began = time.monotonic()
            screen.title("Achievements: the main job, on real Kafka and PostgreSQL")
            with screen.waiting(f"Starting {len(PROCESSES)} processes …"):
                processes.make_keys()
                processes.migrate()
                processes.start()
            screen.say(
                f"[dim]{len(PROCESSES)} processes, ready after {time.monotonic() - began:.1f} s.[/]"
            )
            telling = Demo(
                screen, processes, own.kafka, publisher, Apis(processes, own.secret), box
            )
            for number, (title, tell) in enumerate(CHAPTERS, 1):
                screen.chapter(number, title)
                tell(telling)
            show_end(screen, time.monotonic() - began)
            if stay:
                stay_until_told(telling, own)
    except DemoError as error:
        show_failure(screen, error, own.folder)
        raise


def _end(number: int, _frame: FrameType | None) -> None:
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)  # what is left to do takes a moment only
    raise EndedError(128 + number)


if __name__ == "__main__":
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    application.command()(demo)
    application(prog_name="python -m devstack.demo")
