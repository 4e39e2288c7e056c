"""What a mail says of an award, as plain text and as HTML.

Templates put every name apart from the words around it, so that a name in another script, or one that is written
the other way, leaves the sentence whole: by `<bdi>` in HTML, by Unicode's isolates (UAX #9, 2.7) in text.
"""

import re
import unicodedata
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from schemas.journal import AwardGranted
from services.achievements.mail.languages import Language, Sentence

TEMPLATES: Final = Path(__file__).with_name("templates")
_MAX_SUBJECT_CHARACTERS: Final = 150
# Controls, line and paragraph separators; and what changes the direction of all that follows (UAX #9, 2).
_BREAKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class AwardMail(NamedTuple):
    """All that a mail says. `colour` is the award's own, `ink` what can be read on it."""

    language: Language
    subject: str
    congratulations: Sentence
    lead: Sentence
    kind: str
    title: str
    colour: str
    ink: str
    facts: list[tuple[str, Sentence]]
    reason: Sentence
    unsubscribe: str
    unsubscribe_url: str


def award_mail(
    award: AwardGranted, name: str, language: Language, unsubscribe_url: str
) -> AwardMail:
    """What a member of this name is told of an award."""
    words = language.words.mail
    organization = {"organization": one_line(award.organization_name)}
    return AwardMail(
        language=language,
        subject=_shortened(words.subject.of(award.kind).format(title=one_line(award.title))),
        congratulations=Sentence(words.congratulations, {"name": one_line(name)}),
        lead=Sentence(words.lead.of(award.kind), organization),
        kind=words.kind.of(award.kind),
        title=one_line(award.title),
        colour=award.colour,
        ink=readable_on(award.colour),
        facts=_facts(award, language),
        reason=Sentence(words.reason, organization),
        unsubscribe=words.unsubscribe,
        unsubscribe_url=unsubscribe_url,
    )


def _facts(award: AwardGranted, language: Language) -> list[tuple[str, Sentence]]:
    words = language.words.mail
    facts = [
        (words.earned_on, _just(language.long_date(award.earned_at, award.timezone))),
        (words.criteria, language.criteria(award)),
    ]
    if award.program_name is not None:
        facts.insert(0, (words.program, _just(award.program_name)))
    return facts


def _just(name: str) -> Sentence:
    return Sentence("{name}", {"name": one_line(name)})


def one_line(text: str) -> str:
    """The text without line breaks, control characters and what overrides the direction of others."""
    return _BREAKS.sub(" ", text).strip()


def _shortened(subject: str) -> str:
    if len(subject) <= _MAX_SUBJECT_CHARACTERS:
        return subject
    return subject[: _MAX_SUBJECT_CHARACTERS - 1].rstrip() + "…"


def as_text(mail: AwardMail) -> str:
    """The mail in plain text."""
    return _TEXT.get_template("award.txt").render(mail=mail, direction=mail.language.direction)


def as_html(mail: AwardMail) -> str:
    """The mail in HTML: no script, nothing fetched from anywhere, legible without its style sheet."""
    return HTML.get_template("award.html").render(mail=mail, direction=mail.language.direction)


def said_in_text(sentence: Sentence, direction: str) -> str:
    """A sentence for plain text that is written in this direction."""
    return sentence.phrase.format(
        **{name: _isolated(value, direction) for name, value in sentence.names.items()}
    )


def _isolated(value: str, direction: str) -> str:
    others = ("R", "AL") if direction == "ltr" else ("L",)
    if any(unicodedata.bidirectional(character) in others for character in value):
        return f"\N{FIRST STRONG ISOLATE}{value}\N{POP DIRECTIONAL ISOLATE}"
    return value


def said_in_html(sentence: Sentence) -> Markup:
    """A sentence for HTML."""
    names = {name: Markup("<bdi>{}</bdi>").format(value) for name, value in sentence.names.items()}
    return escape(sentence.phrase).format(**names)


def readable_on(colour: str) -> str:
    """Black or white, whichever contrasts more with `#rrggbb` (WCAG 2.2, relative luminance)."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if luminance > 0.179 else "#ffffff"  # where both contrasts are equal


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _environment(**options: Any) -> Environment:
    """Templates that refuse names they are not given."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        **options,
    )


_TEXT: Final = _environment(autoescape=False, keep_trailing_newline=True)
_TEXT.filters["said"] = said_in_text
HTML: Final = _environment(autoescape=True)
HTML.filters["said"] = said_in_html
