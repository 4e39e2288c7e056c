"""The fonts that certificates and images are set in: one file for many scripts, always the same.

Noto, as published: nearly every living script in one design. They lie in `static/fonts` but for
Chinese, Japanese and Korean, 33 MB, which come in a package of their own. Files are mapped into
memory, not read; nothing here ever looks for a font of the machine, so that an award looks the same
everywhere.
"""

from functools import cache, cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from struct import unpack_from
from typing import Final, Literal

import uharfbuzz as hb

Role = Literal["text", "strong", "display"]
"""`text` for reading, `strong` for what stands out, `display` for names and titles."""

UNITS_PER_EM: Final = 1000
_FOLDER: Final = Path(__file__).parent.parent / "static" / "fonts"
_CJK: Final = Path(str(files("manimgx_fonts_cjk"))) / "NotoSansCJK-VF.otf.ttc"
_DISPLAY: Final = _FOLDER / "NotoSerifDisplay-Medium.ttf"
_WEIGHTS: Final[dict[Role, int]] = {"text": 400, "strong": 600, "display": 600}
_SCRIPTS: Final = (
    "Arabic",
    "Hebrew",
    "Devanagari",
    "Thai",
    "Armenian",
    "Bengali",
    "Ethiopic",
    "Georgian",
    "Gujarati",
    "Gurmukhi",
    "Kannada",
    "Khmer",
    "Lao",
    "Malayalam",
    "Myanmar",
    "Oriya",
    "Sinhala",
    "Tamil",
    "Telugu",
)
_OUTLINES_KEPT: Final = 20_000


class Font:
    """A font file at one weight. There is one object of each, so that they compare by identity.

    Its measures are thousandths of an em, which are the units of every file here.
    """

    def __init__(self, path: Path, weight: int) -> None:
        self.face: Final = hb.Face(hb.Blob.from_file_path(str(path)), 0)
        if not self.face.glyph_count:  # where memory is short a file is read as an empty one
            raise ValueError(f"{path.name} can't be read")
        if self.face.upem != UNITS_PER_EM:
            raise ValueError(f"{path.name} has {self.face.upem} units per em")
        self.weight: Final = weight
        self.is_variable: Final = bool(self.face.axis_infos)
        self.shaper: Final = hb.Font(self.face)
        self.shaper.set_variations({"wght": weight})
        extents = self.shaper.get_font_extents("ltr")
        self.ascent: Final[int] = extents.ascender
        self.descent: Final[int] = -extents.descender
        family = self.face.get_name(hb.OTNameIdPredefined.POSTSCRIPT_NAME) or path.stem
        self.name: Final = f"{family.partition('-')[0]}-{weight}"

    @cached_property
    def box(self) -> list[int]:
        """The bounding box of all glyphs: left, bottom, right, top."""
        return list(unpack_from(">hhhh", self.face.reference_table("head").data, 36))

    @cached_property
    def cap_height(self) -> int:
        """How high a capital letter is, or what stands for one."""
        return int(self.shaper.get_metric_position(hb.OTMetricsTag.CAP_HEIGHT) or self.ascent)

    def covers(self, text: str) -> bool:
        """Whether there is a glyph for each character."""
        return all(self.glyph_of(character) for character in text)

    def glyph_of(self, character: str) -> int | None:
        """The glyph that draws a character by itself, None where the font lacks it."""
        number: int | None = self.shaper.get_nominal_glyph(ord(character))
        return number

    @lru_cache(maxsize=_OUTLINES_KEPT)  # noqa: B019 - fonts live as long as the process
    def outline(self, glyph: int) -> str:
        """A glyph as SVG path data, in the font's units, upwards."""
        pen = _SvgPen()
        self.shaper.draw_glyph(glyph, _PEN, pen)
        return "".join(pen.commands)


class _SvgPen:
    def __init__(self) -> None:
        self.commands: list[str] = []


def _pen() -> hb.DrawFuncs:
    functions = hb.DrawFuncs()
    functions.set_move_to_func(lambda x, y, pen: pen.commands.append(f"M{x:g} {y:g}"))
    functions.set_line_to_func(lambda x, y, pen: pen.commands.append(f"L{x:g} {y:g}"))
    functions.set_quadratic_to_func(
        lambda a, b, x, y, pen: pen.commands.append(f"Q{a:g} {b:g} {x:g} {y:g}")
    )
    functions.set_cubic_to_func(
        lambda a, b, c, d, x, y, pen: pen.commands.append(f"C{a:g} {b:g} {c:g} {d:g} {x:g} {y:g}")
    )
    functions.set_close_path_func(lambda pen: pen.commands.append("Z"))
    return functions


_PEN: Final = _pen()


@cache
def fonts(role: Role) -> tuple[Font, ...]:
    """The fonts of a role; of those that have a character the first one draws it."""
    weight = _WEIGHTS[role]
    first = (_font(_DISPLAY, 500),) if role == "display" else ()
    others = [_FOLDER / f"NotoSans{script}-wght.ttf" for script in ("", *_SCRIPTS)]
    return (*first, *(_font(path, weight) for path in (*others, _CJK)))


@cache
def _font(path: Path, weight: int) -> Font:
    return Font(path, weight)


@lru_cache(maxsize=50_000)
def font_for(role: Role, text: str) -> Font | None:
    """The first font of a role that has all of a text's characters, None where none has."""
    return next((font for font in fonts(role) if font.covers(text)), None)
