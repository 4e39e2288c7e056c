"""Rule 24: names and texts in any script are drawn as their readers expect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sharing.drawing.characters import drawable, drawable_paragraphs
from services.sharing.drawing.paragraphs import Room, fit
from services.sharing.drawing.shaping import Line, Spelling, language_of, shape_line
from services.sharing.drawing.sheet import Sheet
from services.sharing.drawing.svg import SvgSurface

TEXT = Spelling("text", "en")


def visual(line: Line) -> str:
    """What stands on the line from left to right."""
    return "".join(cell.text for run in line.runs for cell in run.cells)


def lines_of(text: str, room: Room, spelling: Spelling = TEXT) -> list[str]:
    return [line.text for line in fit(text, spelling, "ltr", room).lines]


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("Zoë 👩‍👩‍👧 O’Brien 😀", "Zoë O’Brien"),
        ("1️⃣ Ann ❤️", "1 Ann"),
        ("😀", ""),
        ("Jose\u0301", "José"),
        ("می‌خواهم", "می‌خواهم"),
        ("tab\tand\nline", "tab and line"),
    ],
)
def test_emoji_are_left_out(given_text: str, shown: str) -> None:
    """What no font has is left out whole, without an empty box (rule 24)."""
    assert drawable(given_text, "display", 100) == shown


@pytest.mark.parametrize("language", ["en", "ar", "he"])
@pytest.mark.parametrize(
    "number", ["01234567-0123-4123-8123-0123456789ab", "00000000-1111-2222-3333-444444444444"]
)
def test_a_number_stays_in_order(language: str, number: str) -> None:
    """A certificate's number is read from left to right in any language, groups of digits, too (rule 24)."""
    sheet = Sheet(SvgSurface(842, 595), 842, language)
    block = sheet.numbered("رقم" if language == "ar" else "Number", number, 400, 8)
    (line,) = block.lines
    shown = visual(line)
    assert shown.endswith(number) if language == "en" else shown.startswith(number)
    assert line.text.endswith(f" · {number}")
    assert block.width <= 400
    assert sheet.numbered("Number", "7" * 500, 400, 8).width <= 400.001


@given(st.text())
def test_every_drawable_character_has_a_glyph(text: str) -> None:
    """Whatever a text holds, no box for a missing character is ever drawn (rule 24)."""
    line = shape_line(drawable(text, "display", 200), Spelling("display", "en"), "ltr")
    numbers = [part.number for run in line.runs for cell in run.cells for part in cell.parts]
    assert 0 not in numbers


def test_nobody_turns_a_text_over() -> None:
    """Characters that reverse or hide what follows have no effect (rule 24)."""
    assert drawable("paid \u202e001\u2066 \u200bby\ufeff\x00", "text", 100) == "paid 001 by"


def test_what_can_not_be_seen_is_no_text() -> None:
    """A line of characters that leave the paper white is empty; beside others they stay (rule 24)."""
    for text in ("\u200d", "\u200c \u034f", "\u3164", "\u115f\u1160", " \u200b", "\u2800"):
        assert drawable(text, "display", 200) == ""
    assert drawable("می\u200cخواهم", "display", 200) == "می\u200cخواهم"


def test_long_text_ends_with_an_ellipsis() -> None:
    """Text is bounded in length, and a reader sees that there was more (rule 24)."""
    assert drawable("word " * 1000, "text", 20) == "word word word word…"
    assert drawable_paragraphs("one\n\n two \r\nthree", "text", 100) == ("one", "two", "three")


def test_right_to_left_text_is_mirrored() -> None:
    """Arabic and Hebrew run from the right, numbers and Latin within them from the left."""
    assert visual(shape_line("שלום (עולם)", TEXT, "rtl")) == "(םלוע) םולש"
    assert visual(shape_line("ياسمين 2026", TEXT, "rtl")) == "2026 نيمساي"
    assert visual(shape_line("אנה (Anna)", TEXT, "rtl")) == "(Anna) הנא"


def test_letters_join_and_marks_stay() -> None:
    """Arabic letters take their joined forms, Indian ones their syllables (rule 24)."""
    alone, joined = shape_line("ه", TEXT, "rtl"), shape_line("ههه", TEXT, "rtl")
    shapes = {part.number for cell in joined.runs[0].cells for part in cell.parts}
    assert len(shapes - {part.number for part in alone.runs[0].cells[0].parts}) >= 2
    syllables = [cell.text for cell in shape_line("क्षि", TEXT, "ltr").runs[0].cells]
    assert syllables == ["क्षि"]


def test_han_characters_have_the_shapes_of_their_language() -> None:
    """One Han character differs between China, Taiwan and Japan (rule 24)."""
    shapes = {
        shape_line("骨", Spelling("text", language), "ltr").runs[0].cells[0].parts[0].number
        for language in ("zh-hans", "zh-hant", "ja")
    }
    assert len(shapes) == 3
    assert language_of("さくら 骨", "en") == "ja"
    assert language_of("骨", "zh-TW") == "zh-hant"
    assert language_of("骨", "en") == "zh-hans"
    assert language_of("Ada", "de-AT") == "de"


def test_lines_end_where_a_reader_would_end_them() -> None:
    """Thai is broken between words, Japanese between phrases, Latin at spaces (rule 24)."""
    narrow = Room(100, [10], 9, 1.4)
    thai = lines_of("สำหรับการสำเร็จหลักสูตรด้วยความใส่ใจ", narrow)
    assert thai[0] in ("สำหรับการสำเร็จ", "สำหรับการสำเร็จหลักสูตร")
    japanese = lines_of("エンジニアリング・リーダーシップの基礎", Room(120, [10], 3, 1.4))
    assert japanese == ["エンジニアリング・", "リーダーシップの基礎"]
    assert lines_of("one two three four five six", narrow) == ["one two three", "four five six"]


def test_text_gets_smaller_until_it_fits() -> None:
    """A long name is set smaller, then on more lines, and cut only at the very end (rule 24)."""
    room = Room(200, [40, 30, 20, 10], 2, 1.2)
    assert fit("Ada", TEXT, "ltr", room).size == 40
    assert fit("Ada Lovelace of Ockham Park", TEXT, "ltr", room).size == 20
    cut = fit("many words " * 30, TEXT, "ltr", room)
    assert (cut.size, len(cut.lines)) == (10, 2)
    assert cut.lines[1].text.endswith("…")
    assert "  " not in cut.text


@given(st.text(max_size=300), st.integers(20, 400))
def test_nothing_is_wider_than_its_place(text: str, width: int) -> None:
    """Whatever a text holds, its lines stay within their width and number (rule 24)."""
    shown = drawable(text, "strong", 200)
    block = fit(shown, Spelling("strong", "en"), "ltr", Room(width, [12, 9], 3, 1.4))
    assert len(block.lines) <= 3
    widest_character = 3 * block.size  # one that is wider than the place still has to be shown
    assert block.width <= max(1.02 * width, widest_character)  # kerning between words
