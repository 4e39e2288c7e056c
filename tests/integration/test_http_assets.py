"""Banners and logos over HTTP."""

from hashlib import sha256
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image, PngImagePlugin

from tests.integration.http_calls import BASE, Client, bearer


def png(colour: str, **options: Any) -> bytes:
    into = BytesIO()
    Image.new("RGB", (30, 20), colour).save(into, "PNG", **options)
    return into.getvalue()


def jpeg(colour: str, **options: Any) -> bytes:
    into = BytesIO()
    Image.new("RGB", (30, 20), colour).save(into, "JPEG", **options)
    return into.getvalue()


def hash_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def put(
    client: Client, content: bytes, hash_: str | None = None, role: str = "admin"
) -> httpx.Response:
    path = f"/assets/{hash_ or hash_of(content)}"
    return client.call("PUT", path, bearer("boss", role), content=content)


@pytest.mark.parametrize(
    ("image", "content_type"),
    [(png("red"), "image/png"), (jpeg("red"), "image/jpeg")],
    ids=["png", "jpeg"],
)
def test_an_asset_is_kept_for_ever(client: Client, image: bytes, content_type: str) -> None:
    """What an admin uploads is there for everybody who knows its hash, without a token, and cacheable for ever."""
    path = f"/assets/{hash_of(image)}"
    made = put(client, image)
    assert (made.status_code, made.json()) == (201, {"asset_id": f"sha256:{hash_of(image)}"})
    assert made.headers["location"] == BASE + path
    again = put(client, image)
    assert (again.status_code, again.content) == (204, b"")
    found = client.call("GET", path)
    assert (found.status_code, found.content) == (200, image)
    assert found.headers["content-type"] == content_type
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-security-policy"].startswith("default-src 'none'")
    assert client.call("GET", f"/assets/sha256:{hash_of(image)}").content == image, "by asset id"
    head = client.call("HEAD", path)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(image)))


def test_metadata_is_not_kept(client: Client) -> None:
    """An upload's metadata is cut out; what is kept is found by both hashes, and has the one that is named."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Ada Lovelace")
    uploaded, kept = png("blue", pnginfo=info), png("blue")
    made = put(client, uploaded)
    assert (made.status_code, made.json()) == (201, {"asset_id": f"sha256:{hash_of(kept)}"})
    for hash_ in (hash_of(uploaded), hash_of(kept)):
        found = client.call("GET", f"/assets/{hash_}")
        assert found.content == kept
        assert found.headers["content-location"] == hash_of(found.content)
    assert put(client, uploaded).status_code == 204
    assert put(client, kept).status_code == 204


def test_the_picture_may_be_there_already(client: Client) -> None:
    """Another upload of the same picture is new, and leads to what is there."""
    kept = jpeg("green")
    assert put(client, kept).status_code == 201
    uploaded = jpeg("green", comment=b"Ada Lovelace")
    assert put(client, uploaded).json() == {"asset_id": f"sha256:{hash_of(kept)}"}
    assert client.call("GET", f"/assets/{hash_of(uploaded)}").content == kept


@pytest.mark.parametrize(
    ("content", "hash_", "field"),
    [
        (png("red"), "0" * 64, "sha256"),
        (png("red"), "nonsense", "sha256"),
        (png("red"), hash_of(png("red")).upper(), "sha256"),
        (b"", None, "body"),
        (b"<svg/>", None, "body"),
        (png("red")[:-20], None, "body"),
    ],
    ids=["other", "nonsense", "upper-case", "empty", "svg", "cut off"],
)
def test_what_is_refused(client: Client, content: bytes, hash_: str | None, field: str) -> None:
    """Bytes of another hash, or that are no image, are refused, and nothing is kept of them."""
    answer = put(client, content, hash_)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    if field == "body":
        assert client.call("GET", f"/assets/{hash_of(content)}").status_code == 404


def test_a_large_one_is_refused(client: Client) -> None:
    """An asset has 1 MiB at most."""
    image = png("red")
    whole = image + bytes(1024 * 1024 - len(image))
    assert put(client, whole).status_code == 201
    assert put(client, whole + b"x").status_code == 413


def test_who_may_upload(client: Client) -> None:
    """Admins of the organization upload; who doesn't know a hash gets nothing."""
    image = png("yellow")
    path = f"/assets/{hash_of(image)}"
    assert client.call("PUT", path, content=image).status_code == 401
    other = f"/v1/organizations/other{path}"
    assert client.call("PUT", other, bearer("boss", "admin"), content=b"x").status_code == 404
    assert put(client, b"x", role="member").status_code == 403
    for unknown in (path, "/assets/nonsense", "/assets/%00"):
        answer = client.call("GET", unknown)
        assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
    wrong = client.call("POST", path)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, PUT")
