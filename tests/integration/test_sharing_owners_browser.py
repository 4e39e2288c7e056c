"""The owner's pages in a real Chromium: by keyboard, with and without JavaScript, from other sites."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from devstack import Addresses
from devstack.ports import reserve_port
from services.journal import Journal
from tests.integration.sharing_processes import fresh_database, new_journal, serving
from tests.integration.sharing_world import World
from tests.sharing_samples import BADGE, CERTIFICATE

COOKIE = "awards-session"
AWARDS = "/me/awards"
ASK = "/me/awards/award-1/disable-link"
PHONE = {"width": 320, "height": 640}
PATIENCE_MS = 20_000
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class Served(NamedTuple):
    """A process, under the address that readers know it by."""

    journal: Journal
    http: httpx.Client
    url: str


@pytest.fixture(scope="module")
def served(stack: Addresses) -> Iterator[Served]:
    port = reserve_port()
    url = f"http://127.0.0.1:{port.number}"
    listening = {"PUBLIC_URL": url, "SHARING_LISTEN": f"127.0.0.1:{port.number}"}
    with (
        fresh_database(stack) as database_url,
        new_journal(database_url) as journal,
        serving(database_url, **listening) as http,
    ):
        yield Served(journal, http, url)


@pytest.fixture
def world(served: Served) -> World:
    """Where Ada has a badge, a certificate, a revoked one that she had shared, and one with long names."""
    world = World(served.journal)
    world.available()
    world.grant(
        BADGE,
        CERTIFICATE,
        replace(CERTIFICATE, award_id="award-3", title="ثلاثة"),
        replace(CERTIFICATE, award_id="award-4", title="W" * 120, program_name="M" * 120),
    )
    world.name("ada", "Ada Lovelace")
    served.http.put("/v1/awards/award-3/link", headers=world.ada)
    world.revoke("award-3")
    return world


@contextmanager
def visiting(
    browser: Browser, served: Served, world: World | None, **options: Any
) -> Iterator[Page]:
    """A page of a browser of its own, where Ada is signed in; nothing may be refused by its policy."""
    context = browser.new_context(base_url=served.url, **options)
    if world is not None:
        token = world.ada["Authorization"].removeprefix("Bearer ")
        context.add_cookies(
            [{"name": COOKIE, "value": token, "url": served.url, "sameSite": "Lax"}]
        )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert not [said for said in complaints if "status of 4" not in said]
    context.close()


def link(served: Served, world: World) -> str | None:
    found = served.http.get("/v1/awards/award-1", headers=world.ada).json()["link"]
    return None if found is None else str(found["url"])


def press_until(page: Page, name: str) -> None:
    """Tabs on until a control of this name has the focus, and presses Enter."""
    for _ in range(50):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.textContent"):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way to {name} by keyboard")


SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])


@SCRIPTS
def test_a_link_lives_and_dies_by_keyboard(
    browser: Browser,
    served: Served,
    world: World,
    scripts: bool,
) -> None:
    """Rules 21 and 23: create, open, ask, keep, disable: all by keyboard alone, with JavaScript and without."""
    with visiting(browser, served, world, java_script_enabled=scripts) as page:
        page.goto(f"{AWARDS}#award-award-1")
        page.locator("#award-award-1 button").focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{AWARDS}#award-award-1")
        card = page.locator("#award-award-1")
        url = card.get_by_role("textbox").input_value()
        assert url == link(served, world)
        page.locator("#award-award-1 h2 a").focus()
        press_until(page, "Disable Shared Link")
        expect(page.get_by_role("heading")).to_have_text("Disable the shared link?")
        press_until(page, "Keep it")
        page.wait_for_url(f"**{AWARDS}#award-award-1")
        assert link(served, world) == url
        card.get_by_role("link", name="Disable Shared Link").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading")).to_have_text("Disable the shared link?")
        press_until(page, "Disable Shared Link")
        expect(card.get_by_role("button", name="Create link")).to_be_visible()
        assert served.http.get(url).status_code == 410


def test_the_link_is_copied(browser: Browser, served: Served, world: World) -> None:
    """Rule 21: Copy Link puts the link on the clipboard, and says so to screen readers too."""
    served.http.put("/v1/awards/award-1/link", headers=world.ada)
    permissions = ["clipboard-read", "clipboard-write"]
    with visiting(browser, served, world, permissions=permissions) as page:
        page.goto(AWARDS)
        card = page.locator("#award-award-1")
        card.get_by_role("button", name="Copy Link").click()
        expect(card.get_by_role("status")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == link(served, world)


def test_the_link_is_copied_without_scripts(
    browser: Browser,
    served: Served,
    world: World,
) -> None:
    """Rule 21: without JavaScript the way to the field selects the whole link, and the page says what to do."""
    served.http.put("/v1/awards/award-1/link", headers=world.ada)
    with visiting(browser, served, world, java_script_enabled=False) as page:
        page.goto(AWARDS)
        card = page.locator("#award-award-1")
        expect(card.get_by_role("button", name="Copy Link")).to_be_hidden()
        expect(card.get_by_text("Copy Link: select the address")).to_be_visible()
        page.locator("#award-award-1 h2 a").focus()
        page.keyboard.press("Tab")
        selected = page.evaluate(
            "(f => f.value.slice(f.selectionStart, f.selectionEnd))(document.activeElement)"
        )
        assert selected == link(served, world)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"viewport": PHONE},
        {"color_scheme": "dark"},
        {"locale": "ar"},
        {"locale": "de-AT", "viewport": PHONE, "color_scheme": "dark"},
    ],
    ids=["wide", "phone", "dark", "arabic", "german phone at night"],
)
def test_pages_are_for_everybody(
    browser: Browser,
    served: Served,
    world: World,
    options: dict[str, Any],
) -> None:
    """WCAG 2.2 AA, on every page, as far as axe can tell; and nothing is wider than the screen."""
    served.http.put("/v1/awards/award-1/link", headers=world.ada)
    with visiting(browser, served, world, **options) as page:
        for path in (AWARDS, ASK, "/me/awards/none/disable-link"):
            page.goto(path)
            _check(page)
    with visiting(browser, served, None, **options) as page:
        page.goto(AWARDS)
        _check(page)


def _check(page: Page) -> None:
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]


def test_arabic_goes_from_right_to_left(browser: Browser, served: Served, world: World) -> None:
    """In Arabic the whole page is laid out from right to left, but for the link itself."""
    served.http.put("/v1/awards/award-1/link", headers=world.ada)
    with visiting(browser, served, world, locale="ar") as page:
        page.goto(AWARDS)
        title, sign_out = page.locator("h1").bounding_box(), page.locator(".quiet").bounding_box()
        assert title is not None
        assert sign_out is not None
        assert title["x"] > sign_out["x"]
        field = page.locator("#award-award-1").get_by_role("textbox")
        expect(field).to_have_css("direction", "ltr")


def test_the_platforms_form_leads_to_the_awards(
    browser: Browser,
    served: Served,
    world: World,
) -> None:
    """From another site's page, a form with the token brings its member to their awards, signed in."""
    token = world.ada["Authorization"].removeprefix("Bearer ")
    with visiting(browser, served, None) as page:
        _other_site(page, "https://platform.example", f"{served.url}/session", token=token)
        page.wait_for_url(f"**{AWARDS}")
        expect(page.locator(".top")).to_contain_text("Signed in as Ada Lovelace")
        (cookie,) = page.context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (COOKIE, True, "Lax")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading")).to_have_text("Please sign in")
        assert page.context.cookies() == []
        page.go_back()
        page.goto(AWARDS)
        expect(page.get_by_role("heading")).to_have_text("Please sign in")


def test_by_https_the_session_is_bound_to_its_host(
    browser: Browser, served: Served, world: World
) -> None:
    """Where readers come by https, a browser keeps the cookie under a name that no other host can set.

    Chromium takes this machine for as safe as https.
    """
    token = world.ada["Authorization"].removeprefix("Bearer ")
    with serving(served.journal.conninfo) as http, visiting(browser, served, None) as page:
        url = str(http.base_url).rstrip("/")
        _other_site(page, "https://platform.example", f"{url}/session", token=token)
        page.wait_for_url(f"{url}{AWARDS}")
        (cookie,) = page.context.cookies()
        assert (cookie["name"], cookie["secure"]) == (f"__Host-{COOKIE}", True)
        page.locator("#award-award-1 button").click()
        expect(page.locator("#award-award-1").get_by_role("textbox")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading")).to_have_text("Please sign in")
        assert page.context.cookies() == []


@pytest.mark.parametrize(
    ("site", "status"),
    [("https://evil.example", 401), ("http://127.0.0.1:9", 403)],
    ids=["another site", "another port"],
)
def test_other_sites_change_nothing(
    browser: Browser,
    served: Served,
    world: World,
    site: str,
    status: int,
) -> None:
    """A form on another site, holding all that ours holds, changes nothing: from afar it comes without the
    session, from next door it is refused."""
    served.http.put("/v1/awards/award-1/link", headers=world.ada)
    with visiting(browser, served, world) as page:
        page.goto(ASK)
        fields = {
            name: page.locator(f"input[name={name}]").input_value()
            for name in ("form_key", "link_id")
        }
        with page.expect_response(served.url + ASK) as answered:
            _other_site(page, site, served.url + ASK, **fields)
        assert answered.value.status == status
        page.wait_for_url(served.url + ASK)
        assert link(served, world) is not None
        page.goto(ASK)
        page.get_by_role("button").click()  # the very same fields, from our own page
        expect(page.locator("#award-award-1").get_by_role("button")).to_have_text("Create link")
        assert link(served, world) is None


def _other_site(page: Page, site: str, action: str, **fields: str) -> None:
    """Opens a page of another site that sends a form by itself."""
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    form = f'<form method="post" action="{action}">{inputs}</form>'
    html = f"<!doctype html>{form}<script>document.forms[0].submit()</script>"
    page.route(
        f"{site}/**",
        lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"),
    )
    page.goto(f"{site}/", wait_until="commit")


def test_two_tabs_and_a_double_click(browser: Browser, served: Served, world: World) -> None:
    """Rule 21: whatever two tabs and a hasty hand do, there is one link, or none when it was disabled."""
    with visiting(browser, served, world) as page:
        page.goto(AWARDS)
        other = page.context.new_page()
        other.goto(AWARDS)
        page.locator("#award-award-1 button").dblclick()
        expect(page.locator("#award-award-1").get_by_role("textbox")).to_be_visible()
        other.locator("#award-award-1 button").click()
        field = other.locator("#award-award-1").get_by_role("textbox")
        expect(field).to_have_value(str(link(served, world)))
        for tab in (page, other):
            tab.goto(ASK)
        page.get_by_role("button").dblclick()
        expect(page.locator("#award-award-1").get_by_role("button")).to_have_text("Create link")
        other.get_by_role("button").click()
        expect(other.locator("#award-award-1").get_by_role("button")).to_have_text("Create link")
        assert link(served, world) is None
