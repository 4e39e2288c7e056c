"""Problems: every error is answered as `application/problem+json` (RFC 9457).

`type` is `about:blank` where the status says all there is to say, else a URN of ours that never
changes its meaning (`problem_type`): clients tell problems apart by it, not by title or detail.
"""

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
import psycopg
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

log = structlog.get_logger()

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 2
CLIENT_GONE_STATUS: Final = 499  # nobody reads that answer, but logs and metrics do (as in nginx)

_encode = msgspec.json.Encoder().encode


def problem_type(name: str) -> str:
    """The `type` of one kind of problem, such as `stale-preview`."""
    return f"urn:problem-type:{name}"


INVALID_INPUT: Final = problem_type("invalid-input")


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field: its path in the body (`user_ids[3]`), or a parameter's name."""

    field: str
    detail: str


class ProblemDocument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An error in the form of RFC 9457; a further kind of problem may have further members."""

    type: str
    title: str
    status: int
    detail: str | msgspec.UnsetType = msgspec.UNSET
    errors: list[FieldError] | msgspec.UnsetType = msgspec.UNSET


class Problem(Exception):  # noqa: N818 - RFC 9457's word, and so that of everyone who calls us
    """Raised anywhere below a call, and answered as a problem document.

    `members` are further members of the document; RFC 9457, 4.2.1, wants a `type` of their own for
    them. Subclass ProblemDocument to document them.
    """

    def __init__(
        self,
        status: int,
        detail: str | None = None,
        *,
        type: str = "about:blank",
        title: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: object,
    ) -> None:
        super().__init__(status, detail)
        self.status = status
        self.headers = headers
        self.document: dict[str, object] = {
            "type": type,
            "title": title or _phrase(status),
            "status": status,
        }
        if detail is not None:
            self.document["detail"] = detail
        self.document |= members

    def response(self) -> Response:
        """The answer that says it."""
        return Response(_encode(self.document), self.status, self.headers, PROBLEM_MEDIA_TYPE)


def invalid(*errors: FieldError) -> Problem:
    """Input that can't be used: 422, naming the fields."""
    return Problem(
        422,
        "; ".join(f"{error.field}: {error.detail}" for error in errors),
        type=INVALID_INPUT,
        title="Invalid input",
        errors=errors,
    )


def invalid_field(field: str, detail: str) -> Problem:
    """Input that can't be used because of one field."""
    return invalid(FieldError(field, detail))


def unavailable(detail: str) -> Problem:
    """What a call needs does not answer: 503, to be tried again soon."""
    return Problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


Translate = Callable[[Any], Problem]
"""Says an exception as a problem."""

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]
ExceptionHandlers = dict[int | type[Exception], Handler]


def exception_handlers(translations: Mapping[type[Exception], Translate]) -> ExceptionHandlers:
    """Handlers for our exceptions, the framework's, the database's, and those in `translations`."""
    by_class: dict[type[Exception], Translate] = {
        Problem: lambda problem: problem,
        HTTPException: _of_http_exception,
        RequestValidationError: _of_validation_error,
        ClientDisconnect: lambda _: Problem(CLIENT_GONE_STATUS, title="Client Closed Request"),
        psycopg.OperationalError: _of_database_error,
        Exception: lambda _: Problem(500),
        **translations,
    }
    return {cls: _handler(translate) for cls, translate in by_class.items()}


def _handler(translate: Translate) -> Handler:
    async def handle(_: Request, error: Exception) -> Response:
        return translate(error).response()

    return handle


def _of_http_exception(error: HTTPException) -> Problem:
    detail = None if error.detail == _phrase(error.status_code) else error.detail
    return Problem(error.status_code, detail, headers=error.headers)


def _of_validation_error(error: RequestValidationError) -> Problem:
    return invalid(
        *(
            FieldError(
                ".".join(str(part) for part in found["loc"][1:]),  # behind "query" or "header"
                found["msg"].removeprefix("Value error, "),
            )
            for found in error.errors()
        )
    )


def _of_database_error(error: psycopg.OperationalError) -> Problem:
    log.warning("database_unavailable", error=type(error).__name__, sqlstate=error.sqlstate)
    return unavailable("The database does not answer.")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
