"""What a document says of itself: PDF/UA-1 (ISO 14289-1), 5 and 7.1; XMP is ISO 16684-1."""

from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFStream, PDFtrue
from reportlab.pdfgen.canvas import Canvas

from services.sharing.drawing.pdf.objects import names

_PRODUCER: Final = "achievements"


class About(NamedTuple):
    """What a document says of itself: `language` is a tag of BCP 47."""

    title: str
    author: str
    language: str


def describe(canvas: Canvas, about: About) -> None:
    """Adds language, title, author and what it conforms to."""
    canvas.setCatalogEntry("Lang", about.language)
    canvas.setViewerPreference("DisplayDocTitle", PDFtrue)
    canvas.setTitle(about.title)
    canvas.setAuthor(about.author)
    canvas.setProducer(_PRODUCER)
    said = {key: escape(value) for key, value in about._asdict().items()}
    metadata = _XMP.format_map(said | {"producer": _PRODUCER}).encode()
    kind = PDFDictionary(names(Type="Metadata", Subtype="XML"))
    canvas.setCatalogEntry("Metadata", PDFStream(kind, metadata))  # as it is, for any program


_XMP: Final = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
    xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
   <dc:format>application/pdf</dc:format>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
   <dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
   <dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
   <pdf:Producer>{producer}</pdf:Producer>
   <pdfuaid:part>1</pdfuaid:part>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>
"""
