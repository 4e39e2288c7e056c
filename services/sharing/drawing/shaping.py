"""From text to glyphs in their places, in any script and direction.

A line is cut into runs of one direction (Unicode UAX 9, by ICU) and one font, and each run is
shaped by HarfBuzz. All measures are in em, so that a line can be set at any size.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import icu
import uharfbuzz as hb

from services.sharing.drawing.characters import clusters
from services.sharing.drawing.fonts import Font, Role, font_for, fonts

Direction = Literal["ltr", "rtl"]


class Glyph(NamedTuple):
    """One glyph of a font; `x` and `y` move it from the pen, upwards is positive.

    `text` is what it stands for. Where several glyphs are several characters together (a letter
    and its dots, say), the first of them in reading order has all the text, the others have none.
    """

    number: int
    advance: float
    x: float
    y: float
    text: str


class Run(NamedTuple):
    """Glyphs of one font from left to right."""

    font: Font
    direction: Direction
    glyphs: tuple[Glyph, ...]
    width: float


class Line(NamedTuple):
    """Runs from left to right; `text` is in reading order."""

    text: str
    runs: tuple[Run, ...]
    width: float


class Spelling(NamedTuple):
    """What a text is written in: its script's language decides the shapes of Han characters."""

    role: Role
    language: str


EMPTY: Final = Line("", (), 0)


@lru_cache(maxsize=4096)
def shape_line(text: str, spelling: Spelling, direction: Direction) -> Line:
    """A line of a paragraph that runs in `direction`."""
    runs = tuple(
        _shape(part, font, way, spelling.language)
        for start, end, way in _visual_runs(text, direction)
        for part, font in _in_order(by_font(text[start:end], spelling.role), way)
    )
    return Line(text, runs, sum(run.width for run in runs))


def direction_of(text: str, default: Direction) -> Direction:
    """The direction of a paragraph: that of its first letter, else the default (UAX 9, P2, P3)."""
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


def _in_order(
    parts: Iterator[tuple[str, Font]], direction: Direction
) -> list[tuple[str, Font]]:
    return list(parts) if direction == "ltr" else list(parts)[::-1]


def _shape(text: str, font: Font, direction: Direction, language: str) -> Run:
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.direction = direction
    buffer.guess_segment_properties()
    buffer.language = language
    hb.shape(font.shaper, buffer)
    texts = _texts_of_glyphs(text, [info.cluster for info in buffer.glyph_infos], direction)
    em = font.units
    glyphs = tuple(
        Glyph(
            info.codepoint,
            position.x_advance / em,
            position.x_offset / em,
            position.y_offset / em,
            part,
        )
        for info, position, part in zip(
            buffer.glyph_infos, buffer.glyph_positions, texts, strict=True
        )
    )
    return Run(font, direction, glyphs, sum(glyph.advance for glyph in glyphs))


def _texts_of_glyphs(text: str, starts: list[int], direction: Direction) -> list[str]:
    """The text of each glyph, from where its cluster starts (HarfBuzz: monotone clusters)."""
    edges = sorted({*starts, len(text)})
    ends = dict(zip(edges, edges[1:], strict=False))
    texts = [""] * len(starts)
    seen: set[int] = set()
    indices = range(len(starts)) if direction == "ltr" else range(len(starts) - 1, -1, -1)
    for index in indices:
        if starts[index] not in seen:
            seen.add(starts[index])
            texts[index] = text[starts[index] : ends[starts[index]]]
    return texts
