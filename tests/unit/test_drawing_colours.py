"""Rule 24: text stays readable on whatever colour an admin chooses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sharing.drawing.colours import (
    ENOUGH,
    WHITE,
    contrast,
    ink_on,
    mixed,
    readable_on,
)

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_wcag() -> None:
    """The contrast ratio is WCAG 2.2's: 21 at most, and as its well-known examples say."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert contrast("#767676", "#ffffff") >= 4.5


@given(COLOURS)
def test_ink_is_readable_on_any_colour(colour: str) -> None:
    """What is written on the chosen colour contrasts enough (WCAG 2.2, 1.4.3)."""
    assert contrast(ink_on(colour), colour) >= ENOUGH


@given(COLOURS, COLOURS)
def test_a_chosen_colour_is_made_readable(colour: str, ground: str) -> None:
    """What is written in the chosen colour contrasts enough, on paper as on any ground."""
    assert contrast(readable_on(WHITE, colour), WHITE) >= ENOUGH
    assert contrast(readable_on(ground, mixed(ground, colour, 0.7)), ground) >= ENOUGH


def test_a_readable_colour_stays_as_it_was_chosen() -> None:
    """A colour is changed only where it must be."""
    assert readable_on(WHITE, "#1d4f91") == "#1d4f91"
