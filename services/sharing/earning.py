"""How an award was earned, in a sentence with the facts."""

from typing import Final, NamedTuple

from markupsafe import Markup, escape

from schemas.links import AwardReceived
from services.sharing.dates import months
from services.sharing.languages import ByCount, Earned, Language
from services.sharing.names import isolated
from services.zones import in_zone

_ISSUERS_LANGUAGE: Final = "en"


class Sentence(NamedTuple):
    """A sentence in the language of the tag; `program` stands for its `{program}`, if it has that."""

    phrase: str
    tag: str
    program: str | None = None

    def as_text(self) -> str:
        return (
            self.phrase if self.program is None else self.phrase.replace("{program}", self.program)
        )

    def isolated(self, language: Language) -> str:
        """The same for a text of the language that can't hold markup."""
        if self.program is None:
            return isolated(self.phrase, language)
        return self._replace(program=isolated(self.program, language)).as_text()

    def as_html(self) -> Markup:
        """The program's name is set in its own direction."""
        phrase = escape(self.phrase)
        if self.program is None:
            return phrase
        return phrase.replace("{program}", Markup(f"<bdi>{escape(self.program)}</bdi>"))


def how_earned(award: AwardReceived, language: Language) -> Sentence:
    """What the member did, and when; the issuer's own words where we don't know or can't tell."""
    earned = language.words.earned
    program = award.program_name
    if award.how == "manual" and program is not None:
        return Sentence(earned.by_hand, language.tag, program)
    phrases = _phrases(award, earned)
    if award.count is None or phrases is None:
        return Sentence(award.criteria, _ISSUERS_LANGUAGE)
    count = language.number(award.count)
    phrase = language.counted(phrases, award.count).replace("{count}", count)
    when = _when(award, language)
    return Sentence(
        f"{phrase} {when}" if when else phrase,
        language.tag,
        program if award.kind == "certificate" else None,
    )


def _phrases(award: AwardReceived, earned: Earned) -> ByCount | None:
    """None for an award that we have no words for: a badge of later days."""
    match award.code:
        case "mentor" | "super_mentor":
            return earned.sessions_as_mentor
        case "mentee":
            return earned.sessions_as_mentee
        case "connector":
            return earned.people_met
        case "certificate" if award.program_name is not None:
            return earned.sessions_with_feedback
        case _:
            return None


def _when(award: AwardReceived, language: Language) -> str | None:
    if award.first_at is None:
        return None
    first, last = (in_zone(at, award.timezone) for at in (award.first_at, award.earned_at))
    return months(first, last, language)
