"""Text set in a given width: broken into lines, balanced, made smaller until it fits.

Where a line may end is ICU's to say (Unicode UAX 14, and dictionaries for Thai, Lao, Khmer and
Burmese, which have no spaces between words).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import icu

from services.sharing.drawing.characters import ELLIPSIS, clusters
from services.sharing.drawing.fonts import UNITS_PER_EM
from services.sharing.drawing.shaping import (
    Direction,
    Line,
    Spelling,
    direction_of,
    shape_line,
)

_BALANCING_STEPS: Final = 7
_LINES: Final = icu.Locale("ja@lb=strict;lw=phrase")
"""Whole phrases in Japanese, whole words in Chinese and Korean, by these rules for any language."""


class Block(NamedTuple):
    """Lines of one size; `leading` is the distance between their baselines."""

    lines: tuple[Line, ...]
    size: float
    leading: float

    @property
    def height(self) -> float:
        return len(self.lines) * self.leading

    @property
    def width(self) -> float:
        return max((line.width for line in self.lines), default=0) * self.size / UNITS_PER_EM

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


class Room(NamedTuple):
    """What a text may take: it is set in the first of the sizes in which it needs no more lines.

    `leading` is the distance between baselines, in sizes.
    """

    width: float
    sizes: Sequence[float]
    lines: int
    leading: float


class _Piece(NamedTuple):
    """What stays on one line. `width` counts the space at its end, `bare` does not."""

    text: str
    width: int
    bare: int


def fit(text: str, spelling: Spelling, default: Direction, room: Room) -> Block:
    """Sets one paragraph; what has no room even in the smallest size is cut, with an ellipsis.

    A word that is wider than the line makes the text smaller, and is only then broken anywhere.
    """
    direction = direction_of(text, default)
    pieces = _pieces(text, spelling, direction)
    for size in room.sizes:
        width = room.width * UNITS_PER_EM / size
        if all(piece.bare <= width for piece in pieces):
            ends = _balanced(pieces, width)
            if len(ends) <= room.lines:
                return _block(_lines(pieces, ends), spelling, direction, size, room.leading)
    size = room.sizes[-1]
    width = room.width * UNITS_PER_EM / size
    pieces = _narrowed(pieces, width, spelling, direction)
    ends = _greedy(pieces, width)
    texts = _lines(pieces, ends)
    if len(texts) > room.lines:
        rest = pieces[[0, *ends][room.lines - 1] : ends[room.lines]]
        last = _cut("".join(piece.text for piece in rest), width, spelling, direction)
        texts = [*texts[: room.lines - 1], last]
    return _block(texts, spelling, direction, size, room.leading)


def forget_texts() -> None:
    """Drops all that was kept of texts."""
    for kept in (shape_line, _pieces, _piece):
        kept.cache_clear()


def _block(
    texts: list[str], spelling: Spelling, direction: Direction, size: float, leading: float
) -> Block:
    lines = tuple(shape_line(text, spelling, direction) for text in texts)
    return Block(lines, size, size * leading)


def _narrowed(
    pieces: Sequence[_Piece], width: float, spelling: Spelling, direction: Direction
) -> tuple[_Piece, ...]:
    """The pieces, each too wide one taken apart into its characters."""
    parts = (
        [piece.text] if piece.bare <= width else list(clusters(piece.text)) for piece in pieces
    )
    return tuple(_piece(part, spelling, direction) for group in parts for part in group)


@lru_cache(maxsize=1024)
def _pieces(text: str, spelling: Spelling, direction: Direction) -> tuple[_Piece, ...]:
    return tuple(_piece(part, spelling, direction) for part in _breakable(text))


@lru_cache(maxsize=16_384)
def _piece(text: str, spelling: Spelling, direction: Direction) -> _Piece:
    width = shape_line(text, spelling, direction).width
    bare = text.rstrip()
    return _Piece(
        text, width, width if bare == text else shape_line(bare, spelling, direction).width
    )


def _breakable(text: str) -> list[str]:
    units = icu.UnicodeString(text)
    breaks = icu.BreakIterator.createLineInstance(_LINES)
    breaks.setText(units)
    ends = list(breaks)
    return [str(units[start:end]) for start, end in zip([0, *ends], ends, strict=False)]


def _balanced(pieces: Sequence[_Piece], width: float) -> list[int]:
    """The last piece of each line, with lines as even as they can be, yet no more of them."""
    best = _greedy(pieces, width)
    if len(best) < 2:
        return best
    low, high = 0.5 * width, width
    for _ in range(_BALANCING_STEPS):
        middle = (low + high) / 2
        ends = _greedy(pieces, middle)
        if len(ends) > len(best) or any(piece.bare > middle for piece in pieces):
            low = middle
        else:
            best, high = ends, middle
    return best


def _greedy(pieces: Sequence[_Piece], width: float) -> list[int]:
    ends: list[int] = []
    filled = 0
    for index, piece in enumerate(pieces):
        if filled and filled + piece.bare > width:
            ends.append(index)
            filled = 0
        filled += piece.width
    return [*ends, len(pieces)] if pieces else []


def _lines(pieces: Sequence[_Piece], ends: list[int]) -> list[str]:
    return [
        "".join(piece.text for piece in pieces[start:end]).rstrip()
        for start, end in zip([0, *ends], ends, strict=False)
    ]


def _cut(text: str, width: float, spelling: Spelling, direction: Direction) -> str:
    """As much of the text as fits with an ellipsis after it."""
    letters = list(clusters(text))
    low, high = 0, len(letters)
    while low < high:
        middle = (low + high + 1) // 2
        candidate = "".join(letters[:middle]).rstrip() + ELLIPSIS
        if shape_line(candidate, spelling, direction).width <= width:
            low = middle
        else:
            high = middle - 1
    return "".join(letters[:low]).rstrip() + ELLIPSIS
