"""Public pages for tests: as they are asked for, and one of each kind."""

import asyncio
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from services.sharing.pages import PageCache, Pages, refuse_page
from services.sharing.public import Refusal
from services.sharing.reading import PublicLink
from services.sharing.rendering import Site
from tests.sharing_samples import BADGE, CERTIFICATE, public_link

PUBLIC_URL: Final = "https://awards.example"
TOKEN: Final = "token"
SITE: Final = Site(PUBLIC_URL, has_credentials=True)

EARNED_BADGE: Final = replace(
    BADGE,
    count=10,
    first_at=datetime(2026, 3, 5, 9, tzinfo=UTC),
    earned_at=datetime(2026, 6, 14, 12, tzinfo=UTC),
)
EARNED_CERTIFICATE: Final = replace(
    CERTIFICATE,
    how="automatic",
    text="For five conversations, each prepared, held and reflected upon together.",
    count=5,
    first_at=EARNED_BADGE.first_at,
    earned_at=EARNED_BADGE.earned_at,
    banner="sha256:banner",
    logo="sha256:logo",
)
_MARKUP: Final = "\"><script>alert(1)</script><b title='x'>&amp;</b> <!-- "
_LONG: Final = "Wolfeschlegelsteinhausenbergerdorff " * 5


class Held:
    """Pictures that we hold, by asset id."""

    def __init__(self, *pictures: str) -> None:
        self._pictures = pictures

    async def has(self, organization_id: str, asset_id: str | None) -> bool:
        return asset_id in self._pictures


def pages(*pictures: str, cache: PageCache | None = None) -> Pages:
    """The pages of a site that holds these pictures."""
    return Pages(SITE, Held(*pictures), cache)


def request_for(language: str = "en", if_none_match: str | None = None) -> Request:
    """A reader's request for the page of `TOKEN`."""
    headers = [(b"accept-language", language.encode())]
    if if_none_match is not None:
        headers.append((b"if-none-match", if_none_match.encode()))
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": f"/s/{TOKEN}",
            "path_params": {"token": TOKEN},
            "headers": headers,
        }
    )


def rendered(link: PublicLink, language: str = "en") -> str:
    """The page of a link in HTML."""
    return bytes(answered(link, language).body).decode()


def answered(link: PublicLink, language: str = "en", *, pictures: bool = False) -> Response:
    """What a reader of a link gets."""
    held = (link.award.banner, link.award.logo) if pictures else ()
    site = pages(*(picture for picture in held if picture))
    return asyncio.run(site.show(request_for(language), link))


def sample_answers() -> dict[str, Response]:
    """Every kind of page, and what may be hard about one, by name."""
    strange = replace(
        EARNED_CERTIFICATE, title=_MARKUP, organization_name=_MARKUP, program_name=_MARKUP
    )
    long = replace(EARNED_CERTIFICATE, title=_LONG, organization_name=_LONG, program_name=_LONG)
    later = replace(EARNED_BADGE, code="listener", title="Listener", colour="#ffffff", text="")
    nobody = replace(CERTIFICATE, colour="#ffe45c")
    arabic = {"recipient_name": "ليلى حداد"}
    refused = {refusal.name.lower(): refuse_page(request_for("en"), refusal) for refusal in Refusal}
    return {
        "badge": answered(public_link(EARNED_BADGE)),
        "badge in Arabic": answered(public_link(EARNED_BADGE, **arabic), "ar"),
        "later badge": answered(public_link(later), "de"),
        "certificate": answered(public_link(EARNED_CERTIFICATE)),
        "certificate in Arabic": answered(
            public_link(EARNED_CERTIFICATE, **arabic), "ar", pictures=True
        ),
        "with pictures": answered(public_link(EARNED_CERTIFICATE), "fr", pictures=True),
        "of nobody, by hand": answered(public_link(nobody, recipient_name=None), "es"),
        "long": answered(public_link(long, recipient_name=_LONG), "de"),
        "markup": answered(public_link(strange, recipient_name=_MARKUP)),
        "revoked badge": answered(public_link(EARNED_BADGE, revoked=True)),
        "revoked certificate": answered(public_link(EARNED_CERTIFICATE, revoked=True), "fr"),
        **refused,
        "disabled in Arabic": refuse_page(request_for("ar"), Refusal.DISABLED),
    }


def sample_pages() -> dict[str, str]:
    """The same in HTML."""
    return {name: bytes(answer.body).decode() for name, answer in sample_answers().items()}
