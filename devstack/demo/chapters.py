"""The chapters of the demo up to what everybody sees: each publishes, waits, checks and shows."""

from __future__ import annotations

import json
import time
from typing import Any

from devstack.demo import expectations, story
from devstack.demo.members import card, heading, overview
from devstack.demo.story import NAMES, PEOPLE, PROGRAMS, SESSIONS
from devstack.demo.telling import Demo
from devstack.demo.wire import AWARDS, DEAD_LETTERS, Message, Place, envelope, read

_TYPES = {"one_to_one": "1:1", "development": "development"}


def an_organization(demo: Demo) -> None:
    """Who there is; and a feedback that comes before its session."""
    demo.publish(*story.directory())
    screen = demo.screen
    screen.say(f"{story.ORGANIZATION_NAME}: its plan is professional, its badges are switched on.")
    screen.gap()
    screen.rows(((one.program_id, _TYPES[one.type], one.name) for one in PROGRAMS), 12, 11)
    screen.gap()
    screen.rows(((one.user_id, one.role, one.name) for one in PEOPLE), 12, 11)


def a_season(demo: Demo) -> dict[str, Place]:
    """Sessions and feedback, early, twice and broken."""
    early, twice = SESSIONS[story.EARLY_FEEDBACK], SESSIONS[story.DELIVERED_TWICE]
    season = story.season()
    demo.publish(story.feedback(early, str(early.feedback_by), early.feedback_at))
    screen = demo.screen
    screen.say("Published to Kafka, in this order:")
    screen.rows(_season_rows(len(season)), 0)
    since = time.monotonic()
    demo.publish(*season, story.session_completed(twice))
    demo.expect(expectations.SEASON, since)
    screen.show(overview(expectations.SEASON))
    return {}
