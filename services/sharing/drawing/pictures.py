"""Banners and logos: somebody's bytes, made into a picture that is safe to show, or into none.

Only PNG and JPEG are decoded, and only up to a size; what comes out is drawn anew from its pixels,
without metadata. Whatever is wrong with a picture, the certificate is drawn without it.
"""

from base64 import b64encode
from functools import lru_cache
from io import BytesIO
from typing import Final, NamedTuple
from zlib import compress

from PIL import Image, ImageOps

_BYTES_ALLOWED: Final = 2 * 1024 * 1024
_PIXELS_ALLOWED: Final = 16_000_000
_SHARPEST: Final = 1600
"""The longest side that is kept, in pixels: 150 per inch on the widest paper."""
_SHORTEST: Final = 8
_KEPT: Final = 32


class Picture(NamedTuple):
    """A picture in the RGB colour space.

    An opaque one is a JPEG file, else it is a PNG file and the same as two planes, packed by zlib.
    """

    width: int
    height: int
    jpeg: bytes | None
    colours: bytes
    opacity: bytes
    png: bytes

    @property
    def aspect(self) -> float:
        return self.width / self.height

    @property
    def address(self) -> str:
        """The picture as a `data:` address (RFC 2397)."""
        kind, data = ("jpeg", self.jpeg) if self.jpeg else ("png", self.png)
        return f"data:image/{kind};base64,{b64encode(data).decode()}"


@lru_cache(maxsize=_KEPT)
def picture(data: bytes | None) -> Picture | None:
    """What the bytes show, None where that can't be told or is too much."""
    if not data or len(data) > _BYTES_ALLOWED:
        return None
    try:
        return _decoded(data)
    except MemoryError:  # that is our fault, and another time it may be enough
        raise
    except Exception:  # decoders fail in many ways on files made to do so; it is only a picture
        return None


def _decoded(data: bytes) -> Picture | None:
    with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
        if image.width * image.height > _PIXELS_ALLOWED or min(image.size) < _SHORTEST:
            return None
        image.draft("RGB", (_SHARPEST, _SHARPEST))
        upright = ImageOps.exif_transpose(image)
    has_opacity = upright.has_transparency_data
    plain = upright.convert("RGBA" if has_opacity else "RGB")
    plain.thumbnail((_SHARPEST, _SHARPEST), Image.Resampling.LANCZOS)
    if has_opacity and plain.getchannel("A").getextrema() != (255, 255):
        colours = compress(plain.convert("RGB").tobytes())
        opacity = compress(plain.getchannel("A").tobytes())
        return Picture(plain.width, plain.height, None, colours, opacity, _file(plain, "PNG"))
    jpeg = _file(plain.convert("RGB"), "JPEG")
    return Picture(plain.width, plain.height, jpeg, b"", b"", b"")


def _file(image: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    if kind == "JPEG":
        image.save(file, kind, quality=90, subsampling=0)
    else:
        image.save(file, kind, compress_level=1)
    return file.getvalue()
