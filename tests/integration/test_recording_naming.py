"""How a person is found in bytes, so that no dead letter that names somebody erased is overlooked. Rule 27."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.achievements.dead_letters import readable
from services.achievements.people import Naming

NAME = "José O'Brien"


@pytest.mark.parametrize(
    "value",
    [
        '{"note":"José O\'Brien, thank you"}'.encode(),
        b'{"note":"Jos\\u00e9 O\'Brien"}',
        b'{"note":"Jos\\u00E9 O\\u0027Brien"}',
        b'{"note":"\\u004a\\u006f\\u0073\\u00e9\\u0020O\'Brien"}',
        b'{"note":"\\nJos\\u00e9 O\'Brien\\n"}',
        b"Jos\xe9 O'Brien \xff in another encoding",
        "½ {José O'Brien".encode(),
        "José O'Brien's".encode(),
    ],
)
def test_however_it_is_written(value: bytes) -> None:
    """A name is found raw or escaped in any way that JSON allows, in broken JSON and in Latin-1, too."""
    assert Naming([NAME]).is_in(readable(None, value, ()))
    assert Naming(["nobody", NAME]).is_in(readable(value, None, ()))
    assert Naming([NAME]).is_in(readable(None, None, [("x", None), ("y", value)]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("user-1", "user-10 user-1-2 xuser-1 1user-1 user-1_b a-user-1 user-1.5 user-1@x"),
        ("Ann", "Anna Joann ann anN"),
        ("Ann", "Ann-Marie Mary-Ann ann.Ann Ann@example.org x@Ann"),
        (
            "ada@example.org",
            "bada@example.org ada@example.org.uk x.ada@example.org ada@example.orgs",
        ),
        ("Zoë", "Zoëy Azoë"),
        ("5", "15 55 5.5 v5"),
        ("Member 1", "Member 10 Member 1a"),
    ],
)
def test_another_persons_name_is_another_name(name: str, text: str) -> None:
    """Part of a longer word, number or address names somebody else."""
    assert not Naming([name]).is_in(text)
    assert Naming([name]).is_in(f"{text} {name}, {text}")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("李明", "感谢李明的帮助"),
        ("김민수", "김민수가"),
        ("สมชาย", "คุณสมชายครับ"),
        ("みどり", "みどりさん"),
    ],
)
def test_scripts_without_spaces(name: str, text: str) -> None:
    """Where a script puts no space between words, a name is found within others."""
    assert Naming([name]).is_in(text)


def test_nobody_is_nowhere() -> None:
    """Without anything that told who it was, nobody is found."""
    assert not Naming([]).is_in("anything")


@settings(deadline=None, max_examples=40)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.booleans())
def test_any_name_in_json(name: str, is_escaped: bool) -> None:
    """Any name is found as a value in JSON, whether what is beyond ASCII is escaped or not."""
    value = json.dumps({"user_id": "x", "display_name": name}, ensure_ascii=is_escaped).encode()
    assert Naming([name]).is_in(readable(b"acme", value, ()))


@settings(deadline=None, max_examples=40)
@given(st.none() | st.binary(), st.binary())
def test_any_bytes_are_readable(key: bytes | None, value: bytes) -> None:
    """Whatever the bytes are, there is a text to look into."""
    assert readable(key, value, [("h", value), ("h", None)]).encode()
