"""`make up`: everything stays, and how to get at it is said."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Final

from devstack.demo import link
from devstack.demo.apis import TOKEN_HOURS
from devstack.demo.endings import short
from devstack.demo.failures import EndedError
from devstack.demo.running import PROCESSES
from devstack.demo.story import ADMIN, ORGANIZATION
from devstack.demo.surroundings import DATABASES, Surroundings
from devstack.demo.telling import Demo

TOKENS: Final = {
    "LEILA": ("leila", ("member",)),
    "AMARA": ("amara", ("member",)),
    "ADMIN": (ADMIN, ("member", "admin")),
    "OPERATOR": ("olga", ("operator",)),
}
_EXPORTED: Final = (
    *DATABASES,
    "KAFKA_BOOTSTRAP_SERVERS",
    "KAFKA_TOPIC_PREFIX",
    "KAFKA_GROUP_PREFIX",
    "AUTH_SECRET",
)
PUBLISH: Final = (
    "-m devstack.demo.publish FeedbackSubmitted program_id=returners session_id=r05"
    " user_id=leila submitted_at=2026-06-20T10:00:00Z"
)
SIGN_IN: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sign in as Leila</title>
<form method="post" action="{url}/session">
<input type="hidden" name="token" value="{token}">
<button>Leila's awards</button>
</form>
</html>
"""
"""What the platform shows to Leila, which sends her here with her token."""
LABEL_WIDTH: Final = 31
LOOK_EVERY_SECONDS: Final = 0.5


def stay_until_told(demo: Demo, own: Surroundings) -> None:
    """Returns when we are told to end, or when what started us has ended; DemoError if a process does."""
    parent = os.getppid()
    tokens = {name: demo.apis.token(user_id, *roles) for name, (user_id, roles) in TOKENS.items()}
    sign_in = SIGN_IN.format(url=demo.running.url("sharing serve"), token=tokens["LEILA"])
    pages = {
        "a public page": link.share(demo),
        "Leila's own page, by sign-in": _write(own, "sign-in.html", sign_in).as_uri(),
    }
    _show_addresses(demo, own, pages)
    _show_tokens(demo, tokens, _write_variables(own, tokens))
    _show_commands(demo)
    demo.screen.gap()
    demo.screen.say("[bold]It all runs until Ctrl-C.[/]")
    demo.screen.step = "It all runs until Ctrl-C"
    try:
        while os.getppid() == parent:
            demo.running.check()
            time.sleep(LOOK_EVERY_SECONDS)
    except EndedError:
        demo.screen.gap()
        demo.screen.say("[dim]Ending …[/]")


def _show_addresses(demo: Demo, own: Surroundings, pages: Mapping[str, str]) -> None:
    demo.screen.rule()
    demo.screen.say("[bold]Addresses[/]")
    for label, address in _addresses(demo, own, pages):
        demo.screen.verbatim(f"{label:<{LABEL_WIDTH}}{address}")


def _addresses(
    demo: Demo, own: Surroundings, pages: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for name in ("achievements serve", "sharing serve"):
        url = demo.running.url(name)
        service = name.partition(" ")[0]
        yield f"{service} API", url
        yield f"{service} OpenAPI", f"{url}/openapi.json"
    yield from pages.items()
    for process in PROCESSES:
        yield f"metrics, {process.name}", f"{demo.running.url(process.name)}/metrics"
    yield "Kafka", own.environment["KAFKA_BOOTSTRAP_SERVERS"]
    yield "topics and groups", f"all begin with {own.kafka.topic_prefix}"
    for variable, name in DATABASES.items():
        yield f"database, {name}", own.environment[variable]
    yield "mail server", demo.mailbox.url
    yield "mails", str(short(demo.mailbox.folder))
    yield "logs", str(short(own.folder))


def _write_variables(own: Surroundings, tokens: Mapping[str, str]) -> Path:
    """A file to be taken into a shell."""
    values = {**tokens, **{name: own.environment[name] for name in _EXPORTED}}
    exports = (f"export {name}={quote(text)}\n" for name, text in values.items())
    return _write(own, "variables.sh", "".join(exports))


def _write(own: Surroundings, name: str, content: str) -> Path:
    """A file for nobody else to read: there are secrets in it."""
    file = own.folder / name
    file.touch(mode=0o600)
    file.write_text(content)
    return file


def _show_tokens(demo: Demo, tokens: Mapping[str, str], file: Path) -> None:
    screen = demo.screen
    screen.gap()
    screen.say(f"[bold]Tokens[/], valid for {TOKEN_HOURS} hours")
    for name, token in tokens.items():
        screen.verbatim(f"{name}={token}")
    screen.gap()
    screen.say("This takes them into a shell, with the settings that the commands below need:")
    screen.verbatim(f". {short(file)}")


def _show_commands(demo: Demo) -> None:
    achievements, sharing = (
        demo.running.url("achievements serve"),
        demo.running.url("sharing serve"),
    )
    members = f"{achievements}/v1/organizations/{ORGANIZATION}/members"
    python = short(Path(sys.executable))
    screen = demo.screen
    for about, command in (
        (
            "What Leila sees, all of it and at home",
            _curl("LEILA", f"{members}/me/activity"),
        ),
        ("", _curl("LEILA", f"{members}/me/home")),
        (
            "Which of her sessions count for Connector, and why the others don't",
            _curl("LEILA", f"{members}/me/explanations/connector"),
        ),
        ("What Leila sees, for an admin", _curl("ADMIN", f"{members}/leila/activity")),
        ("Leila's awards, with the links to share them", _curl("LEILA", f"{sharing}/v1/awards")),
        (
            "Leila gives the feedback that r05 lacks; then look again at what she sees",
            f"{python} {PUBLISH}",
        ),
        ("How far sharing has come", f"{python} -m services.sharing status"),
    ):
        if about:
            screen.gap()
            screen.say(f"{about}:")
        screen.verbatim(command)


def _curl(token: str, url: str) -> str:
    return f'curl -s -H "Authorization: Bearer ${token}" {url}'
