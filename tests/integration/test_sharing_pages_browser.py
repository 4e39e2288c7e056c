"""Rule 22 in a real Chromium: pages that everybody can read, in any light, on any screen, on paper."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pypdf
import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, Route, expect
from starlette.responses import Response

from schemas.awards import Kind
from services.sharing.drawing.colours import contrast
from tests.drawing_samples import banner, logo
from tests.sharing_page_samples import (
    EARNED_BADGE,
    EARNED_CERTIFICATE,
    PUBLIC_URL,
    TOKEN,
    answered,
    sample_answers,
)
from tests.sharing_samples import public_link

PAGES = sample_answers()
PHONE = {"width": 320, "height": 640}
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = ["#ffffff", "#000000", "#808080", "#777777", "#ffe45c", "#ff0000", "#00a86b", "#1d4f91"]


COLOURED = {
    (award.kind, colour): answered(public_link(replace(award, colour=colour)))
    for award in (EARNED_BADGE, EARNED_CERTIFICATE)
    for colour in COLOURS
}


@contextmanager
def opened(browser: Browser, answer: Response, **options: Any) -> Iterator[Page]:
    """A reader before a page; whatever its policy refuses, or fails, fails the test."""
    context = browser.new_context(**options)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))

    def respond(route: Route) -> None:
        path = route.request.url.removeprefix(f"{PUBLIC_URL}/s/")
        files = {f"{TOKEN}/banner": banner(), f"{TOKEN}/logo": logo()}
        if path in files:
            route.fulfill(body=files[path], content_type="image/png")
        elif path == TOKEN:
            # A status of 4xx would be a complaint of its own.
            route.fulfill(body=bytes(answer.body), headers=dict(answer.headers))
        else:
            route.abort()

    page.route("**/*", respond)
    page.goto(f"{PUBLIC_URL}/s/{TOKEN}")
    yield page
    assert complaints == []
    context.close()


LIGHT: dict[str, Any] = {"viewport": {"width": 1920, "height": 1080}}
NIGHT: dict[str, Any] = {"viewport": PHONE, "color_scheme": "dark"}
FORCED: dict[str, Any] = {"viewport": PHONE, "forced_colors": "active"}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(pytest.param(name, LIGHT, id=f"{name}, wide") for name in PAGES),
        *(pytest.param(name, NIGHT, id=f"{name}, phone at night") for name in PAGES),
        pytest.param("badge", FORCED, id="badge, forced colours"),
        pytest.param("with pictures", FORCED, id="certificate, forced colours"),
    ],
)
def test_everybody_can_read_it(browser: Browser, name: str, options: dict[str, Any]) -> None:
    """WCAG 2.2 AA on every page as far as axe can tell, and no page is wider than a screen of 320 pixels."""
    with opened(browser, PAGES[name], **options) as page:
        found = Axe().run(page, options=WCAG)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_axe_finds_faults(browser: Browser) -> None:
    """With pale letters on white paper the same page is refused: axe does look."""
    with opened(browser, PAGES["certificate"]) as page:
        page.evaluate("document.querySelector('.text').style.color = '#bbbbbb'")
        assert Axe().run(page, options=WCAG).violations_count > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind_and_colour", COLOURED)
def test_text_is_readable_on_any_colour(
    browser: Browser, kind_and_colour: tuple[Kind, str], scheme: Any
) -> None:
    """Whatever colour an admin chose, all text contrasts by 4.5 at least with what lies behind it."""
    with opened(browser, COLOURED[kind_and_colour], color_scheme=scheme) as page:
        pairs = page.evaluate(TEXT_AND_GROUND)
    assert len(pairs) > 10
    for text, ink, ground in pairs:
        assert contrast(ink, ground) >= 4.5, (text, ink, ground)


TEXT_AND_GROUND = """
() => {
  const hex = (colour) => "#" + colour.match(/[0-9.]+/g).slice(0, 3)
    .map((channel) => Number(channel).toString(16).padStart(2, "0")).join("");
  const ground = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" ? ground(element.parentElement) : hex(colour);
  };
  const withText = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return withText.map((element) =>
    [element.textContent, hex(getComputedStyle(element).color), ground(element)]);
}
"""


def test_lines_behind_text_make_it_no_harder_to_read(browser: Browser) -> None:
    """On a badge's field the engraving differs from the field away from the text's colour."""
    for colour in COLOURS:
        with opened(browser, COLOURED["badge", colour]) as page:
            ink, lines = (
                page.evaluate(
                    "name => getComputedStyle(document.documentElement).getPropertyValue(name)",
                    name,
                )
                for name in ("--on-colour", "--engraved")
            )
        assert contrast(ink, lines) >= contrast(ink, colour)


def test_pictures_are_shown(browser: Browser) -> None:
    """Rule 10: the page's own policy lets banner and logo through."""
    with opened(browser, PAGES["with pictures"]) as page:
        for name in ("banner", "logo"):
            picture = page.locator(f"img.{name}")
            expect(picture).to_be_visible()
            assert picture.evaluate("image => image.complete && image.naturalWidth > 0")


def test_scripts_are_not_needed(browser: Browser) -> None:
    """Rule 22: all is there without JavaScript."""
    with opened(browser, PAGES["certificate"], java_script_enabled=False) as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("Leadership & Listening")
        expect(page.get_by_text("Ada Lovelace")).to_be_visible()
        expect(page.get_by_role("link", name="Download PDF")).to_be_visible()


def test_arabic_goes_from_right_to_left(browser: Browser) -> None:
    """In Arabic the page is laid out from right to left; names of other scripts stay whole in it."""
    with opened(browser, PAGES["certificate in Arabic"]) as page:
        sheet = page.locator("article").bounding_box()
        title = page.locator("h1 bdi").bounding_box()
        seal = page.locator(".seal").bounding_box()
        assert sheet is not None
        assert title is not None
        assert seal is not None
        middle = sheet["x"] + sheet["width"] / 2
        assert title["x"] + title["width"] > middle > seal["x"] + seal["width"]


def test_the_keyboard_reaches_every_link(browser: Browser) -> None:
    """Tab goes from link to link, and shows where it is."""
    with opened(browser, PAGES["certificate"]) as page:
        reached = []
        for _ in range(2):
            page.keyboard.press("Tab")
            focused = page.locator(":focus-visible")
            reached.append(focused.get_attribute("href"))
            assert focused.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
    assert reached == [f"{TOKEN}/certificate.pdf", f"{TOKEN}/credential.json"]


@pytest.mark.parametrize("name", ["badge", "certificate", "certificate in Arabic"])
def test_on_paper_it_is_one_page(browser: Browser, name: str) -> None:
    """Printed, a page fits on a sheet, says where it can be checked, and has nothing to click on."""
    with opened(browser, PAGES[name], color_scheme="dark") as page:
        printed = pypdf.PdfReader(BytesIO(page.pdf(format="A4", prefer_css_page_size=True)))
        page.emulate_media(media="print")
        expect(page.locator(".address")).to_have_text(f"{PUBLIC_URL}/s/{TOKEN}")
        expect(page.locator(".address")).to_be_visible()
        expect(page.get_by_role("link")).to_have_count(0)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
    assert len(printed.pages) == 1
