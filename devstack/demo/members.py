"""What members see, for the screen: all of it, or what has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from devstack.demo.expectations import Expected
from devstack.demo.screen import bar
from devstack.demo.sees import Progress, Sees
from devstack.demo.story import NAMES, PROGRAMS_BY_ID, TIMEZONE

BADGES: Final = {
    "mentor": "Mentor",
    "super_mentor": "Super Mentor",
    "mentee": "Mentee",
    "connector": "Connector",
}
_ZONE: Final = ZoneInfo(TIMEZONE)
Row = tuple[str | Text, ...]


def date(instant: datetime) -> str:
    """The day in the organization's time zone."""
    return f"{instant.astimezone(_ZONE):%-d %b %Y}"


def overview(seen: Expected) -> Table:
    """Badges of everybody, and which of their sessions lack feedback."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for name in BADGES.values():
        table.add_column(name, justify="right")
    table.add_column("no feedback yet")
    for user_id, sees in seen.items():
        cells = [_badge_cell(sees, code) for code in BADGES]
        table.add_row(Text(user_id, "bold"), *cells, ", ".join(sees.without_feedback))
    return table


def _badge_cell(sees: Sees, code: str) -> Text:
    if code in sees.badges:
        return Text("earned", "green")
    return Text(str(sees.badges_in_progress.get(code, "-")))


def changes(before: Expected, after: Expected) -> Iterator[Row]:
    """What has changed for whom: a row each, the person only in the first of theirs."""
    for user_id in after:
        who = user_id
        for row in _changes_for(before[user_id], after[user_id]):
            yield Text(who, "bold"), *row
            who = ""


def _changes_for(before: Sees, after: Sees) -> Iterator[Row]:
    for code, earned in after.badges.items():
        if code not in before.badges:
            yield f"{BADGES[code]} badge", _earned(earned.at, before.badges_in_progress.get(code))
    for code, now in after.badges_in_progress.items():
        if now != (was := before.badges_in_progress.get(code)):
            yield f"{BADGES[code]} badge", _moved(was, now)
    for program_id, earned in after.certificates.items():
        if program_id not in before.certificates:
            was = before.certificates_unearned.get(program_id)
            yield _title(program_id), _earned(earned.at, was)
    for program_id, now in after.certificates_unearned.items():
        if now != (was := before.certificates_unearned.get(program_id)):
            yield _title(program_id), _moved(was, now)
    if after.without_feedback != before.without_feedback:
        lacking = (", ".join(sees.without_feedback) or "none" for sees in (before, after))
        yield "no feedback yet", Text(" → ".join(lacking))


def _title(program_id: str) -> str:
    return PROGRAMS_BY_ID[program_id].certificate or program_id


def _earned(at: datetime, was: Progress | None) -> Text:
    before = f"{was} → " if was is not None else ""
    return Text.assemble(before, ("earned", "green"), f", since {date(at)}")


def _moved(was: Progress | None, now: Progress) -> Text:
    if now.threshold is None:
        return Text("by hand only")
    before = f"{was} → " if was is not None else ""
    return Text(f"{before}{now}")


def heading(user_id: str) -> Text:
    """The name comes last: in a script written from the right it can't push anything about."""
    return Text.assemble((user_id, "bold"), "  ", NAMES[user_id])


def card(activity: Mapping[str, Any], criteria: Mapping[str, str]) -> Iterator[Row]:
    """All of an `activity`, and why; `criteria` says by award how it was earned."""
    yield from _labelled("earned", list(_earned_rows(activity, criteria)))
    yield from _labelled("in progress", list(_progress_rows(activity)))
    yield from _labelled("no feedback", list(_without_feedback(activity)))


def _labelled(label: str, texts: list[Text]) -> Iterator[Row]:
    for text in texts:
        yield Text(label, "dim"), text
        label = ""


def _earned_rows(activity: Mapping[str, Any], criteria: Mapping[str, str]) -> Iterator[Text]:
    for badge in activity["badges"]["earned"]:
        yield _award_text(f"{badge['name']} badge", badge, criteria)
    for certificate in activity["certificates"]["earned"]:
        yield _award_text(f"{certificate['title']} certificate", certificate, criteria)


def _award_text(title: str, award: Mapping[str, Any], criteria: Mapping[str, str]) -> Text:
    since = date(datetime.fromisoformat(award["earned_at"]))
    why = criteria[award["award_id"]]
    return Text.assemble((title, "green"), f", {since}\n", (f"  {why}", "dim"))


def _progress_rows(activity: Mapping[str, Any]) -> Iterator[Text]:
    for badge in activity["badges"]["in_progress"]:
        yield _progress_text(f"{badge['name']} badge", badge, badge["threshold"])
    for certificate in activity["certificates"]["unearned"]:
        title = f"{certificate['title']} certificate"
        yield _progress_text(title, certificate, certificate["required_sessions"])


def _progress_text(title: str, one: Mapping[str, Any], threshold: int | None) -> Text:
    if threshold is None:
        return Text.assemble(f"{title}, awarded by hand\n", (f"  {one['guidance']}", "dim"))
    count, missing = one["count"], one["missing"]
    return Text.assemble(
        bar(count, threshold), f" {title}, {count} of {threshold}", (f", {missing} to go", "dim")
    )


def _without_feedback(activity: Mapping[str, Any]) -> Iterator[Text]:
    for one in activity["sessions_without_feedback"]:
        on = date(datetime.fromisoformat(one["completed_at"]))
        where = f"{one['session_id']} in {one['program_id']}, {on}, can be given at\n"
        yield Text.assemble(where, (f"  {one['feedback_url']}", "dim"))
