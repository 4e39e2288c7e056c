"""The structure of a tagged PDF: what its parts are and in which order they are read.

ISO 32000-1, 14.7 (structure) and 14.8 (tagged PDF); PDF/UA-1 is ISO 14289-1.
"""

from dataclasses import dataclass, field

from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFObjectReference, PDFtrue

from services.sharing.drawing.pdf.canvas import PageCanvas
from services.sharing.drawing.pdf.objects import Indirect, Rectangle, names, rounded, text
from services.sharing.drawing.surface import Meaning


@dataclass(slots=True, eq=False)
class Element:
    """A structure element. Its kids are marked content of the page by number, or elements.

    `area` is where it is on the page; `link` is its annotation.
    """

    meaning: Meaning
    area: Rectangle
    kids: list["Element | int"] = field(default_factory=list)
    link: PDFObjectReference | None = None


class Structure:
    """The structure tree of a document of one page."""

    def __init__(self) -> None:
        self.root = Element(Meaning("Document"), (0, 0, 0, 0))
        self._by_mark: list[Element] = []
        self._linked: list[Element] = []

    def mark(self, element: Element) -> int:
        """Numbers a piece of marked content that belongs to the element."""
        number = len(self._by_mark)
        self._by_mark.append(element)
        element.kids.append(number)
        return number

    def key_of_link(self, element: Element) -> int:
        """Keys the element in the parent tree, where the page itself is 0."""
        self._linked.append(element)
        return len(self._linked)

    def write(self, canvas: PageCanvas) -> None:
        """Adds the tree to the document's catalog."""
        tree = Indirect(names(Type="StructTreeRoot"))
        writer = _Writer(canvas.page_reference)
        tree["K"] = PDFArray([writer.written(self.root, tree)])
        rows: list[object] = [0, PDFArray(writer.objects[element] for element in self._by_mark)]
        for key, element in enumerate(self._linked, start=1):
            rows += [key, writer.objects[element]]
        tree["ParentTree"] = Indirect({"Nums": PDFArray(rows)})
        tree["ParentTreeNextKey"] = 1 + len(self._linked)
        canvas.setCatalogEntry("StructTreeRoot", tree)
        canvas.setCatalogEntry("MarkInfo", {"Marked": PDFtrue})


class _Writer:
    def __init__(self, page: PDFObjectReference) -> None:
        self._page = page
        self.objects: dict[Element, Indirect] = {}

    def written(self, element: Element, parent: Indirect) -> Indirect:
        """The element's object, with the objects of all within it."""
        made = Indirect(_entries(element.meaning, element.area))
        self.objects[element] = made
        made["P"], made["Pg"] = parent, self._page
        kids: list[object] = [
            kid if isinstance(kid, int) else self.written(kid, made) for kid in element.kids
        ]
        if element.link is not None:
            link = names(Type="OBJR") | {"Obj": element.link, "Pg": self._page}
            kids.append(PDFDictionary(link))
        made["K"] = PDFArray(kids)
        return made


def _entries(meaning: Meaning, area: Rectangle) -> dict[str, object]:
    entries: dict[str, object] = {**names(Type="StructElem", S=meaning.tag)}
    if meaning.is_picture:
        place = names(O="Layout", Placement="Block") | {"BBox": PDFArray(rounded(area))}
        entries |= {"Alt": text(meaning.text), "A": PDFDictionary(place)}
    elif meaning.text and not meaning.address:
        entries["ActualText"] = text(meaning.text)
    return entries
