"""A tagged PDF of one page, drawn like any other surface.

What is drawn is collected first: which glyphs the document shows is known at its end only, and with
it the fonts. Contents: ISO 32000-1, 8 (graphics), 9 (text) and 14.6 (marked content).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from math import cos, sin
from typing import Final, assert_never

import pikepdf
from pikepdf import Array, Dictionary, Name

from services.sharing.drawing.colours import channels
from services.sharing.drawing.fonts import UNITS_PER_EM, Font
from services.sharing.drawing.paths import Box, Close, Curve, Move, Path, Point, Straight
from services.sharing.drawing.pdf.embedding import EmbeddedFont
from services.sharing.drawing.pdf.images import image
from services.sharing.drawing.pdf.metadata import About, describe
from services.sharing.drawing.pdf.structure import Element, Rectangle, Structure
from services.sharing.drawing.pictures import Picture
from services.sharing.drawing.shaping import Cell, Line, Run
from services.sharing.drawing.surface import Meaning

_SEE_THROUGH: Final = 0.35


class PdfPage:
    """A Surface; `file` ends it."""

    def __init__(self, width: float, height: float) -> None:
        self._width: Final = width
        self._height: Final = height
        self._pdf: Final = pikepdf.Pdf.new()
        self._structure: Final = Structure()
        self._open: list[Element] = [self._structure.root]
        self._parts: list[str | Callable[[], str]] = []
        self._cells: dict[Font, list[Cell]] = {}
        self._fonts: dict[Font, EmbeddedFont] = {}
        self._pictures: dict[Picture, pikepdf.Object] = {}
        self._annotations: list[pikepdf.Object] = []

    @contextmanager
    def meaning(self, meaning: Meaning) -> Iterator[None]:
        element = Element(meaning, self._rectangle(meaning.area))
        self._open[-1].kids.append(element)
        self._open.append(element)
        if meaning.address:
            element.annotation = self._link(meaning)
        yield
        self._open.pop()

    def fill(self, path: Path, colour: str) -> None:
        self._draw(f"{_rgb(colour)} rg {self._outline(path)} f")

    def stroke(self, path: Path, colour: str, width: float) -> None:
        self._draw(f"{_rgb(colour)} RG {width:g} w {self._outline(path)} S")

    def picture(self, picture: Picture, box: Box, shape: Path) -> None:
        if picture not in self._pictures:
            self._pictures[picture] = image(self._pdf, picture)
        name = f"/I{list(self._pictures).index(picture)}"
        left, bottom, _, _ = self._rectangle(box)
        place = f"{box.width:.2f} 0 0 {box.height:.2f} {left:.2f} {bottom:.2f} cm"
        self._draw(f"q {self._outline(shape)} W n {place} {name} Do Q")

    def write(self, line: Line, at: Point, size: float, colour: str) -> None:
        place = f"1 0 0 1 {at[0]:.2f} {self._height - at[1]:.2f}"
        self._write(line, place, size, colour)

    def stamp(self, line: Line, centre: Point, size: float, angle: float, colour: str) -> None:
        turn, rise = cos(angle), sin(angle)
        left, down = -line.width * size / UNITS_PER_EM / 2, -0.35 * size
        x = centre[0] + left * turn - down * rise
        y = self._height - centre[1] + left * rise + down * turn
        place = f"{turn:.4f} {rise:.4f} {-rise:.4f} {turn:.4f} {x:.2f} {y:.2f}"
        self._parts.append("q /Sheer gs")
        self._write(line, place, size, colour)
        self._parts.append("Q")

    def file(self, about: About) -> bytes:
        """The finished document: the same bytes for the same drawing."""
        self._fonts = {
            font: EmbeddedFont(self._pdf, font, cells) for font, cells in self._cells.items()
        }
        contents = "\n".join(part if isinstance(part, str) else part() for part in self._parts)
        page = self._pdf.make_indirect(
            Dictionary(
                Type=Name.Page,
                MediaBox=[0, 0, self._width, self._height],
                Contents=self._pdf.make_stream(contents.encode("ascii")),
                Resources=self._resources(),
            )
        )
        if self._annotations:
            page.Annots = Array(self._annotations)
        self._pdf.pages.append(pikepdf.Page(page))
        self._structure.write(self._pdf, page)
        describe(self._pdf, about)
        file = BytesIO()
        self._pdf.save(
            file,
            min_version="1.7",
            deterministic_id=True,
            fix_metadata_version=False,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
        return file.getvalue()

    def _draw(self, operators: str) -> None:
        self._parts.append(f"{self._opening()} {operators} EMC")

    def _opening(self) -> str:
        """What comes is part of what is open, else it is decoration (14.8.2.2)."""
        element = self._open[-1]
        if element is self._structure.root:
            return "/Artifact BMC"
        return f"/{element.meaning.tag} <</MCID {self._structure.mark(element)}>> BDC"

    def _write(self, line: Line, place: str, size: float, colour: str) -> None:
        for run in line.runs:
            self._cells.setdefault(run.font, []).extend(run.cells)
        opening = f"{self._opening()} {_rgb(colour)} rg BT {place} Tm"
        self._parts.append(lambda: f"{opening} {self._shown(line, size)} ET EMC")

    def _shown(self, line: Line, size: float) -> str:
        return " ".join(
            f"/F{list(self._fonts).index(run.font)} {size:g} Tf {_run(run, self._fonts[run.font], size)}"
            for run in line.runs
        )

    def _link(self, meaning: Meaning) -> pikepdf.Object:
        annotation = self._pdf.make_indirect(
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Link,
                Rect=Array(round(number, 2) for number in self._rectangle(meaning.area)),
                Border=[0, 0, 0],
                F=4,
                Contents=pikepdf.String(meaning.text),
                A=Dictionary(S=Name.URI, URI=pikepdf.String(meaning.address)),
            )
        )
        self._annotations.append(annotation)
        return annotation

    def _resources(self) -> Dictionary:
        fonts = {f"/F{at}": font.reference for at, font in enumerate(self._fonts.values())}
        images = {f"/I{at}": image for at, image in enumerate(self._pictures.values())}
        sheer = Dictionary(Type=Name.ExtGState, ca=_SEE_THROUGH, CA=_SEE_THROUGH)
        return Dictionary(
            Font=Dictionary(fonts), XObject=Dictionary(images), ExtGState=Dictionary(Sheer=sheer)
        )

    def _rectangle(self, box: Box) -> Rectangle:
        return box.x, self._height - box.bottom, box.right, self._height - box.y

    def _outline(self, path: Path) -> str:
        return outline(path, self._height)


@lru_cache(maxsize=256)
def outline(path: Path, height: float) -> str:
    """A path's operators (8.5.2), counted from the lower edge of a page of that height."""
    operators = []
    for part in path:
        match part:
            case Curve((a, b), (c, d), (x, y)):
                points = f"{a:.2f} {height - b:.2f} {c:.2f} {height - d:.2f}"
                operators.append(f"{points} {x:.2f} {height - y:.2f} c")
            case Box(x, _, across, down):
                operators.append(f"{x:.2f} {height - part.bottom:.2f} {across:.2f} {down:.2f} re")
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
    parts: list[str] = ["["]
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


def _rgb(colour: str) -> str:
    return " ".join(f"{channel / 255:.3f}" for channel in channels(colour))
