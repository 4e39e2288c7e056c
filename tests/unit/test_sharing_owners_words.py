"""The words of the owner's pages, in each language."""

import re
from collections.abc import Iterator

import msgspec
import pytest

from services.sharing.languages import DEFAULT, LANGUAGES
from services.sharing.owners.rendering import filled
from services.sharing.owners.words import words_in

ENGLISH = words_in(LANGUAGES[DEFAULT])


def phrases(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from phrases(inner, f"{path}.{name}")


def test_the_products_words() -> None:
    """What can be done with an award is called what the product calls it."""
    assert ENGLISH.copy_link == "Copy Link"
    assert ENGLISH.add_to_linkedin == "Add to LinkedIn"
    assert ENGLISH.download == "Download"
    assert ENGLISH.disable_link == "Disable Shared Link"


@pytest.mark.parametrize("tag", sorted(LANGUAGES))
def test_every_language_says_everything(tag: str) -> None:
    """Each phrase is there in each language, with the names that it has in English."""
    said = dict(phrases(msgspec.to_builtins(words_in(LANGUAGES[tag]))))
    english = dict(phrases(msgspec.to_builtins(ENGLISH)))
    assert said.keys() == english.keys()
    for path, phrase in said.items():
        assert phrase.strip(), path
        assert re.findall(r"{\w+}", phrase) == re.findall(r"{\w+}", english[path]), path


def test_names_in_phrases_are_text() -> None:
    """A name in a phrase is neither markup nor a phrase, and keeps its own direction to itself."""
    said = filled("<i>{name}</i>", name="<b>{name}</b> {0} %s")
    assert said == "&lt;i&gt;<bdi>&lt;b&gt;{name}&lt;/b&gt; {0} %s</bdi>&lt;/i&gt;"
