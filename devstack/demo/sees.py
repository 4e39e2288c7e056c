"""What a member sees, boiled down from the answer of `activity` to what can be expected of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, NamedTuple


class Progress(NamedTuple):
    """How far somebody has come; what is awarded by hand only has no threshold."""

    so_far: int
    threshold: int | None
    missing: int | None

    def __str__(self) -> str:
        return f"{self.so_far}" if self.threshold is None else f"{self.so_far} of {self.threshold}"


class Earned(NamedTuple):
    """Since when, and how (`automatic`, `manual`)."""

    at: datetime
    how: str

    def __str__(self) -> str:
        return f"since {self.at:%Y-%m-%dT%H:%MZ}, {self.how}"


def progress(so_far: int, threshold: int | None) -> Progress:
    """With what is missing worked out."""
    return Progress(so_far, threshold, None if threshold is None else max(0, threshold - so_far))


@dataclass(frozen=True)
class Sees:
    """Badges by code, certificates by program, sessions without feedback in order."""

    badges: Mapping[str, Earned] = field(default_factory=dict)
    badges_in_progress: Mapping[str, Progress] = field(default_factory=dict)
    certificates: Mapping[str, Earned] = field(default_factory=dict)
    certificates_unearned: Mapping[str, Progress] = field(default_factory=dict)
    without_feedback: tuple[str, ...] = ()

    @classmethod
    def of(cls, activity: Mapping[str, Any]) -> Sees:
        """Out of an answer in the contract's shape; KeyError where it has another."""
        badges, certificates = activity["badges"], activity["certificates"]
        return cls(
            badges={one["code"]: Earned(_instant(one), "automatic") for one in badges["earned"]},
            badges_in_progress={
                one["code"]: Progress(one["count"], one["threshold"], one["missing"])
                for one in badges["in_progress"]
            },
            certificates={
                one["program_id"]: Earned(_instant(one), one["how"])
                for one in certificates["earned"]
            },
            certificates_unearned={
                one["program_id"]: Progress(one["count"], one["required_sessions"], one["missing"])
                for one in certificates["unearned"]
            },
            without_feedback=tuple(
                one["session_id"] for one in activity["sessions_without_feedback"]
            ),
        )

    def differences(self, found: Sees) -> Iterator[str]:
        """Where `found` is not what is expected here, in words."""
        for what in (one.name for one in fields(self)):
            expected, seen = getattr(self, what), getattr(found, what)
            if expected != seen:
                yield f"{what.replace('_', ' ')}: {_words(seen)} (expected: {_words(expected)})"


def _instant(award: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(award["earned_at"])


def _words(value: Mapping[str, Any] | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return "; ".join(f"{key} {value[key]}" for key in sorted(value)) or "none"
