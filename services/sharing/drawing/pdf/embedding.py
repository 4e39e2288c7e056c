"""Fonts inside a PDF: only the glyphs in use, each with the text that it stands for.

Composite fonts (ISO 32000-1, 9.7) with two-byte codes. A code is a cell of text as it was shaped,
so that a glyph which stands for several texts is told apart by whoever reads, copies or searches.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, NamedTuple

import uharfbuzz as hb
from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFString

from services.sharing.drawing.fonts import Font
from services.sharing.drawing.pdf.composites import Composer
from services.sharing.drawing.pdf.objects import Indirect, names, stream
from services.sharing.drawing.shaping import Cell, Part

_FLAGS: Final = (
    hb.SubsetFlags.NO_HINTING
    | hb.SubsetFlags.NO_LAYOUT_CLOSURE
    | hb.SubsetFlags.NOTDEF_OUTLINE
    | hb.SubsetFlags.DOWNGRADE_CFF2
    | hb.SubsetFlags.CFF_IDENTITY_CHARSET
)
_UNUSED_TABLES: Final = [
    int.from_bytes(tag.encode())
    for tag in ("BASE", "GDEF", "GPOS", "GSUB", "OS/2", "STAT", "VORG", "gasp", "vhea", "vmtx")
]
_SYMBOLIC: Final = 4
_TAG_LETTERS: Final = 6
_NO_TEXT: Final = "\u200b"


class Shown(NamedTuple):
    """A code to show, moved from the pen by `x` and `y`; `width` is what it moves the pen by."""

    code: int
    x: int
    y: int
    width: int


class _Code(NamedTuple):
    text: str
    width: int


class EmbeddedFont:
    """A font as one document uses it, made of all the cells that the document shows in it."""

    def __init__(self, key: str, font: Font, cells: Iterable[Cell]) -> None:
        """The page's operators know the font by the key; `resource` is its dictionary."""
        self.key: Final = key
        self._font = font
        self._shown: dict[tuple[str, tuple[Part, ...]], list[Shown]] = {}
        self._codes: dict[int, _Code] = {}
        different = list({(cell.text, cell.parts): cell for cell in cells}.values())
        subset, numbers = self._subset({part.number for cell in different for part in cell.parts})
        name = f"{_tag(different)}+{font.name}"
        if b"CFF " in subset.blob.data[:200]:
            self._show_as_they_are(different, numbers)
            descendant = self._outlines_of_cff(subset, name)
        else:
            composer = Composer(subset)
            glyphs = self._compose(different, numbers, composer)
            descendant = self._outlines_of_truetype(composer, glyphs, name)
        self.resource: Final = Indirect(
            names(Type="Font", Subtype="Type0", BaseFont=name, Encoding="Identity-H")
            | {
                "DescendantFonts": PDFArray([descendant]),
                "ToUnicode": stream(self._to_unicode()),
            }
        )

    def shown(self, cell: Cell) -> list[Shown]:
        """What shows a cell; one code, but in fonts to which no glyph can be added."""
        return self._shown[cell.text, cell.parts]

    def _subset(self, glyphs: set[int]) -> tuple[hb.Face, dict[int, int]]:
        """The font at its weight with these glyphs alone, and their new numbers."""
        request = hb.SubsetInput()
        request.flags = _FLAGS
        request.glyph_set.update(glyphs)
        request.drop_table_tag_set.update(_UNUSED_TABLES)
        if self._font.is_variable:
            request.pin_axis_location(self._font.face, "wght", self._font.weight)
        plan = hb.SubsetPlan(self._font.face, request)
        return plan.execute(), dict(plan.old_to_new_glyph_mapping)

    def _compose(self, cells: list[Cell], numbers: dict[int, int], composer: Composer) -> bytes:
        """Gives each cell a code of its own; returns the glyph of each code."""
        glyphs = [0]
        for code, cell in enumerate(cells, start=1):
            parts = tuple(part._replace(number=numbers[part.number]) for part in cell.parts)
            first = parts[0]
            if parts == (Part(first.number, 0, 0),):
                glyphs.append(first.number)
            else:
                glyphs.append(composer.add(parts, max(cell.advance, 0)))
            width = composer.metrics[glyphs[-1]].advance
            self._codes[code] = _Code(cell.text, width)
            self._shown[cell.text, cell.parts] = [Shown(code, 0, 0, width)]
        return b"".join(glyph.to_bytes(2) for glyph in glyphs)

    def _show_as_they_are(self, cells: list[Cell], numbers: dict[int, int]) -> None:
        """The codes of a CFF font are its glyphs; of a cell's glyphs the first has the text."""
        for cell in cells:
            shown = []
            for part in cell.parts:
                code = numbers[part.number]
                text = cell.text if part is cell.parts[0] else _NO_TEXT
                width: int = self._font.shaper.get_glyph_h_advance(part.number)
                self._codes.setdefault(code, _Code(text, width))
                shown.append(Shown(code, part.x, part.y, width))
            self._shown[cell.text, cell.parts] = shown

    def _outlines_of_cff(self, subset: hb.Face, name: str) -> Indirect:
        data = bytes(subset.reference_table("CFF ").data)
        program = stream(data, **names(Subtype="CIDFontType0C"))
        return self._descendant("CIDFontType0", name, FontFile3=program)

    def _outlines_of_truetype(self, composer: Composer, glyphs: bytes, name: str) -> Indirect:
        data = composer.font_file()
        program = stream(data, Length1=len(data))
        descendant = self._descendant("CIDFontType2", name, FontFile2=program)
        descendant["CIDToGIDMap"] = stream(glyphs)
        return descendant

    def _descendant(self, subtype: str, name: str, **program: object) -> Indirect:
        font = self._font
        descriptor = {
            **names(Type="FontDescriptor", FontName=name),
            "Flags": _SYMBOLIC,
            "FontBBox": PDFArray(font.box),
            "ItalicAngle": 0,
            "Ascent": font.ascent,
            "Descent": -font.descent,
            "CapHeight": font.cap_height,
            "StemV": font.weight // 5,
        }
        system = {"Registry": PDFString("Adobe"), "Ordering": PDFString("Identity")}
        return Indirect(
            names(Type="Font", Subtype=subtype, BaseFont=name)
            | {
                "CIDSystemInfo": PDFDictionary(system | {"Supplement": 0}),
                "FontDescriptor": Indirect(descriptor | program),
                "DW": 0,
                "W": self._widths(),
            }
        )

    def _widths(self) -> str:
        """Codes, each with its width, as they are written (9.7.4.3)."""
        widths = (f"{code} [{self._codes[code].width}]" for code in sorted(self._codes))
        return f"[{' '.join(widths)}]"

    def _to_unicode(self) -> bytes:
        """A CMap (Adobe Technical Note 5014) from codes to UTF-16, in reading order."""
        rows = [
            f"<{code:04x}> <{self._codes[code].text.encode('utf-16-be').hex()}>"
            for code in sorted(self._codes)
        ]
        groups = [rows[at : at + _ROWS_ALLOWED] for at in range(0, len(rows), _ROWS_ALLOWED)]
        body = "\n".join(
            f"{len(group)} beginbfchar\n" + "\n".join(group) + "\nendbfchar" for group in groups
        )
        return _CMAP.replace("BODY", body).encode()


def _tag(cells: list[Cell]) -> str:
    """Six letters that tell this subset from others (ISO 32000-1, 9.6.4)."""
    everything = repr([(cell.text, tuple(map(tuple, cell.parts))) for cell in cells])
    digest = blake2b(everything.encode(), digest_size=_TAG_LETTERS).digest()
    return "".join(chr(ord("A") + byte % 26) for byte in digest)


_ROWS_ALLOWED: Final = 100
_CMAP: Final = """\
/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
BODY
endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""
