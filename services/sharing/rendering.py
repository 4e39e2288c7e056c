"""Pages as HTML: what an award says to its readers, and the templates that say it.

Templates escape whatever they are given. Styles stand in the page, allowed by their hash alone: the
one of all pages, and the colours of the award's own, each chosen so that it can be read.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache, partial
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from services.sharing import emblems
from services.sharing.dates import long_date
from services.sharing.drawing.colours import BLACK, WHITE, ink_on, mixed, readable_on
from services.sharing.earning import how_earned
from services.sharing.languages import LANGUAGES, Language, Notice
from services.sharing.metadata import Addresses, credential, headline, open_graph
from services.sharing.names import isolated, shown_name
from services.sharing.reading import PublicLink
from services.zones import in_zone

_TEMPLATES: Final = Path(__file__).with_name("templates")
_CSS: Final = (_TEMPLATES / "page.css").read_text()
_LIGHT: Final = "#f8f7f4"
_DARK: Final = "#1b1d22"
"""What coloured text stands on, of the style's papers and washes those on which it is read worst."""
_BRIGHT: Final = 7.0
"""The contrast ratio that colours need in the dark in order not to look dull."""
_ENGRAVED: Final = 0.2
"""How far the lines on a field go from its colour, away from its ink: text is read on them even better."""
_COLOURS: Final = """\
:root{{--colour:{colour};--on-colour:{ink};--engraved:{engraved};--accent:{accent};--on-accent:{on_accent}}}
@media screen and (prefers-color-scheme:dark){{:root{{--accent:{dark_accent};--on-accent:{on_dark_accent}}}}}
"""

_NAME: Final = re.compile(r"\{(\w+)\}")

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


class AwardPage(NamedTuple):
    """All that determines the page of an award; two equal ones are the same to the last byte.

    `banner` and `logo` tell whether there are pictures to show.
    """

    link: PublicLink
    token: str
    language_tag: str
    banner: bool
    logo: bool


class Site(NamedTuple):
    """What all pages have in common: `public_url` is what links begin with."""

    public_url: str
    has_credentials: bool


class Rendered(NamedTuple):
    """A page in HTML, its strong entity tag (RFC 9110, 8.8.3) and its Content Security Policy."""

    body: bytes
    etag: str
    policy: str


def render_award(page: AwardPage, site: Site) -> Rendered:
    """The page of an active link."""
    link, language = page.link, LANGUAGES[page.language_tag]
    award = link.award
    addresses = Addresses(site.public_url, page.token)
    how = how_earned(award, language)
    earned = in_zone(award.earned_at, award.timezone)
    title = headline(link, language)
    recipient = shown_name(link.recipient_name)
    organization = isolated(award.organization_name, language)
    description = f"{organization} · {long_date(earned, language)} · {how.isolated(language)}"
    colours = _colours(award.colour)
    data = None
    if not link.revoked:
        data = credential(award, recipient, language, addresses, how.as_text())
    return _rendered(
        _award_template.render(
            page=page,
            site=site,
            award=award,
            language=language,
            words=language.words,
            drawn=language.drawn,
            addresses=addresses,
            title=title,
            description=description,
            open_graph=open_graph(link, language, addresses, description),
            credential=data,
            colours=colours.style,
            emblems=emblems,
            how=how,
            recipient=recipient,
            earned=earned,
            earned_on=long_date(earned, language),
            with_names=_with_names(award.organization_name, award.program_name),
            isolated=partial(isolated, language=language),
        ),
        colours.policy,
    )


def render_notice(notice: Notice, language: Language) -> Rendered:
    """A page that says why there is no award on it."""
    html = _notice_template.render(notice=notice, language=language)
    return _rendered(html, _policy(_CSS))


def _rendered(html: str, policy: str) -> Rendered:
    body = html.encode()
    return Rendered(body, f'"{blake2b(body, digest_size=16).hexdigest()}"', policy)


class _Colours(NamedTuple):
    """A style, and the policy of a page with it."""

    style: Markup
    policy: str


@lru_cache(maxsize=1024)
def _colours(colour: str) -> _Colours:
    """The award's colour, and what of it can be read as text on light and dark."""
    ink = ink_on(colour)
    accent = readable_on(_LIGHT, colour)
    dark_accent = readable_on(_DARK, colour, _BRIGHT)
    style = _COLOURS.format(
        colour=colour,
        ink=ink,
        engraved=mixed(colour, BLACK if ink == WHITE else WHITE, _ENGRAVED),
        accent=accent,
        on_accent=ink_on(accent),
        dark_accent=dark_accent,
        on_dark_accent=ink_on(dark_accent),
    )
    return _Colours(Markup(style), _policy(_CSS, style))


def _policy(*styles: str) -> str:
    """Content Security Policy, level 3: the page's own styles and pictures, nothing else from anywhere."""
    digests = (b64encode(sha256(style.encode()).digest()).decode() for style in styles)
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {hashes}",
            "img-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _with_names(organization: str, program: str | None) -> Callable[[str], Markup]:
    """For templates: fills names into phrases of ours, each in its own direction."""
    names = {"organization": organization, "program": program or organization}

    def isolated(name: re.Match[str]) -> str:
        return f'<bdi translate="no">{escape(names[name[1]])}</bdi>'

    return lambda phrase: Markup(_NAME.sub(isolated, phrase))
