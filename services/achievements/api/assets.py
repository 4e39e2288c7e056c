"""Banners and logos: admins upload them, everybody who knows their hash gets them."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from msgspec import Struct
from starlette.responses import Response

from services.achievements.api.state import PREFIX, assets
from services.achievements.assets import MAX_BYTES, WrongHashError
from services.achievements.images import BadImageError
from services.web import (
    Admin,
    ApiRoute,
    BareRoute,
    BytesBody,
    Problem,
    answers,
    invalid_field,
    json_response,
)
from services.web.problems import PROBLEM_MEDIA_TYPE
from services.web.routes import COMPONENTS

router = APIRouter(prefix=PREFIX, route_class=ApiRoute, tags=["assets"])

_PATH: Final = "/assets/{sha256}"
_KIND: Final = "sha256:"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FOR_EVER: Final = (
    "public, max-age=31536000, immutable"  # RFC 8246; a year is what caches make of for ever
)
_SANDBOXED: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"


class KeptAsset(Struct):
    """What to name as a banner or logo: an image with metadata is kept without it, under a hash of its own."""

    asset_id: str


_PUT: Final = answers({201: KeptAsset}) | {204: {"description": "Uploaded before"}}


@router.put(_PATH, responses=_PUT)
async def put_asset(
    _: Admin, request: Request, sha256: str, body: Annotated[BytesBody, "image/png", "image/jpeg"]
) -> Response:
    """Upload a PNG or JPEG under its SHA-256 in hexadecimal. Metadata is not kept."""
    content = await body.read(MAX_BYTES)
    try:
        kept = await assets(request).keep(sha256.removeprefix(_KIND), content)
    except WrongHashError:
        raise invalid_field("sha256", "must be the SHA-256 of the body, in hexadecimal") from None
    except BadImageError as error:
        raise invalid_field("body", str(error)) from None
    if kept is None:
        return Response(status_code=204)
    location = f"{request.url.path.rpartition('/')[0]}/{kept}"
    return json_response(KeptAsset(f"{_KIND}{kept}"), 201, {"Location": location})


async def get_asset(request: Request) -> Response:
    """The image. `Content-Location` names the asset whose hash its bytes have."""
    hash_ = request.path_params["sha256"].removeprefix(_KIND)
    asset = await assets(request).find(hash_) if _SHA256.fullmatch(hash_) else None
    if asset is None:
        raise Problem(404)
    headers = {
        "Cache-Control": _FOR_EVER,
        "Content-Location": asset.sha256,  # relative to the address, RFC 9110, 8.7
        "Content-Security-Policy": _SANDBOXED,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(asset.content, headers=headers, media_type=asset.content_type)


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": COMPONENTS.format(name="ProblemDocument")}
    return {"description": description, "content": {PROBLEM_MEDIA_TYPE: {"schema": schema}}}


_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_GET: Final[dict[str, Any]] = {
    "summary": "Get Asset",
    "description": "An image, for everybody who knows its hash. `Content-Location` names the asset whose"
    " hash its bytes have: another one where what was uploaded had metadata.",
    "tags": ["assets"],
    "responses": {
        "200": {
            "description": "The image",
            "content": {"image/png": _BINARY, "image/jpeg": _BINARY},
        },
        "404": _problem("Nothing was uploaded under this hash"),
        "500": _problem("A fault of ours"),
        "503": _problem("The database does not answer"),
    },
}
public_route = BareRoute(PREFIX + _PATH, get_asset, methods=["GET"], operation=_GET)
