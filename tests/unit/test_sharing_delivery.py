"""Files over HTTP: names to save them under, and parts of them."""

import re
from urllib.parse import unquote

import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.sharing.delivery import deliver, disposition

CONTENT = b"0123456789"
HEADERS = {"ETag": '"now"', "Content-Type": "application/pdf", "Cache-Control": "no-cache"}


def asked(method: str = "GET", **headers: str) -> Response:
    """The answer to a request with these headers."""
    sent = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, value in headers.items()
    ]
    return deliver(Request({"type": "http", "method": method, "headers": sent}), CONTENT, HEADERS)


def test_the_whole_file() -> None:
    """Who asks for nothing else gets all of it, and is told that parts can be had."""
    answer = asked()
    assert (answer.status_code, bytes(answer.body)) == (200, CONTENT)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == "10"
    assert answer.headers["etag"] == '"now"'


@pytest.mark.parametrize(
    ("range_", "part", "place"),
    [
        ("bytes=0-3", b"0123", "0-3"),
        ("bytes=4-4", b"4", "4-4"),
        ("bytes=7-", b"789", "7-9"),
        ("bytes=-3", b"789", "7-9"),
        ("bytes=8-900", b"89", "8-9"),
        ("bytes=-900", CONTENT, "0-9"),
        ("BYTES=0-0", b"0", "0-0"),
    ],
)
def test_a_part_of_it(range_: str, part: bytes, place: str) -> None:
    """Rule 24, RFC 9110, 14: one range is answered with 206, just that part, and where it is."""
    answer = asked(range=range_)
    assert (answer.status_code, bytes(answer.body)) == (206, part)
    assert answer.headers["content-range"] == f"bytes {place}/10"
    assert answer.headers["content-length"] == str(len(part))
    assert answer.headers["etag"] == '"now"'


@pytest.mark.parametrize("range_", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=999999999-"])
def test_a_part_that_is_not_there(range_: str) -> None:
    """RFC 9110, 15.5.17: a range outside of the file is 416 with the file's length, and no ETag."""
    answer = asked(range=range_)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */10"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "etag" not in answer.headers


@pytest.mark.parametrize(
    "range_",
    [
        "bytes=0-1,4-5",
        "bytes=5-2",
        "bytes=99-2",
        "bytes=-",
        "bytes=x-3",
        "pages=1-2",
        "bytes=0-²",
        "",
        f"bytes={'9' * 5_000}-",
    ],
    ids=lambda range_: range_[:20],
)
def test_what_is_no_range_of_ours_is_ignored(range_: str) -> None:
    """RFC 9110, 14.2: several ranges, other units and nonsense are answered as if nothing was asked."""
    answer = asked(range=range_)
    assert (answer.status_code, bytes(answer.body)) == (200, CONTENT)
    assert "content-range" not in answer.headers


def test_a_range_is_for_get_alone() -> None:
    """RFC 9110, 14.2: a HEAD is answered as if there were no range."""
    assert asked("HEAD", range="bytes=0-3").status_code == 200


@pytest.mark.parametrize(
    ("if_range", "status"),
    [('"now"', 206), ('"before"', 200), ('W/"now"', 200), ("Wed, 21 Oct 2026 07:28:00 GMT", 200)],
)
def test_a_part_of_what_the_client_has(if_range: str, status: int) -> None:
    """RFC 9110, 13.1.5: a part only of the very version that the client has, else the whole."""
    assert asked(range="bytes=0-3", if_range=if_range).status_code == status


def names(header: str) -> tuple[str, str | None]:
    """The ASCII and the UTF-8 name of a Content-Disposition."""
    found = re.fullmatch(r"""\w+; filename="([^"\\]*)"(?:; filename\*=UTF-8''(\S+))?""", header)
    assert found is not None, header
    assert header.isascii()
    return found[1], None if found[2] is None else unquote(found[2], errors="strict")


@pytest.mark.parametrize(
    ("parts", "plain", "encoded"),
    [
        (("Leaders", "Ada Lovelace"), "Leaders - Ada Lovelace.pdf", None),
        (("Leaders", None), "Leaders.pdf", None),
        (("Zertifikat für Übung",), "Zertifikat fur Ubung.pdf", "Zertifikat für Übung.pdf"),
        (("شهادة", "ليلى"), "download.pdf", "شهادة - ليلى.pdf"),
        (("100% done",), "100_ done.pdf", "100% done.pdf"),
        (('../..\\etc:"x"<y>|z?*',), "etc x y z.pdf", None),
        (("a\r\nSet-Cookie: b\0c",), "a Set-Cookie b c.pdf", None),
        (("fdp.\u202eexe",), "fdp. exe.pdf", None),
        ((".hidden. ",), "hidden.pdf", None),
        (("نیم\u200cفاصله",), "download.pdf", "نیم\u200cفاصله.pdf"),
        (("", None), "download.pdf", None),
    ],
    ids=str,
)
def test_a_file_name(parts: tuple[str | None, ...], plain: str, encoded: str | None) -> None:
    """RFC 6266: a name that every file system takes; in ASCII for some clients, as it is for others."""
    assert names(disposition("attachment", *parts, extension="pdf")) == (plain, encoded)


def test_a_file_name_is_never_too_long() -> None:
    """However long a title is, file systems take the name: 255 bytes at most."""
    header = disposition("inline", "名" * 5_000, "a" * 5_000, extension="png")
    _, encoded = names(header)
    assert encoded is not None
    assert len(encoded.encode()) < 200
    assert encoded.endswith("名.png")
