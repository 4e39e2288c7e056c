"""Rule 25: what programs read on a page, found by parsers that know nothing of us.

extruct, which search engines' people use, reads Open Graph and JSON-LD; html5lib, the reference
parser of HTML, the rest.
"""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import extruct
import html5lib
import pytest
from msgspec.structs import replace

from services.sharing.languages import LANGUAGES
from services.sharing.metadata import as_data_block
from tests.sharing_page_samples import (
    EARNED_BADGE,
    EARNED_CERTIFICATE,
    PUBLIC_URL,
    TOKEN,
    rendered,
    sample_pages,
)
from tests.sharing_samples import public_link

PAGE = f"{PUBLIC_URL}/s/{TOKEN}"


def open_graph(html: str) -> dict[str, str]:
    (found,) = extruct.extract(html, base_url=PAGE, syntaxes=["opengraph"])["opengraph"]
    return dict(found["properties"])


def data(html: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = extruct.extract(html, base_url=PAGE, syntaxes=["json-ld"])[
        "json-ld"
    ]
    return found


def head(html: str, element: str) -> list[dict[str, str]]:
    """The attributes of each such element in the head."""
    document = html5lib.parse(html, namespaceHTMLElements=False)
    return [dict(each.attrib) for each in document.find("head").iter(element)]


def linked(html: str, relation: str) -> list[str]:
    return [link["href"] for link in head(html, "link") if link["rel"] == relation]


def test_a_post_gets_title_text_and_picture() -> None:
    """Rules 23 and 25: Open Graph tells what LinkedIn prefills a post with."""
    assert open_graph(rendered(public_link(EARNED_BADGE))) == {
        "og:type": "website",
        "og:title": "Mentor, awarded to Ada Lovelace",
        "og:description": "Acme Mentoring · 14 June 2026 ·"
        " 10 sessions as mentor between March and June 2026",
        "og:url": PAGE,
        "og:site_name": "Acme Mentoring",
        "og:locale": "en_US",
        "og:image": f"{PAGE}/image.png",
        "og:image:type": "image/png",
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": "Mentor, awarded to Ada Lovelace",
    }


def test_a_recipient_without_a_name_is_left_out() -> None:
    """Rule 25: where no name is known the issuer's stands in its place."""
    found = open_graph(rendered(public_link(EARNED_BADGE, recipient_name=None)))
    assert found["og:title"] == "Mentor, awarded by Acme Mentoring"


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_page_and_its_metadata_speak_one_language(tag: str) -> None:
    """Rule 25: the metadata is in the language that the page is in."""
    html = rendered(public_link(EARNED_CERTIFICATE), tag)
    assert open_graph(html)["og:locale"].startswith(f"{tag}_")
    assert data(html)[0]["inLanguage"] == tag


def test_twitter_shows_the_picture_large() -> None:
    """Rule 25: sites that read Twitter's cards show the picture in full width."""
    metas = head(rendered(public_link(EARNED_BADGE)), "meta")
    assert {"name": "twitter:card", "content": "summary_large_image"} in metas


def test_the_page_has_one_address() -> None:
    """Rule 25: the canonical address is the link itself, wherever the page was found."""
    assert linked(rendered(public_link(EARNED_BADGE)), "canonical") == [PAGE]


def test_oembed_is_found_from_the_page() -> None:
    """Rule 25: the page names the address of its oEmbed answer."""
    (link,) = (
        link
        for link in head(rendered(public_link(EARNED_BADGE)), "link")
        if link.get("type") == "application/json+oembed"
    )
    address = urlsplit(link["href"])
    assert address._replace(query="").geturl() == f"{PUBLIC_URL}/oembed"
    assert parse_qs(address.query) == {"url": [PAGE], "format": ["json"]}


def test_the_award_is_a_credential_to_search_engines() -> None:
    """Rule 25: schema.org's EducationalOccupationalCredential says what was awarded, to whom, by whom."""
    (found,) = data(rendered(public_link(EARNED_CERTIFICATE)))
    assert found == {
        "@context": "https://schema.org",
        "@type": "EducationalOccupationalCredential",
        "@id": PAGE,
        "url": PAGE,
        "identifier": "award-2",
        "name": "Leadership & Listening",
        "description": EARNED_CERTIFICATE.text,
        "credentialCategory": "Certificate",
        "competencyRequired": "5 sessions with feedback in Leaders of Tomorrow"
        " between March and June 2026",
        "recognizedBy": {"@type": "Organization", "name": "Acme Mentoring"},
        "dateCreated": "2026-06-14T12:00:00+00:00",
        "image": f"{PAGE}/image.png",
        "inLanguage": "en",
        "about": {"@type": "Person", "name": "Ada Lovelace"},
    }


def test_a_revoked_award_is_no_credential() -> None:
    """Rule 20: what is said of a revoked award begins with that, and it is no credential to anybody."""
    html = rendered(public_link(EARNED_CERTIFICATE, revoked=True))
    assert data(html) == []
    assert open_graph(html)["og:title"] == "Revoked: Leadership & Listening"


@pytest.mark.parametrize("name", ["unknown", "disabled", "too_many", "unreachable"])
def test_a_page_without_an_award_has_no_metadata(name: str) -> None:
    """Rule 22: nothing is said of a link that is dead or never was."""
    html = sample_pages()[name]
    assert data(html) == []
    assert [meta for meta in head(html, "meta") if "property" in meta] == []
    assert head(html, "link") == []


def test_names_can_not_end_the_data() -> None:
    """Rule 22: whatever a name holds stays inside the data, and comes out of it unchanged."""
    evil = '</script><script>alert(1)</script><!-- & \u2028 "\\'
    html = rendered(public_link(replace(EARNED_CERTIFICATE, title=evil), recipient_name=evil))
    (found,) = data(html)
    assert found["name"] == found["about"]["name"] == evil
    assert open_graph(html)["og:title"] == f"{evil}, awarded to {evil}"
    assert html.count("<script") == 1


def test_data_is_the_same_json() -> None:
    """What is escaped for HTML is still the same document."""
    document = {"<&>": ["</script>", "\\u003c"]}
    written = as_data_block(document)
    assert not set("<>&") & set(written)
    assert json.loads(written) == document
