"""A surface with a reading direction: places are counted from where the reader begins."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from services.sharing.drawing.characters import drawable, drawable_name
from services.sharing.drawing.designs import Mark
from services.sharing.drawing.fonts import UNITS_PER_EM, Role
from services.sharing.drawing.paragraphs import Block, Room, fit
from services.sharing.drawing.paths import Box
from services.sharing.drawing.shaping import (
    Spelling,
    direction_of,
    joined,
    language_of,
    shape_line,
    spaced,
)
from services.sharing.drawing.surface import Meaning, Surface
from services.sharing.drawing.words import reading_direction, words

_MIDDLE: Final = 0.36
"""How far the middle of a line's letters is above its baseline, in sizes."""
_TRACKING: Final = 80
_SCALES: Final = (1.0, 0.93, 0.86, 0.8, 0.74, 0.68, 0.62, 0.56, 0.5)


class Row(NamedTuple):
    """A paragraph and the room above it; `tag` is the structure type of its Meaning."""

    tag: str
    gap: float
    block: Block
    colour: str


class Sheet:
    """Sets text on a surface of a width, in the direction of the words it is labelled with."""

    def __init__(self, surface: Surface, width: float, language: str) -> None:
        self.surface: Final = surface
        self.width: Final = width
        self.words: Final = words(language)
        self.direction: Final = reading_direction(language)
        self._language = language

    def box(self, start: float, y: float, width: float, height: float) -> Box:
        """A box that begins so far from the side where lines begin."""
        is_mirrored = self.direction == "rtl"
        return Box(self.width - start - width if is_mirrored else start, y, width, height)

    def set(self, text: str, role: Role, room: Room, limit: int) -> Block:
        """Lays out a paragraph of anybody's words, of which at most `limit` characters count."""
        shown = drawable(text, role, limit)
        spelling = Spelling(role, language_of(shown, self._language))
        return fit(shown, spelling, self.direction, room)

    def recipient(self, name: str | None, organization_name: str) -> str:
        """The name, or what is said of somebody whose name nobody knows or can draw."""
        return drawable_name(name) or self.words.member.format(organization=organization_name)

    def label(self, kind: str, mark: Mark | None, size: float) -> Block:
        """What kind of thing this is, set wide where the script can, and what is wrong with it."""
        text = f"{kind} · {self.words.of_mark(mark)}" if mark else kind
        spelling = Spelling("strong", self.words.language)
        if direction_of(text, self.direction) == "rtl":
            line = shape_line(text, spelling, "rtl")
        else:
            line = spaced(shape_line(text.upper(), spelling, "ltr"), _TRACKING)
        return Block((line,), size, size * 1.4)

    def numbered(self, label: str, number: str, width: float, size: float) -> Block:
        """A label of ours and a number on one line; the number's groups stay in order in any script."""
        before = shape_line(f"{label} · ", Spelling("text", self.words.language), self.direction)
        shown = shape_line(drawable(number, "text", 128), Spelling("text", "en"), "ltr")
        line = joined(before, shown, self.direction)
        fitting = min(size, width * UNITS_PER_EM / line.width)
        return Block((line,), fitting, fitting * 1.4)

    def put(self, block: Block, place: Box, colour: str) -> float:
        """Writes a block from the top of a place, each line from its beginning; gives its end."""
        for at, line in enumerate(block.lines):
            length = line.width * block.size / UNITS_PER_EM
            x = place.right - length if self.direction == "rtl" else place.x
            self._write(block, at, x, place.y, colour)
        return place.y + block.height

    def put_centred(self, block: Block, place: Box, colour: str) -> float:
        """The same with each line in the middle."""
        for at, line in enumerate(block.lines):
            length = line.width * block.size / UNITS_PER_EM
            self._write(block, at, place.x + (place.width - length) / 2, place.y, colour)
        return place.y + block.height

    def stack(self, place: Box, rows_at: Callable[[float], Iterable[Row]]) -> None:
        """Puts rows below each other, as large as there is room for them in the height.

        `rows_at` makes them at a scale. They stand a little above the middle of the place.
        """
        rows: list[Row] = []
        for scale in _SCALES:
            rows = [row for row in rows_at(scale) if row.block.lines]
            if _height(rows) <= place.height:
                break
        y = place.y + max(0.45 * (place.height - _height(rows)), 0)
        for row in rows:
            box = self.box(place.x, y + row.gap, place.width, row.block.height)
            with self.surface.meaning(Meaning(row.tag, row.block.text)):
                y = self.put(row.block, box, row.colour)

    def _write(self, block: Block, at: int, x: float, top: float, colour: str) -> None:
        baseline = top + (at + 0.5) * block.leading + _MIDDLE * block.size
        self.surface.write(block.lines[at], (x, baseline), block.size, colour)


def _height(rows: list[Row]) -> float:
    return sum(row.gap + row.block.height for row in rows)
