"""CloudEvents 1.0 over Kafka, both content modes, decoded fast and checked wholly.

Sources: CloudEvents 1.0.2 core and JSON format; Kafka protocol binding, sections 3.2 (binary content
mode) and 3.3 (structured content mode).
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from hashlib import blake2b
from types import UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
import orjson

from schemas import checks

MAX_VALUE_BYTES: Final = 256 * 1024
STRUCTURED_CONTENT_TYPE: Final = "application/cloudevents+json"

Headers = Sequence[tuple[str, bytes | None]]
Data = TypeVar("Data", bound=msgspec.Struct)


class RefusedError(Exception):
    """A message that can't be used: `code` is one of the contract's dead-letter codes."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class CloudEvent(msgspec.Struct, Generic[Data], frozen=True):
    """One event; `source` and `id` together are its identity."""

    source: str
    id: str
    data: Data

    @property
    def cause(self) -> str:
        """A hash of source and id, 128 bits in hexadecimal: what the journal remembers of them."""
        return blake2b(f"{self.source}\0{self.id}".encode(), digest_size=16).hexdigest()


class Decoder(Generic[Data]):
    """Decodes the messages of the given types (`<class name>.v1`)."""

    def __init__(self, types: Iterable[type[Data]]) -> None:
        self._types = {f"{cls.__name__}.v1": _DataType(cls) for cls in types}

    def decode(self, value: bytes | None, headers: Headers) -> CloudEvent[Data]:
        """The event in a message's value and headers; `RefusedError` where it can't be used."""
        if value is not None and len(value) > MAX_VALUE_BYTES:
            raise RefusedError(
                "too_large", f"{len(value)} bytes, at most {MAX_VALUE_BYTES} are taken"
            )
        document = _parse(value)
        attributes = _binary_attributes(headers)
        if attributes is None:
            if type(document) is not dict:
                raise RefusedError("not_cloudevent", "the value is not a JSON object")
            attributes, data = document, document.get("data")
        else:
            data = document
        source, id_, name = _envelope(attributes)
        data_type = self._types.get(name)
        if data_type is None:
            raise RefusedError("unknown_type", f"type: {name[:200]!r} is not known here")
        return CloudEvent(source, id_, data_type.convert(data))


def encode_structured(
    source: str, id_: str, time: datetime, data: msgspec.Struct
) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The value and headers of a structured-mode message with this data, of type `<class name>.v1`."""
    envelope = {
        "specversion": "1.0",
        "id": id_,
        "source": source,
        "type": f"{type(data).__name__}.v1",
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    }
    return msgspec.json.encode(envelope), [("content-type", STRUCTURED_CONTENT_TYPE.encode())]


def names_in(value: bytes | None, headers: Headers) -> tuple[str | None, str | None, list[str]]:
    """What a refused message still tells, as far as it can be read: its type, its organization's id and
    the ids of the users it names. Never raises."""
    try:
        document = json.loads(value or b"null")
        attributes = _binary_attributes(headers)
    except (ValueError, RecursionError, RefusedError):
        return None, None, []
    data = document if attributes is not None else _member(document, "data")
    type_ = _member(document if attributes is None else attributes, "type")
    organization_id = _member(data, "organization_id")
    users = list(_users_in(data))
    return _text_or_none(type_), _text_or_none(organization_id), users


class _DataType(Generic[Data]):
    """One type's way from parsed JSON to a checked struct."""

    def __init__(self, cls: type[Data]) -> None:
        self._cls = cls
        hints = get_type_hints(cls, include_extras=True)
        self._instants = tuple(name for name, hint in hints.items() if hint is datetime)
        self._checks = tuple(_field_checks(hints))

    def convert(self, raw: object) -> Data:
        if type(raw) is not dict:
            raise RefusedError("invalid_data", "data: must be a JSON object")
        for name in self._instants:
            text = raw.get(name)
            if type(text) is str:
                try:
                    raw[name] = checks.instant(text)
                except ValueError as error:
                    raise RefusedError("invalid_data", f"data.{name}: {error}") from None
        try:
            data = msgspec.convert(raw, self._cls)
        except msgspec.ValidationError as error:
            raise RefusedError("invalid_data", _plain(str(error))) from None
        for check in self._checks:
            problem = check(data)
            if problem is not None:
                raise RefusedError("invalid_data", f"data.{problem}")
        return data


def _field_checks(hints: Mapping[str, Any]) -> Iterator[Callable[[Any], str | None]]:
    for name, hint in hints.items():
        yield from _hint_checks(name, hint)


def _hint_checks(name: str, hint: Any) -> Iterator[Callable[[Any], str | None]]:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        for part in get_args(hint):
            yield from _hint_checks(name, part)
    elif origin is Annotated:
        inner, *notes = get_args(hint)
        yield from (partial(_check_text, name, note) for note in notes if callable(note))
        yield from _hint_checks(name, inner)
    elif origin is tuple:
        yield from (partial(_check_items, name, check) for check in _item_checks(get_args(hint)[0]))


def _item_checks(item: Any) -> Iterator[Callable[[Any], str | None]]:
    if isinstance(item, type) and issubclass(item, msgspec.Struct):
        yield from _field_checks(get_type_hints(item, include_extras=True))
    elif get_origin(item) is Annotated:
        yield from (note for note in get_args(item)[1:] if callable(note))


def _check_text(name: str, check: checks.Check, data: Any) -> str | None:
    value = getattr(data, name)
    if type(value) is not str:
        return None  # null or absent, where that is allowed
    problem = check(value)
    return None if problem is None else f"{name}: {problem}"


def _check_items(name: str, check: Callable[[Any], str | None], data: Any) -> str | None:
    for index, item in enumerate(getattr(data, name)):
        problem = check(item)
        if problem is not None:
            return f"{name}[{index}]: {problem}"
    return None


def _plain(message: str) -> str:
    """msgspec's words with the field first: 'Expected `int`, got `str` - at `$.count`'."""
    what, _, where = message.partition(" - at `$")
    return f"data{where.rstrip('`')}: {what}" if where else f"data: {what}"


def _parse(value: bytes | None) -> Any:
    if not value:
        raise RefusedError("not_json", "there is no value")
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return _parse_with_lone_surrogates(value, str(error))


def _parse_with_lone_surrogates(value: bytes, why: str) -> Any:
    """JSON (RFC 8259, section 8.2) may hold escaped lone surrogates, which do no harm where we don't look;
    orjson refuses them. Everything else that it refuses stays refused."""
    try:
        return json.loads(
            value.decode(), parse_constant=_refuse_number, parse_float=_double, parse_int=_integer
        )
    except (ValueError, RecursionError):
        raise RefusedError("not_json", why) from None


def _refuse_number(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _double(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _integer(text: str) -> float | int:
    if len(text) < 19:
        return int(text)
    return _double(text)


def _binary_attributes(headers: Headers) -> dict[str, str] | None:
    """The attributes of a binary-mode message, or None where the message is in structured mode."""
    if not headers:
        return None
    texts: dict[str, str] = {}
    for name, content in headers:
        if content is None:
            continue
        lower = name.lower()
        if lower == "content-type":
            if content.lower().startswith(b"application/cloudevents"):
                return None
        elif lower.startswith("ce_"):
            try:
                texts[lower[3:]] = content.decode()
            except UnicodeDecodeError:
                raise RefusedError("not_cloudevent", f"header {name}: is not UTF-8") from None
    return texts or None


def _envelope(attributes: Mapping[str, Any]) -> tuple[str, str, str]:
    """Source, id and type, checked (CloudEvents 1.0.2, 'Required Attributes')."""
    if attributes.get("specversion") != "1.0":
        raise RefusedError("not_cloudevent", "specversion: must be '1.0'")
    time = attributes.get("time")
    if time is not None:
        _check_time(time)
    source, id_, name = (_required(attributes, field) for field in ("source", "id", "type"))
    return source, id_, name


def _required(attributes: Mapping[str, Any], field: str) -> str:
    value = attributes.get(field)
    if not isinstance(value, str) or not value:
        raise RefusedError("not_cloudevent", f"{field}: must be a text that is not empty")
    problem = checks.text_problem(value)
    if problem is not None:
        raise RefusedError("not_cloudevent", f"{field}: {problem}")
    return value


def _check_time(value: object) -> None:
    try:
        checks.instant(value if isinstance(value, str) else "")
    except ValueError as error:
        raise RefusedError("not_cloudevent", f"time: {error}") from None


def _member(document: object, name: str) -> object:
    return document.get(name) if isinstance(document, dict) else None


def _users_in(data: object) -> Iterator[str]:
    candidates: list[object] = [_member(data, "user_id")]
    several = _member(data, "user_ids")
    candidates += several if isinstance(several, list) else []
    participants = _member(data, "participants")
    if isinstance(participants, list):
        candidates += [_member(participant, "user_id") for participant in participants]
    for candidate in candidates:
        text = _text_or_none(candidate)
        if text is not None:
            yield text


def _text_or_none(value: object) -> str | None:
    if isinstance(value, str) and checks.text_problem(value) is None:
        return value
    return None
