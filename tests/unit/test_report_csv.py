"""The report as a file for spreadsheets: product rule 15."""

import csv
from datetime import UTC, datetime
from io import StringIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projections.report import ReportedAward, ReportItem
from services.achievements.spreadsheets import harmless, header, is_preferred, rows

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
nasty = st.text(alphabet=st.sampled_from("ab =+-@\t\r\n;,\"'＝1"), max_size=12)


def item(user_id: str, name: str | None = None, sessions: tuple[str, ...] = ()) -> ReportItem:
    award = ReportedAward("a-1", NOW, NOW, "automatic")
    return ReportItem(user_id, name, 3, 2, list(sessions), award)


def cells(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline=""), delimiter=delimiter))


@given(nasty, nasty)
@example("x;=1+1", "a\n-1")
@example("\t=1", "\r\n=1")
def test_no_cell_is_a_formula(user_id: str, name: str) -> None:
    """Rule 15: whatever somebody is called, no cell is a formula, wherever a spreadsheet sees one begin."""
    text = rows([item(user_id, name, (name, user_id))]).decode()
    for line in cells(text):
        assert not any(cell.startswith(FORMULAS) for cell in line)
    for delimiter in ";\t":
        for row in text.splitlines():
            for part in row.split(delimiter):
                assert not part.lstrip(" ").startswith(("=", "+", "-", "@", "＝"))


@given(st.lists(st.tuples(nasty, nasty), max_size=5))
def test_cells_are_read_as_they_were_written(people: list[tuple[str, str]]) -> None:
    """RFC 4180: quotes, commas and line breaks in a cell belong to it; but for apostrophes all is as it was."""
    text = rows(item(*person) for person in people).decode()
    assert [line[:2] for line in cells(text)] == [
        [harmless(user_id), harmless(name)] for user_id, name in people
    ]


@pytest.mark.parametrize("name", ["Ada Lovelace", "Jean-Luc", "a=b", "O'Neil; Sons", "5 + 5", ""])
def test_harmless_names_stay(name: str) -> None:
    """What is no formula is left as it is."""
    assert harmless(name) == name


def test_a_line() -> None:
    """A line tells all that the JSON tells; what is null is empty."""
    bare = ReportItem("ben", None, 0, 0, [], None)
    assert header().decode("utf-8-sig").split(",")[:2] == ["user_id", "display_name"]
    assert rows([item("ada", "Ada", ("s1", "s 2")), bare]).decode() == (
        "ada,Ada,3,2,s1 / s 2,a-1,2026-03-01T09:30:00Z,2026-03-01T09:30:00Z,automatic\r\n"
        "ben,,0,0,,,,,\r\n"
    )


@pytest.mark.parametrize(
    ("accept", "csv_wanted"),
    [
        ("text/csv", True),
        ("Text/CSV; charset=utf-8", True),
        ("text/csv, */*;q=0.1", True),
        ("text/csv;q=0.5, application/json;q=0.2", True),
        ("text/*", True),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/csv", False),
        ("text/csv;q=0", False),
        ("text/csv;q=0.3, application/json", False),
        ("text/html", False),
        (", ;;,q=", False),
    ],
)
def test_csv_is_for_those_who_prefer_it(accept: str, csv_wanted: bool) -> None:
    """RFC 9110, 12.5.1: the media type that is wanted most goes, JSON where nothing is said."""
    assert is_preferred(accept) is csv_wanted
