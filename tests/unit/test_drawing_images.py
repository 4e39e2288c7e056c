"""Rule 25: pictures of awards, for pages and for where their links are shared."""

import re
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace
from PIL import Image, ImageChops

import services.sharing
from services.sharing.drawing import (
    BadgeDesign,
    badge_artwork,
    badge_card,
    badge_image,
    certificate_image,
    certificate_page_image,
)
from tests.drawing_samples import CERTIFICATES, banner, changed, logo

STATIC = Path(services.sharing.__file__).parent / "static"
CODES = ("mentor", "mentee", "super_mentor", "connector")
BADGE = BadgeDesign(
    code="mentor",
    title="Mentor",
    colour="#1d4f91",
    organization_name="Northwind Collective",
    recipient_name="Ada Lovelace",
    earned_on="14 June 2026",
)


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data), formats=["PNG"])
    image.load()
    return image


@pytest.mark.parametrize("design", CERTIFICATES.values(), ids=CERTIFICATES.keys())
def test_a_certificates_picture_has_the_size_of_open_graph(design: Any) -> None:
    """The picture is a PNG of 1200 by 630, the same for the same award, in any script."""
    data = certificate_image(changed(design, banner=banner(), logo=logo()))
    assert opened(data).size == (1200, 630)
    assert data == certificate_image(changed(design, banner=banner(), logo=logo()))


@pytest.mark.parametrize("code", [*CODES, "badge of next year", "../badges/mentor"])
def test_a_badge_has_a_picture(code: str) -> None:
    """Every badge has artwork, 512 by 512 and transparent around; a later one has a fallback."""
    image = opened(badge_image(code))
    assert image.size == (512, 512)
    assert image.getpixel((0, 0)) == (0, 0, 0, 0)
    assert opened(badge_card(replace(BADGE, code=code))).size == (1200, 630)


def test_badges_are_told_apart() -> None:
    """Each badge has artwork of its own, only unknown ones share theirs."""
    assert len({badge_image(code) for code in (*CODES, "unknown")}) == 5
    assert badge_image("unknown") == badge_image("also unknown")


@pytest.mark.parametrize("code", [*CODES, "unknown"])
def test_artwork_needs_nothing_but_itself(code: str) -> None:
    """The SVG can stand in a page under a strict policy: no script, style, font or address."""
    artwork = badge_artwork(code)
    root = ElementTree.fromstring(artwork)
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert names <= {"svg", "title", "defs", "linearGradient", "stop", "g", "path", "circle"}
    assert not re.search(r"href|style=|url\((?!#)|<!|\bon\w+=", artwork)
    assert root.get("viewBox") == "0 0 512 512"


@pytest.mark.parametrize("mark", ["preview", "revoked"])
def test_a_mark_is_seen(mark: Any) -> None:
    """A preview and a revoked award are marked on their pictures (rules 10 and 20)."""
    plain = CERTIFICATES["Latin"]
    for draw in (certificate_image, certificate_page_image):
        pair = opened(draw(plain)), opened(draw(changed(plain, mark=mark)))
        assert ImageChops.difference(*(image.convert("RGB") for image in pair)).getbbox()
    assert badge_card(BADGE) != badge_card(replace(BADGE, mark=mark))


def test_fonts_are_those_that_were_chosen() -> None:
    """Each font is the file that the list of their sources names."""
    folder = STATIC / "fonts"
    listed = dict(
        re.findall(
            r"\| (\S+\.ttf) \| .* \| `([0-9a-f]{64})` \|", (folder / "README.md").read_text()
        )
    )
    present = {file.name: sha256(file.read_bytes()).hexdigest() for file in folder.glob("*.ttf")}
    assert listed == present
    notices = (folder / "OFL.txt").read_text()
    assert all(f"{name}: Copyright" in notices for name in present)
