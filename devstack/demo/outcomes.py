"""The chapters about what comes of it all: for each member, session by session, and by mail."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from devstack.demo import expectations
from devstack.demo.expectations import Reason
from devstack.demo.members import BADGES, Row, card, heading
from devstack.demo.story import PEOPLE, PROGRAMS_BY_ID
from devstack.demo.telling import Demo
from devstack.demo.wire import AWARDS, read


def everybody(demo: Demo) -> None:
    """The whole activity of each member."""
    criteria = _criteria(demo)
    demo.screen.say(
        f"Their activity over HTTP, and the reasons in the {len(criteria)} events on {AWARDS}:"
    )
    for person in PEOPLE:
        demo.screen.gap()
        demo.screen.show(heading(person.user_id))
        demo.screen.rows(card(demo.apis.activity(person.user_id), criteria), 11)


def _criteria(demo: Demo) -> dict[str, str]:
    """How each award was earned, as published; each must have been granted once."""
    granted: dict[str, str] = {}
    ids: set[str] = set()

    def difference() -> str | None:
        for message in read(demo.kafka, AWARDS):
            event = json.loads(message.value)
            if event["type"] == "AwardGranted.v1":
                ids.add(event["id"])
                granted[event["data"]["award_id"]] = event["data"]["criteria"]
        return None if len(ids) == len(expectations.AWARDS) else f"{len(ids)}"

    expected = f"{len(expectations.AWARDS)} AwardGranted on {AWARDS}"
    with demo.screen.waiting("Waiting for the awards to be published …"):
        demo.running.until(expected, difference, "achievements relay")
    return granted


def reasons(demo: Demo) -> None:
    """A few numbers, session by session."""
    demo.screen.say("Which sessions make up some of these numbers, and why others don't count:")
    for reason in expectations.REASONS:
        explanation = demo.apis.explanation(reason.user_id, reason.code, reason.program_id)
        found = Reason(*reason[:3], *_sessions(explanation))
        demo.check(found == reason, str(reason), found, "achievements serve")
        demo.screen.gap()
        demo.screen.show(_number(reason, explanation))
        demo.screen.rows(_because(reason), 22)


def _sessions(explanation: dict[str, Any]) -> tuple[list[str], dict[str, list[str]]]:
    excluded: defaultdict[str, list[str]] = defaultdict(list)
    for one in explanation["excluded"]:
        excluded[one["reason"]].append(one["session_id"])
    return [one["session_id"] for one in explanation["counted"]], dict(excluded)


def _number(reason: Reason, explanation: dict[str, Any]) -> Text:
    program = PROGRAMS_BY_ID.get(reason.program_id or "")
    what = f"{program.certificate} certificate" if program else f"{BADGES[reason.code]} badge"
    number = f"{explanation['count']}, {explanation['threshold']} needed"
    return Text.assemble((f"{reason.user_id:<8}", "bold"), f"{what}: {number}")


def _because(reason: Reason) -> Iterator[Row]:
    yield Text("        counts", "dim"), " ".join(reason.counted)
    for why, sessions in reason.excluded.items():
        yield Text(f"        {why}", "dim"), " ".join(sessions)


def mail(demo: Demo) -> None:
    """One mail for each award, in the language of whom it is for."""
    people = {person.email: person.user_id for person in PEOPLE}
    mails = demo.mailbox.mails
    expected = f"mails to {', '.join(expectations.AWARDS)}"

    def difference() -> str | None:
        found = sorted(people.get(str(one["To"].addresses[0].addr_spec), "?") for one in mails)
        return None if found == expectations.AWARDS else ", ".join(found) or "none"

    with demo.screen.waiting("Waiting for the mail …"):
        demo.running.until(expected, difference, "achievements notify")
    demo.screen.say("One for each award, in each one's language, to a mail server of our own:")
    for one in mails:
        address = str(one["To"].addresses[0].addr_spec)
        demo.screen.show(Text.assemble((f"{people[address]:<8}", "bold"), str(one["Subject"])))
