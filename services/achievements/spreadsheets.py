"""The report as a file for spreadsheets: CSV (RFC 4180) in UTF-8 with a byte order mark, by which they know that it is.

A cell is text, whatever a spreadsheet would make of it: where one begins like a formula, an apostrophe goes before it.
"""

import csv
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from io import StringIO
from typing import Final

from projections.report import ReportItem

COLUMNS: Final = (
    "user_id",
    "display_name",
    "sessions_completed",
    "sessions_counted",
    "sessions_without_feedback",
    "award_id",
    "earned_at",
    "granted_at",
    "how",
)
_BYTE_ORDER_MARK: Final = "\ufeff"
_BETWEEN_IDS: Final = " / "  # no id holds a slash
# At the beginning, and where a cell begins for one that takes semicolons or tabs for our commas, and so misses our
# quotes.
_LIKE_A_FORMULA: Final = re.compile(r"^(?=[\t\r\n])|(^|[;\t\r\n])(?=[ \u00a0]*[=+\-@＝＋－＠])")
_UNSAFE_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]+")
_MEDIA_RANGE: Final = re.compile(r"\s*([\w*.+-]+/[\w*.+-]+)\s*(?:;(.*))?")
_QUALITY: Final = re.compile(r"(?:^|;)\s*q=([01](?:\.\d{0,3})?)\s*(?:;|$)", re.IGNORECASE)


def is_preferred(accept: str) -> bool:
    """Whether an Accept header (RFC 9110, 12.5.1) asks for CSV, and not for JSON at least as much."""
    qualities: dict[str, float] = {}
    for part in accept.split(","):
        found = _MEDIA_RANGE.fullmatch(part)
        if found is not None:
            quality = _QUALITY.search(found[2] or "")
            qualities[found[1].lower()] = float(quality[1]) if quality else 1.0
    csv_quality = qualities.get("text/csv", qualities.get("text/*", 0.0))
    return csv_quality > qualities.get("application/json", qualities.get("application/*", 0.0))


def header() -> bytes:
    """The beginning of a file: its mark and the names of the columns."""
    return _BYTE_ORDER_MARK.encode() + _lines([COLUMNS])


def rows(items: Iterable[ReportItem]) -> bytes:
    """Some of the lines, one an item."""
    return _lines(_cells(item) for item in items)


def file_name(kind: str, of: str) -> str:
    """A name that is safe in a header and on any disk."""
    return f"{kind}-{_UNSAFE_IN_NAMES.sub('_', of)}.csv"


def harmless(text: str) -> str:
    """The text, so that no spreadsheet takes it for a formula."""
    return _LIKE_A_FORMULA.sub(r"\1'", text)


def _cells(item: ReportItem) -> list[str | int]:
    award = item.award
    return [
        harmless(item.user_id),
        harmless(item.display_name or ""),
        item.sessions_completed,
        item.sessions_counted,
        harmless(_BETWEEN_IDS.join(item.sessions_without_feedback)),
        *(
            ["", "", "", ""]
            if award is None
            else [
                award.award_id,
                _utc(award.earned_at),
                _utc(award.granted_at),
                award.how,
            ]
        ),
    ]


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _lines(lines: Iterable[Iterable[str | int]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()
