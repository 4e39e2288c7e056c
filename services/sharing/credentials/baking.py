"""Putting a credential into a picture, where verifiers look for it (Open Badges 3.0, 5.3.1)."""

import struct
import zlib
from typing import Final

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER_END: Final = len(_SIGNATURE) + 4 + 4 + 13 + 4  # IHDR comes first, and is always as long
_KEYWORD: Final = b"openbadgecredential"


def bake(png: bytes, credential: str) -> bytes:
    """The same picture with the credential in it; `png` must be a PNG that holds none yet."""
    if not png.startswith(_SIGNATURE):
        raise ValueError("not a PNG")
    return png[:_HEADER_END] + _international_text(credential) + png[_HEADER_END:]


def _international_text(text: str) -> bytes:
    """An uncompressed iTXt chunk without language and translated keyword (PNG 3, 11.3.3.4)."""
    content = b"iTXt" + _KEYWORD + b"\0" + b"\0\0" + b"\0" + b"\0" + text.encode()
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
