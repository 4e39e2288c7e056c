"""Fonts inside a PDF: only the glyphs in use, each with the text that it stands for.

Composite fonts (ISO 32000-1, 9.7) with two-byte codes. A code is a pair of a glyph and its text, so
that one glyph standing for different texts is told apart by whoever copies or searches.
"""

from hashlib import blake2b
from typing import Final

import pikepdf
import uharfbuzz as hb
from pikepdf import Array, Dictionary, Name

from services.sharing.drawing.fonts import Font
from services.sharing.drawing.shaping import Glyph

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


class EmbeddedFont:
    """A font as one document uses it. First every glyph is added, then it is written, once."""

    def __init__(self, font: Font) -> None:
        self._font = font
        self._pairs: dict[tuple[int, str], int] = {}
        self._codes: dict[tuple[int, str], int] = {}

    def add(self, glyph: Glyph) -> None:
        self._pairs.setdefault((glyph.number, glyph.text), len(self._pairs) + 1)

    def code(self, glyph: Glyph) -> int:
        """The glyph's code in page contents; only after writing."""
        return self._codes[glyph.number, glyph.text]

    def write(self, pdf: pikepdf.Pdf) -> pikepdf.Object:
        """Makes the font's objects; gives what goes into the page's resources."""
        subset, numbers = self._subset()
        outlines = subset.reference_table("CFF ")
        is_cff = len(outlines.data) > 0
        if is_cff:
            self._codes = {pair: numbers[pair[0]] for pair in self._pairs}
        else:
            self._codes = dict(self._pairs)
        name = Name(f"/{self._tag()}+{self._font.name}")
        descendant = self._descendant(pdf, name, subset, is_cff)
        if not is_cff:
            descendant.CIDToGIDMap = pdf.make_stream(self._glyphs_by_code(numbers))
        return pdf.make_indirect(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.Type0,
                BaseFont=name,
                Encoding=Name("/Identity-H"),
                DescendantFonts=[pdf.make_indirect(descendant)],
                ToUnicode=pdf.make_stream(self._to_unicode()),
            )
        )

    def _subset(self) -> tuple[hb.Face, dict[int, int]]:
        request = hb.SubsetInput()
        request.flags = _FLAGS
        request.glyph_set.update({number for number, _ in self._pairs})
        request.drop_table_tag_set.update(_UNUSED_TABLES)
        if self._font.is_variable:
            request.pin_axis_location(self._font.face, "wght", self._font.weight)
        plan = hb.SubsetPlan(self._font.face, request)
        return plan.execute(), dict(plan.old_to_new_glyph_mapping)

    def _tag(self) -> str:
        """Six letters that tell this subset from others (ISO 32000-1, 9.6.4)."""
        digest = blake2b(repr(sorted(self._pairs)).encode(), digest_size=_TAG_LETTERS).digest()
        return "".join(chr(ord("A") + byte % 26) for byte in digest)

    def _descendant(
        self, pdf: pikepdf.Pdf, name: Name, subset: hb.Face, is_cff: bool
    ) -> Dictionary:
        descriptor = self._descriptor(name)
        if is_cff:
            program = pdf.make_stream(bytes(subset.reference_table("CFF ").data))
            program.Subtype = Name.CIDFontType0C
            descriptor.FontFile3 = program
        else:
            data = bytes(subset.blob.data)
            descriptor.FontFile2 = pdf.make_stream(data, Length1=len(data))
        return Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType0 if is_cff else Name.CIDFontType2,
            BaseFont=name,
            CIDSystemInfo=Dictionary(
                Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Identity"), Supplement=0
            ),
            FontDescriptor=pdf.make_indirect(descriptor),
            DW=0,
            W=self._widths(),
        )

    def _descriptor(self, name: Name) -> Dictionary:
        font = self._font
        return Dictionary(
            Type=Name.FontDescriptor,
            FontName=name,
            Flags=_SYMBOLIC,
            FontBBox=[-1000, -500, 2000, 1200],
            ItalicAngle=0,
            Ascent=round(1000 * font.ascent),
            Descent=-round(1000 * font.descent),
            CapHeight=714,
            StemV=font.weight // 5,
        )

    def width(self, number: int) -> int:
        """A glyph's own width in thousandths of an em, whatever its advance in a text."""
        return round(1000 * self._font.shaper.get_glyph_h_advance(number) / self._font.units)

    def _widths(self) -> Array:
        by_code = sorted((code, self.width(number)) for (number, _), code in self._codes.items())
        return Array(item for code, width in by_code for item in (code, Array([width])))

    def _glyphs_by_code(self, numbers: dict[int, int]) -> bytes:
        glyphs = (numbers[number] for number, _ in self._pairs)
        return b"\0\0" + b"".join(glyph.to_bytes(2) for glyph in glyphs)

    def _to_unicode(self) -> bytes:
        """A CMap (Adobe Technical Note 5014) from codes to UTF-16."""
        texts: dict[int, str] = {}
        for (number, text), code in self._codes.items():
            texts[code] = texts.get(code) or text
        rows = [
            f"<{code:04x}> <{text.encode('utf-16-be').hex()}>"
            for code, text in sorted(texts.items())
        ]
        groups = [rows[at : at + 100] for at in range(0, len(rows), 100)]
        body = "\n".join(
            f"{len(group)} beginbfchar\n" + "\n".join(group) + "\nendbfchar" for group in groups
        )
        return _CMAP.replace("BODY", body).encode()


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
