"""Which fields of a struct have checks: the notes of their annotations that can be called."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from schemas import checks


def text_checks(hints: Mapping[str, Any]) -> Iterator[tuple[str, checks.Check]]:
    """Each text field with its check."""
    for name, hint in hints.items():
        parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        for part in parts:
            yield from ((name, note) for note in _notes(part))


def list_checks(hints: Mapping[str, Any]) -> Iterator[tuple[str, str | None, checks.Check]]:
    """Each list with the check of its items, or of a member of theirs."""
    for name, item in lists(hints):
        if is_struct(item):
            of_members = text_checks(get_type_hints(item, include_extras=True))
            yield from ((name, member, check) for member, check in of_members)
        else:
            yield from ((name, None, check) for check in _notes(item))


def lists(hints: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each list and what it is of."""
    for name, hint in hints.items():
        bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if get_origin(bare) is tuple:
            yield name, get_args(bare)[0]


def is_struct(hint: Any) -> bool:
    """Whether a hint is a struct of msgspec."""
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _notes(hint: Any) -> Iterator[checks.Check]:
    if get_origin(hint) is Annotated:
        yield from (note for note in get_args(hint)[1:] if callable(note))
