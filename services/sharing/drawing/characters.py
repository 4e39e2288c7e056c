"""Text as it can be drawn: bounded, in one normal form, without what no font of ours shows.

An emoji is left out, whole, where our fonts lack it (they are in black and have few): a name is
shown without it rather than with an empty box. So are controls that could turn a text's direction
over or hide some of it (Unicode UAX 9, explicit formatting).
"""

from collections.abc import Iterator
from typing import Final
from unicodedata import category, normalize

import icu

from services.sharing.drawing.fonts import Role, font_for

ELLIPSIS: Final = "…"
_NAME_LIMIT: Final = 200
_JOINERS: Final = "\u200c\u200d"  # they change how letters join in Persian and in Indian scripts
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def drawable(text: str, role: Role, limit: int) -> str:
    """One line of text with at most `limit` characters, each of which a font of the role has.

    Longer text ends with an ellipsis; where nothing of it can be seen it is empty.
    """
    kept = text[: 4 * limit]
    if not (kept.isascii() and kept.isprintable()):
        normal = normalize("NFC", _without_controls(kept))
        kept = "".join(_drawable(cluster, role) for cluster in clusters(normal))
    line = " ".join(kept.split())
    if not any(map(_is_seen, line)):
        return ""
    return line if len(line) <= limit else line[: limit - 1].rstrip() + ELLIPSIS


def drawable_name(name: str | None) -> str:
    """A recipient's name as it is drawn; empty where it isn't known, or nothing of it can be drawn."""
    return drawable(name or "", "display", _NAME_LIMIT)


def drawable_paragraphs(text: str, role: Role, limit: int) -> tuple[str, ...]:
    """The same for text of several lines; empty ones are left out."""
    lines = (drawable(line, role, limit) for line in text[: 4 * limit].splitlines())
    return tuple(line for line in lines if line)


def clusters(text: str) -> Iterator[str]:
    """What a reader takes for one character each (Unicode UAX 29, extended grapheme clusters)."""
    if text.isascii():
        yield from text
        return
    units = icu.UnicodeString(text)
    breaks = icu.BreakIterator.createCharacterInstance(icu.Locale.getRoot())
    breaks.setText(units)
    start = 0
    for end in breaks:
        yield str(units[start:end])
        start = end


def _without_controls(text: str) -> str:
    return "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or character in _JOINERS or category(character) not in _UNSEEN
    )


def _is_seen(character: str) -> bool:
    unseen = icu.UProperty.DEFAULT_IGNORABLE_CODE_POINT
    return not (character.isspace() or icu.Char.hasBinaryProperty(character, unseen))


def _drawable(cluster: str, role: Role) -> str:
    """The cluster, without marks that no font has; nothing where its base is such a character."""
    if font_for(role, cluster):
        return cluster
    base = cluster[0]
    if base in _JOINERS or (not base.isspace() and font_for(role, base) is None):
        return ""
    return "".join(c for c in cluster if c.isspace() or c in _JOINERS or font_for(role, c))
