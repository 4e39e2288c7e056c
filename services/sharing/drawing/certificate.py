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
from services.sharing.drawing.pdf.metadata import About
from services.sharing.drawing.pdf.page import PdfPage
from services.sharing.drawing.pictures import picture
from services.sharing.drawing.qr import qr_code
from services.sharing.drawing.sheet import Row, Sheet
from services.sharing.drawing.surface import Meaning, Surface
from services.sharing.drawing.svg import SvgSurface, as_png
from services.sharing.drawing.words import language_tag, words

SIZES: Final = {"a4": (842, 595), "letter": (792, 612)}
"""Width and height of the paper in points."""
_MARGIN: Final = 56.0
_RAIL: Final = 104.0
"""The width of what stands at the end of the lines: the seal and the QR code."""
_GAP: Final = 48.0


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
    band = _band(sheet, design, height)
    wide = width - 2 * _MARGIN - ((_RAIL + _GAP) if design.page_url else 0)
    facts = _Facts.of(sheet, design, wide)
    foot = height - _MARGIN - facts.height
    body = Box(_MARGIN, band + _AIR, width - 2 * _MARGIN - _RAIL - _GAP, foot - band - 2 * _AIR)
    sheet.stack(body, lambda scale: _rows(sheet, design, body.width, scale))
    facts.draw(sheet, Box(_MARGIN, foot, wide, facts.height))
    if design.page_url:
        _check(sheet, design.page_url, height)
    if design.mark:
        stamp(sheet, design.mark, height)


def _band(sheet: Sheet, design: CertificateDesign, height: float) -> float:
    """The paper, its edges in colour, above the program's banner if any; gives where text starts."""
    surface = sheet.surface
    banner, logo = picture(design.banner), picture(design.logo)
    band = _LOW_BAND
    if banner:
        band = min(max(sheet.width / banner.aspect, _LOW_BAND), _HIGH_BAND)
    box = Box(0, 0, sheet.width, band)
    paper = Box(0, band, sheet.width, height - band)
    if not banner:
        field(surface, box, design.colour, design.award_id, 0.6)
    surface.fill((paper,), WHITE)
    surface.fill((Box(0, height - _HEM, sheet.width, _HEM),), design.colour)
    if banner:
        text = sheet.words.banner.format(program=design.program_name or design.title)
        with surface.meaning(Meaning("Figure", text, is_picture=True, area=box)):
            surface.picture(banner, covering(banner, box), (box,))
        surface.fill((Box(0, band - _HEM, sheet.width, _HEM),), design.colour)
    if logo:
        place = Box(_MARGIN, band - 0.64 * _TILE, _TILE, _TILE)
        logo_tile(sheet, logo, design.organization_name, place)
    centre = sheet.box(_MARGIN, 0, sheet.width - 2 * _MARGIN - _RAIL, 0)
    x = centre.right + _RAIL / 2 if sheet.direction == "ltr" else centre.x - _RAIL / 2
    medal(surface, (x, band + 6), 46, design.colour, WHITE)
    return band + (0.36 * _TILE if logo else 0)


def _rows(sheet: Sheet, design: CertificateDesign, width: float, scale: float) -> Iterator[Row]:
    accent = readable_on(WHITE, design.colour)

    def paragraph(text: str, role: Role, sizes: list[float], lines: int, leading: float) -> Block:
        room = Room(width, [size * scale for size in sizes], lines, leading)
        return sheet.set(text, role, room, 600)

    kind = sheet.label(sheet.words.certificate, design.mark, 10 * scale)
    yield Row("P", 0, kind, accent)
    title = paragraph(design.title, "display", [32, 29, 26, 23, 20], 2, 1.25)
    yield Row("H1", 6 * scale, title, INK)
    awarded = paragraph(sheet.words.awarded_to, "text", [11.5], 1, 1.4)
    yield Row("P", 22 * scale, awarded, SOFT)
    recipient = sheet.recipient(design.recipient_name, design.organization_name)
    name = paragraph(recipient, "display", [44, 40, 36, 32, 28, 24, 20], 2, 1.25)
    yield Row("P", 4 * scale, name, accent)  # room for what stands on tall letters
    gap = 16 * scale
    for text in drawable_paragraphs(design.text, "text", 1200)[:3]:
        yield Row("P", gap, paragraph(text, "text", [13, 12, 11], 4, 1.5), INK)
        gap = 5 * scale


class _Fact(NamedTuple):
    label: Block
    value: Block

    @property
    def height(self) -> float:
        return self.label.height + self.value.height


class _Facts(NamedTuple):
    """The foot of the page: rows of facts, and the certificate's number."""

    rows: tuple[tuple[_Fact, ...], ...]
    number: Block

    @classmethod
    def of(cls, sheet: Sheet, design: CertificateDesign, width: float) -> "_Facts":
        said = sheet.words
        rows = (
            [(said.how_earned, design.criteria)],
            [
                (said.issued_by, design.organization_name),
                (said.program, design.program_name or ""),
                (said.earned_on, design.earned_on),
            ],
        )
        return cls(
            rows=tuple(filter(None, (_row(sheet, row, width) for row in rows))),
            number=sheet.numbered(said.certificate_id, design.award_id, width, 8),
        )

    @property
    def height(self) -> float:
        rows = (max(fact.height for fact in row) for row in self.rows)
        return sum(height + _FACTS_GAP for height in rows) + _FACTS_GAP + self.number.height

    def draw(self, sheet: Sheet, place: Box) -> None:
        line = sheet.box(place.x, place.y, place.width, 0.75)
        sheet.surface.fill((line,), LINE)
        y = place.y + _FACTS_GAP
        with sheet.surface.meaning(Meaning("L")):
            for row in self.rows:
                column = (place.width + _COLUMN_GAP) / len(row)
                for at, fact in enumerate(row):
                    box = Box(place.x + at * column, y, column - _COLUMN_GAP, fact.height)
                    _draw_fact(sheet, fact, box)
                y += max(fact.height for fact in row) + _FACTS_GAP
        with sheet.surface.meaning(Meaning("P", self.number.text)):
            sheet.put(self.number, sheet.box(place.x, y, place.width, 0), SOFT)


def _row(sheet: Sheet, facts: list[tuple[str, str]], width: float) -> tuple[_Fact, ...]:
    """Facts side by side; one without a value is left out."""
    known = [(label, value) for label, value in facts if drawable(value, "strong", 300)]
    column = (width + _COLUMN_GAP) / max(len(known), 1) - _COLUMN_GAP
    return tuple(
        _Fact(
            sheet.set(label, "text", Room(column, [8.5, 8, 7], 1, 1.4), 100),
            sheet.set(value, "strong", Room(column, [11, 10, 9], 2, 1.35), 300),
        )
        for label, value in known
    )


def _draw_fact(sheet: Sheet, fact: _Fact, place: Box) -> None:
    label = sheet.box(place.x, place.y, place.width, fact.label.height)
    value = sheet.box(place.x, label.bottom, place.width, fact.value.height)
    with sheet.surface.meaning(Meaning("LI")):
        with sheet.surface.meaning(Meaning("Lbl", fact.label.text)):
            sheet.put(fact.label, label, SOFT)
        with sheet.surface.meaning(Meaning("LBody", fact.value.text)):
            sheet.put(fact.value, value, INK)


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
