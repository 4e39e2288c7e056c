"""Pictures: drawn as SVG, in which all text is outlines, and made into PNG by resvg."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import degrees
from typing import Final, assert_never
from xml.sax.saxutils import quoteattr

import resvg_py

from services.sharing.drawing.fonts import UNITS_PER_EM
from services.sharing.drawing.paths import Box, Close, Curve, Move, Part, Path, Point, Straight
from services.sharing.drawing.pictures import Picture
from services.sharing.drawing.shaping import Line
from services.sharing.drawing.surface import Meaning

_SEE_THROUGH: Final = 0.35


class SvgSurface:
    """A Surface whose meanings are lost: a picture has one description, given where it is shown."""

    def __init__(self, width: float, height: float) -> None:
        self._size: Final = (
            f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
        )
        self._parts: list[str] = []
        self._shapes = 0

    @contextmanager
    def meaning(self, meaning: Meaning) -> Iterator[None]:
        yield

    def fill(self, path: Path, colour: str) -> None:
        self._parts.append(f'<path d="{_data(path)}" fill="{colour}"/>')

    def stroke(self, path: Path, colour: str, width: float) -> None:
        style = f'fill="none" stroke="{colour}" stroke-width="{width:g}"'
        self._parts.append(f'<path d="{_data(path)}" {style}/>')

    def picture(self, picture: Picture, box: Box, shape: Path) -> None:
        place = f'x="{box.x:.2f}" y="{box.y:.2f}" width="{box.width:.2f}" height="{box.height:.2f}"'
        self._shapes += 1
        name = f"shape-{self._shapes}"
        self._parts.append(
            f'<clipPath id="{name}"><path d="{_data(shape)}"/></clipPath>'
            f'<image {place} preserveAspectRatio="none" clip-path="url(#{name})" '
            f"href={quoteattr(picture.address)}/>"
        )

    def write(self, line: Line, at: Point, size: float, colour: str) -> None:
        self._parts.append(
            f'<g transform="{_placed(at, size)}" fill="{colour}">{_glyphs(line)}</g>'
        )

    def stamp(self, line: Line, centre: Point, size: float, angle: float, colour: str) -> None:
        at = -line.width * size / UNITS_PER_EM / 2, 0.35 * size
        place = f"translate({centre[0]:.2f} {centre[1]:.2f}) rotate({-degrees(angle):.2f})"
        self._parts.append(
            f'<g transform="{place} {_placed(at, size)}" fill="{colour}" '
            f'opacity="{_SEE_THROUGH}">{_glyphs(line)}</g>'
        )

    def nest(self, svg: str, width: float, box: Box) -> None:
        """Shows another SVG document, which is so wide, in the width of the box."""
        place = f"translate({box.x:g} {box.y:g}) scale({box.width / width:.5f})"
        self._parts.append(f'<g transform="{place}">{svg}</g>')

    def svg(self) -> str:
        return f'<svg xmlns="http://www.w3.org/2000/svg" {self._size}>{"".join(self._parts)}</svg>'


def as_png(svg: str, width: int | None = None) -> bytes:
    """The picture in its own size, or in a width in pixels."""
    return resvg_py.svg_to_bytes(svg_string=svg, width=width, skip_system_fonts=True)


def _placed(at: Point, size: float) -> str:
    scale = size / UNITS_PER_EM
    return f"translate({at[0]:.2f} {at[1]:.2f}) scale({scale:.5f} {-scale:.5f})"


def _glyphs(line: Line) -> str:
    pen = 0
    parts = []
    for run in line.runs:
        for cell in run.cells:
            for part in cell.parts:
                outline = run.font.outline(part.number)
                if outline:
                    place = f"translate({pen + part.x} {part.y})"
                    parts.append(f'<path transform="{place}" d="{outline}"/>')
            pen += cell.advance
    return "".join(parts)


def _data(path: Path) -> str:
    """SVG path data (SVG 2, 9.3)."""
    return "".join(_command(part) for part in path)


def _command(part: Part) -> str:
    match part:
        case Move(to):
            return f"M{to[0]:.2f} {to[1]:.2f}"
        case Straight(to):
            return f"L{to[0]:.2f} {to[1]:.2f}"
        case Curve(first, second, to):
            points = f"{first[0]:.2f} {first[1]:.2f} {second[0]:.2f} {second[1]:.2f}"
            return f"C{points} {to[0]:.2f} {to[1]:.2f}"
        case Close():
            return "Z"
        case Box(x, y, width, height):
            return f"M{x:.2f} {y:.2f}h{width:.2f}v{height:.2f}h{-width:.2f}Z"
        case _:
            assert_never(part)
