"""Pictures inside a PDF (ISO 32000-1, 8.9)."""

import pikepdf
from pikepdf import Name

from services.sharing.drawing.pictures import Picture


def image(pdf: pikepdf.Pdf, picture: Picture) -> pikepdf.Object:
    """Adds a picture to the document; its opacity, if any, as a soft mask."""
    if picture.jpeg:
        opaque = _plane(pdf, picture.jpeg, picture, Name.DeviceRGB)
        opaque.Filter = Name.DCTDecode
        return opaque
    made = _plane(pdf, picture.colours, picture, Name.DeviceRGB)
    made.SMask = _plane(pdf, picture.opacity, picture, Name.DeviceGray)
    return made


def _plane(pdf: pikepdf.Pdf, data: bytes, picture: Picture, space: Name) -> pikepdf.Object:
    return pdf.make_stream(
        data,
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=picture.width,
        Height=picture.height,
        ColorSpace=space,
        BitsPerComponent=8,
    )
