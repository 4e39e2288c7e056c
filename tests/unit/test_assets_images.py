"""Images that may be kept as banners and logos."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from services.achievements.images import BadImageError, without_metadata

NOISE = Image.frombytes("RGB", (64, 40), Random(1).randbytes(64 * 40 * 3))
NAME = b"Ada Lovelace"


def encoded(format_: str, image: Image.Image = NOISE, **options: Any) -> bytes:
    into = BytesIO()
    image.save(into, format_, **options)
    return into.getvalue()


def exif(orientation: int | None = None) -> Image.Exif:
    found = Image.Exif()
    found[ExifTags.Base.Artist] = NAME.decode()
    if orientation is not None:
        found[ExifTags.Base.Orientation] = orientation
    return found


def noted() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", NAME.decode())
    info.add_itxt("XML:com.adobe.xmp", f"<x>{NAME.decode()}</x>")
    return info


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("image", "content_type"),
    [
        (encoded("PNG"), "image/png"),
        (encoded("PNG", NOISE.convert("P"), transparency=0), "image/png"),
        (encoded("PNG", NOISE.convert("RGBA"), dpi=(72, 72)), "image/png"),
        (encoded("PNG", icc_profile=profile()), "image/png"),
        (encoded("JPEG"), "image/jpeg"),
        (encoded("JPEG", progressive=True, quality=95), "image/jpeg"),
        (encoded("JPEG", NOISE.convert("CMYK")), "image/jpeg"),
        (encoded("JPEG", restart_marker_blocks=2), "image/jpeg"),
        (encoded("JPEG", icc_profile=profile(), dpi=(72, 72)), "image/jpeg"),
    ],
    ids=[
        *("png", "png with a palette", "png with alpha", "png with a profile"),
        *("jpeg", "progressive jpeg", "cmyk jpeg", "jpeg with restarts", "jpeg with a profile"),
    ],
)
def test_plain_images_stay_as_they_are(image: bytes, content_type: str) -> None:
    """An image without metadata is kept bit for bit, with what it takes to show its colours."""
    assert without_metadata(image) == (image, content_type)


@pytest.mark.parametrize(
    ("image", "plain"),
    [
        (encoded("PNG", pnginfo=noted(), exif=exif()), encoded("PNG")),
        (encoded("PNG") + NAME, encoded("PNG")),
        (encoded("JPEG", exif=exif(), comment=NAME), encoded("JPEG")),
        (encoded("JPEG", exif=exif(1), progressive=True), encoded("JPEG", progressive=True)),
        (encoded("JPEG", xmp=b"<x>" + NAME + b"</x>"), encoded("JPEG")),
        (encoded("JPEG") + NAME, encoded("JPEG")),
    ],
    ids=["png", "behind a png", "jpeg", "progressive jpeg", "xmp", "behind a jpeg"],
)
def test_metadata_is_cut_out(image: bytes, plain: bytes) -> None:
    """Who made it, where and with what is cut out, and what hides behind its end; the picture stays bit for bit."""
    assert NAME in image
    assert without_metadata(image).content == plain


def test_a_turned_image_is_refused() -> None:
    """An image that only its metadata turns upright would be shown lying: it is refused, not kept so."""
    with pytest.raises(BadImageError, match="turned by its metadata"):
        without_metadata(encoded("JPEG", exif=exif(6)))


def huge(side: int = 8192) -> bytes:
    """A PNG that says it is larger than it may be, and hardly has a byte."""
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def many_scans() -> bytes:
    image = encoded("JPEG")
    scan = image[image.index(b"\xff\xda") : -2]
    return image[:-2] + scan * 40 + image[-2:]


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: b"", "must be a PNG or a JPEG"),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "must be a PNG or a JPEG"),
        (lambda: encoded("GIF"), "must be a PNG or a JPEG"),
        (lambda: encoded("PNG")[:-20], "is cut off"),
        (lambda: encoded("JPEG")[:-2], "is cut off"),
        (lambda: encoded("JPEG")[:30], "is cut off"),
        (lambda: b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), "can't be decoded"),
        (lambda: b"\xff\xd8\xff\xd9", "can't be decoded"),
        (lambda: b"\xff\xd8<script>", "is a broken JPEG"),
        (huge, "pixels at most"),
        (lambda: encoded("PNG", Image.new("1", (9000, 1))), "no side longer"),
        (lambda: huge(20_000), "can't be decoded"),
        (many_scans, "more than 32 scans"),
    ],
)
def test_what_cannot_be_kept(make: Callable[[], bytes], why: str) -> None:
    """What is no image, broken, or too large to be drawn is refused, and it is said why."""
    with pytest.raises(BadImageError, match=why):
        without_metadata(make())


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([encoded("PNG", pnginfo=noted()), encoded("JPEG", exif=exif())]),
    st.integers(0, 3000),
    st.binary(min_size=1, max_size=4),
)
def test_broken_images_do_no_harm(image: bytes, at: int, noise: bytes) -> None:
    """Whatever is broken in an image, it is refused or kept, and what is kept is kept again as it is."""
    broken = image[:at] + noise + image[at + len(noise) :]
    try:
        kept = without_metadata(broken)
    except BadImageError:
        return
    assert without_metadata(kept.content) == kept
