"""Pictures inside a PDF (ISO 32000-1, 8.9)."""

from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFStream

from services.sharing.drawing.pdf.objects import names
from services.sharing.drawing.pictures import Picture


def image(picture: Picture) -> PDFStream:
    """The picture as an object, packed as it was kept; its opacity, if any, as a soft mask."""
    if picture.jpeg:
        return _plane(picture, picture.jpeg, "DeviceRGB", "DCTDecode")
    made = _plane(picture, picture.colours, "DeviceRGB", "FlateDecode")
    made.dictionary["SMask"] = _plane(picture, picture.opacity, "DeviceGray", "FlateDecode")
    return made


def _plane(picture: Picture, data: bytes, space: str, packing: str) -> PDFStream:
    kind = names(Type="XObject", Subtype="Image", ColorSpace=space, Filter=packing)
    size = {"Width": picture.width, "Height": picture.height, "BitsPerComponent": 8}
    return PDFStream(PDFDictionary(kind | size), data)
