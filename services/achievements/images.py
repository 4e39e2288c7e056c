"""PNG and JPEG as they may be kept: really decoded, of a size that can be drawn, and without metadata.

Metadata is cut out, segment by segment: the picture itself stays bit for bit as it was uploaded, and what holds
nothing beside the picture stays as a whole. PNG: W3C, third edition, 5 and 11. JPEG: ITU-T T.81, annex B.
"""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Final, Literal, NamedTuple

from PIL import ExifTags, Image

MAX_PIXELS: Final = 4096 * 4096
MAX_SIDE_PIXELS: Final = 8192
MAX_SCANS: Final = 32  # of a JPEG: each costs a pass over all pixels, however few bytes it has

ContentType = Literal["image/png", "image/jpeg"]

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"}
    | {b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"pHYs"}  # how it is to be shown
)
_JPEG_SIGNATURE: Final = b"\xff\xd8"
_END_OF_IMAGE: Final = 0xD9
_START_OF_SCAN: Final = 0xDA
_JPEG_KEPT: Final = frozenset(range(0xC0, 0xD0)) | {_START_OF_SCAN, 0xDB, 0xDC, 0xDD}
_JPEG_KEPT_APPLICATIONS: Final = {
    0xE0: re.compile(rb"JFIF\0.{7}\0\0", re.DOTALL),  # without a thumbnail
    0xE2: re.compile(rb"ICC_PROFILE\0.*", re.DOTALL),
    0xEE: re.compile(rb"Adobe.*", re.DOTALL),  # tells which colours the numbers mean
}
_NEXT_MARKER: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # in a scan; not FF00 nor a restart


class BadImageError(Exception):
    """An image that can't be kept; `str` of it says why."""


class KeptImage(NamedTuple):
    content: bytes
    content_type: ContentType


def without_metadata(content: bytes) -> KeptImage:
    """The image without all that is not needed to show it; BadImageError where it can't be shown.

    It is decoded in full, which takes up to a second and some 100 MB: to be called in a thread, few at a time.
    """
    kept = _cut_out(content)
    _decode(kept.content)
    if kept.content != content and _is_turned(content):
        raise BadImageError("is turned by its metadata, which is not kept: save it upright")
    return kept


def _cut_out(content: bytes) -> KeptImage:
    try:
        if content.startswith(_PNG_SIGNATURE):
            return KeptImage(_PNG_SIGNATURE + b"".join(_png_chunks(content)), "image/png")
        if content.startswith(_JPEG_SIGNATURE):
            return KeptImage(_JPEG_SIGNATURE + b"".join(_jpeg_segments(content)), "image/jpeg")
    except (struct.error, IndexError):
        raise BadImageError("is cut off") from None
    raise BadImageError("must be a PNG or a JPEG")


def _png_chunks(content: bytes) -> Iterator[bytes]:
    """The chunks that are kept; what follows the end of the image isn't."""
    at = len(_PNG_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        if kind in _PNG_KEPT:
            yield _slice(content, at, end)
        at = end


def _jpeg_segments(content: bytes) -> Iterator[bytes]:
    """The segments that are kept, scans with their data; what follows the end of the image isn't."""
    at, scans = len(_JPEG_SIGNATURE), 0
    while True:
        if content[at] != 0xFF:
            raise BadImageError("is a broken JPEG")
        marker = content[at + 1]
        if marker == _END_OF_IMAGE:
            yield content[at : at + 2]
            return
        if marker == 0xFF:  # fill
            at += 1
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        end = at + 2 + max(length, 2)
        if marker == _START_OF_SCAN:
            scans += 1
            if scans > MAX_SCANS:
                raise BadImageError(f"has more than {MAX_SCANS} scans")
            end = _end_of_scan(content, end)
        segment = _slice(content, at, end)
        if _is_kept(marker, segment[4:]):
            yield segment
        at = end


def _is_kept(marker: int, payload: bytes) -> bool:
    application = _JPEG_KEPT_APPLICATIONS.get(marker)
    if application is not None:
        return application.fullmatch(payload) is not None
    return marker in _JPEG_KEPT


def _end_of_scan(content: bytes, at: int) -> int:
    found = _NEXT_MARKER.search(content, at)
    if found is None:
        raise BadImageError("is cut off")
    return found.start()


def _slice(content: bytes, start: int, end: int) -> bytes:
    if end > len(content):
        raise BadImageError("is cut off")
    return content[start:end]


def _decode(content: bytes) -> None:
    try:
        with Image.open(BytesIO(content), formats=["PNG", "JPEG"]) as image:
            size = image.size
            if max(size) <= MAX_SIDE_PIXELS and size[0] * size[1] <= MAX_PIXELS:
                image.load()
                return
    except Exception:  # Pillow raises many kinds on broken files, and says little
        raise BadImageError("can't be decoded") from None
    raise BadImageError(
        f"must have {MAX_PIXELS} pixels at most, no side longer than {MAX_SIDE_PIXELS},"
        f" has {size[0]} x {size[1]}"
    )


def _is_turned(content: bytes) -> bool:
    """Whether its metadata says to turn or mirror it; unreadable metadata says nothing."""
    with (
        suppress(Exception),
        Image.open(BytesIO(content), formats=["PNG", "JPEG"]) as image,
    ):
        return bool(image.getexif().get(ExifTags.Base.Orientation, 1) != 1)
    return False
