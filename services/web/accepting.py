"""Which form of an answer a client wants (RFC 9110, 12.5.1)."""

import re
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

_WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")  # RFC 9110, 12.4.2
_ANY: Final = "*/*"
_LONGEST_HEADER: Final = 1024  # what stands behind it is not read


def preferred(request: Request, *offers: str) -> str:
    """The media type among `offers` that the request's Accept wants most, of equal ones the first.

    The first one, too, where it wants none of them: that helps more than no answer.
    """
    return acceptable(request, *offers) or offers[0]


def acceptable(request: Request, *offers: str) -> str | None:
    """The same, but None where it wants none of them; without an Accept it wants any."""
    accept = ",".join(request.headers.getlist("accept"))
    qualities = _qualities(accept[:_LONGEST_HEADER]) or {_ANY: 1.0}

    def quality(offer: str) -> float:
        main, _, _ = offer.partition("/")
        ranges = (offer, f"{main}/*", _ANY)  # the more of a type one names, the more it counts
        return next((qualities[one] for one in ranges if one in qualities), 0.0)

    wanted = max(offers, key=quality)
    return wanted if quality(wanted) > 0 else None


def _qualities(accept: str) -> Mapping[str, float]:
    """What each media range weighs; of one that is named again the first counts."""
    qualities: dict[str, float] = {}
    for part in accept.split(","):
        media, *parameters = (one.strip().lower() for one in part.split(";"))
        weights = [one.removeprefix("q=") for one in parameters if one.startswith("q=")]
        if media and all(map(_WEIGHT.fullmatch, weights)):  # the rest is as if it were not there
            qualities.setdefault(media, float(weights[0]) if weights else 1.0)
    return qualities
