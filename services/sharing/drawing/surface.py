"""What a design is drawn on: a page of PDF or a picture. Measures are from the upper left corner."""

from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from services.sharing.drawing.paths import Box, Path, Point
from services.sharing.drawing.pictures import Picture
from services.sharing.drawing.shaping import Line


class Meaning(NamedTuple):
    """What a part of the page is to those who have it read to them.

    `tag` is a standard structure type (ISO 32000-1, 14.8.4). `text` is what is read where it has
    content of its own; `is_picture` says that it is a description. `address` makes it a link, of
    which `area` is what can be clicked.
    """

    tag: str
    text: str = ""
    is_picture: bool = False
    address: str = ""
    area: Box = Box(0, 0, 0, 0)


class Surface(Protocol):
    """Draws; what is drawn outside every `meaning` is decoration, which nobody is told of."""

    def meaning(self, meaning: Meaning) -> AbstractContextManager[None]:
        """What is drawn within has this meaning. Within each other they are a tree."""

    def fill(self, path: Path, colour: str) -> None: ...

    def stroke(self, path: Path, colour: str, width: float) -> None: ...

    def picture(self, picture: Picture, box: Box, shape: Path) -> None:
        """Draws the picture over the whole of the box; only what is within the shape is seen."""

    def write(self, line: Line, at: Point, size: float, colour: str) -> None:
        """Writes a line from its left end; `at` is on its baseline."""

    def stamp(self, line: Line, centre: Point, size: float, angle: float, colour: str) -> None:
        """Writes a line, of which half shines through, over what is there, rising by the angle.

        It is decoration: what it says must be said elsewhere, too.
        """
