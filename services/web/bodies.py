"""Request bodies, read by the call itself after all that goes before: 401, 404, 403, 404, then 422.

FastAPI would parse a declared body before anything else, and tell strangers what is wrong with it.
So a call takes a `JsonBody[Model]` or a `BytesBody`, which `services.web.routes` makes and
documents, and reads it when all else is in order. Content-Type is not looked at: a call takes one
kind of body, and other people's forms can't send our tokens along, as they could send cookies.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
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
from starlette.requests import Request

from services.web.problems import FieldError, Problem, invalid, invalid_field

T = TypeVar("T")

MAX_BODY_BYTES: Final = 1024 * 1024
WHOLE_BODY: Final = "body"  # the field that is named where no single one is at fault

_AT_PATH = re.compile(r" - at `(.+)`$")
_MISSING_FIELD = re.compile(r"Object missing required field `(.+?)`")
_OWN_ERROR = re.compile(r"([a-z_]+): (.+)", re.DOTALL)


class BytesBody:
    """A body of bytes, not read yet."""

    def __init__(self, request: Request) -> None:
        self._request = request

    async def read(self, max_bytes: int = MAX_BODY_BYTES) -> bytes:
        """All of it. Problem 413 as soon as it is, or says it is, longer than `max_bytes`."""
        declared = self._request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > max_bytes:
            raise _too_large(max_bytes)
        body = bytearray()
        async for chunk in self._request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise _too_large(max_bytes)
        return bytes(body)


class JsonBody(Generic[T]):
    """A JSON body of a msgspec type, not read yet."""

    def __init__(self, request: Request, model: type[T]) -> None:
        self._body = BytesBody(request)
        self._model = model

    async def read(self) -> T:
        """What it holds. Problem 413, or 422 naming the fields."""
        return decode_json(await self._body.read(), self._model)


def decode_json(body: bytes, model: type[T]) -> T:
    """A `model`, with each `Annotated[str, check]` in it checked; problem 422 naming the fields.

    A check takes the text and gives what is wrong with it, or None (`schemas.checks`).
    """
    try:
        value = msgspec.json.decode(body, type=model)
    except msgspec.ValidationError as error:
        raise invalid(_field_error(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid_field(WHOLE_BODY, "must be JSON in UTF-8") from None
    errors = list(_check_errors(model, value, ""))
    if b"\\u0000" in body:  # seldom there, so others don't pay for the search
        errors = errors or list(_nul_errors(msgspec.to_builtins(value), ""))
    if errors:
        raise invalid(*errors)
    return value


def _too_large(max_bytes: int) -> Problem:
    return Problem(413, f"The body may have {max_bytes} bytes at most.")


def _field_error(message: str) -> FieldError:
    """What msgspec says, field and all: "Expected `int`, got `str` - at `$.user_ids[3]`".

    A model's own ValueError names its field first: "participants: one person is named twice".
    """
    at = _AT_PATH.search(message)
    path = at[1].removeprefix("$").removeprefix(".") if at else ""
    if missing := _MISSING_FIELD.match(message):
        return FieldError(_join(path, missing[1]), "is required")
    if own := _OWN_ERROR.match(message):
        return FieldError(_join(path, own[1]), _AT_PATH.sub("", own[2]))
    said = _AT_PATH.sub("", message).replace("`", "")
    return FieldError(path or WHOLE_BODY, said[:1].lower() + said[1:])


def _check_errors(hint: Any, value: object, path: str) -> Iterator[FieldError]:
    """What the checks anywhere in the type `hint` say of `value`."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        yield from _note_errors(inner[1:], value, path)
        yield from _check_errors(inner[0], value, path)
    elif origin in (Union, UnionType):
        for part in inner:
            yield from _check_errors(part, value, path)
    elif origin in (list, tuple) and isinstance(value, origin):
        for index, item in enumerate(value):
            yield from _check_errors(inner[0], item, f"{path}[{index}]")
    elif isinstance(value, msgspec.Struct) and type(value) is hint:
        for name, field_hint in _hints(hint).items():
            yield from _check_errors(field_hint, getattr(value, name), _join(path, name))


def _note_errors(notes: tuple[Any, ...], value: object, path: str) -> Iterator[FieldError]:
    for check in notes:
        if callable(check) and isinstance(value, str) and (problem := check(value)) is not None:
            yield FieldError(path or WHOLE_BODY, problem)


def _nul_errors(value: object, path: str) -> Iterator[FieldError]:
    """Every text that holds NUL, which PostgreSQL's text can't."""
    if isinstance(value, str) and "\0" in value:
        yield FieldError(path or WHOLE_BODY, "must not hold NUL")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _nul_errors(item, _join(path, name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _nul_errors(item, f"{path}[{index}]")


@lru_cache
def _hints(model: type) -> dict[str, Any]:
    return get_type_hints(model, include_extras=True)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
