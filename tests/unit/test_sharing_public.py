"""What all that lies under a link has in common: whether a reader has it already."""

from time import process_time

import pytest

from services.sharing.public import matches

TAG = '"83a18f3d5eb4bab91c8438ef88dc9f9b"'


@pytest.mark.parametrize(
    ("if_none_match", "expected"),
    [
        (TAG, True),
        (f"W/{TAG}", True),
        (f'"another", {TAG}', True),
        (f'W/"another",W/{TAG} , "third"', True),
        ("*", True),
        ('"another"', False),
        (TAG.strip('"'), False),
        ("", False),
        (",", False),
    ],
)
def test_a_reader_who_has_it_is_known(if_none_match: str, expected: bool) -> None:
    """Rule 22: a tag is found among several, compared weakly (RFC 9110, 13.1.2)."""
    assert matches(if_none_match, TAG) is expected


@pytest.mark.parametrize("flood", [",", '"a",', " ", "W/", "*"])
def test_a_flood_of_tags_keeps_nobody_waiting(flood: str) -> None:
    """What a stranger can send in a header costs two milliseconds at most."""
    long = flood * (60_000 // len(flood))
    began = process_time()
    assert not any(matches(long, TAG) for _ in range(100))
    assert process_time() - began < 0.2
