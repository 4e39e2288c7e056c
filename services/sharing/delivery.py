"""Files over HTTP: a name to save them under, and a part of them for who asks for it."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from services.web import Problem

_RANGE: Final = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)
_NOT_IN_NAMES: Final = frozenset('<>:"/\\|?*')  # what one or the other file system refuses
_JOINERS: Final = "\u200c\u200d"  # which some scripts spell words with
_NAME_BYTES: Final = 180
_NAMELESS: Final = "download"
_ATTRIBUTE_CHARACTERS: Final = "!#$&+-.^_`|~"  # RFC 8187, 3.2.1, beside letters and digits


def deliver(request: Request, content: bytes, headers: Mapping[str, str]) -> Response:
    """The content, whole (200) or the one range that is asked for (206); 416 where that is outside.

    RFC 9110, 14: several ranges and units other than bytes are ignored, and so is a range of what
    the client has another version of (If-Range). The headers must hold the ETag.
    """
    headers = {**headers, "Accept-Ranges": "bytes"}
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    is_same = request.headers.get("if-range", headers["ETag"]) == headers["ETag"]
    if request.method != "GET" or not asked or not any(asked.groups()) or not is_same:
        return Response(content, 200, headers)
    first, last = _bounds(asked[1], asked[2], len(content))
    if last < first:
        return Response(content, 200, headers)  # no range at all (14.1.2)
    if first >= len(content):
        outside = {"Content-Range": f"bytes */{len(content)}"}
        return Problem(416, headers=_without_file(headers) | outside).response()
    last = min(last, len(content) - 1)
    inside = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
    return Response(content[first : last + 1], 206, headers | inside)


def disposition(kind: Literal["attachment", "inline"], *parts: str | None, extension: str) -> str:
    """A Content-Disposition whose file name is made of the parts (RFC 6266).

    Clients that don't know UTF-8 names get one in ASCII, as near to it as can be.
    """
    name = _file_name(*parts) or _NAMELESS
    plain = _file_name(unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode())
    plain = plain.replace("%", "_")  # some clients would decode what follows (appendix D)
    if not any(character.isalnum() for character in plain):
        plain = _NAMELESS
    ascii_name = f'{kind}; filename="{plain}.{extension}"'
    if plain == name:
        return ascii_name
    encoded = quote(f"{name}.{extension}", safe=_ATTRIBUTE_CHARACTERS)
    return f"{ascii_name}; filename*=UTF-8''{encoded}"


def _bounds(first: str, last: str, length: int) -> tuple[int, int]:
    """The first and the last byte of a range; without a first it is the last so many (14.1.2)."""
    if not first:
        return max(length - int(last), 0) if int(last) else length, length
    return int(first), int(last) if last else max(int(first), length)


def _without_file(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers for an answer that is not the file itself."""
    of_file = ("ETag", "Content-Disposition", "Content-Type")
    return {name: value for name, value in headers.items() if name not in of_file}


def _file_name(*parts: str | None) -> str:
    """A name that every file system takes and that can't hide what it is."""
    text = unicodedata.normalize("NFC", " - ".join(part for part in parts if part))
    shown = "".join(" " if _is_refused(character) else character for character in text)
    whole = " ".join(shown.split()).strip(" .-")
    return whole.encode()[:_NAME_BYTES].decode(errors="ignore").strip(" .-")


def _is_refused(character: str) -> bool:
    # Controls, among them those that turn the direction of text and so the end of a name, too.
    is_control = unicodedata.category(character)[0] == "C" and character not in _JOINERS
    return is_control or character in _NOT_IN_NAMES
