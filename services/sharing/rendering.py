"""Pages as HTML: what an award says to its readers, and the templates that say it.

Templates escape whatever they are given. Styles stand in the page, allowed by their hash alone; an
award's own colour is drawn in SVG attributes, which need no style.
"""

from base64 import b64encode
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Final, Literal, Self

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.sharing.dates import in_zone, long_date
from services.sharing.reading import PublicLink

_TEMPLATES: Final = Path(__file__).with_name("templates")
_CSS: Final = (_TEMPLATES / "page.css").read_text()
_environment: Final = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.globals["css"] = Markup(_CSS)
_award_template: Final = _environment.get_template("award.html")
_notice_template: Final = _environment.get_template("notice.html")

CSP: Final = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{b64encode(sha256(_CSS.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content Security Policy, level 3: the page's own style sheet, and nothing else from anywhere."""


class AwardPage(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page of an award says; two equal ones look the same to the last byte."""

    kind: Literal["badge", "certificate"]
    title: str
    text: str
    colour: str
    ink: str
    issuer: str
    program: str | None
    recipient: str | None
    earned_date: str
    earned_on: str
    criteria: str
    award_id: str
    revoked: bool

    @classmethod
    def of(cls, link: PublicLink) -> Self:
        """The page that an active link shows."""
        award = link.award
        earned = in_zone(award.earned_at, award.timezone)
        return cls(
            kind=award.kind,
            title=award.title,
            text=award.text,
            colour=award.colour,
            ink=readable_on(award.colour),
            issuer=award.organization_name,
            program=award.program_name,
            recipient=link.recipient_name,
            earned_date=earned.date().isoformat(),
            earned_on=long_date(earned),
            criteria=award.criteria,
            award_id=award.award_id,
            revoked=link.revoked,
        )


class Notice(msgspec.Struct, frozen=True):
    """A page that says why there is no award on it."""

    title: str
    explanation: str


def render_award(page: AwardPage) -> bytes:
    """The page in HTML."""
    return _award_template.render(page=page).encode()


def render_notice(notice: Notice) -> bytes:
    """The page in HTML."""
    return _notice_template.render(title=notice.title, explanation=notice.explanation).encode()


def etag(page: AwardPage) -> str:
    """The strong entity tag of a page (RFC 9110, 8.8.3), found without rendering it."""
    return f'"{blake2b(_encode(page), digest_size=16, key=_DESIGN).hexdigest()}"'


def readable_on(colour: str) -> str:
    """Black or white, whichever contrasts more with `#rrggbb` (WCAG 2.2, relative luminance)."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if luminance > 0.179 else "#ffffff"  # where both contrasts are equal


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _design() -> bytes:
    """A hash of all templates: another design is another page, though it says the same."""
    everything = sha256()
    for file in sorted(_TEMPLATES.iterdir()):
        everything.update(file.read_bytes())
    return everything.digest()


_encode: Final = msgspec.json.Encoder().encode
_DESIGN: Final = _design()
