"""What the owner's pages say, a file of words for each language that public pages speak, too."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from schemas.awards import Kind
from services.sharing.languages import LANGUAGES, Language


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Notice(_Words, frozen=True, forbid_unknown_fields=True):
    """A page that says why something else is not on it."""

    title: str
    text: str


class Notices(_Words, frozen=True, forbid_unknown_fields=True):
    signed_out: Notice
    not_found: Notice
    revoked: Notice
    out_of_date: Notice
    foreign: Notice
    unreachable: Notice


class Disabling(_Words, frozen=True, forbid_unknown_fields=True):
    """The page that asks before a link dies. `text` holds `{award}`."""

    title: str
    text: str
    another: str
    keep: str


class Words(_Words, frozen=True, forbid_unknown_fields=True):
    """Phrases may hold names such as `{organization}`."""

    title: str
    of: str
    none: str
    badge: str
    certificate: str
    earned_on: str
    revoked: str
    revoked_by: str
    private: str
    shared_link: str
    create_link: str
    copy_link: str
    copied: str
    copy_by_hand: str
    add_to_linkedin: str
    download: str
    disable_link: str
    disabling: Disabling
    first_page: str
    next_page: str
    sign_in: str
    sign_out: str
    back: str
    notices: Notices

    def kind(self, kind: Kind) -> str:
        return self.badge if kind == "badge" else self.certificate


def words_in(language: Language) -> Words:
    """Our words in a language."""
    return _WORDS[language.tag]


_FILES: Final = Path(__file__).with_name("languages")
_WORDS: Final[Mapping[str, Words]] = {
    tag: msgspec.toml.decode((_FILES / f"{tag}.toml").read_bytes(), type=Words) for tag in LANGUAGES
}
