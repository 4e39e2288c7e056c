"""The badges' artwork: drawn for this project, a file for each badge and one for all others."""

from functools import cache
from pathlib import Path
from typing import Final

from services.sharing.drawing.svg import as_png

_FOLDER: Final = Path(__file__).parent.parent / "static" / "badges"
_FALLBACK: Final = "badge"
BADGE_WIDTH: Final = 512
"""The width and the height of every badge."""


@cache
def badge_artwork(code: str) -> str:
    """The badge of a code as an SVG document, 512 units wide, that needs nothing but itself."""
    files = {file.stem: file for file in _FOLDER.glob("*.svg")}
    return files.get(code, files[_FALLBACK]).read_text(encoding="utf-8")


@cache
def badge_image(code: str) -> bytes:
    """The same as a PNG of 512 by 512 pixels on a transparent ground."""
    return as_png(badge_artwork(code))
