"""The short way of decoding: the usual message, plain ASCII in structured mode without extensions, in one go.

It takes a message only where it is sure that the long way (`schemas.cloudevents`) takes it for the same; of all others,
right or wrong, it says nothing. msgspec is as strict as JSON where it reads a field that we know, but hardly looks at
what it passes over: so there must be no other field. Most of a fact's cost was parsing and checking it piece by piece.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final, Generic, Literal, TypeVar, Union, get_type_hints

import msgspec

from schemas import checks
from schemas.fields import is_struct, list_checks, lists, text_checks
from schemas.learning import Id

Data = TypeVar("Data", bound=msgspec.Struct)

# Forms of time that msgspec takes, and the long way doesn't or takes for another instant.
_SPACE_BEFORE_TIME: Final = re.compile(rb" \d\d:\d\d:")
_ROUNDED_SECONDS: Final = re.compile(rb"\.\d{7}")
_ZERO_OFFSET: Final = b'0000"'

_NO_IDS: Final = checks.RESERVED_IDS | {""}  # one look for all of them

_ENVELOPE: Final[list[Any]] = [
    ("specversion", Literal["1.0"]),
    ("id", str),
    ("source", str),
    ("time", datetime | None, None),
    ("datacontenttype", str | None, None),
    ("dataschema", str | None, None),
    ("subject", str | None, None),
]
"""The context attributes of CloudEvents 1.0.2, without `type`, which tells what `data` is."""


class UsualDecoder(Generic[Data]):
    """Decodes the usual messages of types (`<class name>.v1`) that forbid unknown fields."""

    def __init__(self, types: Iterable[type[Data]]) -> None:
        classes = tuple(types)
        self._is_right = {cls: _checker(cls) for cls in classes}
        events = tuple(_event_class(cls) for cls in classes)
        self._decode = msgspec.json.Decoder(Union[events]).decode  # noqa: UP007 - known at run time only

    def decode(self, value: bytes) -> tuple[str, str, Data] | None:
        """Source, id and data of the usual message; None where only the long way can tell."""
        if not _is_plain(value):
            return None
        try:
            event: Any = self._decode(value)
        except (msgspec.MsgspecError, RecursionError):
            return None
        time, data = event.time, event.data
        if (time is None or time.tzinfo is UTC) and event.id and event.source:
            return (event.source, event.id, data) if self._is_right[type(data)](data) else None
        return None


def _is_plain(value: bytes) -> bool:
    """Whether no text in it holds anything but visible ASCII and spaces, and no time has an odd form."""
    return (
        value.isascii()
        and b"\\" not in value
        and b"\x7f" not in value
        and _ZERO_OFFSET not in value
        and not _ROUNDED_SECONDS.search(value)
        and not (b" " in value and _SPACE_BEFORE_TIME.search(value))
    )


def _event_class(cls: type[msgspec.Struct]) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        f"{cls.__name__}Event",
        [("data", cls), *_ENVELOPE],
        tag_field="type",
        tag=f"{cls.__name__}.v1",
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
    )


def _checker(cls: type[msgspec.Struct]) -> Callable[[Any], bool]:
    """Tells of plain data whether all texts and instants in them are right."""
    hints = get_type_hints(cls, include_extras=True)
    for struct in (cls, *(item for _, item in lists(hints) if is_struct(item))):
        if not struct.__struct_config__.forbid_unknown_fields:
            raise TypeError(f"{struct.__name__} must forbid unknown fields")
    instants = _getter([name for name, hint in hints.items() if hint is datetime])
    required_ids = [name for name, hint in hints.items() if hint == Id]
    ids = _getter(required_ids)
    others = [
        (attrgetter(name), check)
        for name, check in text_checks(hints)
        if name not in required_ids and check is not checks.text_problem  # plain text is right
    ]
    id_lists = [
        (attrgetter(name), attrgetter(member) if member else None)
        for name, member, _ in list_checks(hints)
    ]

    def is_right(data: Any) -> bool:
        for instant in instants(data):
            if instant.tzinfo is not UTC:
                return False
        plain = [*ids(data)]
        for items_of, id_of in id_lists:
            plain += map(id_of, items_of(data)) if id_of else items_of(data)
        if not _are_ids(plain):
            return False
        for text_of, check in others:
            text = text_of(data)
            if type(text) is str and check(text) is not None:
                return False
        return True

    return is_right


def _are_ids(plain: list[str]) -> bool:
    """Whether plain texts are ids (see `checks.id_problem`)."""
    together = "".join(plain)
    return (
        "/" not in together
        and ":" not in together
        and (len(together) <= checks.MAX_ID_LENGTH or max(map(len, plain)) <= checks.MAX_ID_LENGTH)
        and _NO_IDS.isdisjoint(plain)
    )


def _getter(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Gets these attributes at once."""
    match names:
        case []:
            return lambda _: ()
        case [name]:
            only = attrgetter(name)
            return lambda data: (only(data),)
        case _:
            return attrgetter(*names)
