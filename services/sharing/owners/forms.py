"""Forms as browsers send them."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from services.web import BytesBody

MAX_FORM_BYTES: Final = 16 * 1024
_MAX_FIELDS: Final = 16
_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"


def is_form(request: Request) -> bool:
    """Whether the body says that it is a form."""
    media_type = request.headers.get("content-type", "").partition(";")[0]
    return media_type.strip().lower() == _MEDIA_TYPE


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form by name; none where the body is no form. Problem 413 if it is too long."""
    if not is_form(request):
        return {}
    body = await BytesBody(request).read(MAX_FORM_BYTES)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:  # not in UTF-8, or too many fields
        return {}
