"""Rule 19: what a mail says, as text and as HTML."""

import re
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from schemas.journal import AwardGranted
from services.achievements.mail.languages import WORDS, language_of
from services.achievements.mail.rendering import (
    AwardMail,
    as_html,
    as_text,
    award_mail,
    one_line,
    readable_on,
)
from tests.unit.mails import BADGE, CERTIFICATE, UNSUBSCRIBE_URL

DATES = {
    "en": "2 March 2026",
    "fr": "2 mars 2026",
    "es": "2 de marzo de 2026",
    "de": "2. März 2026",
    "ar": "2 مارس 2026",
}
CONGRATULATIONS = {
    "en": "Congratulations, Ada!",
    "fr": "Félicitations, Ada\u202f!",
    "es": "¡Felicidades, Ada!",
    "de": "Herzlichen Glückwunsch, Ada!",
    "ar": "تهانينا، \u2068Ada\u2069!",
}


def mail(award: AwardGranted, tag: str = "en", name: str = "Ada") -> AwardMail:
    return award_mail(award, name, language_of(tag), UNSUBSCRIBE_URL)


class Page(HTMLParser):
    """The elements of an HTML document, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.mark.parametrize("tag", WORDS)
@pytest.mark.parametrize("award", [BADGE, CERTIFICATE], ids=["badge", "certificate"])
def test_text_and_html_say_the_same(award: AwardGranted, tag: str) -> None:
    """Rule 19: in every language both forms congratulate, and say what, by whom, in which program, when and how."""
    said, words = mail(award, tag), WORDS[tag].mail
    text, page = as_text(said), Page(as_html(said))
    assert text.startswith(CONGRATULATIONS[tag])
    for shown in (text, page.text):
        for expected in (
            "Ada",
            award.title,
            award.organization_name,
            award.program_name or "",
            DATES[tag],
            words.kind.of(award.kind),
            words.unsubscribe,
            str(award.threshold),
        ):
            assert expected in shown
    assert UNSUBSCRIBE_URL in text


@pytest.mark.parametrize("tag", WORDS)
def test_html_knows_its_language_and_direction(tag: str) -> None:
    """Rule 19: the document is marked with its language and direction, also where clients drop its root."""
    page = Page(as_html(mail(BADGE, tag)))
    marked = {"lang": tag, "dir": "rtl" if tag == "ar" else "ltr"}
    elements = [(name, attributes) for name, attributes in page.elements if "lang" in attributes]
    assert elements == [("html", marked), ("div", marked)]


def test_html_fetches_nothing() -> None:
    """Rule 19: nothing in the mail is fetched from anywhere or runs; the one link unsubscribes."""
    html = as_html(mail(CERTIFICATE))
    page = Page(html)
    assert not {name for name, _ in page.elements} & {"img", "link", "script", "iframe", "form"}
    assert not [attributes for _, attributes in page.elements if "src" in attributes]
    assert "url(" not in html
    assert "@import" not in html
    assert re.findall(r"https?://[^\"'<\s]+", html) == [UNSUBSCRIBE_URL]


def test_names_stay_names() -> None:
    """Rule 19: whatever a name, a title or a program holds, it is shown as it is and changes nothing around it."""
    hostile = '<b onclick="x">&amp; {organization} {{ 7*7 }}\r\nBcc: x\u202e'
    award = replace(CERTIFICATE, title=hostile, organization_name=hostile, program_name=hostile)
    said = mail(award, "en", hostile)
    page = Page(as_html(said))
    assert "b" not in {name for name, _ in page.elements}
    shown = one_line(hostile)
    assert shown == '<b onclick="x">&amp; {organization} {{ 7*7 }} Bcc: x'
    assert page.text.count(shown) >= 4
    assert as_text(said).count(shown) >= 4
    assert "\n" not in said.subject


def test_names_of_another_direction_are_set_apart() -> None:
    """Rule 19: a name that is written the other way leaves the sentence around it in order."""
    text = as_text(mail(BADGE, "en", "ליאה"))
    assert "Congratulations, \u2068ליאה\u2069!" in text
    assert "<bdi>ליאה</bdi>" in as_html(mail(BADGE, "en", "ליאה"))
    assert "\u2068" not in as_text(mail(BADGE, "en", "Ada"))


def test_a_long_title_is_cut_in_the_subject_only() -> None:
    """Rule 19: a subject stays short, and the mail says it whole."""
    said = mail(replace(CERTIFICATE, title="long " * 1000))
    assert len(said.subject) == 150
    assert said.subject.endswith("…")
    assert as_text(said).count("long") == 1000


@pytest.mark.parametrize(
    ("colour", "ink"),
    [
        ("#ffffff", "#000000"),
        ("#000000", "#ffffff"),
        ("#1d4f91", "#ffffff"),
        ("#f2c14e", "#000000"),
    ],
)
def test_the_ink_can_be_read(colour: str, ink: str) -> None:
    """Rule 19: what stands on the award's colour contrasts with it."""
    assert readable_on(colour) == ink
