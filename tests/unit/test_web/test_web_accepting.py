"""Which of several forms is sent (RFC 9110, 12.5.1)."""

from time import process_time

import pytest
from starlette.requests import Request

from services.web.accepting import acceptable, preferred

OFFERS = ("application/json", "text/plain", "text/csv")


def request(*accepts: str) -> Request:
    headers = [(b"accept", accept.encode()) for accept in accepts]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("accepts", "expected"),
    [
        ([], "application/json"),
        (["*/*"], "application/json"),
        (["text/plain"], "text/plain"),
        (["TEXT/Plain;charset=utf-8"], "text/plain"),
        (["text/*"], "text/plain"),
        (["text/plain;q=0.5, text/csv"], "text/csv"),
        (["text/plain; q=0.5", "text/csv; q=0.4"], "text/plain"),
        (["text/*, text/plain;q=0.1"], "text/csv"),
        (["*/*;q=0.1, text/*;q=0"], "application/json"),
        (["application/json;q=0, */*"], "text/plain"),
        (["image/png"], "application/json"),
        (["text/plain;q=often, text/csv;q=0.1"], "text/csv"),
        (["text/plain;q=nan"], "application/json"),
        ([",,;"], "application/json"),
        (["text/csv;q=0.1, text/plain;q=0.5, text/csv"], "text/plain"),
        (["text/plain,,,", ",, text/csv;q=0.5"], "text/plain"),
    ],
)
def test_the_most_wanted_form_is_sent(accepts: list[str], expected: str) -> None:
    """The more exact range decides on a form, then its weight, then our order; else the first form."""
    assert preferred(request(*accepts), *OFFERS) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [(None, OFFERS[0]), ("", OFFERS[0]), (",", OFFERS[0]), ("image/png", None), ("*/*;q=0", None)],
)
def test_who_wants_none_of_the_forms_is_known(accept: str | None, expected: str | None) -> None:
    """Whoever says nothing takes any form; whoever says only others takes none."""
    assert acceptable(request() if accept is None else request(accept), *OFFERS) == expected


@pytest.mark.parametrize("part", [",", "a,", "*/*,", ";q=1,", "a;", "text/plain;q=0.1,", " "])
def test_a_long_header_costs_no_more_than_a_short_one(part: str) -> None:
    """What a stranger can send in a header keeps nobody waiting: a hundred of them take no second."""
    long = request("text/csv," + part * (60_000 // len(part)))
    began = process_time()
    for _ in range(100):
        assert preferred(long, *OFFERS) in OFFERS
    assert process_time() - began < 1
