"""The owner's pages and sessions in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from services.web.problems import PROBLEM_MEDIA_TYPE
from services.web.routes import COMPONENTS


def _html(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/html": {"schema": {"type": "string"}}}}


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": COMPONENTS.format(name="ProblemDocument")}
    return {"description": description, "content": {PROBLEM_MEDIA_TYPE: {"schema": schema}}}


def _either(description: str) -> dict[str, Any]:
    """A page for who sent a form, a problem for who sent a token in the header."""
    content = _html("")["content"] | _problem("")["content"]
    return {"description": description, "content": content}


def _form(**fields: str) -> dict[str, Any]:
    properties = {
        name: {"type": "string", "description": meaning} for name, meaning in fields.items()
    }
    return {"application/x-www-form-urlencoded": {"schema": {"properties": properties}}}


_FORM_KEY: Final = {
    "form_key": "From the page that holds the form",
    "cursor": "The page of the list",
}
_TO_LIST: Final = {"description": "Done, now or before; Location is the award in the list"}
_UNHAPPY: Final = {
    "401": _html("Nobody is signed in"),
    "503": _html("The database, or what verifies tokens, does not answer"),
}
_ONE: Final = _UNHAPPY | {"404": _html("No award of the member's, or not shown")}
_TOO_LARGE: Final = _problem("The form is too large")
_CHANGING: Final = _ONE | {
    "403": _html("Not sent by a page made for this session"),
    "413": _TOO_LARGE,
}


def _page(summary: str, responses: Mapping[str, Any], **more: Any) -> Mapping[str, Any]:
    return {"summary": summary, "tags": ["owner's pages"], "responses": responses, **more}


LIST: Final = _page(
    "The page of the signed-in member's awards",
    {"200": _html("The awards, the latest earned first"), **_UNHAPPY},
)
ISSUE: Final = _page(
    "Share an award",
    {"303": _TO_LIST, "409": _html("The award was revoked"), **_CHANGING},
    requestBody={"required": True, "content": _form(**_FORM_KEY)},
)
ASK: Final = _page(
    "The page that asks before a link is disabled; it changes nothing",
    {"200": _html("Asks"), "303": {"description": "There is no link"}, **_ONE},
)
DISABLE: Final = _page(
    "Disable the link that the page asked about",
    {"303": _TO_LIST, "409": _html("The link is another one by now; asks again"), **_CHANGING},
    requestBody={
        "required": True,
        "content": _form(link_id="The link that is to be disabled", **_FORM_KEY),
    },
)
DOWNLOAD: Final = _page(
    "A certificate as a PDF, for its owner",
    {
        "200": {
            "description": "The certificate",
            "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
        },
        "206": {
            "description": "The range of it that was asked for",
            "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
        },
        "304": {"description": "The certificate is as the ETag in If-None-Match says"},
        "410": _html("The award was revoked"),
        "416": _problem("The range is outside of it"),
        **_ONE,
    },
)
SIGN_IN: Final = _page(
    "Open a session: by a bearer token in the header, or in a form",
    {
        "204": {"description": "Signed in by the header; Set-Cookie opens the session"},
        "303": {"description": "Signed in by the form; Location is the page of awards"},
        "401": _either("No token, or a bad one"),
        "403": _html("The form came from another site than the platform"),
        "413": _TOO_LARGE,
        "503": _either("Tokens can't be verified at the moment"),
    },
    requestBody={"required": False, "content": _form(token="The member's token")},
)
END: Final = _page(
    "End the session in this browser",
    {
        "204": {"description": "Signed out, now or before"},
        "403": _problem("The request came from another site"),
    },
)
SIGN_OUT: Final = _page(
    "End the session, by the form on a page",
    {
        "303": {"description": "Signed out; Location is the page of awards"},
        "403": _CHANGING["403"],
        "413": _TOO_LARGE,
        **_UNHAPPY,
    },
    requestBody={"required": True, "content": _form(**_FORM_KEY)},
)
