"""From text to glyphs in their places, in any script and direction.

A line is cut into runs of one direction (Unicode UAX 9, by ICU) and one font, and each run is
shaped by HarfBuzz. All measures are whole thousandths of an em, for a line can be set at any size.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, groupby
from typing import Final, Literal, NamedTuple

import icu
import uharfbuzz as hb

from services.sharing.drawing.characters import clusters
from services.sharing.drawing.fonts import Font, Role, font_for, fonts

Direction = Literal["ltr", "rtl"]


class Part(NamedTuple):
    """One glyph of a font, moved from the pen by `x` to the right and `y` upwards."""

    number: int
    x: int
    y: int


class Cell(NamedTuple):
    """Glyphs that stand for a piece of text together: a letter, a syllable or a mark of its own."""

    text: str
    parts: tuple[Part, ...]
    advance: int


class Run(NamedTuple):
    """Cells of one font from left to right."""

    font: Font
    cells: tuple[Cell, ...]


class Line(NamedTuple):
    """Runs from left to right; `text` is in reading order."""

    text: str
    runs: tuple[Run, ...]
    width: int


class Spelling(NamedTuple):
    """What a text is written in: its script's language decides the shapes of Han characters."""

    role: Role
    language: str


EMPTY: Final = Line("", (), 0)


@lru_cache(maxsize=4096)
def shape_line(text: str, spelling: Spelling, direction: Direction) -> Line:
    """A line of a paragraph that runs in `direction`."""
    if not text:
        return EMPTY
    runs = tuple(
        _shape(part, font, way, spelling.language)
        for start, end, way in _visual_runs(text, direction)
        for part, font in _in_order(by_font(text[start:end], spelling.role), way)
    )
    return Line(text, runs, sum(cell.advance for run in runs for cell in run.cells))


def spaced(line: Line, by: int) -> Line:
    """The line with its letters further apart; only for scripts whose letters do not join."""
    runs = tuple(
        Run(run.font, tuple(cell._replace(advance=cell.advance + by) for cell in run.cells))
        for run in line.runs
    )
    return Line(line.text, runs, line.width + by * sum(len(run.cells) for run in runs))


def joined(first: Line, second: Line, direction: Direction) -> Line:
    """Two lines as one that is read in `direction`; what stands in one keeps its order."""
    runs = first.runs + second.runs if direction == "ltr" else second.runs + first.runs
    return Line(first.text + second.text, runs, first.width + second.width)


def direction_of(text: str, default: Direction) -> Direction:
    """The direction of a paragraph: that of its first letter, else the default (UAX 9, P2, P3)."""
    if not text:
        return default
    match icu.Bidi.getBaseDirection(icu.UnicodeString(text)):
        case icu.UBiDiDirection.LTR:
            return "ltr"
        case icu.UBiDiDirection.RTL:
            return "rtl"
        case _:
            return default


def language_of(text: str, hint: str) -> str:
    """The language whose shapes the Han characters of a text should have.

    Kana and Hangul tell; for Han alone the hint decides, else it is taken for simplified Chinese.
    """
    if any("\u3040" <= character <= "\u30ff" for character in text):
        return "ja"
    if any("\uac00" <= character <= "\ud7a3" for character in text):
        return "ko"
    primary, _, rest = hint.lower().replace("_", "-").partition("-")
    if primary == "zh":
        is_traditional = any(part in ("hant", "tw", "hk", "mo") for part in rest.split("-"))
        return "zh-hant" if is_traditional else "zh-hans"
    has_han = any("\u2e80" <= character <= "\u9fff" for character in text)
    return "zh-hans" if has_han and primary not in ("ja", "ko") else primary


def by_font(text: str, role: Role) -> Iterator[tuple[str, Font]]:
    """Cuts a text where its font changes; characters that many scripts share stay with theirs."""
    part, current = "", None
    for cluster in clusters(text):
        if current and _is_shared(cluster[0]) and current.covers(cluster):
            part += cluster
            continue
        font = font_for(role, cluster) or current or fonts(role)[0]
        if current and font is not current:
            yield part, current
            part = ""
        part, current = part + cluster, font
    if current:
        yield part, current


def _is_shared(character: str) -> bool:
    code = icu.Script.getScript(character).getScriptCode()
    return code in (icu.UScriptCode.COMMON, icu.UScriptCode.INHERITED)


def _visual_runs(text: str, direction: Direction) -> list[tuple[int, int, Direction]]:
    """Where the text's runs of one direction start and end, from left to right."""
    if direction == "ltr" and text.isascii():
        return [(0, len(text), "ltr")]
    units = icu.UnicodeString(text)
    bidi = icu.Bidi()
    bidi.setPara(units, 1 if direction == "rtl" else 0)
    offsets = _code_points_at_units(text)
    return [
        (offsets[start], offsets[start + length], "rtl" if way else "ltr")
        for start, length, way in (bidi.getVisualRun(index) for index in range(bidi.countRuns()))
    ]


def _code_points_at_units(text: str) -> list[int]:
    """For each UTF-16 unit of the text, and its end, the index of its character."""
    offsets = []
    for index, character in enumerate(text):
        offsets += [index] * (2 if character > "\uffff" else 1)
    return [*offsets, len(text)]


def _in_order(parts: Iterator[tuple[str, Font]], direction: Direction) -> list[tuple[str, Font]]:
    return list(parts) if direction == "ltr" else list(parts)[::-1]


def _shape(text: str, font: Font, direction: Direction, language: str) -> Run:
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.direction = direction
    buffer.guess_segment_properties()
    buffer.language = language
    hb.shape(font.shaper, buffer)
    glyphs = [
        _Glyph(info.codepoint, info.cluster, *position.position)
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
    ]
    in_reading_order = glyphs if direction == "ltr" else glyphs[::-1]
    starts = [start for start, _ in groupby(in_reading_order, lambda glyph: glyph.cluster)]
    ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
    return Run(
        font,
        tuple(
            cell
            for start, cluster in groupby(glyphs, lambda glyph: glyph.cluster)
            for cell in _cells(text[start : ends[start]], list(cluster), font, direction)
        ),
    )


class _Glyph(NamedTuple):
    number: int
    cluster: int
    x: int
    y: int
    advance: int
    advance_upwards: int


def _cells(text: str, glyphs: list[_Glyph], font: Font, direction: Direction) -> Iterator[Cell]:
    """Cuts a cluster (as HarfBuzz counts them) into as many cells as its text can be told apart.

    A mark that is drawn by its own glyph, after its letter in reading order, is a cell. Programs
    that read PDF differ in how they order several characters of one glyph, but not of several.
    """
    if direction == "rtl" and len(text) == 1:
        text = icu.Char.charMirror(text)  # a bracket is written as it looks, as all programs do
    if len(glyphs) == 1:
        yield _cell(text, glyphs)
        return
    in_order = glyphs if direction == "ltr" else glyphs[::-1]
    marks = {font.glyph_of(character): character for character in text[1:]}
    letter, tail = in_order[: -len(marks) or None], in_order[-len(marks) or len(in_order) :]
    if not letter or {glyph.number for glyph in tail} != marks.keys() or len(marks) < len(text) - 1:
        yield _cell(text, glyphs)
        return
    if direction == "ltr":
        yield _cell(text[0], letter)
    yield from (_cell(marks[glyph.number], [glyph]) for glyph in glyphs if glyph in tail)
    if direction == "rtl":
        yield _cell(text[0], letter[::-1])


def _cell(text: str, glyphs: list[_Glyph]) -> Cell:
    pens = accumulate((glyph.advance for glyph in glyphs), initial=0)
    parts = tuple(
        Part(glyph.number, pen + glyph.x, glyph.y) for glyph, pen in zip(glyphs, pens, strict=False)
    )
    return Cell(text, parts, sum(glyph.advance for glyph in glyphs))
