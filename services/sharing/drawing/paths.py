"""Shapes as outlines, from the upper left corner downwards, whatever they are drawn on."""

from collections.abc import Iterable, Sequence
from math import cos, pi, sin
from typing import Final, NamedTuple

Point = tuple[float, float]


class Move(NamedTuple):
    to: Point


class Straight(NamedTuple):
    to: Point


class Curve(NamedTuple):
    """A cubic Bézier curve."""

    first: Point
    second: Point
    to: Point


class Close(NamedTuple):
    pass


class Box(NamedTuple):
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def centre(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2


Part = Move | Straight | Curve | Close | Box
"""A box is a whole rectangle."""
Path = tuple[Part, ...]

_ROUND: Final = 0.5523  # the control points of a quarter of a circle


def polygon(points: Iterable[Point]) -> Path:
    first, *others = points
    return (Move(first), *(Straight(point) for point in others), Close())


def rounded(box: Box, radius: float) -> Path:
    """A rectangle with round corners."""
    x, y, right, bottom = box.x, box.y, box.right, box.bottom
    k = radius * (1 - _ROUND)
    return (
        Move((x + radius, y)),
        Straight((right - radius, y)),
        Curve((right - k, y), (right, y + k), (right, y + radius)),
        Straight((right, bottom - radius)),
        Curve((right, bottom - k), (right - k, bottom), (right - radius, bottom)),
        Straight((x + radius, bottom)),
        Curve((x + k, bottom), (x, bottom - k), (x, bottom - radius)),
        Straight((x, y + radius)),
        Curve((x, y + k), (x + k, y), (x + radius, y)),
        Close(),
    )


def circle(centre: Point, radius: float) -> Path:
    x, y = centre
    return rounded(Box(x - radius, y - radius, 2 * radius, 2 * radius), radius)


def star(centre: Point, radius: float, points: int = 5, depth: float = 0.45) -> Path:
    """A star with one point upwards; `depth` is how far its inner corners are out."""
    return polygon(
        on_circle(centre, radius * (depth if at % 2 else 1), at / (2 * points))
        for at in range(2 * points)
    )


def smooth(points: Sequence[Point], *, is_closed: bool) -> Path:
    """A smooth curve through the points (Catmull and Rom)."""
    count = len(points)

    def near(at: int) -> Point:
        return points[at % count if is_closed else min(max(at, 0), count - 1)]

    parts: list[Part] = [Move(points[0])]
    for at in range(count if is_closed else count - 1):
        before, start, end, after = near(at - 1), near(at), near(at + 1), near(at + 2)
        parts.append(
            Curve(
                (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6),
                (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6),
                end,
            )
        )
    return (*parts, Close()) if is_closed else tuple(parts)


def on_circle(centre: Point, radius: float, turn: float) -> Point:
    """The point of a circle a share of a full turn, clockwise, from its top."""
    angle = 2 * pi * turn
    return centre[0] + radius * sin(angle), centre[1] - radius * cos(angle)
