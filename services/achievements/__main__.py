"""The commands of achievements: `python -m services.achievements --help`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from schemas.journal import EVENT_TYPES
from services.achievements import (
    api,
    plan_commands,
    repair_commands,
    trace_command,
    upkeep_commands,
)
from services.achievements.backlog import measured
from services.achievements.intake import Intake
from services.achievements.migration import migrate as create_and_upgrade
from services.achievements.notify import MailSettings
from services.achievements.notify import notify as keep_notifying
from services.achievements.project import project as keep_projecting
from services.achievements.relay import relay as keep_relaying
from services.achievements.settings import AchievementsSettings
from services.achievements.topics import GROUP, INBOUND, specs
from services.commands import (
    collect_garbage_seldom,
    failures_in_plain_words,
    switch_threads_seldom,
    told_to_stop,
)
from services.environment import SettingsError, read_settings
from services.journal import Journal
from services.kafka import consume as consume_topics
from services.observability import configure_logging, metrics_server
from services.topics import create_topics
from services.web import Principal, TokenVerifier, check_listen, issue_token
from services.web import serve as serve_api

JOURNAL_SCHEMA = "achievements"

app = typer.Typer(
    help="Achievements: decides, remembers and explains badges and certificates.\n\n"
    "Settings are environment variables; DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS come first."
    " Exit status: 0 done, 1 failed or found differences, 2 wrong usage or settings,"
    " 3 refused because the facts have moved, or a plan was applied already.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Role(StrEnum):
    """Whom a development token speaks for."""

    MEMBER = "member"
    ADMIN = "admin"
    OPERATOR = "operator"


@app.command()
def migrate(
    topics: Annotated[
        bool, typer.Option("--topics", help="Create missing Kafka topics, too.")
    ] = False,
) -> None:
    """Create or upgrade the database schema. Safe to repeat, and to run twice at once."""
    settings = _settings()
    with _journal(settings) as journal:
        create_and_upgrade(journal)
    if topics:
        for name in create_topics(settings.kafka, specs(settings.kafka)):
            print(f"created topic {name}")


@app.command()
def serve() -> None:
    """Answer HTTP, until SIGTERM or Ctrl-C. May run many times over."""
    settings = _settings()
    verifier = TokenVerifier.from_settings(settings.auth)
    check_listen(settings.listen, verifier)
    with _journal(settings) as journal, measured(journal):
        serve_api(api.create(journal, settings, verifier), settings.listen)


@app.command()
def consume() -> None:
    """Take in facts from Kafka into the journal, until SIGTERM or Ctrl-C.

    May run many times over: the partitions are shared out.
    """
    settings = _settings()
    kafka = settings.kafka
    switch_threads_seldom()
    with _running(settings) as journal:
        consume_topics(
            kafka,
            group=kafka.group(GROUP),
            topics=[kafka.topic(name) for name in INBOUND],
            transaction=journal.transaction,
            handle=Intake(journal),
            stop=told_to_stop(),
        )


@app.command()
def project() -> None:
    """Keep the read models up with the journal and grant what is due, until SIGTERM or Ctrl-C.

    May run many times over: one leads, the others wait to take over.
    """
    with _running(_settings()) as journal:
        keep_projecting(journal, told_to_stop())


@app.command()
def relay() -> None:
    """Publish awards and dead letters to Kafka, until SIGTERM or Ctrl-C.

    May run many times over: one leads, the others wait to take over.
    """
    settings = _settings()
    with _running(settings) as journal:
        keep_relaying(journal, settings.kafka, told_to_stop())


@app.command()
def notify() -> None:
    """Email members what they are granted, once each, until SIGTERM or Ctrl-C.

    May run many times over: one leads, the others wait to take over.
    """
    settings = _settings()
    mail = MailSettings(settings.smtp_server, settings.email_sender, settings.public_url)
    with _running(settings) as journal:
        keep_notifying(journal, mail, told_to_stop())


@app.command()
def token(
    organization_id: Annotated[str, typer.Argument(help="The organization it is for.")],
    user_id: Annotated[str, typer.Argument(help="Whom it speaks for.")],
    role: Annotated[
        list[Role] | None, typer.Option(help="Repeat for several; member without.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0, help="How long it is valid.")] = 8,
) -> None:
    """Print a bearer token, signed with AUTH_SECRET. For development only."""
    settings = _settings()
    if settings.auth.secret is None:
        raise SettingsError("AUTH_SECRET: found nothing, expected the secret to sign tokens with")
    roles = frozenset(one.value for one in role or [Role.MEMBER])
    print(
        issue_token(
            settings.auth.secret,
            Principal(user_id, organization_id, roles),
            audience=settings.auth.audience,
            expires_at=datetime.now(UTC) + timedelta(hours=hours),
        )
    )


@contextmanager
def _own_journal() -> Iterator[Journal]:
    """A journal whose database was reached; OperationalError, which says why, where it is not."""
    with _journal(_settings()) as journal:
        journal.reach()
        yield journal


plan_commands.add_commands(app, _own_journal)
upkeep_commands.add_commands(app, _own_journal, lambda: _settings().kafka)
trace_command.add_command(app, _own_journal)
app.add_typer(repair_commands.commands(_own_journal), name="dead-letters")


@contextmanager
def _running(settings: AchievementsSettings) -> Iterator[Journal]:
    """What a process without an HTTP API has around it."""
    collect_garbage_seldom()
    with (
        _journal(settings) as journal,
        metrics_server(settings.observability.metrics_listen),
        measured(journal),
    ):
        yield journal


def _settings() -> AchievementsSettings:
    settings = read_settings(AchievementsSettings, os.environ)
    configure_logging(settings.observability)
    return settings


def _journal(settings: AchievementsSettings) -> Journal:
    return Journal(settings.database_url, JOURNAL_SCHEMA, EVENT_TYPES)


def main() -> None:
    """Runs a command."""
    with failures_in_plain_words():
        app(prog_name="achievements")


if __name__ == "__main__":
    main()
