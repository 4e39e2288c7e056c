"""The commands of sharing: `python -m services.sharing --help`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from schemas.links import EVENT_TYPES
from services.commands import (
    collect_garbage_seldom,
    failures_in_plain_words,
    silence_kafka,
    told_to_stop,
)
from services.consumed import consumed
from services.environment import read_settings
from services.journal import Journal
from services.kafka import consume as consume_topics
from services.observability import configure_logging, metrics_server
from services.sharing import api, upkeep, views
from services.sharing.application import Sharing
from services.sharing.consumer import GROUP, TOPICS, Intake
from services.sharing.credentials.keys import new_keys
from services.sharing.limits import Misses, PostgresLedger
from services.sharing.reading import Reading
from services.sharing.settings import SharingSettings
from services.web import Api, TokenVerifier
from services.web import serve as serve_api

app = typer.Typer(
    help="Sharing: public pages of awards, and the links that open and close them.\n\n"
    "Settings are environment variables; SHARING_DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS and"
    " PUBLIC_URL come first. Exit status: 0 done, 1 failed, 2 wrong usage or settings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def migrate() -> None:
    """Create or upgrade the database schema. Safe to repeat, and to run twice at once."""
    with _reached(_settings()) as journal:
        upkeep.migrate(journal)


@app.command()
def serve() -> None:
    """Serve public pages and owners' calls over HTTP, until SIGTERM or Ctrl-C."""
    settings = _settings()
    with _journal(settings) as journal:
        served = application(journal, settings)
        collect_garbage_seldom()
        serve_api(served, settings.listen)


@app.command()
def consume() -> None:
    """Take in awards and the directory from Kafka, until SIGTERM or Ctrl-C.

    May run many times over: the partitions are shared out.
    """
    settings = _settings()
    kafka = settings.kafka
    with (
        _journal(settings) as journal,
        metrics_server(settings.observability.metrics_listen),
    ):
        consume_topics(
            kafka,
            group=kafka.group(GROUP),
            topics=[kafka.topic(name) for name in TOPICS],
            transaction=journal.transaction,
            handle=Intake(Sharing(journal)),
            stop=told_to_stop(),
        )


@app.command()
def rebuild() -> None:
    """Build the read models again from the journal beside the live ones; reads go on."""
    with _reached(_settings()) as journal:
        events = upkeep.rebuild(journal)
    print(f"Rebuilt from {events} events.")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show how far consuming has come: the lag of each topic, the position in each partition."""
    settings = _settings()
    silence_kafka()
    with _reached(settings) as journal:
        its = consumed(journal, settings.kafka, GROUP, TOPICS)
    if as_json:
        print(json.dumps({"lag": its.lag_of_all, "backlog": {}, "positions": its.positions}))
        return
    for topic in its.lag:
        behind, reached = its.words(topic)
        print(f"{topic}  lag {behind}  positions {reached}")


@app.command()
def new_key() -> None:
    """Print new keys to sign credentials with: the content of a file for SIGNING_KEY."""
    print(new_keys(), end="")


def application(journal: Journal, settings: SharingSettings) -> Api:
    """What `serve` serves."""
    return api.create(
        Sharing(journal),
        Reading(journal.conninfo),
        Misses(PostgresLedger(journal.conninfo)),
        TokenVerifier.from_settings(settings.auth),
        settings,
    )


def _settings() -> SharingSettings:
    settings = read_settings(SharingSettings, os.environ)
    configure_logging(settings.observability)
    return settings


def _journal(settings: SharingSettings) -> Journal:
    return Journal(settings.database_url, views.JOURNAL_SCHEMA, EVENT_TYPES)


@contextmanager
def _reached(settings: SharingSettings) -> Iterator[Journal]:
    """A journal whose database was reached; OperationalError, which says why, where it is not."""
    with _journal(settings) as journal:
        journal.reach()
        yield journal


def main() -> None:
    """Runs a command."""
    with failures_in_plain_words():
        app(prog_name="sharing")


if __name__ == "__main__":
    main()
