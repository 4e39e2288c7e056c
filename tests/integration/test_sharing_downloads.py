"""What can be had of a shared award as a file, over HTTP, from a process of sharing."""

from collections.abc import Iterator
from io import BytesIO

import httpx
import pypdfium2
import pytest
import zxingcpp
from msgspec.structs import replace
from PIL import Image
from pypdf import PdfReader

from devstack import Addresses
from services.journal import Journal
from services.sharing.drawing import badge_image
from tests.integration.sharing_processes import (
    PUBLIC_URL,
    bearer,
    fresh_database,
    new_journal,
    serving,
)
from tests.integration.sharing_world import World
from tests.sharing_samples import BADGE, CERTIFICATE

OWNERS = "/v1/awards/award-2/certificate.pdf"
FILES = ("certificate.pdf", "image.png")
NOWHERE = {"ACHIEVEMENTS_URL": "http://127.0.0.1:9"}


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, new_journal(url) as journal:
        yield journal


@pytest.fixture(scope="module")
def http(journal: Journal) -> Iterator[httpx.Client]:
    with serving(journal.conninfo, **NOWHERE) as client:
        yield client


@pytest.fixture
def world(journal: Journal) -> World:
    """Where Ada, who reads French in Canada, has a badge and a certificate."""
    return World.of_ada(journal, BADGE, CERTIFICATE, locale="fr-CA")


def share(http: httpx.Client, world: World, award_id: str = "award-2") -> str:
    """Shares an award of Ada's; gives the path of its page."""
    url = str(http.put(f"/v1/awards/{award_id}/link", headers=world.ada).json()["url"])
    return url.removeprefix(PUBLIC_URL)


def text_of(pdf: bytes) -> str:
    return " ".join(PdfReader(BytesIO(pdf)).pages[0].extract_text().split())


def codes_of(pdf: bytes) -> list[str]:
    """What the QR codes on a page say."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        image = document[0].render(scale=2).to_pil()
    finally:
        document.close()
    return [code.text for code in zxingcpp.read_barcodes(image)]


def size_of(png: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(png), formats=("PNG",)) as image:
        image.load()
        return image.size


def test_a_shared_certificate_as_a_pdf(http: httpx.Client, world: World) -> None:
    """Rules 22 and 24: whoever has the link gets the PDF, in the recipient's language and on their paper."""
    page = share(http, world)
    answer = http.get(f"{page}/certificate.pdf")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-robots-tag"] == "noindex, noarchive"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="Leadership & Listening - Ada Lovelace.pdf"'
    )
    said = text_of(answer.content)
    for words in ("Ada Lovelace", "Leadership & Listening", "Décerné à", "1 avril 2026", "award-2"):
        assert words in said
    assert codes_of(answer.content) == [f"{PUBLIC_URL}{page}"]
    box = PdfReader(BytesIO(answer.content)).pages[0].mediabox
    assert (box.width, box.height) == (792, 612)


def test_the_same_bytes_everywhere(http: httpx.Client, journal: Journal, world: World) -> None:
    """Rule 10: a PDF is the same, to the last byte and with the same strong ETag, from every process,
    for its owner, too; another reader's language changes nothing."""
    path = f"{share(http, world)}/certificate.pdf"
    ours = http.get(path)
    assert ours.headers["etag"].startswith('"')
    owners = http.get(OWNERS, headers=world.ada)
    arabic = http.get(path, headers={"Accept-Language": "ar"})
    with serving(journal.conninfo, **NOWHERE) as other:
        theirs = other.get(path)
        unchanged = other.get(path, headers={"If-None-Match": ours.headers["etag"]})
    for answer in (owners, arabic, theirs):
        assert answer.content == ours.content
        assert answer.headers["etag"] == ours.headers["etag"]
    assert unchanged.status_code == 304


def test_a_new_name_is_another_pdf(http: httpx.Client, world: World) -> None:
    """What a reader has of an earlier name or locale is not taken for the certificate of now."""
    path = f"{share(http, world)}/certificate.pdf"
    before = http.get(path)
    world.name("ada", "Ada King", "fr-CA")
    after = http.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert "Ada King" in text_of(after.content)
    world.name("ada", "Ada King", "de")
    german = http.get(path, headers={"If-None-Match": after.headers["etag"]})
    assert "Verliehen an" in text_of(german.content)
    assert PdfReader(BytesIO(german.content)).pages[0].mediabox.width == 842


@pytest.mark.parametrize("file", FILES)
def test_asked_for_again_and_in_parts(http: httpx.Client, world: World, file: str) -> None:
    """Rule 22: HEAD, 304 and ranges carry the headers of the file, and just what they should of it."""
    path = f"{share(http, world)}/{file}"
    whole = http.get(path)
    tag = whole.headers["etag"]
    head = http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    unchanged = http.get(path, headers={"If-None-Match": f'W/"x", {tag}'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    for answer in (head, unchanged):
        for name in ("etag", "cache-control", "x-robots-tag", "referrer-policy"):
            assert answer.headers[name] == whole.headers[name]
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert head.headers["accept-ranges"] == "bytes"

    part = http.get(path, headers={"Range": "bytes=100-199", "If-Range": tag})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    changed = http.get(path, headers={"Range": "bytes=100-199", "If-Range": '"before"'})
    assert (changed.status_code, changed.content) == (200, whole.content)
    outside = http.get(path, headers={"Range": f"bytes={len(whole.content)}-"})
    assert outside.status_code == 416
    assert outside.headers["content-range"] == f"bytes */{len(whole.content)}"


def test_pictures_of_an_award(http: httpx.Client, world: World) -> None:
    """Rule 25: the picture for sharing has 1200 x 630 pixels, a badge's own 512 x 512."""
    certificate, badge = share(http, world), share(http, world, "award-1")
    for page in (certificate, badge):
        image = http.get(f"{page}/image.png")
        assert image.headers["content-type"] == "image/png"
        assert image.headers["cross-origin-resource-policy"] == "cross-origin"
        assert size_of(image.content) == (1200, 630)
    own = http.get(f"{badge}/badge.png")
    assert size_of(own.content) == (512, 512)
    assert own.content == badge_image("mentor")
    unchanged = http.get(f"{badge}/badge.png", headers={"If-None-Match": own.headers["etag"]})
    assert unchanged.status_code == 304


def test_what_there_is_not(http: httpx.Client, world: World) -> None:
    """A badge has no PDF, a certificate no badge, and neither a picture that it was granted without."""
    certificate, badge = share(http, world), share(http, world, "award-1")
    for path in (
        f"{badge}/certificate.pdf",
        f"{certificate}/badge.png",
        f"{certificate}/banner",
        f"{certificate}/logo",
        f"{badge}/banner",
        "/s/never-issued/certificate.pdf",
        "/s/never-issued/image.png",
    ):
        answer = http.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"] == "noindex, noarchive"
        assert "etag" not in answer.headers


def test_a_revoked_award(http: httpx.Client, world: World) -> None:
    """Rules 20, 22 and 24: once revoked there is no PDF for anybody, nor a badge; the picture says so."""
    certificate, badge = share(http, world), share(http, world, "award-1")
    had = {path: http.get(path) for path in (f"{certificate}/image.png", f"{badge}/image.png")}
    pdf, own = http.get(f"{certificate}/certificate.pdf"), http.get(f"{badge}/badge.png")
    for award_id in ("award-1", "award-2"):
        world.revoke(award_id)
    for path, before in had.items():
        now = http.get(path, headers={"If-None-Match": before.headers["etag"]})
        assert now.status_code == 200
        assert size_of(now.content) == (1200, 630)
        assert now.content != before.content
    for path, before in ((f"{certificate}/certificate.pdf", pdf), (f"{badge}/badge.png", own)):
        gone = http.get(path, headers={"If-None-Match": before.headers["etag"]})
        assert gone.status_code == 410
        assert gone.headers["cache-control"] == "no-store"
        assert "etag" not in gone.headers
    assert http.get(OWNERS, headers=world.ada).status_code == 410
    assert http.get(f"{badge}/certificate.pdf").status_code == 404


@pytest.mark.parametrize("file", FILES)
def test_dead_at_the_next_request(http: httpx.Client, world: World, file: str) -> None:
    """Rules 22 and 27: once the link is disabled, its owner erased or the kind not available, nothing is left."""
    path = f"{share(http, world)}/{file}"
    tag = {"If-None-Match": http.get(path).headers["etag"]}
    world.available(certificates=False)
    assert http.get(path, headers=tag).status_code == 404
    world.available()
    assert http.get(path, headers=tag).status_code == 304
    http.delete("/v1/awards/award-2/link", headers=world.ada)
    assert http.get(path, headers=tag).status_code == 410
    again = f"{share(http, world)}/{file}"
    tag = {"If-None-Match": http.get(again).headers["etag"]}
    world.erase("ada")
    gone = http.get(again, headers=tag)
    assert gone.status_code == 410
    assert "Ada" not in gone.text
    assert http.get(OWNERS, headers=world.ada).status_code == 404


def test_the_owners_pdf(http: httpx.Client, world: World) -> None:
    """Rule 24: the owner has the PDF always, without a code as long as there is no page, and nobody keeps it."""
    unshared = http.get(OWNERS, headers=world.ada)
    assert unshared.status_code == 200
    assert codes_of(unshared.content) == []
    assert unshared.headers["cache-control"] == "private, no-cache"
    tag = {"If-None-Match": unshared.headers["etag"]}
    assert http.get(OWNERS, headers=world.ada | tag).status_code == 304
    page = share(http, world)
    shared = http.get(OWNERS, headers=world.ada | tag)
    assert shared.status_code == 200
    assert codes_of(shared.content) == [f"{PUBLIC_URL}{page}"]
    http.delete("/v1/awards/award-2/link", headers=world.ada)
    assert http.get(OWNERS, headers=world.ada).content == unshared.content


def test_the_owners_pdf_is_the_owners(http: httpx.Client, world: World) -> None:
    """Rules 24 and 26: 401 goes first, then 404 for another organization's, 403 for another person's, 404."""

    def status(award_id: str, headers: dict[str, str] | None) -> int:
        answer = http.get(f"/v1/awards/{award_id}/certificate.pdf", headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code

    assert status("award-2", None) == 401
    assert status("award-2", bearer("ada", "globex")) == 404
    assert status("award-2", world.bearer("eve", "admin", "operator")) == 403
    assert status("no-such-award", world.ada) == 404
    assert status("award-1", world.ada) == 404
    world.revoke("award-2")
    assert status("award-2", world.bearer("eve")) == 403
    refused = http.get(OWNERS, headers=world.ada)
    assert refused.status_code == 410
    assert refused.json()["type"] == "urn:problem-type:award-revoked"


def test_names_of_all_kinds(http: httpx.Client, world: World) -> None:
    """Rule 24: whatever a member and a certificate are called, the PDF says it and can be saved under it."""
    world.grant(replace(CERTIFICATE, award_id="arabic", title="شهادة القيادة"))
    world.name("ada", "ليلى حداد", "ar")
    answer = http.get("/v1/awards/arabic/certificate.pdf", headers=world.ada)
    assert "ليلى" in text_of(answer.content)
    assert answer.headers["content-disposition"].startswith(
        "attachment; filename=\"download.pdf\"; filename*=UTF-8''%D8%B4"
    )


def test_files_are_in_the_api_document(http: httpx.Client) -> None:
    """The API's document names each call for a file, under a name of its own."""
    paths = http.get("/openapi.json").json()["paths"]
    for file in ("certificate.pdf", "image.png", "badge.png", "banner", "logo"):
        assert paths[f"/s/{{token}}/{file}"]["get"]["responses"].keys() >= {"200", "404", "410"}
    assert paths["/v1/awards/{award_id}/certificate.pdf"]["get"]["responses"].keys() >= {
        "200",
        "410",
    }
    assert paths["/v1/certificate-previews"]["post"]["responses"].keys() >= {
        "200",
        "403",
        "406",
        "422",
    }
