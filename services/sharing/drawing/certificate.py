"""The certificate on paper: a page in landscape, the same in PDF and as a picture of it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from services.sharing.drawing.characters import drawable, drawable_paragraphs
from services.sharing.drawing.colours import WHITE, readable_on
from services.sharing.drawing.designs import CertificateDesign
from services.sharing.drawing.fonts import Role
from services.sharing.drawing.paragraphs import Block, Room
from services.sharing.drawing.parts import (
    INK,
    LINE,
    SOFT,
    covering,
    field,
    logo_tile,
    medal,
    stamp,
)
from services.sharing.drawing.paths import Box
from services.sharing.drawing.pdf.page import About, PdfPage
from services.sharing.drawing.pictures import picture
from services.sharing.drawing.qr import qr_code
from services.sharing.drawing.sheet import Sheet
from services.sharing.drawing.surface import Meaning, Surface
from services.sharing.drawing.svg import SvgSurface, as_png
from services.sharing.drawing.words import language_tag, words

SIZES: Final = {"a4": (842, 595), "letter": (792, 612)}
"""Width and height of the paper in points."""
_MARGIN: Final = 56.0
_RAIL: Final = 104.0
"""The width of what stands at the end of the lines: the seal and the QR code."""
_GAP: Final = 48.0
_SCALES: Final = (1.0, 0.93, 0.86, 0.8, 0.74, 0.68, 0.62)


def certificate_pdf(design: CertificateDesign) -> bytes:
    """The certificate as a tagged PDF (PDF/UA-1): the same bytes for the same design."""
    width, height = SIZES[design.paper]
    page = PdfPage(width, height)
    _draw(page, design)
    title = drawable(design.title, "text", 300) or words(design.language).certificate
    author = drawable(design.organization_name, "text", 300)
    return page.file(About(title, author, language_tag(design.language)))


def certificate_page_image(design: CertificateDesign, width: int = 1600) -> bytes:
    """The same page as a picture in PNG, `width` pixels wide."""
    surface = SvgSurface(*SIZES[design.paper])
    _draw(surface, design)
    return as_png(surface.svg(), width)


def _draw(surface: Surface, design: CertificateDesign) -> None:
    width, height = SIZES[design.paper]
    sheet = Sheet(surface, width, design.language)
    surface.fill((Box(0, 0, width, height),), WHITE)
    surface.fill((Box(0, height - _HEM, width, _HEM),), design.colour)
    band = _band(sheet, design)
    wide = width - 2 * _MARGIN - ((_RAIL + _GAP) if design.page_url else 0)
    facts = _Facts.of(sheet, design, wide)
    foot = height - _MARGIN - facts.height
    _body(sheet, design, Box(_MARGIN, band, width - 2 * _MARGIN - _RAIL - _GAP, foot - band))
    facts.draw(sheet, Box(_MARGIN, foot, wide, facts.height))
    if design.page_url:
        _check(sheet, design.page_url, height)
    if design.mark:
        stamp(sheet, design.mark, height)


def _band(sheet: Sheet, design: CertificateDesign) -> float:
    """The upper edge of the page: the program's banner or else the colour; gives where it ends."""
    surface = sheet.surface
    banner, logo = picture(design.banner), picture(design.logo)
    height = _LOW_BAND
    if banner:
        height = min(max(sheet.width / banner.aspect, _LOW_BAND), _HIGH_BAND)
    box = Box(0, 0, sheet.width, height)
    if banner:
        text = sheet.words.banner.format(program=design.program_name or design.title)
        with surface.meaning(Meaning("Figure", text, is_picture=True, area=box)):
            surface.picture(banner, covering(banner, box), (box,))
        surface.fill((Box(0, height - _HEM, sheet.width, _HEM),), design.colour)
    else:
        field(surface, box, design.colour, design.award_id, 0.6)
    if logo:
        place = Box(_MARGIN, height - 0.64 * _TILE, _TILE, _TILE)
        logo_tile(sheet, logo, design.organization_name, place)
    centre = sheet.box(_MARGIN, 0, sheet.width - 2 * _MARGIN - _RAIL, 0)
    x = centre.right + _RAIL / 2 if sheet.direction == "ltr" else centre.x - _RAIL / 2
    medal(surface, (x, height + 6), 46, design.colour, WHITE)
    return height + (0.36 * _TILE if logo else 0)


class _Row(NamedTuple):
    """A paragraph of the body and the room above it."""

    tag: str
    gap: float
    block: Block
    colour: str


def _body(sheet: Sheet, design: CertificateDesign, place: Box) -> None:
    """What the certificate says, as large as there is room, a little above the middle of it."""
    for scale in _SCALES:
        rows = list(_rows(sheet, design, place.width, scale))
        height = sum(row.gap + row.block.height for row in rows)
        if height <= place.height - 2 * _AIR:
            break
    y = place.y + max(_AIR, 0.45 * (place.height - height))
    for row in rows:
        y += row.gap
        box = sheet.box(place.x, y, place.width, row.block.height)
        with sheet.surface.meaning(Meaning(row.tag, row.block.text)):
            y = sheet.put(row.block, box, row.colour)


def _rows(
    sheet: Sheet, design: CertificateDesign, width: float, scale: float
) -> Iterator[_Row]:
    accent = readable_on(WHITE, design.colour)

    def paragraph(text: str, role: Role, sizes: list[float], lines: int, leading: float) -> Block:
        room = Room(width, [size * scale for size in sizes], lines, leading)
        return sheet.set(text, role, room, 600)

    yield _Row("P", 0, sheet.label(sheet.words.certificate, 10 * scale), accent)
    title = paragraph(design.title, "display", [32, 29, 26, 23, 20], 2, 1.25)
    yield _Row("H1", 6 * scale, title, INK)
    awarded = paragraph(sheet.words.awarded_to, "text", [11.5], 1, 1.4)
    yield _Row("P", 22 * scale, awarded, SOFT)
    name = paragraph(design.recipient_name, "display", [44, 40, 36, 32, 28, 24, 20], 2, 1.25)
    yield _Row("P", 0, name, accent)
    gap = 16 * scale
    for text in drawable_paragraphs(design.text, "text", 1200)[:3]:
        yield _Row("P", gap, paragraph(text, "text", [13, 12, 11], 4, 1.5), INK)
        gap = 5 * scale


class _Fact(NamedTuple):
    label: Block
    value: Block


class _Facts(NamedTuple):
    """The foot of the page: how it was earned, from whom, when, and its number."""

    how: _Fact
    others: tuple[_Fact, ...]
    number: Block

    @classmethod
    def of(cls, sheet: Sheet, design: CertificateDesign, width: float) -> "_Facts":
        words_ = sheet.words
        others = [
            (words_.issued_by, design.organization_name),
            (words_.program, design.program_name or ""),
            (words_.earned_on, design.earned_on),
        ]
        shown = [(label, value) for label, value in others if value]
        column = (width - _COLUMN_GAP * (len(shown) - 1)) / len(shown)
        number = f"{words_.certificate_id} · {design.award_id}"
        return cls(
            how=_fact(sheet, words_.how_earned, design.criteria, width),
            others=tuple(_fact(sheet, label, value, column) for label, value in shown),
            number=sheet.set(number, "text", Room(width, [8, 7], 1, 1.4), 200),
        )

    @property
    def height(self) -> float:
        parts = (self.how.label, self.how.value, self.number)
        return _FACTS_GAP * 3 + sum(part.height for part in parts) + self._row_height

    @property
    def _row_height(self) -> float:
        return max(fact.label.height + fact.value.height for fact in self.others)

    def draw(self, sheet: Sheet, place: Box) -> None:
        line = sheet.box(place.x, place.y, place.width, 0.75)
        sheet.surface.fill((line,), LINE)
        y = place.y + _FACTS_GAP
        with sheet.surface.meaning(Meaning("L")):
            y = _draw_fact(sheet, self.how, place.x, y, place.width) + _FACTS_GAP
            column = (place.width + _COLUMN_GAP) / len(self.others)
            for at, fact in enumerate(self.others):
                _draw_fact(sheet, fact, place.x + at * column, y, column - _COLUMN_GAP)
        y += self._row_height + _FACTS_GAP
        with sheet.surface.meaning(Meaning("P", self.number.text)):
            sheet.put(self.number, sheet.box(place.x, y, place.width, 0), SOFT)


def _fact(sheet: Sheet, label: str, value: str, width: float) -> _Fact:
    return _Fact(
        sheet.set(label, "text", Room(width, [8.5, 8, 7], 1, 1.4), 100),
        sheet.set(value, "strong", Room(width, [11, 10, 9], 2, 1.35), 300),
    )


def _draw_fact(sheet: Sheet, fact: _Fact, start: float, y: float, width: float) -> float:
    with sheet.surface.meaning(Meaning("LI")):
        with sheet.surface.meaning(Meaning("Lbl", fact.label.text)):
            y = sheet.put(fact.label, sheet.box(start, y, width, 0), SOFT)
        with sheet.surface.meaning(Meaning("LBody", fact.value.text)):
            return sheet.put(fact.value, sheet.box(start, y, width, 0), INK)


def _check(sheet: Sheet, address: str, height: float) -> None:
    """The QR code, in the corner where the reader ends."""
    start = sheet.width - _MARGIN - _RAIL
    caption = sheet.set(sheet.words.check, "text", Room(_RAIL, [8.5, 8, 7], 2, 1.4), 100)
    y = height - _MARGIN - caption.height - _RAIL - 6
    box = sheet.box(start, y, _RAIL, _RAIL)
    area = Box(box.x, y, _RAIL, _RAIL + 6 + caption.height)
    surface, described = sheet.surface, sheet.words.qr_code
    with surface.meaning(Meaning("Link", described, address=address, area=area)):
        with surface.meaning(Meaning("Figure", described, is_picture=True, area=box)):
            surface.fill(qr_code(address, box), INK)
        with surface.meaning(Meaning("Span", caption.text)):
            sheet.put_centred(caption, Box(box.x, box.bottom + 6, _RAIL, 0), SOFT)


_LOW_BAND: Final = 104.0
_HIGH_BAND: Final = 168.0
_TILE: Final = 72.0
_AIR: Final = 18.0
_HEM: Final = 6.0
_COLUMN_GAP: Final = 24.0
_FACTS_GAP: Final = 11.0
