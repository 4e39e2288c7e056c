"""A banner or logo can't harm; what is wrong with it, it is left out."""

from io import BytesIO
from struct import pack
from zlib import compress, crc32

import pytest
from PIL import Image

from services.sharing.drawing import certificate_image, certificate_pdf
from services.sharing.drawing.pictures import picture
from tests.drawing_samples import CERTIFICATES, banner, changed, logo

DESIGN = CERTIFICATES["Latin"]


def huge_png(width: int, height: int) -> bytes:
    """A small file that claims to be a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">L", len(data)) + kind + data + pack(">L", crc32(kind + data))

    header = pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)


def in_format(kind: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (40, 40)).save(file, kind)
    return file.getvalue()


BAD = {
    "nothing": b"",
    "no picture": b"<svg onload='alert(1)'/>",
    "cut short": banner()[:2000],
    "cut within a PNG": logo()[:200],
    "many pixels": huge_png(50_000, 50_000),
    "very many pixels": huge_png(2_000_000_000, 2_000_000_000),
    "pixels that are not there": huge_png(3000, 3000),
    "too many bytes": banner() + bytes(3 * 1024 * 1024),
    "a speck": b"".join((in_format("PNG")[:16], pack(">LL", 1, 1), in_format("PNG")[24:])),
    "GIF": in_format("GIF"),
    "TIFF": in_format("TIFF"),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_a_bad_picture_is_left_out(data: bytes) -> None:
    """A picture that can't be shown never breaks a certificate: it looks as without it."""
    assert picture(data) is None
    spoilt = changed(DESIGN, banner=data, logo=data)
    assert certificate_pdf(spoilt) == certificate_pdf(DESIGN)
    assert certificate_image(spoilt) == certificate_image(DESIGN)


@pytest.mark.parametrize("data", [banner(), banner("PNG"), logo()], ids=["JPEG", "PNG", "opacity"])
def test_a_good_picture_is_shown(data: bytes) -> None:
    """A PNG or JPEG is shown, transparent or not, as banner and as logo."""
    assert picture(data) is not None
    for changes in ({"banner": data}, {"logo": data}):
        shown = changed(DESIGN, **changes)
        assert certificate_pdf(shown) != certificate_pdf(DESIGN)
        assert certificate_image(shown) != certificate_image(DESIGN)


def test_a_picture_loses_what_it_says_of_its_maker() -> None:
    """Metadata, such as where a photo was taken, doesn't reach the public; its turn is kept."""
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6  # to be shown turned by a quarter
    file = BytesIO()
    Image.new("RGB", (300, 100), "#808080").save(file, "JPEG", exif=exif)
    shown = picture(file.getvalue())
    assert b"taken at home" in file.getvalue()
    assert shown is not None
    assert shown.jpeg is not None
    assert b"taken at home" not in shown.jpeg
    assert (shown.width, shown.height) == (100, 300)


def test_a_large_picture_is_made_smaller() -> None:
    """What is kept of a picture is bounded, whatever its size."""
    shown = picture(banner(size=(4000, 2000)))
    assert shown is not None
    assert (shown.width, shown.height) == (1600, 800)
