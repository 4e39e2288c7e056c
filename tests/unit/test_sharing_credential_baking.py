"""Credentials in pictures (Open Badges 3.0, 5.3.1)."""

from io import BytesIO

import pytest
from openbadgeslib.baking import ITXT_KEYWORD_OB3, extract_png
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from services.sharing.credentials.baking import bake
from services.sharing.drawing import badge_image

CREDENTIAL = '{"name":"Größe 10 \U0001f600","token":"a.b-c_d"}'


def test_a_baked_picture_looks_the_same_and_holds_the_credential() -> None:
    """The credential comes out of it as it was put in, uncompressed; every pixel stays as it was."""
    png = badge_image("mentor")
    baked = bake(png, CREDENTIAL)
    assert extract_png(baked, keyword=ITXT_KEYWORD_OB3) == CREDENTIAL
    assert CREDENTIAL.encode() in baked
    before, after = (Image.open(BytesIO(content)) for content in (png, baked))
    assert isinstance(after, PngImageFile)
    after.load()  # checks every chunk's sum
    assert after.tobytes() == before.tobytes()
    assert after.text == {"openbadgecredential": CREDENTIAL}


def test_only_pngs_can_be_baked() -> None:
    """What is no PNG is refused rather than spoilt."""
    with pytest.raises(ValueError, match="not a PNG"):
        bake(b"\xff\xd8\xff", CREDENTIAL)
