"""reportlab's canvas, and what a tagged page needs of it beyond what it offers.

reportlab writes pages, paths, links and whatever its catalog leads to, but knows nothing of fonts
made elsewhere or of pages that belong to a structure tree. All that needs its attributes that are
not meant for us is in this file: look here first when its bounds in `pyproject.toml` are widened.
"""

from io import BytesIO
from typing import Final, cast

from reportlab import rl_config
from reportlab.pdfbase.pdfdoc import (
    PDFDictionary,
    PDFDocument,
    PDFInfo,
    PDFName,
    PDFObject,
    PDFObjectReference,
    PDFPage,
)
from reportlab.pdfgen.canvas import Canvas

from services.sharing.drawing.pdf.objects import Rectangle, rounded, text

rl_config.useA85 = 0  # streams are bytes: as ASCII85 they would be larger by a quarter, and slow
_PRINTED: Final = 4
"""The flag of an annotation that is printed, too, as PDF/UA asks (ISO 32000-1, 12.5.3)."""


class PageCanvas(Canvas):
    """A document of one page, the same bytes for the same drawing."""

    _code: list[str]
    _doc: PDFDocument
    _annotationrefs: list[PDFObjectReference]

    def __init__(self, width: float, height: float) -> None:
        self._file = BytesIO()
        super().__init__(
            self._file, (width, height), pageCompression=1, invariant=1, pdfVersion=(1, 7)
        )
        self._doc.info = _Info()

    def file(self) -> bytes:
        """Ends the document, and gives it."""
        self.save()
        return self._file.getvalue()

    @property
    def page_reference(self) -> PDFObjectReference:
        return self._doc.thisPageRef()

    def add_font(self, key: str, font: PDFDictionary) -> None:
        """Makes a font known to the page's operators by its key."""
        fonts = cast(PDFDictionary, self._doc.idToObject["BasicFonts"])  # of all pages
        fonts[key] = font
        self._doc.updateSignature(font["BaseFont"])

    def add_picture(self, name: str, picture: PDFObject) -> None:
        """Makes a picture known to `doForm`, which shows any kind of external object."""
        self._doc.addForm(name, picture)

    def add_link(self, address: str, area: Rectangle, said: str, key: int) -> PDFObjectReference:
        """Links an area, keyed in the structure's parent tree; `linkURL` gives nothing back."""
        self.linkURL(address, rounded(area), Contents=text(said), F=_PRINTED, StructParent=key)
        return self._annotationrefs[-1]

    def showPage(self) -> None:  # noqa: N802 - of reportlab
        """Ends the page, which has the key 0 in the structure's parent tree."""
        self._doc.updateSignature("\n".join(self._code))  # else the title alone tells files apart
        name = self._doc.thisPageName()
        super().showPage()
        page = cast(PDFPage, self._doc.idToObject[name])
        entries = {"StructParents": 0, "Tabs": PDFName("S")}
        page.__NoDefault__ = [*page.__NoDefault__, *entries]  # these keys are not among its own
        vars(page).update(entries)

    def _make_preamble(self) -> None:
        """Sets nothing: by itself every page selects a Helvetica that is not embedded."""
        self._preamble = ""


class _Info(PDFInfo):
    """Title, author and producer alone: by itself it would state a date, a subject and more."""

    def format(self, document: PDFDocument) -> bytes:
        said = {"Title": self.title, "Author": self.author, "Producer": self.producer}
        return PDFDictionary({key: text(value) for key, value in said.items()}).format(document)
