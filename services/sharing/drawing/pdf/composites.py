"""Glyphs made of other glyphs, added to a TrueType font.

A letter and its dots, or a syllable of several glyphs, becomes one glyph, so that one code of the
PDF shows it and stands for all of its text. Formats: OpenType 1.9, tables glyf, loca, hmtx, hhea,
maxp and head.
"""

from struct import pack, unpack_from
from typing import Final, NamedTuple

import uharfbuzz as hb

from services.sharing.drawing.shaping import Part

_WORDS_AND_XY: Final = 0x0003
_MORE_COMPONENTS: Final = 0x0020


class Metrics(NamedTuple):
    """A row of hmtx."""

    advance: int
    left: int


class Composer:
    """The tables of a font whose outlines are TrueType, growing glyph by glyph."""

    def __init__(self, face: hb.Face) -> None:
        self._tables = {tag: bytes(face.reference_table(tag).data) for tag in _TABLES}
        self._glyf = bytearray(self._tables["glyf"])
        count = face.glyph_count
        is_long = unpack_from(">h", self._tables["head"], 50)[0]
        loca = self._tables["loca"]
        offsets = unpack_from(f">{count + 1}{'L' if is_long else 'H'}", loca)
        self._offsets = [offset if is_long else 2 * offset for offset in offsets]
        self.metrics = _metrics(self._tables["hmtx"], self._tables["hhea"], count)

    def add(self, parts: tuple[Part, ...], advance: int) -> int:
        """Adds a glyph of the parts, each a glyph of this font; gives its number."""
        drawn = [part for part in parts if self._is_drawn(part.number)]
        boxes = [self._box(part) for part in drawn]
        box = (
            min((box[0] for box in boxes), default=0),
            min((box[1] for box in boxes), default=0),
            max((box[2] for box in boxes), default=0),
            max((box[3] for box in boxes), default=0),
        )
        if drawn:
            self._glyf += pack(">hhhhh", -1, *box)
        for part in drawn:
            flags = _WORDS_AND_XY | (0 if part is drawn[-1] else _MORE_COMPONENTS)
            self._glyf += pack(">HHhh", flags, part.number, part.x, part.y)
        self._glyf += bytes(-len(self._glyf) % 4)
        self._offsets.append(len(self._glyf))
        self.metrics.append(Metrics(advance, box[0]))
        return len(self.metrics) - 1

    def font_file(self) -> bytes:
        """The font with all its glyphs."""
        tables = self._tables | {
            "glyf": bytes(self._glyf),
            "loca": pack(f">{len(self._offsets)}L", *self._offsets),
            "hmtx": b"".join(pack(">Hh", *row) for row in self.metrics),
            "hhea": _patched(self._tables["hhea"], 34, ">H", len(self.metrics)),
            "maxp": _patched(
                _patched(self._tables["maxp"], 4, ">H", len(self.metrics)), 28, ">HH", 64, 8
            ),
            "head": _patched(self._tables["head"], 50, ">h", 1),
        }
        return _file(tables)

    def _is_drawn(self, number: int) -> bool:
        return bool(self._offsets[number + 1] > self._offsets[number])

    def _box(self, part: Part) -> tuple[int, int, int, int]:
        left, bottom, right, top = unpack_from(">hhhh", self._glyf, self._offsets[part.number] + 2)
        return left + part.x, bottom + part.y, right + part.x, top + part.y


_TABLES: Final = ("glyf", "head", "hhea", "hmtx", "loca", "maxp")


def _metrics(hmtx: bytes, hhea: bytes, count: int) -> list[Metrics]:
    """All rows: the last ones share an advance, that of the last full row."""
    full = unpack_from(">H", hhea, 34)[0]
    rows = [Metrics(*unpack_from(">Hh", hmtx, 4 * index)) for index in range(full)]
    lefts = unpack_from(f">{count - full}h", hmtx, 4 * full)
    return rows + [Metrics(rows[-1].advance, left) for left in lefts]


def _patched(table: bytes, at: int, layout: str, *values: int) -> bytes:
    patch = pack(layout, *values)
    return table[:at] + patch + table[at + len(patch) :]


def _file(tables: dict[str, bytes]) -> bytes:
    """A font file of these tables (OpenType 1.9, "Organization of an OpenType font")."""
    count = len(tables)
    power = 1 << (count.bit_length() - 1)
    header = pack(
        ">LHHHH", 0x00010000, count, 16 * power, power.bit_length() - 1, 16 * (count - power)
    )
    offset = len(header) + 16 * count
    directory, body = b"", b""
    for tag, table in sorted(tables.items()):
        padded = table + bytes(-len(table) % 4)
        checksum = sum(unpack_from(f">{len(padded) // 4}L", padded)) & 0xFFFFFFFF
        directory += pack(">4sLLL", tag.encode(), checksum, offset + len(body), len(table))
        body += padded
    return header + directory + body
