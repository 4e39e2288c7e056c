"""Rules 10 and 24: the PDF of a certificate, read by programs that others wrote."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any
from unicodedata import normalize

import pypdf
import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageFilter, ImageStat

from services.sharing.drawing import (
    CertificateDesign,
    certificate_page_image,
    certificate_pdf,
    paper_of,
)
from tests.drawing_samples import AWARD_ID, CERTIFICATES, PAGE_URL, banner, changed, logo

LATIN = CERTIFICATES["Latin"]
EACH_SCRIPT = pytest.mark.parametrize("design", CERTIFICATES.values(), ids=CERTIFICATES.keys())
DIRECTION_MARKS = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c"))


def read(design: CertificateDesign) -> pypdf.PdfReader:
    return pypdf.PdfReader(BytesIO(certificate_pdf(design)))


def catalog(design: CertificateDesign) -> Any:
    """The document's catalog (ISO 32000-1, 7.7.2)."""
    return read(design).trailer["/Root"]


def identifier(design: CertificateDesign) -> str:
    """What programs tell files apart by (ISO 32000-1, 14.4)."""
    trailer: Any = read(design).trailer
    return str(trailer["/ID"][0])


def only_page(design: CertificateDesign) -> Any:
    """The page's dictionary."""
    (page,) = read(design).pages
    return page


def page_text(design: CertificateDesign) -> str:
    """The page's text as PDFium, the engine of Chrome, reads it."""
    document = pypdfium2.PdfDocument(certificate_pdf(design))
    text = document[0].get_textpage().get_text_bounded()
    return " ".join(normalize("NFC", text.translate(DIRECTION_MARKS)).split())


def picture_of(design: CertificateDesign, width: int) -> Image.Image:
    """The page as PDFium draws it."""
    page = pypdfium2.PdfDocument(certificate_pdf(design))[0]
    image: Image.Image = page.render(scale=width / page.get_width()).to_pil()
    return image.convert("RGB")


def elements(design: CertificateDesign) -> list[tuple[int, Any]]:
    """The structure elements in reading order, each with its depth."""

    def walk(element: Any, depth: int) -> Iterator[tuple[int, Any]]:
        yield depth, element
        for kid in element["/K"]:
            resolved = kid.get_object()
            if isinstance(resolved, dict) and "/S" in resolved:
                yield from walk(resolved, depth + 1)

    root = catalog(design)["/StructTreeRoot"]["/K"][0].get_object()
    return list(walk(root, 0))


def tags(design: CertificateDesign) -> list[str]:
    return [str(element["/S"]).lstrip("/") for _, element in elements(design)]


@EACH_SCRIPT
def test_text_can_be_read_and_copied(design: CertificateDesign) -> None:
    """Whoever copies or searches gets the text as it was written, in every script (rule 24)."""
    text = page_text(design)
    for written in (design.recipient_name, design.organization_name, design.title):
        assert normalize("NFC", str(written)) in text


@EACH_SCRIPT
def test_page_looks_the_same_to_another_program(design: CertificateDesign) -> None:
    """PDFium draws from our embedded fonts what resvg draws from the fonts' own outlines."""
    ours = Image.open(BytesIO(certificate_page_image(design, 842))).convert("RGB")
    theirs = picture_of(design, 842).resize(ours.size)
    soft = ImageFilter.GaussianBlur(1.5)
    difference = ImageChops.difference(ours.filter(soft), theirs.filter(soft))
    assert max(ImageStat.Stat(difference).mean) < 2.5
    text = difference.crop((50, 150, 640, 470))
    assert max(peak for _, peak in ImageStat.Stat(text).extrema) < 110


@EACH_SCRIPT
def test_a_screen_reader_gets_each_text_whole(design: CertificateDesign) -> None:
    """Each part of the structure says its own text, in reading order (rule 24)."""
    said = [element["/ActualText"] for _, element in elements(design) if "/ActualText" in element]
    title, name = normalize("NFC", design.title), normalize("NFC", str(design.recipient_name))
    assert said.index(title) < said.index(name) < said.index(design.earned_on)


def test_the_same_award_has_the_same_bytes() -> None:
    """An award keeps its design: the same one gives the same bytes (rule 10)."""
    design = changed(LATIN, banner=banner(), logo=logo())
    assert certificate_pdf(design) == certificate_pdf(design)
    assert certificate_pdf(changed(design, award_id="other")) != certificate_pdf(design)


def test_another_award_is_another_document() -> None:
    """Whatever else is the same, another name or number makes another document (rule 10)."""
    designs = (LATIN, changed(LATIN, recipient_name="Ada"), changed(LATIN, award_id="other"))
    assert len({identifier(design) for design in designs}) == len(designs)


def test_structure_says_what_each_part_is() -> None:
    """The page is tagged: one heading, pictures described, facts as a list, the code as a link."""
    design = changed(LATIN, banner=banner(), logo=logo())
    facts = ["L", *["LI", "Lbl", "LBody"] * 4]
    assert tags(design) == [
        *("Document", "Figure", "Figure", "P", "H1", "P", "P", "P"),
        *facts,
        *("P", "Link", "Figure", "Span"),
    ]
    described = [str(element["/Alt"]) for _, element in elements(design) if "/Alt" in element]
    assert described == [
        "Banner of Engineering Leadership 2026",
        "Logo of Northwind Collective",
        "QR code that leads to this certificate's page",
    ]


@pytest.mark.parametrize("title", ["Rock & <Roll> (\\", "þÿ as UTF-16 begins", "力 for 5 €"])
def test_document_says_what_it_is(title: str) -> None:
    """Title, author, language and PDF/UA are stated where programs look for them (rule 24)."""
    design = changed(LATIN, title=title, language="en-GB")
    reader, root = read(design), catalog(design)
    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.author) == (title, "Northwind Collective")
    assert set(reader.metadata) == {"/Title", "/Author", "/Producer"}
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert root["/MarkInfo"]["/Marked"]
    xmp = reader.xmp_metadata
    assert xmp is not None
    assert xmp.dc_title == {"x-default": title}
    assert xmp.dc_creator == ["Northwind Collective"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()


@EACH_SCRIPT
def test_every_font_is_embedded_and_cut_down(design: CertificateDesign) -> None:
    """No font is needed to read it, and none is in it but for the characters it shows (rule 24)."""
    reader = read(design)
    trailer: Any = reader.trailer
    objects = [reader.get_object(number) for number in range(1, trailer["/Size"])]
    fonts = [
        found for found in objects if isinstance(found, dict) and found.get("/Type") == "/Font"
    ]
    used = list(only_page(design)["/Resources"]["/Font"].values())
    assert len(fonts) == 2 * len(used), "each is composite, and no other is named"
    for font in used:
        descriptor = font["/DescendantFonts"][0]["/FontDescriptor"]
        assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
        assert str(font["/BaseFont"])[7] == "+"
        assert "/ToUnicode" in font
    assert len(certificate_pdf(design)) < 100_000


def test_qr_code_and_link_lead_to_the_page() -> None:
    """A shared certificate shows a code that any reader understands, and a link (rule 24)."""
    found = zxingcpp.read_barcodes(picture_of(LATIN, 1200))
    assert [code.text for code in found] == [PAGE_URL]
    (annotation,) = only_page(LATIN)["/Annots"]
    assert annotation["/A"]["/URI"] == PAGE_URL
    assert annotation["/Contents"]


def test_unshared_certificate_leads_nowhere() -> None:
    """Without an address there is neither code nor link (rule 24)."""
    design = changed(LATIN, page_url=None)
    assert zxingcpp.read_barcodes(picture_of(design, 1200)) == []
    assert "/Annots" not in only_page(design)
    assert "Link" not in tags(design)


def test_page_says_all_that_matters() -> None:
    """It shows issuer, program, date, number and how it was earned (rule 24)."""
    text = page_text(LATIN)
    for value in ("Northwind Collective", "14 June 2026", AWARD_ID, LATIN.criteria):
        assert value in text


@pytest.mark.parametrize(
    ("language", "word", "tag"),
    [
        ("fr-CA", "Décerné à", "fr-CA"),
        ("es", "Otorgado a", "es"),
        ("de", "Verliehen an", "de"),
        ("ar-EG", "مُنحت إلى", "ar-EG"),
        ("xx-nonsense", "Awarded to", "en"),
    ],
)
def test_own_words_are_in_the_readers_language(language: str, word: str, tag: str) -> None:
    """What the certificate says by itself is in the reader's language, else in English."""
    design = changed(LATIN, language=language)
    assert word in page_text(design)
    assert catalog(design)["/Lang"] == tag


@pytest.mark.parametrize(
    ("locale", "paper"),
    [("en-US", "letter"), ("fr-CA", "letter"), ("en-GB", "a4"), ("de", "a4"), ("", "a4")],
)
def test_paper_is_that_of_the_locale(locale: str, paper: str) -> None:
    """North Americans get US Letter, others A4; always in landscape."""
    assert paper_of(locale) == paper
    box = only_page(changed(LATIN, paper=paper_of(locale))).mediabox
    assert (box.width, box.height) == ((792, 612) if paper == "letter" else (842, 595))


def test_a_preview_is_marked() -> None:
    """A preview is the very certificate with a mark across that nobody overlooks (rule 10)."""
    plain, preview = LATIN, changed(LATIN, mark="preview")
    assert "PREVIEW" in page_text(preview).upper()
    assert "PREVIEW" not in page_text(plain).upper()
    difference = ImageChops.difference(picture_of(plain, 600), picture_of(preview, 600))
    assert max(ImageStat.Stat(difference).mean) > 1


def test_a_certificate_says_preview_to_everybody() -> None:
    """Whoever has a preview read to them is told that it is one, too."""
    said = [element.get("/ActualText") for _, element in elements(changed(LATIN, mark="preview"))]
    assert "CERTIFICATE · PREVIEW" in said


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient_name": None},
        {"recipient_name": "😀"},
        {"recipient_name": "W" * 5000},
        {"title": "\x00", "text": "", "criteria": "", "program_name": None},
        {"text": "words " * 20_000},
        {"text": "\n" * 5000 + "end"},
        {"organization_name": "{program} %s <b>&amp;</b> \\(()"},
        {"colour": "#ffffff"},
        {"colour": "#000000", "language": "he"},
    ],
)
def test_whatever_it_holds_it_is_one_whole_page(changes: dict[str, Any]) -> None:
    """Odd, empty and endless values end on one page within bounds (rule 24)."""
    design = changed(LATIN, **changes)
    reader = read(design)
    assert len(reader.pages) == 1
    assert len(certificate_pdf(design)) < 100_000
    assert AWARD_ID in page_text(design)


def test_somebody_without_a_name_is_a_member() -> None:
    """Where no name is known or can be drawn, the page says who they are otherwise."""
    assert "A member of Northwind Collective" in page_text(changed(LATIN, recipient_name=None))
