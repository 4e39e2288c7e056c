"""What pages draw themselves: the lines, seals and badges of certificates and pictures, as SVG inside HTML.

They are as short as what can be seen allows, and have no name that a screen reader would read.
"""

import re
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Final

from markupsafe import Markup

from services.sharing.drawing import badge_artwork
from services.sharing.drawing.ornaments import engraving
from services.sharing.drawing.parts import medal
from services.sharing.drawing.paths import Box
from services.sharing.drawing.svg import SvgSurface

_FIELD: Final = Box(0, 0, 1200, 400)
_ENGRAVED_WIDTH: Final = 1.5
_ENGRAVINGS: Final = 32
_SEAL_RADIUS: Final = 50
_SIZE: Final = re.compile(r'<svg xmlns="[^"]*" width="[^"]*" height="[^"]*"')
_TITLE: Final = re.compile(r"<title>.*?</title>")
_PATH: Final = re.compile(r'(?<= d=")[^"]*')
_COMMAND: Final = re.compile(r"([MLCZhv])([^MLCZhv]*)")


def field_lines(key: str) -> Markup:
    """An engraving in `--engraved` for a field, one of a few by the key: to draw one takes a while."""
    return _engraving(blake2b(key.encode(), digest_size=1).digest()[0] % _ENGRAVINGS)


@cache
def _engraving(number: int) -> Markup:
    surface = SvgSurface(_FIELD.width, _FIELD.height)
    surface.stroke(engraving(_FIELD, str(number)), "var(--engraved)", _ENGRAVED_WIDTH)
    return _inside(
        _shortened(surface.svg(), 0), 'class="lines" preserveAspectRatio="xMidYMid slice"'
    )


@lru_cache(maxsize=1024)
def seal(colour: str) -> Markup:
    """The seal of a certificate, set off by a rim of the page's paper."""
    surface = SvgSurface(110, 146)
    medal(surface, (55, 55), _SEAL_RADIUS, colour, "var(--paper)")
    return _inside(_shortened(surface.svg(), 1), 'class="seal"')


@lru_cache(maxsize=64)
def badge(code: str) -> Markup:
    """The badge's artwork."""
    return _inside(_TITLE.sub("", badge_artwork(code)), 'class="artwork"')


def _shortened(svg: str, digits: int) -> str:
    """The drawing with so many digits behind the point, and curves told from where they begin."""
    return _PATH.sub(lambda path: _relative(path[0], digits), svg)


def _relative(path: str, digits: int) -> str:
    """SVG 2, 9.3: lower case commands count from the point before, which is whole here, too."""
    written: list[str] = []
    here = (0.0, 0.0)
    for command, numbers in _COMMAND.findall(path):
        values = [round(float(number), digits) for number in numbers.split()]
        if command in "ML":
            here = (values[0], values[1])
        elif command == "C":
            values, here = _from(here, values, digits), (values[4], values[5])
        letter = "c" if command == "C" else command
        written.append(letter + " ".join(f"{value:g}" for value in values))
    return "".join(written).replace(" -", "-")


def _from(here: tuple[float, float], values: list[float], digits: int) -> list[float]:
    return [round(value - here[at % 2], digits) for at, value in enumerate(values)]


def _inside(svg: str, attributes: str) -> Markup:
    return Markup(_SIZE.sub(f'<svg {attributes} aria-hidden="true"', svg, count=1))
