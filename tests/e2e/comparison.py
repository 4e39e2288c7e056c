"""What the rules give beside what was found: differences in words, none where all is as it must be."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tests.oracle import Achievement, Grant, Json, Oracle, Published, instant

_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_INSTANTS: Final = ("earned_at", "granted_at", "completed_at")
_ONLY_OF_CERTIFICATES: Final = ("program_id", "program_name", "banner")


def achievement_of(event: Json) -> Achievement:
    """What an AwardGranted is for."""
    return Achievement(
        event["organization_id"], event["user_id"], event["code"], event.get("program_id", "")
    )


def compare_grants(oracle: Oracle, due: Iterable[Grant], granted: Iterable[Json]) -> Iterator[str]:
    """The awards that are due since the last phase, and those that were granted; the oracle learns of them."""
    found: defaultdict[Achievement, list[Json]] = defaultdict(list)
    for event in granted:
        found[achievement_of(event)].append(event)
    for grant in due:
        events = found.pop(grant.achievement, [])
        if not events:
            yield f"not granted: {grant.achievement}"
            continue
        if len(events) > 1:
            yield f"granted {len(events)} times: {grant.achievement}"
        oracle.learn(grant, events[0])
        yield from _wrong_about_award(grant, events[0])
    for achievement in found:
        yield f"granted, but not due: {achievement}"


def _wrong_about_award(grant: Grant, event: Json) -> Iterator[str]:
    about = f"{grant.achievement}: "
    if not any(way.allows(event["how"], instant(event["earned_at"])) for way in grant.ways):
        ways = [f"{way.how} {way.earliest} to {way.latest}" for way in grant.ways]
        yield about + f"earned {event['how']} at {event['earned_at']}, not {' or '.join(ways)}"
    yield from (about + wrong for wrong in _wrong_about_first(grant, event))
    for name, allowed in grant.design.items():
        if event.get(name) not in allowed:
            yield about + f"{name} is {event.get(name)!r}, not one of {allowed}"
    if event["kind"] == "badge":
        yield from (about + f"a badge has {n}" for n in _ONLY_OF_CERTIFICATES if n in event)
    if str(UUID(event["award_id"])) != event["award_id"]:
        yield about + f"award_id is no UUID: {event['award_id']}"
    if not event["criteria"]:
        yield about + "no criteria"


def _wrong_about_first(grant: Grant, event: Json) -> Iterator[str]:
    """An automatic award tells the first instant that it needed, a manual one has none."""
    first_at = event.get("first_at")
    if (first_at is None) != (event["how"] == "manual"):
        yield f"earned {event['how']}, and first_at is {first_at}"
    elif first_at is not None and not any(
        instant(first_at) in way.instants and instant(first_at) <= instant(event["earned_at"])
        for way in grant.ways
    ):
        yield f"first_at is {first_at}, at which nothing counted"


def compare_views(what: str, expected: Any, found: Any) -> Iterator[str]:
    """Two documents; the instants in what was found are texts."""
    try:
        read = _with_instants(found)
    except (ValueError, TypeError) as error:
        yield f"{what}: {error} in {found}"
        return
    for path, one, other in _differences("", expected, read):
        yield f"{what}: {path}: expected {one}, found {other}"


def _differences(path: str, expected: Any, found: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where two documents differ, as deep down as can be told."""
    if isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        for name in expected:
            yield from _differences(f"{path}.{name}", expected[name], found[name])
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield (
                path,
                [x for x in expected if x not in found],
                [x for x in found if x not in expected],
            )
            return
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from _differences(f"{path}[{number}]", one, other)
    elif expected != found:
        yield path, expected, found


def _with_instants(document: Any) -> Any:
    if isinstance(document, list):
        return [_with_instants(item) for item in document]
    if isinstance(document, dict):
        return {
            name: _utc(value) if name in _INSTANTS else _with_instants(value)
            for name, value in document.items()
        }
    return document


def _utc(text: str) -> datetime:
    if not _UTC.fullmatch(text):
        raise ValueError(f"{text!r} is no time in UTC")
    return instant(text)


def compare_dead_letters(
    oracle: Oracle, found: Mapping[tuple[str, int, int], Sequence[Json]]
) -> Iterator[str]:
    """Each message that can't be used once, as it was; `found` is by topic, partition and offset of the original.

    A dead letter may have been told several times; then always the same.
    """
    expected = {
        (letter.message["topic"], letter.message["partition"], letter.message["offset"]): letter
        for letter in oracle.dead_letters
    }
    for place in expected.keys() - found.keys():
        code, message = expected[place]
        yield f"no dead letter: {code} {_short(message)}"
    for place in found.keys() - expected.keys():
        yield f"a dead letter that should be none: {place} {found[place][0]['about']}"
    for place in expected.keys() & found.keys():
        code, message = expected[place]
        for letter in found[place]:
            yield from _wrong_about_dead_letter(code, message, letter)
        if any(letter != found[place][0] for letter in found[place]):
            yield f"a dead letter told again in other words: {place}"


def _wrong_about_dead_letter(code: str, message: Published, letter: Json) -> Iterator[str]:
    about = letter["about"]
    if about["dlq.reason"] != code:
        yield f"{about['dlq.reason']} ({about['dlq.detail']}), not {code}: {_short(message)}"
    for part in ("key", "value", "headers"):
        if message[part] != letter[part]:
            yield f"dead letter with another {part}: {_short(message)}"
    if not about["dlq.detail"]:
        yield f"dead letter without detail: {_short(message)}"


def compare_announcements(oracle: Oracle, events: Sequence[tuple[str, Json]]) -> Iterator[str]:
    """What else is told on the awards topic, each once: `events` are types and data, distinct, in order by key."""
    last_availability: dict[str, tuple[bool, bool]] = {}
    withdrawn: Counter[str] = Counter()
    erased: Counter[tuple[str, str]] = Counter()
    for type_, data in events:
        match type_:
            case "AvailabilityChanged.v1":
                available = data["badges"], data["certificates"]
                last_availability[data["organization_id"]] = available
            case "AwardWithdrawn.v1":
                withdrawn[data["award_id"]] += 1
            case "RecipientErased.v1":
                erased[data["organization_id"], data["user_id"]] += 1
    revoked = Counter(
        grant.event["award_id"]
        for grants in oracle.grants.values()
        for grant in grants
        if grant.revoked and grant.event
    )
    if withdrawn != revoked:
        yield f"withdrawn {withdrawn - revoked} too often, {revoked - withdrawn} too seldom"
    if erased != Counter(oracle.erased):
        yield f"erased: {erased - Counter(oracle.erased)}, not {Counter(oracle.erased) - erased}"
    for organization_id in {*last_availability, *oracle.organizations}:
        expected = oracle.available(organization_id)
        found = last_availability.get(organization_id, (False, False))
        if expected != found:
            yield f"availability of {organization_id}: told {found}, not {expected}"


def _short(message: Published) -> str:
    value = message["value"]
    shown = value if value is None or len(value) < 400 else value[:400] + b"..."
    place = message["topic"], message["partition"], message["offset"]
    return f"{place} {message['headers']} {shown!r}"
