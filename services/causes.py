"""The causes that a state has heard of, so that what comes again changes nothing."""

from typing import Self


class Causes:
    """A set that only grows. Adding gives another one in constant time: a history of n costs n to fold.

    All that came from one another share what they know; each knows how much of that is its own.
    """

    __slots__ = ("_count", "_known")

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._count = 0

    def __contains__(self, cause: object) -> bool:
        place = self._known.get(cause) if isinstance(cause, str) else None
        return place is not None and place < self._count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Causes) and self._own() == other._own()

    def __hash__(self) -> int:
        return hash(self._own())

    def __repr__(self) -> str:
        return f"Causes({sorted(self._own())})"

    def adding(self, cause: str) -> Self:
        """These and one more; this one stays as it is."""
        if cause in self:
            return self
        added = type(self)()
        added._known = self._known if 0 < self._count == len(self._known) else self._copy()
        added._known[cause] = self._count
        added._count = self._count + 1
        return added

    def _copy(self) -> dict[str, int]:
        """Of its own, for one that others have gone on from; and for the empty one, which all begin with."""
        return {cause: place for cause, place in self._known.items() if place < self._count}

    def _own(self) -> frozenset[str]:
        return frozenset(self._copy())
