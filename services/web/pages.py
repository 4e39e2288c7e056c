"""Query parameters that calls share: cursor pages, ids and instants."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from fastapi import Depends, Query
from pydantic import AfterValidator, BeforeValidator

from schemas import checks
from services.web.problems import invalid_field

T = TypeVar("T")
Key = TypeVar("Key")

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000
_MAX_CURSOR_CHARACTERS: Final = 4096


class Page(msgspec.Struct, Generic[T]):
    """A page of items; `next` is the cursor of the page behind it, null on the last one."""

    items: Sequence[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page is asked for: at most `limit` items, behind `cursor`."""

    limit: int
    cursor: str | None

    def after(self, key_type: type[Key]) -> Key | None:
        """The key behind which the page begins, None for the first; problem 422 naming `cursor`.

        The key is what anybody sends: it decides where to go on, never what may be seen.
        """
        if self.cursor is None:
            return None
        try:
            return _decode_cursor(self.cursor, key_type)
        except (ValueError, msgspec.DecodeError, RecursionError):
            raise invalid_field("cursor", "must be a cursor that this call has given") from None

    def page(self, found: Sequence[T], key: Callable[[T], Any]) -> Page[T]:
        """The page, out of the first `limit + 1` items behind the cursor.

        The one too many tells that another page follows. `key` gives an item's sort key: unique, of
        JSON types and instants.
        """
        items = found[: self.limit]
        more = len(found) > self.limit
        return Page(items, _encode_cursor(key(items[-1])) if more else None)


async def _page_query(
    limit: Annotated[
        int, Query(ge=1, le=MAX_LIMIT, description="How many items a page holds at most.")
    ] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None,
        Query(
            max_length=_MAX_CURSOR_CHARACTERS,
            description="`next` of the page before; without it, the first page.",
        ),
    ] = None,
) -> PageQuery:
    return PageQuery(limit, cursor)


Paging = Annotated[PageQuery, Depends(_page_query)]
"""`?limit=&cursor=` of a call."""


def _must_be_id(value: str) -> str:
    problem = checks.id_problem(value)
    if problem is not None:
        raise ValueError(problem)
    return value


QueryId = Annotated[str, AfterValidator(_must_be_id)]
"""An id as a query parameter."""

QueryInstant = Annotated[datetime, BeforeValidator(checks.instant)]
"""An RFC 3339 time with an offset as a query parameter; in UTC."""


def _encode_cursor(key: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def _decode_cursor(cursor: str, key_type: type[Key]) -> Key:
    padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
    document = base64.b64decode(padded, altchars=b"-_", validate=True)
    if b"\\u0000" in document:  # no key of ours holds NUL, and no database takes it
        raise ValueError("NUL")
    return msgspec.json.decode(document, type=key_type)
