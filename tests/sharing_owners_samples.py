"""The owner's pages, as they are served, of awards in every state."""

from collections.abc import Iterator

from msgspec.structs import replace

from services.sharing.languages import LANGUAGES, Language
from services.sharing.owners import rendering
from services.sharing.owners.rendering import Card
from services.sharing.owners.words import words_in
from services.sharing.reading import OwnedAward
from tests.sharing_samples import BADGE, CERTIFICATE, LINK

ROOT = "/me/awards"
_EVIL = "\"><i>{{ 7*7 }}</i> & 'quoted' \u202e"
_OWNED = (
    OwnedAward(BADGE, False, True, None, None),
    OwnedAward(replace(BADGE, award_id="award-3"), False, True, "token-3", LINK),
    OwnedAward(CERTIFICATE, False, True, "token-2", LINK),
    OwnedAward(replace(CERTIFICATE, award_id="award-4"), True, True, "token-4", LINK),
    OwnedAward(replace(CERTIFICATE, award_id="award-5"), True, True, None, None),
    OwnedAward(
        replace(CERTIFICATE, award_id="award-6", title=_EVIL, program_name=_EVIL),
        False,
        True,
        "token-6",
        LINK,
    ),
)


def owner_pages() -> dict[str, str]:
    """Pages by name."""
    return {
        f"owner {name} {tag}": page for tag in ("en", "ar") for name, page in _pages(LANGUAGES[tag])
    }


def _pages(language: Language) -> Iterator[tuple[str, str]]:
    def page(template: str, **shown: object) -> str:
        usual = {"root": ROOT, "sign_out": "/session/end", "form_key": "0" * 64, "cursor": "a+b="}
        return bytes(rendering.html(template, language, 200, **(usual | shown)).body).decode()

    cards = [Card.of(owned, language, "https://awards.example", ROOT) for owned in _OWNED]
    yield "list", page("awards.html", name=_EVIL, cards=cards, next="c+d=")
    yield "empty list", page("awards.html", name=None, cards=[], next=None, cursor=None)
    yield "question", page("disable.html", card=cards[1], is_another=False)
    yield "other question", page("disable.html", card=cards[5], is_another=True)
    said = words_in(language).notices.signed_out
    yield "notice", page("notice.html", notice=said, way=("Sign in", "https://platform.example"))
