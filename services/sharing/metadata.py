"""What a page tells programs about itself: Open Graph, oEmbed's discovery, schema.org (rule 25)."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec
from markupsafe import Markup

from schemas.links import AwardReceived
from services.sharing.languages import Language
from services.sharing.names import bare, isolated, shown_name
from services.sharing.public import PREFIX
from services.sharing.reading import PublicLink

IMAGE_WIDTH: Final = 1200
IMAGE_HEIGHT: Final = 630
OEMBED_PATH: Final = "/oembed"
_ESCAPES: Final = {character: f"\\u{ord(character):04x}" for character in "<>&"}


class Addresses(msgspec.Struct, frozen=True):
    """Where a link's page and what goes with it are found, as readers reach them."""

    public_url: str
    token: str

    @property
    def page(self) -> str:
        return f"{self.public_url}{PREFIX}{self.token}"

    @property
    def image(self) -> str:
        return f"{self.page}/image.png"

    @property
    def oembed(self) -> str:
        return f"{self.public_url}{OEMBED_PATH}?url={quote(self.page, safe='')}&format=json"


def headline(link: PublicLink, language: Language) -> str:
    """The award in a line: what LinkedIn proposes as the title of a post."""
    award, words = link.award, language.words.headline
    title, recipient = isolated(award.title, language), shown_name(link.recipient_name)
    if link.revoked:
        return words.revoked.format(title=title)
    if recipient is None:
        organization = isolated(award.organization_name, language)
        return words.unknown.format(title=title, organization=organization)
    return words.known.format(title=title, recipient=isolated(recipient, language))


def open_graph(
    link: PublicLink, language: Language, addresses: Addresses, description: str
) -> Sequence[tuple[str, str]]:
    """Properties and their contents (ogp.me), in order: those of the image follow it."""
    title = headline(link, language)
    return (
        ("og:type", "website"),
        ("og:title", title),
        ("og:description", description),
        ("og:url", addresses.page),
        ("og:site_name", bare(link.award.organization_name)),
        ("og:locale", language.open_graph_locale),
        ("og:image", addresses.image),
        ("og:image:type", "image/png"),
        ("og:image:width", str(IMAGE_WIDTH)),
        ("og:image:height", str(IMAGE_HEIGHT)),
        ("og:image:alt", title),
    )


def credential(
    award: AwardReceived, recipient: str | None, language: Language, addresses: Addresses, how: str
) -> Markup:
    """The award as schema.org's EducationalOccupationalCredential, in JSON that HTML can hold."""
    issuer = {"@type": "Organization", "name": award.organization_name}
    document: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "EducationalOccupationalCredential",
        "@id": addresses.page,
        "url": addresses.page,
        "identifier": award.award_id,
        "name": award.title,
        "description": award.text or how,
        "credentialCategory": language.drawn.badge
        if award.kind == "badge"
        else language.drawn.certificate,
        "competencyRequired": how,
        "recognizedBy": issuer,
        "dateCreated": award.earned_at.isoformat(),
        "image": addresses.image,
        "inLanguage": language.tag,
    }
    if recipient is not None:
        document["about"] = {"@type": "Person", "name": recipient}
    return as_data_block(document)


def as_data_block(document: Any) -> Markup:
    """JSON that can't end the script element it stands in, nor begin anything in it."""
    written = msgspec.json.encode(document).decode()
    for character, escaped in _ESCAPES.items():
        written = written.replace(character, escaped)
    return Markup(written)
