"""Certificates, badges and the pictures that stand for them: pure functions from design to bytes."""

from services.sharing.drawing.badges import badge_artwork, badge_image
from services.sharing.drawing.cards import badge_card, certificate_image
from services.sharing.drawing.certificate import certificate_page_image, certificate_pdf
from services.sharing.drawing.designs import BadgeDesign, CertificateDesign, Mark, Paper, paper_of
from services.sharing.drawing.paragraphs import forget_texts
from services.sharing.drawing.pdf.page import outline

__all__ = [
    "BadgeDesign",
    "CertificateDesign",
    "Mark",
    "Paper",
    "badge_artwork",
    "badge_card",
    "badge_image",
    "certificate_image",
    "certificate_page_image",
    "certificate_pdf",
    "forget",
    "paper_of",
]


def forget() -> None:
    """Drops what is kept of people: names with all other text, and the codes of their pages' addresses.

    Fonts, glyphs, artwork and pictures stay.
    """
    forget_texts()
    outline.cache_clear()
