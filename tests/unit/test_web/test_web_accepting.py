"""Which of several forms is sent (RFC 9110, 12.5.1)."""

import pytest
from starlette.requests import Request

from services.web.accepting import preferred

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
    ],
)
def test_the_most_wanted_form_is_sent(accepts: list[str], expected: str) -> None:
    """The more exact range decides on a form, then its weight, then our order; else the first form."""
    assert preferred(request(*accepts), *OFFERS) == expected
