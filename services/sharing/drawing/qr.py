"""QR codes (ISO/IEC 18004)."""

from itertools import groupby
from typing import Final

import segno

from services.sharing.drawing.paths import Box, Path

_MASK: Final = 2  # the standard's search for the best of eight takes most of the time; any is legal


def qr_code(text: str, box: Box) -> Path:
    """The dark squares of the code of a text; the ground around it must stay light."""
    rows = segno.make(text, error="m", mask=_MASK, micro=False, boost_error=False).matrix
    side = box.width / len(rows)
    path: list[Box] = []
    for down, row in enumerate(rows):
        across = 0
        for is_dark, squares in groupby(row):
            count = len(list(squares))
            if is_dark:
                x, y = box.x + across * side, box.y + down * side
                path.append(Box(x, y, count * side, side))
            across += count
    return tuple(path)
