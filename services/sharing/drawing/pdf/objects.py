"""Kinds of PDF objects that reportlab is given (ISO 32000-1, 7.3)."""

from typing import Final

from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFName, PDFStream, PDFString, PDFZCompress

Rectangle = tuple[float, float, float, float]
"""Left, bottom, right and top, from the lower left corner of the page."""


class Indirect(PDFDictionary):
    """A dictionary that is an object of its own: whatever holds it refers to it.

    So dictionaries can hold one another; reportlab writes those that the catalog leads to.
    """

    __RefOnly__: Final = 1  # so reportlab marks its own streams and pages


def stream(content: bytes, **entries: object) -> PDFStream:
    """Bytes with entries that say what they are, packed."""
    return PDFStream(PDFDictionary(entries), content, [PDFZCompress])


def names(**entries: str) -> dict[str, str]:
    """Entries whose values are names."""
    return {key: PDFName(value) for key, value in entries.items()}


def text(written: str) -> PDFString:
    """A text string (7.9.2.2): ASCII or UTF-16, neither of which can be taken for something else."""
    return PDFString(written) if written.isascii() else PDFString(written, enc="utf-16")


def rounded(rectangle: Rectangle) -> list[float]:
    return [round(number, 2) for number in rectangle]
