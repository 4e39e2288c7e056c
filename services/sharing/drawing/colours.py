"""Colours that can be read on one another: WCAG 2.2, relative luminance and contrast ratio."""

from functools import lru_cache
from typing import Final

WHITE: Final = "#ffffff"
BLACK: Final = "#000000"
ENOUGH: Final = 4.5
"""The contrast ratio that text needs (WCAG 2.2, 1.4.3)."""
_STEPS: Final = 50


@lru_cache(maxsize=4096)
def luminance(colour: str) -> float:
    """The relative luminance of `#rrggbb`, 0 for black to 1 for white."""
    red, green, blue = (_linear(channel / 255) for channel in channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def ink_on(ground: str) -> str:
    """Black or white, whichever is read better; its contrast is never below 4.58."""
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, ground))


@lru_cache(maxsize=4096)
def readable_on(ground: str, colour: str, ratio: float = ENOUGH) -> str:
    """The colour, moved towards the ground's ink only as far as the contrast ratio asks for."""
    ink = ink_on(ground)
    shades = (mixed(colour, ink, step / _STEPS) for step in range(_STEPS + 1))
    return next((shade for shade in shades if contrast(shade, ground) >= ratio), ink)


def mixed(one: str, other: str, share: float) -> str:
    """One colour with a share, 0 to 1, of another."""
    pairs = zip(channels(one), channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb`, 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
