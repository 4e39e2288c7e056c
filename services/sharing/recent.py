"""What was used lately, kept in memory for as long as it may be: it holds people's names."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from time import monotonic
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

KEPT_SECONDS: Final = 540.0
"""Nobody asks for what shows a name any more once its owner is erased, and minutes later it is gone: less than ten, with
the time that a drawing may take.
"""


class _Kept(Generic[Value]):
    __slots__ = ("size_bytes", "used_at", "value")

    def __init__(self, value: Value, size_bytes: int) -> None:
        self.value = value
        self.size_bytes = size_bytes
        self.used_at = monotonic()


class Recent(Generic[Key, Value]):
    """Values by key, up to a size in bytes. What was not used for KEPT_SECONDS is forgotten.

    Used from one event loop.
    """

    def __init__(self, size_bytes: int) -> None:
        self._room = size_bytes
        self._kept: OrderedDict[Key, _Kept[Value]] = OrderedDict()  # the last used comes last
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Value | None:
        """The value kept under a key, which is used by that."""
        found = self._kept.get(key)
        if found is None:
            return None
        found.used_at = monotonic()
        self._kept.move_to_end(key)
        return found.value

    def keep(self, key: Key, value: Value, size_bytes: int) -> None:
        """Keeps a value, in place of another under its key; those that were used least lately make room."""
        self._forget(key)
        self._kept[key] = _Kept(value, size_bytes)
        self._room -= size_bytes
        while self._room < 0:
            self._forget(next(iter(self._kept)))
        if self._timer is None:
            self._forget_later(KEPT_SECONDS)

    def clear(self) -> None:
        """Forgets everything."""
        while self._kept:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Key) -> None:
        forgotten = self._kept.pop(key, None)
        if forgotten is not None:
            self._room += forgotten.size_bytes

    def _forget_later(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._forget_unused)

    def _forget_unused(self) -> None:
        self._timer = None
        now = monotonic()
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            left = kept.used_at + KEPT_SECONDS - now
            if left > 0:
                self._forget_later(left)
                return
            self._forget(key)
