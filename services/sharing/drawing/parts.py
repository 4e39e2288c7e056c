"""What certificates on paper and pictures of them have in common."""

from math import atan2, hypot
from typing import Final

from services.sharing.drawing.colours import BLACK, WHITE, ink_on, mixed
from services.sharing.drawing.designs import Mark
from services.sharing.drawing.fonts import UNITS_PER_EM
from services.sharing.drawing.ornaments import engraving, seal
from services.sharing.drawing.paths import Box, Point, circle, rounded
from services.sharing.drawing.pictures import Picture
from services.sharing.drawing.shaping import Spelling, direction_of, shape_line
from services.sharing.drawing.sheet import Sheet
from services.sharing.drawing.surface import Meaning, Surface

INK: Final = "#1b1d22"
SOFT: Final = "#5a5e68"
LINE: Final = "#dcdad4"
_ALARM: Final = "#b3261e"
_ENGRAVED: Final = 0.24


def covering(picture: Picture, box: Box) -> Box:
    """Where a picture goes to cover a box, its middle in the box's middle."""
    scale = max(box.width / picture.width, box.height / picture.height)
    width, height = picture.width * scale, picture.height * scale
    x, y = box.centre
    return Box(x - width / 2, y - height / 2, width, height)


def within(picture: Picture, width: float, height: float) -> tuple[float, float]:
    """The size in which a picture fills a width or a height."""
    scale = min(width / picture.width, height / picture.height)
    return picture.width * scale, picture.height * scale


def field(surface: Surface, box: Box, colour: str, key: str, weight: float) -> None:
    """A field of the certificate's colour with lines engraved into it, which may run beyond it."""
    surface.fill((box,), colour)
    surface.stroke(engraving(box, key), mixed(colour, ink_on(colour), _ENGRAVED), weight)


def medal(surface: Surface, centre: Point, radius: float, colour: str, ground: str) -> None:
    """The seal in the certificate's colour, set off from what it lies on by a rim."""
    shapes = seal(centre, radius)
    ink = ink_on(colour)
    surface.fill(circle(centre, radius * 1.1), ground)
    surface.fill(shapes.ribbons, mixed(colour, BLACK, 0.25))
    surface.fill(shapes.edge, colour)
    surface.stroke(shapes.edge, ground, radius * 0.03)
    surface.stroke(shapes.ring, mixed(colour, ink, 0.7), radius * 0.022)
    surface.stroke(shapes.rosette, mixed(colour, ink, 0.45), radius * 0.014)
    surface.fill(shapes.star, ink)


def logo_tile(sheet: Sheet, logo: Picture, name: str, place: Box) -> None:
    """The logo on a white tile, whatever lies behind; as wide as it needs, `place` is the least."""
    height = place.height
    padding = 0.2 * height
    width, shown_height = within(logo, 3.2 * (height - 2 * padding), height - 2 * padding)
    tile = sheet.box(place.x, place.y, max(width + 2 * padding, place.width), height)
    sheet.surface.fill(rounded(tile, 0.16 * height), WHITE)
    sheet.surface.stroke(rounded(tile, 0.16 * height), LINE, 0.01 * height)
    x, y = tile.centre
    box = Box(x - width / 2, y - shown_height / 2, width, shown_height)
    text = sheet.words.logo.format(organization=name)
    with sheet.surface.meaning(Meaning("Figure", text, is_picture=True, area=box)):
        sheet.surface.picture(logo, box, (box,))


def stamp(sheet: Sheet, mark: Mark, height: float) -> None:
    """Writes across everything that this is no valid award."""
    text = sheet.words.of_mark(mark).upper()
    line = shape_line(text, Spelling("strong", sheet.words.language), direction_of(text, "ltr"))
    diagonal = hypot(sheet.width, height)
    size = min(0.62 * diagonal * UNITS_PER_EM / line.width, 0.3 * height)
    colour = _ALARM if mark == "revoked" else mixed(SOFT, WHITE, 0.45)
    centre = sheet.width / 2, height / 2
    sheet.surface.stamp(line, centre, size, atan2(height, sheet.width), colour)
