"""Pictures that stand for an award where its link is shared: 1200 by 630 pixels (Open Graph)."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from services.sharing.drawing.badges import BADGE_WIDTH, badge_artwork
from services.sharing.drawing.colours import WHITE, ink_on, mixed, readable_on
from services.sharing.drawing.designs import BadgeDesign, CertificateDesign
from services.sharing.drawing.fonts import Role
from services.sharing.drawing.paragraphs import Block, Room
from services.sharing.drawing.parts import (
    INK,
    SOFT,
    covering,
    field,
    logo_tile,
    medal,
    stamp,
)
from services.sharing.drawing.paths import Box, circle
from services.sharing.drawing.pictures import picture
from services.sharing.drawing.sheet import Row, Sheet
from services.sharing.drawing.svg import SvgSurface, as_png

WIDTH: Final = 1200
HEIGHT: Final = 630
_MARGIN: Final = 80.0
_HEM: Final = 10.0


def certificate_image(design: CertificateDesign) -> bytes:
    """The certificate in short, in PNG: no QR code, and no text but what is read at a glance."""
    surface = SvgSurface(WIDTH, HEIGHT)
    sheet = Sheet(surface, WIDTH, design.language)
    banner, logo = picture(design.banner), picture(design.logo)
    band = 190.0 if banner else 150.0
    if banner:
        surface.picture(banner, covering(banner, Box(0, 0, WIDTH, band)), (Box(0, 0, WIDTH, band),))
    else:
        field(surface, Box(0, 0, WIDTH, band), design.colour, design.award_id, 1.1)
    surface.fill((Box(0, band, WIDTH, HEIGHT - band),), WHITE)
    if banner:
        surface.fill((Box(0, band - _HEM, WIDTH, _HEM),), design.colour)
    surface.fill((Box(0, HEIGHT - _HEM, WIDTH, _HEM),), design.colour)
    if logo:
        place = Box(_MARGIN, band - 84, 112, 112)
        logo_tile(sheet, logo, design.organization_name, place)
    seal = sheet.box(WIDTH - _MARGIN - 160, 0, 160, 0)
    medal(surface, (seal.centre[0], band + 12), 78, design.colour, WHITE)
    top = band + (48 if logo else 24)
    place = Box(_MARGIN, top, WIDTH - 2 * _MARGIN - 210, HEIGHT - 40 - top)
    palette = _Palette(readable_on(WHITE, design.colour), INK, SOFT)
    _tell(sheet, design, place, palette, sheet.words.certificate)
    return _finished(sheet, surface, design)


def badge_card(design: BadgeDesign) -> bytes:
    """The badge and whose it is, in PNG."""
    surface = SvgSurface(WIDTH, HEIGHT)
    sheet = Sheet(surface, WIDTH, design.language)
    ground, ink = design.colour, ink_on(design.colour)
    field(surface, Box(0, 0, WIDTH, HEIGHT), ground, design.code, 1.1)
    art = sheet.box(_MARGIN - 10, (HEIGHT - 430) / 2, 430, 430)
    surface.fill(circle(art.centre, 247), mixed(ground, ink, 0.12))
    surface.nest(badge_artwork(design.code), BADGE_WIDTH, art)
    place = Box(560, 70, WIDTH - 560 - _MARGIN, HEIGHT - 140)
    soft = readable_on(ground, mixed(ground, ink, 0.7))
    _tell(sheet, design, place, _Palette(soft, ink, soft), sheet.words.badge)
    return _finished(sheet, surface, design)


class _Palette(NamedTuple):
    accent: str
    ink: str
    soft: str


def _tell(
    sheet: Sheet,
    design: CertificateDesign | BadgeDesign,
    place: Box,
    palette: _Palette,
    kind: str,
) -> None:
    """What it is, whose, from whom and since when."""

    def rows(scale: float) -> Iterator[Row]:
        def block(text: str, role: Role, sizes: list[float], lines: int, leading: float) -> Block:
            room = Room(place.width, [size * scale for size in sizes], lines, leading)
            return sheet.set(text, role, room, 300)

        yield Row("P", 0, sheet.label(kind, design.mark, 22 * scale), palette.accent)
        title = block(design.title, "display", [64, 58, 52, 46, 40], 2, 1.22)
        yield Row("P", 6 * scale, title, palette.ink)
        recipient = sheet.recipient(design.recipient_name, design.organization_name)
        name = block(recipient, "display", [46, 40, 36, 32], 2, 1.25)
        yield Row("P", 16 * scale, name, palette.accent)
        issuer = block(design.organization_name, "strong", [26, 23, 20], 1, 1.4)
        yield Row("P", 26 * scale, issuer, palette.ink)
        yield Row("P", 0, block(design.earned_on, "text", [24], 1, 1.4), palette.soft)

    sheet.stack(place, rows)


def _finished(sheet: Sheet, surface: SvgSurface, design: CertificateDesign | BadgeDesign) -> bytes:
    if design.mark:
        stamp(sheet, design.mark, HEIGHT)
    return as_png(surface.svg())
