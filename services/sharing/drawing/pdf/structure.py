"""The structure of a tagged PDF: what its parts are and in which order they are read.

ISO 32000-1, 14.7 (structure) and 14.8 (tagged PDF); PDF/UA-1 is ISO 14289-1.
"""

from dataclasses import dataclass, field

import pikepdf
from pikepdf import Array, Dictionary, Name

from services.sharing.drawing.surface import Meaning

Rectangle = tuple[float, float, float, float]


@dataclass(slots=True, eq=False)
class Element:
    """A structure element. Its kids are marked content of the page by number, or elements.

    `area` is where it is on the page: left, bottom, right, top.
    """

    meaning: Meaning
    area: Rectangle
    kids: list["Element | int"] = field(default_factory=list)
    annotation: pikepdf.Object | None = None


class Structure:
    """The structure tree of a document of one page."""

    def __init__(self) -> None:
        self.root = Element(Meaning("Document"), (0, 0, 0, 0))
        self._by_mark: list[Element] = []

    def mark(self, element: Element) -> int:
        """Numbers a piece of marked content that belongs to the element."""
        number = len(self._by_mark)
        self._by_mark.append(element)
        element.kids.append(number)
        return number

    def write(self, pdf: pikepdf.Pdf, page: pikepdf.Object) -> None:
        """Adds the tree to the document's catalog."""
        tree = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
        writer = _Writer(pdf, page)
        tree.K = Array([writer.written(self.root, tree)])
        marks = Array(writer.objects[element] for element in self._by_mark)
        rows = [0, pdf.make_indirect(marks)]
        for key, element in enumerate(writer.annotated, start=1):
            rows += [key, element]
        tree.ParentTree = pdf.make_indirect(Dictionary(Nums=Array(rows)))
        tree.ParentTreeNextKey = 1 + len(writer.annotated)
        pdf.Root.StructTreeRoot = tree
        pdf.Root.MarkInfo = Dictionary(Marked=True)
        page.StructParents = 0
        page.Tabs = Name.S


class _Writer:
    def __init__(self, pdf: pikepdf.Pdf, page: pikepdf.Object) -> None:
        self._pdf = pdf
        self._page = page
        self.objects: dict[Element, pikepdf.Object] = {}
        self.annotated: list[pikepdf.Object] = []

    def written(self, element: Element, parent: pikepdf.Object) -> pikepdf.Object:
        """The element's object, with the objects of all within it."""
        made = self._pdf.make_indirect(_dictionary(element, parent))
        self.objects[element] = made
        made.Pg = self._page
        made.K = Array(
            kid if isinstance(kid, int) else self.written(kid, made) for kid in element.kids
        )
        if element.annotation is not None:
            self.annotated.append(made)
            element.annotation.StructParent = len(self.annotated)
            made.K.append(Dictionary(Type=Name.OBJR, Obj=element.annotation, Pg=self._page))
        return made


def _dictionary(element: Element, parent: pikepdf.Object) -> Dictionary:
    meaning = element.meaning
    made = Dictionary(Type=Name.StructElem, S=Name(f"/{meaning.tag}"), P=parent)
    if meaning.is_picture:
        made.Alt = pikepdf.String(meaning.text)
        box = Array(round(number, 2) for number in element.area)
        made.A = Dictionary(O=Name.Layout, Placement=Name.Block, BBox=box)
    elif meaning.text and not meaning.address:
        made.ActualText = pikepdf.String(meaning.text)
    return made
