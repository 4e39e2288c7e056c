"""What makes a certificate look like one: engraved lines, and a seal.

The lines are drawn from the award's id, so that no two awards have quite the same.
"""

from hashlib import blake2b
from math import pi, sin
from typing import Final, NamedTuple

from services.sharing.drawing.paths import (
    Box,
    Path,
    Point,
    circle,
    on_circle,
    polygon,
    smooth,
    star,
)

_STRANDS: Final = 14
_SCALLOPS: Final = 28
_POINTS_OF_A_WAVE: Final = 6


class Seal(NamedTuple):
    ribbons: Path
    edge: Path
    ring: Path
    rosette: Path
    star: Path


def engraving(box: Box, key: str) -> Path:
    """Strands woven across a box, as on a banknote."""
    numbers = [byte / 255 for byte in blake2b(key.encode(), digest_size=6).digest()]
    path: Path = ()
    for braid in (0, 1):
        waves = 1.5 + 1.5 * numbers[braid] + 0.8 * braid
        middle = box.y + box.height * (0.4 + 0.2 * numbers[2 + braid])
        for strand in range(_STRANDS):
            shift = strand / _STRANDS + numbers[4 + braid]
            path += _strand(box, middle, waves, shift, braid)
    return path


def _strand(box: Box, middle: float, waves: float, shift: float, braid: int) -> Path:
    steps = round(_POINTS_OF_A_WAVE * (waves + 2))
    points = []
    for step in range(steps + 1):
        share = step / steps
        swell = 0.35 + 0.3 * sin(pi * (2 * share + shift + 0.4 * braid))
        height = box.height * swell * sin(2 * pi * (waves * share + shift / 2))
        points.append((box.x + share * box.width, middle + height))
    return smooth(points, is_closed=False)


def seal(centre: Point, radius: float) -> Seal:
    """A medal with two ribbons."""
    x, y = centre
    edge = [
        on_circle(centre, radius * (1 if at % 2 else 0.93), at / (2 * _SCALLOPS))
        for at in range(2 * _SCALLOPS)
    ]
    rosette: Path = ()
    for turn in range(2):
        points = [
            on_circle(
                centre,
                radius * (0.605 + 0.085 * sin(2 * pi * (12 * at / 96) + pi * turn)),
                at / 96,
            )
            for at in range(96)
        ]
        rosette += smooth(points, is_closed=True)
    return Seal(
        ribbons=_ribbon(x, y, radius, -1) + _ribbon(x, y, radius, 1),
        edge=smooth(edge, is_closed=True),
        ring=circle(centre, 0.8 * radius),
        rosette=rosette,
        star=star(centre, 0.4 * radius),
    )


def _ribbon(x: float, y: float, radius: float, side: int) -> Path:
    shape = ((0.05, 0.5), (0.62, 0.45), (0.92, 1.62), (0.6, 1.5), (0.4, 1.78))
    return polygon((x + side * across * radius, y + down * radius) for across, down in shape)
