"""Certificates, badges and the pictures that stand for them: pure functions from design to bytes."""

from services.sharing.drawing.badges import badge_artwork, badge_image
from services.sharing.drawing.cards import badge_card, certificate_image
from services.sharing.drawing.certificate import certificate_page_image, certificate_pdf
from services.sharing.drawing.designs import BadgeDesign, CertificateDesign, Mark, Paper, paper_of

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
    "paper_of",
]
