"""The owner's pages as HTML: what they show, and the templates that show it.

Templates escape whatever they are given. Styles and the one script stand in the page, allowed by
their hashes alone; all works without the script.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import Response

from schemas.awards import Kind
from services.sharing import linkedin
from services.sharing.dates import long_date
from services.sharing.drawing.badges import badge_artwork
from services.sharing.drawing.colours import ink_on
from services.sharing.languages import Language
from services.sharing.owners.words import Notice, words_in
from services.sharing.public import PREFIX
from services.sharing.reading import OwnedAward
from services.zones import in_zone

_TEMPLATES: Final = Path(__file__).with_name("templates")
_CSS: Final = (_TEMPLATES / "page.css").read_text()
_SCRIPT: Final = (_TEMPLATES / "copy.js").read_text()


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


CSP: Final = "; ".join(
    (
        "default-src 'none'",
        f"style-src {_hash(_CSS)}",
        f"script-src {_hash(_SCRIPT)}",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Content Security Policy, level 3: the page's own style sheet and script, and its own forms."""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CSP,
    "Content-Type": "text/html; charset=utf-8",
    # Not `no-referrer`: browsers would then hide the origin of our own forms from us, too.
    "Referrer-Policy": "same-origin",
    "Vary": "Accept-Language, Cookie",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, noarchive",
}


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """An award of the owner's, and where what can be done with it is done."""

    award_id: str
    kind: Kind
    code: str
    title: str
    issuer: str
    program: str | None
    colour: str
    ink: str
    date: Markup
    revoked: bool
    url: str | None
    linkedin_url: str | None
    link_id: str
    path: str

    @classmethod
    def of(cls, owned: OwnedAward, language: Language, public_url: str, root: str) -> Self:
        """`public_url` is what links begin with, `root` what paths of our pages begin with."""
        award = owned.award
        earned = in_zone(award.earned_at, award.timezone)
        url = None if owned.token is None else f"{public_url}{PREFIX}{owned.token}"
        return cls(
            award_id=award.award_id,
            kind=award.kind,
            code=award.code,
            title=award.title,
            issuer=award.organization_name,
            program=award.program_name,
            colour=award.colour,
            ink=ink_on(award.colour),
            date=Markup('<time datetime="{}">{}</time>').format(
                earned.date().isoformat(), long_date(earned, language)
            ),
            revoked=owned.revoked,
            url=url,
            linkedin_url=None if url is None else linkedin.add_address(award, url),
            link_id=str(owned.link_id or ""),
            path=f"{root}/{quote(award.award_id, safe='')}",
        )


def html(template: str, language: Language, status: int = 200, **shown: object) -> Response:
    """An answer with a page in a language."""
    page = _environment.get_template(template).render(
        language=language, w=words_in(language), **shown
    )
    return Response(page, status, _HEADERS)


def notice(language: Language, said: Notice, status: int, way: tuple[str, str] | None) -> Response:
    """An answer with a page that says why something else is not on it, and a way on: words, address."""
    return html("notice.html", language, status, notice=said, way=way)


def artwork(code: str) -> Markup:
    """A badge's artwork as a symbol, which many may refer to: each id may stand on a page once."""
    drawing = badge_artwork(code)
    inside = drawing[drawing.index(">") + 1 : drawing.rindex("</svg>")]
    return Markup('<symbol id="art-{}" viewBox="0 0 512 512">{}</symbol>').format(
        code,
        Markup(inside),
    )


def filled(phrase: str, **names: str | Markup) -> Markup:
    """A phrase with names in it, each kept apart from the direction of the words around it."""
    return escape(phrase).format(
        **{
            key: name if isinstance(name, Markup) else Markup("<bdi>{}</bdi>").format(name)
            for key, name in names.items()
        }
    )


_environment: Final = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.globals |= {
    "css": Markup(_CSS),
    "script": Markup(_SCRIPT),
    "artwork": artwork,
    "filled": filled,
}
