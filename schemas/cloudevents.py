"""CloudEvents 1.0 over Kafka, both content modes, decoded fast and checked wholly.

Sources: CloudEvents 1.0.2 core and JSON format; Kafka protocol binding, sections 3.2 (binary content
mode) and 3.3 (structured content mode).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, Generic, TypeVar, cast, get_type_hints

import msgspec
import orjson

from schemas import checks
from schemas.fields import is_struct, list_checks, lists, text_checks
from schemas.usual import UsualDecoder

MAX_VALUE_BYTES: Final = 256 * 1024
MAX_DETAIL_CHARACTERS: Final = 300
STRUCTURED_CONTENT_TYPE: Final = "application/cloudevents+json"
_STRUCTURED_HEADERS: Final = [("content-type", STRUCTURED_CONTENT_TYPE.encode())]

_ESCAPED_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    rb"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

Headers = Sequence[tuple[str, bytes | None]]
Data = TypeVar("Data", bound=msgspec.Struct)


class RefusedError(Exception):
    """A message that can't be used: `code` is one of the contract's dead-letter codes."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail[:MAX_DETAIL_CHARACTERS]


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

    def __init__(self, types: Iterable[type[Data]], max_bytes: int = MAX_VALUE_BYTES) -> None:
        classes = tuple(types)
        self._max_bytes = max_bytes
        self._usual = UsualDecoder(classes)
        self._types = {f"{cls.__name__}.v1": _DataType(cls) for cls in classes}

    def decode(self, value: bytes | None, headers: Headers) -> CloudEvent[Data]:
        """The event in a message's value and headers; `RefusedError` where it can't be used."""
        if value is not None and len(value) > self._max_bytes:
            raise RefusedError(
                "too_large", f"{len(value)} bytes, at most {self._max_bytes} are taken"
            )
        binary = _binary_attributes(headers)
        usual = self._usual.decode(value) if value and binary is None else None
        return CloudEvent(*(usual or self._decode(value, binary)))

    def _decode(
        self, value: bytes | None, binary: Mapping[str, bytes] | None
    ) -> tuple[str, str, Data]:
        document = _parse(value)
        attributes: Mapping[str, Any]
        if binary is None:
            if type(document) is not dict:
                raise RefusedError("not_cloudevent", "the value is not a JSON object")
            attributes, data = document, document.get("data")
        else:
            attributes, data = _texts(binary), document
        source, id_, name = _envelope(attributes)
        data_type = self._types.get(name)
        if data_type is None:
            raise RefusedError("unknown_type", f"type: {name[:200]!r} is not known here")
        return source, id_, data_type.convert(data)


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
    return msgspec.json.encode(envelope), list(_STRUCTURED_HEADERS)


def names_in(value: bytes | None, headers: Headers) -> tuple[str | None, str | None, list[str]]:
    """What a refused message still tells, as far as it can be read: its type, its organization's id and
    the ids of the users it names. Never raises."""
    try:
        document = json.loads(value or b"null", parse_int=float)  # an int may have too many digits
    except (ValueError, RecursionError):
        return None, None, []
    binary = _binary_attributes(headers)
    if binary is None:
        type_, data = _member(document, "type"), _member(document, "data")
    else:
        type_, data = binary.get("ce_type", b"").decode(errors="replace") or None, document
    organization_id = _text_or_none(_member(data, "organization_id"))
    if organization_id is not None and checks.id_problem(organization_id) is not None:
        organization_id = (
            None  # it is nobody's: no organization may keep what it may be wrong about
        )
    return _text_or_none(type_), organization_id, list(_users_in(data))


class _DataType(Generic[Data]):
    """One type's way from parsed JSON to a checked struct."""

    def __init__(self, cls: type[Data]) -> None:
        self._cls = cls
        hints = get_type_hints(cls, include_extras=True)
        self._instants = tuple(name for name, hint in hints.items() if hint is datetime)
        self._structs = tuple((name, item) for name, item in lists(hints) if is_struct(item))
        self._texts = tuple(text_checks(hints))
        self._lists = tuple(list_checks(hints))

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
            data = msgspec.convert(self._known(raw), self._cls)
        except msgspec.ValidationError as error:
            raise RefusedError("invalid_data", _plain(error)) from None
        self._check(raw)
        return data

    def _known(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """What we know of what was sent: newer publishers may send more."""
        known = {name: raw[name] for name in self._cls.__struct_fields__ if name in raw}
        for name, item in self._structs:
            if type(known.get(name)) is list:
                known[name] = [_only(item.__struct_fields__, found) for found in known[name]]
        return known

    def _check(self, raw: Mapping[str, Any]) -> None:
        """Checks the texts in what was converted; null and absent ones are right where they are allowed."""
        for name, check in self._texts:
            value = raw.get(name)
            if value is not None and (problem := check(value)) is not None:
                raise RefusedError("invalid_data", f"data.{name}: {problem}")
        for name, member, check in self._lists:
            for index, item in enumerate(raw[name]):
                problem = check(item if member is None else item[member])
                if problem is not None:
                    where = f"{name}[{index}]" + (f".{member}" if member else "")
                    raise RefusedError("invalid_data", f"data.{where}: {problem}")


def _only(fields: Iterable[str], found: object) -> object:
    if not isinstance(found, dict):
        return found
    return {name: found[name] for name in fields if name in found}


def _plain(error: msgspec.ValidationError) -> str:
    """msgspec's words with the field first: 'Expected `int`, got `str` - at `$.count`'."""
    if isinstance(error.__cause__, ValueError):
        return f"data.{error}"  # a struct's own check, which begins with the field
    what, _, where = str(error).rpartition(" - at `$")
    return f"data{where.rstrip('`')}: {what}" if what else f"data: {where}"


def _parse(value: bytes | None) -> Any:
    if not value:
        raise RefusedError("not_json", "there is no value")
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        why = str(error)
    if _ESCAPED_SURROGATE.search(value) is None:
        raise RefusedError("not_json", why)
    try:
        return orjson.loads(_ESCAPE.sub(_without_lone_surrogate, value))
    except orjson.JSONDecodeError as error:
        raise RefusedError("not_json", str(error)) from None


def _without_lone_surrogate(escape: re.Match[bytes]) -> bytes:
    """NUL for an escaped lone surrogate: JSON (RFC 8259, section 8.2) may hold them and orjson refuses them.

    Where we don't look one does no harm, and where we look neither is text of ours.
    """
    return rb"\u0000" if escape["lone"] else escape[0]


def _binary_attributes(headers: Headers) -> dict[str, bytes] | None:
    """The attributes of a binary-mode message, or None where the message is in structured mode."""
    if not headers or headers == _STRUCTURED_HEADERS:
        return None
    found: dict[str, bytes] = {}
    for name, content in headers:
        if content is None:
            continue
        lower = name.lower()
        if lower == "content-type" and content.lower().startswith(b"application/cloudevents"):
            return None
        if lower.startswith("ce_"):
            found[lower] = content
    return found or None


def _texts(attributes: Mapping[str, bytes]) -> dict[str, str]:
    """Attributes by their names without `ce_`."""
    texts: dict[str, str] = {}
    for name, content in attributes.items():
        try:
            texts[name[3:]] = content.decode()
        except UnicodeDecodeError:
            raise RefusedError("not_cloudevent", f"header {name}: is not UTF-8") from None
    return texts


def _envelope(attributes: Mapping[str, Any]) -> tuple[str, str, str]:
    """Source, id and type, checked (CloudEvents 1.0.2, 'Required Attributes')."""
    if attributes.get("specversion") != "1.0":
        raise RefusedError("not_cloudevent", "specversion: must be '1.0'")
    time = attributes.get("time")
    if time is not None:
        try:
            checks.instant(time if type(time) is str else "")
        except ValueError as error:
            raise RefusedError("not_cloudevent", f"time: {error}") from None
    found = attributes.get("source"), attributes.get("id"), attributes.get("type")
    for value in found:
        if type(value) is not str or not value or checks.text_problem(value) is not None:
            raise RefusedError("not_cloudevent", _what_is_wrong(found))
    return cast(tuple[str, str, str], found)


def _what_is_wrong(found: tuple[object, ...]) -> str:
    """What is wrong with the first of source, id and type that can't be used."""
    for field, value in zip(("source", "id", "type"), found, strict=True):
        if not isinstance(value, str) or not value:
            return f"{field}: must be a text that is not empty"
        problem = checks.text_problem(value)
        if problem is not None:
            return f"{field}: {problem}"
    raise AssertionError("all can be used")


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
