"""What is drawn: all of it is given, so that the same design gives the same bytes for ever."""

from typing import Literal

import icu
import msgspec

Paper = Literal["a4", "letter"]
Mark = Literal["preview", "revoked"]
_LETTER_WIDTH = 216


class CertificateDesign(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate as it was granted.

    `colour` is `#rrggbb`. `banner` and `logo` are files in PNG or JPEG; what can't be shown of them
    is left out. A recipient without a name, or with none that can be drawn, is a member. `earned_on`
    is the date in words, in the organization's zone and the reader's language, which is `language`
    (BCP 47): what the certificate says by itself is in it as far as we have it, else in English.
    With `page_url` it shows a QR code that leads there. `mark` is written across it.
    """

    title: str
    text: str
    colour: str
    banner: bytes | None = None
    logo: bytes | None = None
    organization_name: str
    program_name: str | None = None
    recipient_name: str | None
    criteria: str
    earned_on: str
    award_id: str
    page_url: str | None = None
    language: str = "en"
    paper: Paper = "a4"
    mark: Mark | None = None


class BadgeDesign(msgspec.Struct, frozen=True, kw_only=True):
    """A badge as it was granted; `code` is of the catalogue, others get artwork of no badge."""

    code: str
    title: str
    colour: str
    organization_name: str
    recipient_name: str | None
    earned_on: str
    language: str = "en"
    mark: Mark | None = None


def paper_of(locale: str) -> Paper:
    """The paper that is used where a locale (BCP 47) is from, by the CLDR; A4 where unknown."""
    name = icu.Locale.forLanguageTag(locale).getName()
    if not name:
        return "a4"
    _, width = icu.LocaleData(name).getPaperSize()
    return "letter" if width == _LETTER_WIDTH else "a4"
