"""A tagged PDF of one page, drawn like any other surface.

What is drawn is collected first: which glyphs the document shows is known at its end only, and with
it the fonts. Contents: ISO 32000-1, 8 (graphics), 9 (text) and 14.6 (marked content).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from math import cos, sin
from typing import Final, NamedTuple, assert_never

from reportlab.pdfgen.pathobject import PDFPathObject

from services.sharing.drawing.colours import channels
from services.sharing.drawing.fonts import UNITS_PER_EM, Font
from services.sharing.drawing.paths import Box, Close, Curve, Move, Path, Point, Straight
from services.sharing.drawing.pdf.canvas import PageCanvas
from services.sharing.drawing.pdf.embedding import EmbeddedFont
from services.sharing.drawing.pdf.images import image
from services.sharing.drawing.pdf.metadata import About, describe
from services.sharing.drawing.pdf.objects import Rectangle
from services.sharing.drawing.pdf.structure import Element, Structure
from services.sharing.drawing.pictures import Picture
from services.sharing.drawing.shaping import Cell, Line, Run
from services.sharing.drawing.surface import Meaning

_SEE_THROUGH: Final = 0.35
_NON_ZERO: Final = 1
"""Inside is what a path winds around (ISO 32000-1, 8.5.3.3.2), as reportlab numbers it."""

Matrix = tuple[float, float, float, float, float, float]


class _Step(NamedTuple):
    """Something to draw, and the operator that says what it is part of."""

    opening: str
    draw: Callable[[], None]


class PdfPage:
    """A Surface; `file` ends it."""

    def __init__(self, width: float, height: float) -> None:
        self._height: Final = height
        self._canvas: Final = PageCanvas(width, height)
        self._structure: Final = Structure()
        self._open: list[Element] = [self._structure.root]
        self._steps: list[_Step] = []
        self._cells: dict[Font, list[Cell]] = {}
        self._fonts: dict[Font, EmbeddedFont] = {}
        self._pictures: dict[Picture, str] = {}

    @contextmanager
    def meaning(self, meaning: Meaning) -> Iterator[None]:
        element = Element(meaning, self._rectangle(meaning.area))
        self._open[-1].kids.append(element)
        self._open.append(element)
        if meaning.address:
            self._link(element)
        yield
        self._open.pop()

    def fill(self, path: Path, colour: str) -> None:
        self._add(partial(self._fill, path, colour))

    def stroke(self, path: Path, colour: str, width: float) -> None:
        self._add(partial(self._stroke, path, colour, width))

    def picture(self, picture: Picture, box: Box, shape: Path) -> None:
        self._add(partial(self._show, picture, box, shape))

    def write(self, line: Line, at: Point, size: float, colour: str) -> None:
        matrix = (1, 0, 0, 1, at[0], self._height - at[1])
        self._add(self._text(line, matrix, size, colour))

    def stamp(self, line: Line, centre: Point, size: float, angle: float, colour: str) -> None:
        turn, rise = cos(angle), sin(angle)
        left, down = -line.width * size / UNITS_PER_EM / 2, -0.35 * size
        x = centre[0] + left * turn - down * rise
        y = self._height - centre[1] + left * rise + down * turn
        text = self._text(line, (turn, rise, -rise, turn, x, y), size, colour)
        self._add(partial(self._stamp, text))

    def file(self, about: About) -> bytes:
        """The finished document: the same bytes for the same drawing."""
        for at, (font, cells) in enumerate(self._cells.items()):
            embedded = self._fonts[font] = EmbeddedFont(f"F{at}", font, cells)
            self._canvas.add_font(embedded.key, embedded.resource)
        for step in self._steps:
            self._canvas.addLiteral(step.opening)
            step.draw()
            self._canvas.addLiteral("EMC")
        self._structure.write(self._canvas)
        describe(self._canvas, about)
        return self._canvas.file()

    def _add(self, draw: Callable[[], None]) -> None:
        """What comes is part of what is open, else it is decoration (14.8.2.2)."""
        element = self._open[-1]
        if element is self._structure.root:
            opening = "/Artifact BMC"
        else:
            opening = f"/{element.meaning.tag} <</MCID {self._structure.mark(element)}>> BDC"
        self._steps.append(_Step(opening, draw))

    def _link(self, element: Element) -> None:
        meaning = element.meaning
        key = self._structure.key_of_link(element)
        element.link = self._canvas.add_link(meaning.address, element.area, meaning.text, key)

    def _fill(self, path: Path, colour: str) -> None:
        self._canvas.setFillColorRGB(*_rgb(colour))
        self._canvas.drawPath(self._outline(path), stroke=0, fill=1, fillMode=_NON_ZERO)

    def _stroke(self, path: Path, colour: str, width: float) -> None:
        self._canvas.setStrokeColorRGB(*_rgb(colour))
        self._canvas.setLineWidth(width)
        self._canvas.drawPath(self._outline(path))

    def _show(self, picture: Picture, box: Box, shape: Path) -> None:
        if picture not in self._pictures:
            name = f"I{len(self._pictures)}"
            self._canvas.add_picture(name, image(picture))
            self._pictures[picture] = name
        left, bottom, _, _ = self._rectangle(box)
        self._canvas.saveState()
        self._canvas.clipPath(self._outline(shape), stroke=0, fillMode=_NON_ZERO)
        self._canvas.transform(box.width, 0, 0, box.height, left, bottom)
        self._canvas.doForm(self._pictures[picture])
        self._canvas.restoreState()

    def _text(self, line: Line, matrix: Matrix, size: float, colour: str) -> Callable[[], None]:
        for run in line.runs:
            self._cells.setdefault(run.font, []).extend(run.cells)
        return partial(self._set, line, matrix, size, colour)

    def _set(self, line: Line, matrix: Matrix, size: float, colour: str) -> None:
        """Shows a line by operators of our own: reportlab has them for fonts of its own only."""
        shown = " ".join(_run(run, self._fonts[run.font], size) for run in line.runs)
        place = "{:.4f} {:.4f} {:.4f} {:.4f} {:.2f} {:.2f}".format(*matrix)
        self._canvas.setFillColorRGB(*_rgb(colour))
        self._canvas.addLiteral(f"BT {place} Tm {shown} ET")

    def _stamp(self, text: Callable[[], None]) -> None:
        self._canvas.saveState()
        self._canvas.setFillAlpha(_SEE_THROUGH)
        text()
        self._canvas.restoreState()

    def _rectangle(self, box: Box) -> Rectangle:
        return box.x, self._height - box.bottom, box.right, self._height - box.y

    def _outline(self, path: Path) -> PDFPathObject:
        return PDFPathObject([outline(path, self._height)])


@lru_cache(maxsize=256)
def outline(path: Path, height: float) -> str:
    """A path's operators (8.5.2), counted from the lower edge of a page of that height."""
    operators = []
    for part in path:
        match part:
            case Curve():
                (a, b), (c, d), (x, y) = part
                points = f"{a:.2f} {height - b:.2f} {c:.2f} {height - d:.2f}"
                operators.append(f"{points} {x:.2f} {height - y:.2f} c")
            case Box():
                x, y, across, down = part
                operators.append(f"{x:.2f} {height - y - down:.2f} {across:.2f} {down:.2f} re")
            case Straight((x, y)):
                operators.append(f"{x:.2f} {height - y:.2f} l")
            case Move((x, y)):
                operators.append(f"{x:.2f} {height - y:.2f} m")
            case Close():
                operators.append("h")
            case _:
                assert_never(part)
    return " ".join(operators)


def _run(run: Run, font: EmbeddedFont, size: float) -> str:
    """Shows cells: where one is not where the pen would be, the pen is moved (9.4.3, TJ)."""
    parts: list[str] = [f"/{font.key} {size:g} Tf ["]
    pen, place = 0, 0
    for cell in run.cells:
        for shown in font.shown(cell):
            x = place + shown.x
            if x != pen:
                parts.append(f" {pen - x} ")
            if shown.y:
                parts.append(f"] TJ {shown.y * size / UNITS_PER_EM:.2f} Ts [")
            parts.append(f"<{shown.code:04x}>")
            if shown.y:
                parts.append("] TJ 0 Ts [")
            pen = x + shown.width
        place += cell.advance
    moved = f" {pen - place} " if place != pen else ""
    return "".join(parts).replace("><", "") + moved + "] TJ"


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = channels(colour)
    return red / 255, green / 255, blue / 255
