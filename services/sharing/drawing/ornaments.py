"""What makes a certificate look like one: engraved lines, and a seal.

The lines are drawn from the award's id, so that no two awards have quite the same.
"""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from math import cos, pi, sin
from typing import Final, NamedTuple

from services.sharing.drawing.paths import (
    Box,
    Curve,
    Move,
    Part,
    Path,
    Point,
    circle,
    on_circle,
    polygon,
    smooth,
    star,
)

_STRANDS: Final = 12
_SCALLOPS: Final = 28
_CURVES_OF_A_WAVE: Final = 5


class Seal(NamedTuple):
    ribbons: Path
    edge: Path
    ring: Path
    rosette: Path
    star: Path


def engraving(box: Box, key: str) -> Path:
    """Strands woven across a box, as on a banknote."""
    numbers = [byte / 255 for byte in blake2b(key.encode(), digest_size=6).digest()]
    path: list[Part] = []
    for braid in (0, 1):
        waves = 1.5 + 1.5 * numbers[braid] + 0.8 * braid
        middle = box.y + box.height * (0.4 + 0.2 * numbers[2 + braid])
        for strand in range(_STRANDS):
            shift = strand / _STRANDS + numbers[4 + braid]
            path += _strand(box, middle, waves, shift)
    return tuple(path)


def _strand(box: Box, middle: float, waves: float, shift: float) -> Iterator[Part]:
    """A wave whose height swells and falls, as curves that have its slope where they meet."""
    steps = round(_CURVES_OF_A_WAVE * (waves + 1))
    step = box.width / steps
    swell, wave = 2 * pi / box.width, 2 * pi * waves / box.width
    before = (0.0, 0.0)
    for at in range(steps + 1):
        x = at * step
        height = 0.35 + 0.3 * sin(swell * x / 2 + pi * shift)
        slope = 0.15 * swell * cos(swell * x / 2 + pi * shift)
        turn = wave * x + pi * shift
        y = middle + box.height * height * sin(turn)
        rise = box.height * (slope * sin(turn) + height * wave * cos(turn))
        if at == 0:
            yield Move((box.x, y))
        else:
            start, third = box.x + x - step, step / 3
            yield Curve(
                (start + third, before[0] + before[1] * third),
                (start + 2 * third, y - rise * third),
                (box.x + x, y),
            )
        before = y, rise


@lru_cache(maxsize=64)
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
