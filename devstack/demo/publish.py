"""Publishes one fact of one's own: `python -m devstack.demo.publish --help`."""

from __future__ import annotations

import json
import os
import secrets
from typing import Annotated, Any

import typer

from devstack.demo.story import ORGANIZATION, Fact
from devstack.demo.surroundings import StreamSettings
from devstack.demo.wire import Publisher
from services.environment import read_settings


def publish(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Such as FeedbackSubmitted.")],
    fields: Annotated[
        list[str], typer.Argument(metavar="FIELD=VALUE…", help="Its data; a value may be JSON.")
    ],
) -> None:
    """Publish a fact to the Kafka that KAFKA_BOOTSTRAP_SERVERS names, as a CloudEvent.

    Its organization is the demo's, unless a field says otherwise. Prints where it lies.
    """
    data = {"organization_id": ORGANIZATION} | dict(map(_field, fields))
    with Publisher(read_settings(StreamSettings, os.environ).kafka) as publisher:
        (place,) = publisher.publish(Fact(type_, secrets.token_hex(8), data))
    print(f"{place.topic}, partition {place.partition}, offset {place.offset}")


def _field(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not FIELD=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    application.command()(publish)
    application(prog_name="python -m devstack.demo.publish")
