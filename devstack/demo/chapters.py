"""The chapters of the story: each publishes facts, waits for what the rules say, and shows it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.text import Text

from devstack.demo import expectations, story
from devstack.demo.members import Row, overview
from devstack.demo.story import PEOPLE, PROGRAMS, SESSIONS
from devstack.demo.telling import Demo
from devstack.demo.wire import DEAD_LETTERS, Message, Place, envelope, read

_TYPES = {"one_to_one": "1:1", "development": "development"}


def an_organization(demo: Demo) -> None:
    """Who there is."""
    demo.publish(*story.directory())
    screen = demo.screen
    screen.say(f"{story.ORGANIZATION_NAME}: its plan is professional, its badges are switched on.")
    screen.gap()
    screen.rows(((one.program_id, _TYPES[one.type], one.name) for one in PROGRAMS), 12, 11)
    screen.gap()
    screen.rows(((one.user_id, one.role, one.name) for one in PEOPLE), 12, 11)


def a_season(demo: Demo) -> None:
    """Sessions and feedback: one too early, one twice, one broken."""
    early, twice = SESSIONS[story.EARLY_FEEDBACK], SESSIONS[story.DELIVERED_TWICE]
    season = story.season()
    screen = demo.screen
    screen.say("Published to Kafka, in this order:")
    screen.rows(_season_rows(), 3)
    demo.publish(story.feedback(early, str(early.feedback_by), early.feedback_at))
    since = time.monotonic()
    places = demo.publish(*season, story.session_completed(twice))
    demo.expect(expectations.SEASON, since)
    screen.show(overview(expectations.SEASON))
    screen.gap()
    screen.say("What became of the early one, the one delivered twice, and the broken one:")
    ids = [fact.id for fact in season]
    poison = ids.index(f"session-{story.POISON}")
    letter = _dead_letter(demo, envelope(season[poison]), places[poison])
    screen.rows(_odd_rows(demo, letter, places[poison]), 5)


def _season_rows() -> Iterator[Row]:
    feedback = [session.session_id for session in story.SEASON if session.feedback_by is not None]
    yield "1", f"feedback about {story.EARLY_FEEDBACK}, a session that nobody has heard of yet"
    yield "2", f"{len(SESSIONS)} sessions, and {len(feedback) - 1} more feedbacks about them"
    yield "", f"{story.POISON} among them tells a time without a time zone: it can't be used"
    yield "3", f"{story.DELIVERED_TWICE} once more, the very same event"


def _dead_letter(demo: Demo, value: bytes, place: Place) -> Message:
    letters: list[Message] = []

    def difference() -> str | None:
        letters[:] = read(demo.kafka, DEAD_LETTERS)
        return None if letters else "none"

    expected = f"a dead letter on {DEAD_LETTERS}"
    with demo.screen.waiting("Waiting for the dead letter …"):
        demo.running.until(expected, difference, "achievements relay", "achievements consume")
    (letter, *more) = letters
    headers = letter.headers
    where = (headers["dlq.topic"], int(headers["dlq.partition"]), int(headers["dlq.offset"]))
    demo.check(not more, "one dead letter", len(letters), "achievements relay")
    demo.check(letter.value == value, "the original bytes", letter.value, "achievements relay")
    demo.check(where == place, f"the place of the original, {place}", where, "achievements relay")
    reason = headers["dlq.reason"]
    demo.check(reason == "invalid_data", "invalid_data", reason, "achievements consume")
    return letter


def _odd_rows(demo: Demo, letter: Message, place: Place) -> Iterator[Row]:
    facts = demo.apis.facts()
    expected = {"recorded": demo.publisher.count - 2, "unchanged": 1, "invalid_data": 1}
    demo.check(+facts == expected, str(expected), dict(facts), "achievements consume")
    topic = place.topic.removeprefix(demo.kafka.topic_prefix)
    yield story.EARLY_FEEDBACK, "counts: the feedback waited for its session"
    yield (
        story.DELIVERED_TWICE,
        f"counts once: {facts['recorded']} facts changed something, 1 changed nothing",
    )
    yield story.POISON, f"is on {DEAD_LETTERS}; what came behind it counts"
    for name in ("dlq.reason", "dlq.detail"):
        yield "", Text.assemble((f"{name}  ", "dim"), (letter.headers[name], "yellow"))
    yield (
        "",
        Text(f"its place was {topic}, partition {place.partition}, offset {place.offset}", "dim"),
    )


def mended(demo: Demo) -> None:
    """The dead letter, corrected by its publisher."""
    demo.screen.say(
        f"The publisher sends {story.POISON} again under the same id, now with its time zone. Only"
        " what was accepted counts as seen: so it is taken, and counts as of its own time."
    )
    since = time.monotonic()
    demo.publish(story.session_completed(SESSIONS[story.POISON]))
    demo.show_changes(expectations.MENDED, since)


def certificate_afterwards(demo: Demo) -> None:
    """A certificate that is enabled when the sessions are long over."""
    required = story.REQUIRED_SESSIONS
    demo.screen.say(
        f"Ines, an admin, enables a certificate in Across Borders: {required} sessions with feedback."
        " Whoever has them already is granted it at once, as earned when the facts were complete."
    )
    since = time.monotonic()
    demo.publish(story.certificate_enabled("borders", required, "Meet, and say how it was."))
    demo.show_changes(expectations.CERTIFICATE, since)


def late_feedback(demo: Demo) -> None:
    """Feedback two months after the session."""
    late = SESSIONS[story.LATE_FEEDBACK]
    demo.screen.say(
        f"In June Leila finds the time to say how {late.session_id} was, a session of March."
        " One participant's feedback makes it count for both."
    )
    since = time.monotonic()
    demo.publish(story.feedback(late, late.mentee, story.LATE_FEEDBACK_AT))
    demo.show_changes(expectations.LATE_FEEDBACK, since)


def award_by_hand(demo: Demo) -> None:
    """A certificate that no count can bring."""
    demo.screen.say(
        "In a development program nothing is counted: its certificate is awarded by hand. Ines"
        " enables it, tells how to earn it, and awards it to Sofia."
    )
    since = time.monotonic()
    guidance = "Show what you have tried at the closing day."
    demo.publish(story.certificate_enabled("leadership", None, guidance), story.awarded_by_hand())
    demo.show_changes(expectations.BY_HAND, since)
