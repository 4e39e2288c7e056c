"""The preview of a certificate's design, over HTTP (rule 10)."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image
from pypdf import PdfReader

from devstack import Addresses
from services.journal import Journal
from tests.asset_servers import asset_id, picture
from tests.integration.achievements_process import achievements_serving
from tests.integration.sharing_processes import (
    Served,
    bearer,
    fresh_database,
    new_journal,
    rows,
    serving,
)
from tests.integration.sharing_world import World

PATH = "/v1/certificate-previews"
DESIGN = {"name": "Leaders of Tomorrow", "text": "For listening well.", "colour": "#0a5c36"}
PDF = {"Accept": "application/pdf"}
PNG = {"Accept": "image/png"}


@pytest.fixture(scope="module")
def journal(stack: Addresses) -> Iterator[Journal]:
    with fresh_database(stack) as url, new_journal(url) as journal:
        yield journal


@pytest.fixture(scope="module")
def achievements(stack: Addresses) -> Iterator[Served]:
    with achievements_serving(stack) as client:
        yield client


@pytest.fixture(scope="module")
def http(journal: Journal, achievements: Served) -> Iterator[httpx.Client]:
    with serving(journal.conninfo, ACHIEVEMENTS_URL=str(achievements.base_url)) as client:
        yield client


@pytest.fixture
def boss(journal: Journal) -> dict[str, str]:
    """An admin of an organization of the test's own, that nobody has heard of."""
    return World(journal).bearer("boss", "admin")


def page_of(pdf: bytes) -> Any:
    return PdfReader(BytesIO(pdf)).pages[0]


def text_of(pdf: bytes) -> str:
    return " ".join(page_of(pdf).extract_text().split())


def test_a_design_before_anybody_holds_it(http: httpx.Client, boss: dict[str, str]) -> None:
    """The certificate as it would be, with a sample name, marked as a preview, and kept by nobody."""
    answer = http.post(PATH, json=DESIGN, headers=boss)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    said = text_of(answer.content)
    for words in ("Leaders of Tomorrow", "For listening well.", "Robin Morgan", "PREVIEW"):
        assert words in said
    assert "Your organization" in said


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/pdf", "application/pdf"),
        ("image/png", "image/png"),
        ("*/*", "application/pdf"),
        ("image/*", "image/png"),
        ("application/pdf;q=0.5, image/png", "image/png"),
        ("text/html, */*;q=0.1", "application/pdf"),
    ],
)
def test_as_the_admin_wants_it(
    http: httpx.Client, boss: dict[str, str], accept: str, media_type: str
) -> None:
    """A PDF or a PNG by Accept; whoever takes anything gets the PDF."""
    answer = http.post(PATH, json=DESIGN, headers=boss | {"Accept": accept})
    assert answer.headers["content-type"] == media_type
    assert answer.headers["vary"] == "Accept"
    if media_type == "image/png":
        with Image.open(BytesIO(answer.content), formats=("PNG",)) as image:
            assert image.width == 1600
    else:
        assert answer.content.startswith(b"%PDF-")


@pytest.mark.parametrize("accept", ["text/html", "image/jpeg", "application/pdf;q=0"])
def test_nothing_else_can_be_had(http: httpx.Client, boss: dict[str, str], accept: str) -> None:
    """406 where the admin takes neither."""
    answer = http.post(PATH, json=DESIGN, headers=boss | {"Accept": accept})
    assert answer.status_code == 406
    assert answer.headers["content-type"] == "application/problem+json"


def test_for_admins_alone(http: httpx.Client) -> None:
    """Rule 26: 401 without a token, 403 without the role, before anything is said of the body."""
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        (bearer("ada", "acme", "member"), 403),
        (bearer("ada", "acme", "operator"), 403),
    ):
        answer = http.post(PATH, json={"name": 1}, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", None),
        ("name", 7),
        ("name", "a\0b"),
        ("name", "a" * 501),
        ("text", None),
        ("text", "a" * 5_001),
        ("colour", "green"),
        ("colour", "#12345"),
        ("banner", "sha256:zz"),
        ("banner", 1),
        ("logo", "http://example.org/logo.png"),
    ],
)
def test_bad_fields_are_named(
    http: httpx.Client, boss: dict[str, str], field: str, value: object
) -> None:
    """Each field is checked as that of the certificate is: 422, naming it."""
    answer = http.post(PATH, json=DESIGN | {field: value}, headers=boss)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("field", DESIGN)
def test_missing_fields_are_named(http: httpx.Client, boss: dict[str, str], field: str) -> None:
    """Name, text and colour are needed; banner and logo may be null, and others are ignored."""
    design = {name: value for name, value in DESIGN.items() if name != field}
    answer = http.post(PATH, json=design, headers=boss)
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    whole = DESIGN | {"banner": None, "logo": None, "guidance": "?"}
    assert http.post(PATH, json=whole, headers=boss).status_code == 200


def test_in_the_admins_own_language(http: httpx.Client, journal: Journal) -> None:
    """An admin sees it in their language and on their paper, as a member of that locale would get it."""
    world = World(journal)
    world.name("boss", "The Boss", "fr-CA")
    answer = http.post(PATH, json=DESIGN, headers=world.bearer("boss", "admin"))
    said = text_of(answer.content)
    assert "Décerné à" in said
    assert "Votre organisation" in said
    assert "The Boss" not in said
    assert page_of(answer.content).mediabox.width == 792


def test_with_all_that_the_certificate_would_show(
    http: httpx.Client, journal: Journal, achievements: Served
) -> None:
    """Rule 10: a preview has the organization's name and logo and the banner that is named, and leaves nothing."""
    world = World(journal)
    organization = f"/v1/organizations/{world.organization_id}"
    boss, operator = world.bearer("boss", "admin"), world.bearer("op", "operator")
    banner, logo = picture("#1d4f91"), picture("#c02020", "JPEG")
    for content in (banner, logo):
        address = f"{organization}/assets/{asset_id(content)}"
        assert achievements.put(address, content=content, headers=boss).status_code == 201
    settings = {
        "name": "Northwind Collective",
        "plan": "enterprise",
        "badges_enabled": True,
        "timezone": "Asia/Tokyo",
        "logo": asset_id(logo),
    }
    assert achievements.put(f"{organization}/settings", json=settings, headers=operator).is_success

    before = rows(journal.conninfo)
    plain = http.post(PATH, json=DESIGN, headers=boss)
    assert "Northwind Collective" in text_of(plain.content)
    assert len(page_of(plain.content).images) == 1
    whole = http.post(PATH, json=DESIGN | {"banner": asset_id(banner)}, headers=boss)
    assert len(page_of(whole.content).images) == 2
    unknown = http.post(PATH, json=DESIGN | {"logo": asset_id(b"nothing")}, headers=boss)
    assert unknown.status_code == 200
    assert len(page_of(unknown.content).images) == 0
    assert rows(journal.conninfo) == before


def test_without_achievements(journal: Journal, boss: dict[str, str]) -> None:
    """Where achievements does not answer, a preview shows all else."""
    design = DESIGN | {"banner": asset_id(b"banner"), "logo": asset_id(b"logo")}
    with serving(journal.conninfo, ACHIEVEMENTS_URL="http://127.0.0.1:9") as http:
        for headers in (PDF, PNG):
            assert http.post(PATH, json=design, headers=boss | headers).status_code == 200
