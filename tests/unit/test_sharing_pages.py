"""Rule 22: what a public page says and hides, and what it tells caches and search engines."""

import asyncio
import gc
import re
import tracemalloc
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.responses import Response

from services.sharing import public, recent
from services.sharing.pages import CACHED_BYTES, PageCache, Pages, refuse_page
from services.sharing.reading import PublicLink
from tests.sharing_page_samples import pages, request_for
from tests.sharing_samples import BADGE, CERTIFICATE, public_link


def answer(
    link: PublicLink | None, if_none_match: str | None, *pictures: str, language: str = "en"
) -> Response:
    request = request_for(language, if_none_match)
    return asyncio.run(public.answer(request, link, pages(*pictures).show, refuse_page))


ALL_ANSWERS = pytest.mark.parametrize(
    "response",
    [
        answer(public_link(), None),
        answer(public_link(revoked=True), None),
        answer(public_link(), "*"),
        answer(public_link(active=False), None),
        answer(None, None),
    ],
    ids=["alive", "revoked", "not modified", "disabled", "unknown"],
)


DATA_BLOCK = '<script type="application/ld+json">'


class Text(HTMLParser):
    """The text of a page, and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def html(response: Response) -> str:
    return bytes(response.body).decode()


def text(response: Response) -> str:
    return " ".join(Text(html(response)).words)


def test_the_page_shows_the_award() -> None:
    """Rule 22: the page shows the award, the recipient's name, issuer, date and how it was earned."""
    shown = text(answer(public_link(), None))
    for expected in (
        "Badge Mentor",
        "Awarded to Ada Lovelace",
        "Issued by Acme Mentoring",
        "Earned on 1 April 2026",
        "How it was earned Completed 10 one-to-one mentoring sessions as mentor.",
    ):
        assert expected in shown


def test_the_page_of_a_certificate_names_its_program() -> None:
    """Rule 22: a certificate's page says which program it is of."""
    shown = text(answer(public_link(CERTIFICATE), None))
    assert "Certificate Leadership & Listening" in shown
    assert "Program Leaders of Tomorrow" in shown


def test_the_date_is_the_organizations() -> None:
    """Rule 18: the date is `earned_at` in the organization's time zone."""
    award = replace(
        BADGE, earned_at=datetime(2026, 1, 1, 3, tzinfo=UTC), timezone="America/New_York"
    )
    page = html(answer(public_link(award), None))
    assert '<time datetime="2025-12-31">31 December 2025</time>' in page


def test_an_unknown_recipient_is_spoken_of_neutrally() -> None:
    """Rule 22: an award whose recipient's name has not come yet names a member of the organization."""
    shown = text(answer(public_link(recipient_name=None), None))
    assert "Awarded to A member of Acme Mentoring" in shown


def test_names_can_not_be_markup() -> None:
    """Rule 22: whatever a name or title holds is text on the page, never markup."""
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7*7 }} </style>&amp;'
    award = replace(
        CERTIFICATE,
        title=evil,
        text=evil,
        organization_name=evil,
        program_name=evil,
        criteria=evil,
        award_id=evil,
    )
    page = answer(public_link(award, recipient_name=evil), None)
    parsed = Text(html(page))
    assert [attributes for tag, attributes in parsed.elements if tag == "script"] == [
        {"type": "application/ld+json"}
    ]
    assert "img" not in {tag for tag, _ in parsed.elements}
    assert not any(
        name.startswith("on") for _, attributes in parsed.elements for name in attributes
    )
    assert text(page).count(evil) >= 6


def test_names_go_in_their_own_direction() -> None:
    """Rule 22: a name written from right to left is set so, whatever stands around it."""
    page = html(answer(public_link(recipient_name="עדה לאבלייס"), None))
    assert re.search(r'<p class="name[^>]*><bdi[^>]*>עדה לאבלייס</bdi></p>', page)


@pytest.mark.parametrize("award", [BADGE, CERTIFICATE])
def test_a_revoked_award_says_so(award: Any) -> None:
    """Rules 20 and 22: the page of a revoked award is there, says revoked and gives no download."""
    response = answer(public_link(award, revoked=True), None)
    assert response.status_code == 200
    assert "Revoked. Acme Mentoring has withdrawn this" in text(response)
    assert "download" not in html(response).lower()


def test_a_link_never_issued_is_not_found() -> None:
    """Rule 22: a token that was never issued is answered 404."""
    assert answer(None, None).status_code == 404


def test_a_dead_link_is_gone() -> None:
    """Rule 22: a disabled link, or one of somebody erased, is answered 410 with nothing personal."""
    response = answer(public_link(active=False, recipient_name=None), None)
    assert response.status_code == 410
    assert html(response) == html(answer(public_link(CERTIFICATE, active=False), None))
    for secret in ("Ada", "Acme", "Mentor", "award-1"):
        assert secret not in html(response)


@pytest.mark.parametrize("active", [True, False])
def test_what_is_not_available_is_not_found(active: bool) -> None:
    """Rule 2: while unavailable, a public page is 404, whether its link is active or disabled."""
    assert answer(public_link(active=active, available=False), None).status_code == 404
    assert html(answer(public_link(active=active, available=False), None)) == html(
        answer(None, None)
    )


@ALL_ANSWERS
def test_search_engines_keep_out(response: Response) -> None:
    """Rule 22: search engines are told neither to list nor to keep the page, whatever it is."""
    assert response.headers["x-robots-tag"] == "noindex, noarchive"
    if response.body:
        assert '<meta name="robots" content="noindex, noarchive">' in html(response)


@ALL_ANSWERS
def test_the_address_is_told_to_nobody(response: Response) -> None:
    """Rule 21: the link, which is a key, is not sent on to wherever a reader goes next."""
    assert response.headers["referrer-policy"] == "no-referrer"


@ALL_ANSWERS
def test_nothing_runs_on_the_page(response: Response) -> None:
    """Rule 22: no script, and nothing from anywhere else, can run on the page."""
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    if response.body:
        styles = re.findall("<style>(.*?)</style>", html(response), re.DOTALL)
        assert styles
        for style in styles:
            assert b64encode(sha256(style.encode()).digest()).decode() in policy
        assert set(re.findall("<script[^>]*>", html(response))) <= {DATA_BLOCK}
        assert " style=" not in html(response)


def test_a_live_page_is_asked_for_again() -> None:
    """Rule 22: a live page carries `no-cache` and a strong ETag."""
    response = answer(public_link(), None)
    assert response.headers["cache-control"] == "no-cache"
    assert re.fullmatch(r'"[0-9a-f]{32}"', response.headers["etag"])


@pytest.mark.parametrize("link", [None, public_link(active=False), public_link(available=False)])
def test_a_dead_page_is_not_stored(link: Any) -> None:
    """Rule 22: 404 and 410 carry `no-store` and no ETag, even where a cache asks with one."""
    for asked in (None, "*", answer(public_link(), None).headers["etag"]):
        response = answer(link, asked)
        assert response.status_code in (404, 410)
        assert response.headers["cache-control"] == "no-store"
        assert "etag" not in response.headers


@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"other", {tag}', '"other",W/{tag} ', "*"])
def test_an_unchanged_page_is_not_sent_again(form: str) -> None:
    """Rule 22: 304 without a body, with the page's headers but for its content's, where If-None-Match names its ETag."""
    page = answer(public_link(), None)
    response = answer(public_link(), form.format(tag=page.headers["etag"]))
    assert (response.status_code, response.body) == (304, b"")
    for name in ("etag", "cache-control", "x-robots-tag", "vary", "content-security-policy"):
        assert response.headers[name] == page.headers[name]


@pytest.mark.parametrize(
    "changed",
    [
        public_link(recipient_name="Ada King"),
        public_link(recipient_name=None),
        public_link(revoked=True),
        public_link(CERTIFICATE),
    ],
)
def test_a_changed_page_has_another_etag(changed: Any) -> None:
    """Rule 22: whatever the page says otherwise changes its ETag, so that no old page is kept."""
    tag = answer(public_link(), None).headers["etag"]
    assert answer(changed, tag).status_code == 200


def test_equal_etags_are_equal_pages() -> None:
    """Rule 22: the ETag is strong: the same page is the same to the last byte."""
    first, second = answer(public_link(), None), answer(public_link(), None)
    assert first.headers["etag"] == second.headers["etag"]
    assert first.body == second.body


def test_pictures_are_shown_where_there_are_some() -> None:
    """Rule 10: banner and logo are on the page once we hold them, and described; else nothing is missing."""
    award = replace(CERTIFICATE, banner="sha256:banner", logo="sha256:logo")
    without = Text(html(answer(public_link(award), None)))
    assert "img" not in {tag for tag, _ in without.elements}
    shown = Text(html(answer(public_link(award), None, "sha256:banner", "sha256:logo")))
    images = [attributes for tag, attributes in shown.elements if tag == "img"]
    assert {(image["src"], image["alt"]) for image in images} == {
        ("token/banner", "Banner of Leaders of Tomorrow"),
        ("token/logo", "Logo of Acme Mentoring"),
    }


def test_a_certificate_can_be_downloaded_through_its_link() -> None:
    """Rule 24: the page of a certificate leads to its PDF, that of a badge to none."""
    assert 'href="token/certificate.pdf"' in html(answer(public_link(CERTIFICATE), None))
    assert "certificate.pdf" not in html(answer(public_link(BADGE), None))


def test_the_page_leads_to_the_credential() -> None:
    """Rule 22: a reader who wants to be sure finds the award's id and its credential."""
    page = html(answer(public_link(), None))
    assert 'href="token/credential.json"' in page
    assert "Award ID award-1" in text(answer(public_link(), None))


def test_pages_are_kept_by_all_that_they_say() -> None:
    """Rule 22: a page that is kept in memory is never shown in the place of another."""
    shared = pages()

    def shown(link: PublicLink, language: str = "en") -> str:
        return html(asyncio.run(shared.show(request_for(language), link)))

    first = shown(public_link())
    others = [
        shown(public_link(recipient_name="Ada King")),
        shown(public_link(revoked=True)),
        shown(public_link(replace(BADGE, title="Guide"))),
        shown(public_link(), "fr"),
    ]
    assert len({first, *others}) == 5
    assert shown(public_link()) == first


def test_few_pages_are_kept() -> None:
    """However many links there are, the memory for pages is bounded: those asked for last stay."""
    cache = PageCache(size_bytes=3 * 40_000)
    shared = pages(cache=cache)
    for number in range(10):
        asyncio.run(shared.show(request_for("en"), public_link(recipient_name=f"Ada {number}")))
    assert 0 < len(cache) < 6


def test_what_is_counted_is_all_that_pages_take() -> None:
    """The bound of the memory for pages is of all that is kept for them, however long an award's words are."""
    room = 4_000_000

    def show_many(shared: Pages) -> None:
        for number in range(40):
            text = f"\N{SEEDLING}{number:05}" + "Listening. " * 2_000  # four bytes a character
            award = replace(CERTIFICATE, text=text, award_id=f"award-{number}")
            link = public_link(award, recipient_name=f"Ada {number}")
            asyncio.run(shared.show(request_for("en"), link))

    show_many(pages())  # what belongs to all pages is there then
    shared = pages(cache=PageCache(room))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        show_many(shared)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert room / 2 < taken < room


def test_a_page_that_nobody_asks_for_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 27: pages hold names, so memory holds none for more than minutes after it was last shown."""
    assert recent.KEPT_SECONDS <= 600
    monkeypatch.setattr(recent, "KEPT_SECONDS", 0.4)

    async def test() -> None:
        cache = PageCache(CACHED_BYTES)
        shared = pages(cache=cache)
        for name in ("Ada Lovelace", "Grace Hopper"):
            await shared.show(request_for("en"), public_link(recipient_name=name))
        for _ in range(3):
            await asyncio.sleep(0.2)
            await shared.show(request_for("en"), public_link())
        assert len(cache) == 1
        await asyncio.sleep(0.6)
        assert len(cache) == 0
        await shared.show(request_for("en"), public_link())
        await asyncio.sleep(0.6)
        assert len(cache) == 0

    asyncio.run(test())


def test_answers_do_not_share_their_headers() -> None:
    """What is added to one answer's headers is not on the next."""
    shared = pages()
    first = asyncio.run(shared.show(request_for("en"), public_link()))
    first.headers["X-Added"] = "once"
    assert "x-added" not in asyncio.run(shared.show(request_for("en"), public_link())).headers
