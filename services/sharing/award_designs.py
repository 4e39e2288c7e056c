"""From an award to what is drawn of it: the same for everybody who may see it.

A certificate belongs to its recipient, so its paper and its words are theirs, not its reader's.
"""

from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

import icu

from schemas.links import AwardReceived
from services.sharing.achievements_client import Organization
from services.sharing.dates import long_date
from services.sharing.drawing import BadgeDesign, CertificateDesign, Mark, Paper, paper_of
from services.sharing.earning import how_earned
from services.sharing.languages import DEFAULT, LANGUAGES, Language
from services.sharing.reading import Recipient
from services.zones import in_zone


def certificate_design(
    award: AwardReceived,
    recipient: Recipient,
    *,
    page_url: str | None = None,
    mark: Mark | None = None,
) -> CertificateDesign:
    """A certificate as it was granted, without the files of its banner and logo."""
    habits = _habits(recipient.locale)
    return CertificateDesign(
        title=award.title,
        text=award.text,
        colour=award.colour,
        organization_name=award.organization_name,
        program_name=award.program_name,
        recipient_name=recipient.name,
        criteria=how_earned(award, habits.language).as_text(),
        earned_on=long_date(in_zone(award.earned_at, award.timezone), habits.language),
        award_id=award.award_id,
        page_url=page_url,
        language=habits.tag,
        paper=habits.paper,
        mark=mark,
    )


def badge_design(
    award: AwardReceived, recipient: Recipient, *, mark: Mark | None = None
) -> BadgeDesign:
    """A badge as it was granted."""
    habits = _habits(recipient.locale)
    return BadgeDesign(
        code=award.code,
        title=award.title,
        colour=award.colour,
        organization_name=award.organization_name,
        recipient_name=recipient.name,
        earned_on=long_date(in_zone(award.earned_at, award.timezone), habits.language),
        language=habits.tag,
        mark=mark,
    )


class Wanted(NamedTuple):
    """What an admin has thought of so far."""

    name: str
    text: str
    colour: str


def preview_design(
    wanted: Wanted, organization: Organization | None, locale: str | None, now: datetime
) -> CertificateDesign:
    """A certificate that nobody holds: of somebody who doesn't exist, earned now, marked as a preview.

    What nobody has told of the organization is said in words that fit any.
    """
    habits = _habits(locale)
    sample = _SAMPLES[habits.language.tag]
    timezone = organization.timezone if organization else "UTC"
    return CertificateDesign(
        title=wanted.name,
        text=wanted.text,
        colour=wanted.colour,
        organization_name=organization.name if organization else sample.organization,
        recipient_name=sample.recipient,
        criteria=sample.criteria,
        earned_on=long_date(in_zone(now, timezone), habits.language),
        award_id=_NO_AWARD,
        language=habits.tag,
        paper=habits.paper,
        mark="preview",
    )


class _Habits(NamedTuple):
    """What a locale says of certificates; the language is the nearest that we have words in."""

    tag: str
    language: Language
    paper: Paper


@lru_cache(maxsize=1024)
def _habits(locale: str | None) -> _Habits:
    tag = _language_tag(locale)
    if tag is None:
        return _Habits(DEFAULT, LANGUAGES[DEFAULT], "a4")
    language = LANGUAGES.get(tag.partition("-")[0], LANGUAGES[DEFAULT])
    return _Habits(tag, language, paper_of(tag))


def _language_tag(locale: str | None) -> str | None:
    """The language tag (BCP 47) of a member's locale, None where it names no language."""
    try:
        found = icu.Locale.forLanguageTag((locale or "").replace("_", "-"))
    except icu.ICUError:
        return None
    return str(found.toLanguageTag()) if found.getLanguage() else None


class _Sample(NamedTuple):
    recipient: str
    organization: str
    criteria: str


_NO_AWARD: Final = "00000000-0000-0000-0000-000000000000"
_SAMPLES: Final = {
    "en": _Sample("Robin Morgan", "Your organization", "How it was earned is told here."),
    "fr": _Sample("Camille Martin", "Votre organisation", "Ici est dit comment il a été obtenu."),
    "es": _Sample("Álex García", "Su organización", "Aquí se indica cómo se obtuvo."),
    "de": _Sample("Kim Schröder", "Ihre Organisation", "Hier steht, wie es erworben wurde."),
    "ar": _Sample("نور حداد", "مؤسستكم", "يُذكر هنا كيف تم الحصول عليها."),
}
