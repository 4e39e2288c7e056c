"""Names as they are told: whether one can be seen at all, and how it stands in text without markup."""

from typing import Final
from unicodedata import bidirectional

from services.sharing.drawing.characters import drawable_name
from services.sharing.languages import Language

_CONTROLS: Final = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""What turns the direction of text, until something ends it (Unicode UAX 9, explicit formatting)."""
_OTHER_WAY: Final = {"ltr": {"R", "AL", "AN"}, "rtl": {"L"}}


def shown_name(name: str | None) -> str | None:
    """A recipient's name, None where nothing of it can be drawn: then it is told like none at all."""
    return name if drawable_name(name) else None


def bare(name: str) -> str:
    """A name without the controls that could turn over what comes after it."""
    return name.translate(_CONTROLS)


def isolated(name: str, language: Language) -> str:
    """A bare name for a phrase of the language that can't hold markup.

    What runs the other way is isolated there, as `bdi` does in HTML; other names stay as they are.
    """
    told = bare(name)
    other_way = _OTHER_WAY[language.direction]
    return f"\u2068{told}\u2069" if any(bidirectional(c) in other_way for c in told) else told
