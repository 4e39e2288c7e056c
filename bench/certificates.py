"""A certificate as PDF, warm: ours in every script, and two typesetters on the same certificate.

Every certificate drawn has another number, recipient and page, so that only what a running service
has kept (fonts, other people's words) is kept here. The peers set the same words, tagged for PDF/UA
and with the same code, in a far plainer design; they are left out where they are not installed.
"""

from base64 import b64encode
from collections.abc import Callable
from html import escape
from io import BytesIO
from statistics import median
from time import perf_counter
from uuid import UUID

import msgspec
import segno

from bench.tables import Table
from devstack import Addresses
from services.sharing.drawing import CertificateDesign, certificate_image, certificate_pdf
from tests.drawing_samples import CERTIFICATES

Draw = Callable[[CertificateDesign], bytes]

ROUNDS = 30
GOAL_MILLISECONDS = 20
QR_MASK = 2


def run(_: Addresses | None = None) -> None:
    """Prints milliseconds for each script, and for each peer that can be had."""
    contestants: dict[str, Draw] = {"ours": certificate_pdf, "image": certificate_image}
    contestants |= _peers()
    table = Table("A certificate, warm, milliseconds (median)", [*contestants, "ours, KiB"])
    for script, design in CERTIFICATES.items():
        figures = [f"{_milliseconds(draw, design):.1f}" for draw in contestants.values()]
        table.row(script, *figures, f"{len(certificate_pdf(design)) / 1024:.0f}")
    table.show()
    print(f"Goal for a Latin name: under {GOAL_MILLISECONDS} ms.")


def _milliseconds(draw: Draw, design: CertificateDesign) -> float:
    times = []
    for number in range(ROUNDS + 3):
        started = perf_counter()
        draw(_another(design, number))
        times.append(1000 * (perf_counter() - started))
    return median(times[3:])


def _another(design: CertificateDesign, number: int) -> CertificateDesign:
    return msgspec.structs.replace(
        design,
        award_id=str(UUID(int=number)),
        recipient_name=f"{design.recipient_name} {number}",
        page_url=f"{design.page_url}{number}",
    )


def _peers() -> dict[str, Draw]:
    return _weasyprint() | _typst()


def _weasyprint() -> dict[str, Draw]:
    try:
        import weasyprint  # noqa: PLC0415  # a peer, not a dependency
        from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
    except (ImportError, OSError):  # it needs Pango
        return {}
    fonts = FontConfiguration()

    def draw(design: CertificateDesign) -> bytes:
        page = weasyprint.HTML(string=_html(design))
        made: bytes = page.write_pdf(pdf_variant="pdf/ua-1", font_config=fonts)
        return made

    return {"weasyprint": draw}


def _typst() -> dict[str, Draw]:
    try:
        import typst  # noqa: PLC0415  # a peer, not a dependency
    except ImportError:
        return {}
    compiler = typst.Compiler()

    def draw(design: CertificateDesign) -> bytes:
        values = {key: str(value) for key, value in msgspec.structs.asdict(design).items()}
        values["qr"] = _qr_code(design).decode()
        made = compiler.compile(
            _TYPST.encode(), format="pdf", pdf_standards="ua-1", sys_inputs=values
        )
        assert isinstance(made, bytes)  # other kinds of documents are several files
        return made

    return {"typst": draw}


def _qr_code(design: CertificateDesign) -> bytes:
    file = BytesIO()
    segno.make(design.page_url or "", error="m", mask=QR_MASK, micro=False).save(file, kind="svg")
    return file.getvalue()


def _html(design: CertificateDesign) -> str:
    code = b64encode(_qr_code(design)).decode()
    words = {key: escape(str(value)) for key, value in msgspec.structs.asdict(design).items()}
    return _HTML.format_map(words | {"qr": code})


_HTML = """<!doctype html><html lang="{language}"><title>{title}</title>
<style>@page {{ size: A4 landscape; margin: 20mm }} body {{ font-family: "Noto Sans" }}</style>
<p>Certificate</p><h1>{title}</h1><p>Awarded to</p><p style="font-size: 32pt">{recipient_name}</p>
<p>{text}</p><p>{criteria}</p><p>{organization_name}</p><p>{program_name}</p><p>{earned_on}</p>
<p>{award_id}</p><p><a href="{page_url}"><img alt="QR code" width="140"
src="data:image/svg+xml;base64,{qr}"></a></p></html>"""

_TYPST = """
#let v = sys.inputs
#set document(title: v.title, author: v.organization_name, date: none)
#set page(width: 842pt, height: 595pt, margin: 56pt)
#set text(font: ("Noto Sans", "Noto Sans CJK JP"), lang: v.language.slice(0, 2), fallback: true)
Certificate
= #v.title
Awarded to

#text(32pt, v.recipient_name)

#v.text

#v.criteria

#v.organization_name

#v.program_name

#v.earned_on

#v.award_id

#link(v.page_url, image(bytes(v.qr), format: "svg", width: 104pt, alt: "QR code"))
"""
