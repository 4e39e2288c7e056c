"""Which form of an answer a client wants (RFC 9110, 12.5.1)."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from starlette.requests import Request

_WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")  # RFC 9110, 12.4.2


class _Range(NamedTuple):
    """A media range of an Accept header; the more of a type it names, the more it counts."""

    type: str
    quality: float

    def exactness(self, offer: str) -> int:
        """How exactly it names the offer: 0 not at all, 3 by name."""
        main, _, _ = offer.partition("/")
        return {offer: 3, f"{main}/*": 2, "*/*": 1}.get(self.type, 0)


def preferred(request: Request, *offers: str) -> str:
    """The media type among `offers` that the request's Accept wants most, of equal ones the first.

    The first one, too, where it wants none of them: that helps more than no answer.
    """
    return acceptable(request, *offers) or offers[0]


def acceptable(request: Request, *offers: str) -> str | None:
    """The same, but None where it wants none of them; without an Accept it wants any."""
    ranges = list(_ranges(",".join(request.headers.getlist("accept")) or "*/*"))

    def quality(offer: str) -> float:
        naming = [one for one in ranges if one.exactness(offer)]
        return max(naming, key=lambda one: one.exactness(offer)).quality if naming else 0.0

    wanted = max(offers, key=quality)
    return wanted if quality(wanted) > 0 else None


def _ranges(accept: str) -> Iterator[_Range]:
    for part in accept.split(","):
        media, *parameters = (one.strip().lower() for one in part.split(";"))
        weights = [one.removeprefix("q=") for one in parameters if one.startswith("q=")]
        if all(map(_WEIGHT.fullmatch, weights)):  # what can't be read is as if it were not there
            yield _Range(media, float(weights[0]) if weights else 1.0)
