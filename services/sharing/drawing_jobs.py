"""What can be asked of a process that draws: jobs as data, and doing them."""

from typing import Final

import msgspec

from services.sharing import drawing
from services.sharing.drawing import BadgeDesign, CertificateDesign
from services.sharing.drawing.pictures import picture


class Job(msgspec.Struct, frozen=True, tag=True):
    """Something to be done; the same job leads to the same bytes."""


class CertificatePdf(Job, frozen=True, tag=True):
    design: CertificateDesign


class CertificatePage(Job, frozen=True, tag=True):
    """The page of the PDF as a picture."""

    design: CertificateDesign


class CertificateCard(Job, frozen=True, tag=True):
    """What stands for a certificate where its link is shared."""

    design: CertificateDesign


class BadgeCard(Job, frozen=True, tag=True):
    """What stands for a badge where its link is shared."""

    design: BadgeDesign


class BadgePicture(Job, frozen=True, tag=True):
    """The artwork of a badge alone."""

    code: str


class PictureCheck(Job, frozen=True, tag=True):
    """Whether a file shows on a certificate: some byte if so, none if not."""

    content: bytes


AnyJob = (
    CertificatePdf | CertificatePage | CertificateCard | BadgeCard | BadgePicture | PictureCheck
)


class Done(msgspec.Struct, frozen=True, tag=True):
    """A job's bytes."""

    content: bytes


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Why a job could not be done, in words that hold nothing of what was to be drawn."""

    reason: str


def do(job: AnyJob) -> bytes:
    """The bytes that a job asks for."""
    match job:
        case CertificatePdf(design):
            return drawing.certificate_pdf(design)
        case CertificatePage(design):
            return drawing.certificate_page_image(design)
        case CertificateCard(design):
            return drawing.certificate_image(design)
        case BadgeCard(badge):
            return drawing.badge_card(badge)
        case BadgePicture(code):
            return drawing.badge_image(code)
        case PictureCheck(content):
            return b"shown" if picture(content) else b""


encode: Final = msgspec.msgpack.Encoder().encode
decode_job: Final = msgspec.msgpack.Decoder(AnyJob).decode
decode_answer: Final = msgspec.msgpack.Decoder(Done | Failed).decode
HEAD_BYTES: Final = 4
"""Between two processes a message is its length, big-endian in so many bytes, and its bytes."""


def framed(message: object) -> bytes:
    """A job or an answer as it goes from one process to the other."""
    encoded = encode(message)
    return len(encoded).to_bytes(HEAD_BYTES) + encoded
