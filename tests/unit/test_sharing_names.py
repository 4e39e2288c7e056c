"""Names as they are told: whether one can be seen at all, and that none turns over what stands around it."""

import html
import json
import re
from unicodedata import bidirectional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.sharing.credentials.documents import open_badge
from services.sharing.credentials.issuers import issuer
from services.sharing.credentials.statuses import StatusEntry
from services.sharing.drawing.sheet import Sheet
from services.sharing.drawing.svg import SvgSurface
from services.sharing.languages import LANGUAGES
from services.sharing.names import bare, isolated, shown_name
from services.sharing.reading import PublicLink
from tests.sharing_page_samples import EARNED_CERTIFICATE, PUBLIC_URL, rendered
from tests.sharing_samples import public_link

UNSEEN = [
    "",
    " ",
    "\u00a0\u3000",
    "\u200b",
    "\u200d",
    "\u2060\ufeff",
    "\u3164",
    "\U0001f984\U0001f984",
]
SEEN = ["Ada Lovelace", "ليلى حداد", "李小龍", "Ada \U0001f984", " A ", "\u202eevil", "."]
CONTROLS = [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]
ISOLATED = re.compile("\u2068[^\u2068\u2069]*\u2069")


def identified(link: PublicLink) -> bool:
    """Whether the credential of a link holds who earned it."""
    acme = issuer(PUBLIC_URL, "acme")
    document = open_badge(link, f"{PUBLIC_URL}/s/token", acme, StatusEntry(1, 1))
    return "identifier" in document["credentialSubject"]


def about(page: str) -> object:
    """Whom a page's data is about."""
    (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return json.loads(data).get("about")


def title_of(page: str) -> str:
    (title,) = re.findall("<title>(.*?)</title>", page, re.DOTALL)
    return html.unescape(title)


def drawn(name: str) -> str:
    return Sheet(SvgSurface(100, 100), 100, "en").recipient(name, "Acme Mentoring")


@pytest.mark.parametrize("name", UNSEEN)
def test_a_name_that_can_not_be_seen_is_none(name: str) -> None:
    """Rule 22: page, metadata, credential and drawing all speak of a member, none of nobody."""
    assert shown_name(name) is None
    link = public_link(EARNED_CERTIFICATE, recipient_name=name)
    page = rendered(link)
    assert page == rendered(public_link(EARNED_CERTIFICATE, recipient_name=None))
    assert title_of(page) == "Leadership & Listening, awarded by Acme Mentoring"
    assert about(page) is None
    assert not identified(link)
    assert drawn(name) == "A member of Acme Mentoring"


@pytest.mark.parametrize("name", SEEN)
def test_a_name_that_can_be_seen_is_shown(name: str) -> None:
    """Rule 22: whatever else is in a name, all of them tell it where something of it can be seen."""
    assert shown_name(name) == name
    link = public_link(EARNED_CERTIFICATE, recipient_name=name)
    page = rendered(link)
    assert f'<bdi translate="no">{name}</bdi>' in page
    assert ", awarded to " in title_of(page)
    assert about(page) == {"@type": "Person", "name": name}
    assert identified(link)
    assert drawn(name) != "A member of Acme Mentoring"


@given(st.text(max_size=20))
def test_all_agree_on_any_name(name: str) -> None:
    """Rule 22: no name is on the page and missing from the certificate, or the other way round."""
    assert (shown_name(name) is None) == (drawn(name) == "A member of Acme Mentoring")


def test_a_name_of_the_languages_own_direction_stays_as_it_is() -> None:
    """Rule 23: what a post is prefilled with has nothing invisible in it that it doesn't need."""
    for name in ("Ada Lovelace", "李小龍", "Zoë 42", "O'Neil-Ng {title}"):
        assert isolated(name, LANGUAGES["en"]) == name
    assert isolated("ليلى حداد", LANGUAGES["ar"]) == "ليلى حداد"


def test_a_name_of_another_direction_keeps_it_to_itself() -> None:
    """Rule 25: it is isolated (Unicode UAX 9), so that nothing beside it changes its place."""
    assert isolated("ليلى حداد", LANGUAGES["en"]) == "\u2068ليلى حداد\u2069"
    assert isolated("Ada עדה 3", LANGUAGES["fr"]) == "\u2068Ada עדה 3\u2069"
    assert isolated("Ada", LANGUAGES["ar"]) == "\u2068Ada\u2069"


@pytest.mark.parametrize("tag", LANGUAGES)
@given(name=st.text(st.sampled_from([*CONTROLS, "a", "1", "א", "ل", " ", ".", "\u200f"])))
def test_no_name_turns_over_what_stands_around_it(tag: str, name: str) -> None:
    """Rule 25: in text without markup no control of a name is left, and what runs the other way is isolated."""
    assert not set(bare(name)) & set(CONTROLS)
    beside = ISOLATED.sub("", isolated(name, LANGUAGES[tag]))
    assert not set(beside) & set(CONTROLS)
    others = {"L"} if tag == "ar" else {"R", "AL", "AN"}
    assert not others & set(map(bidirectional, beside))


def test_metadata_is_not_turned_over() -> None:
    """Rule 25: title, description, site and alternatives hold names that keep to themselves."""
    evil = "\u202eevil\u2066 ליאה"
    award = replace(
        EARNED_CERTIFICATE, title=evil, organization_name=evil, program_name=evil, how="manual"
    )
    page = rendered(public_link(award, recipient_name=evil))
    quiet = "\u2068evil ליאה\u2069"
    assert title_of(page) == f"{quiet}, awarded to {quiet}"
    head, _, body = page.partition("</head>")
    told = f"{quiet} · 14 June 2026 · Awarded by the program {quiet}"
    assert f'<meta name="description" content="{told}">' in head
    assert f'<meta property="og:description" content="{told}">' in head
    assert '<meta property="og:site_name" content="evil ליאה">' in head
    data = re.search("<script.*?</script>", head, re.DOTALL)
    assert data is not None
    assert "\u202e" not in head.replace(data[0], "")
    assert not re.search('="[^"]*\u202e', body)
