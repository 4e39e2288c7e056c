"""The HTTP habits that both services share; it knows nothing of either.

tokens, keys: who calls · access: what they may, in which order · bodies, pages: what they send ·
problems: what went wrong · routes, openapi: calls and their documentation · observing, health:
what operators see · application, server: all of it together
"""

from services.web.access import (
    Access,
    Admin,
    Caller,
    Operator,
    Rule,
    Themselves,
    ThemselvesOrAdmin,
    admin,
    authenticate,
    bearer_token,
    only,
    operator,
    themselves,
)
from services.web.application import Api, create_api
from services.web.bodies import BytesBody, JsonBody
from services.web.keys import KeysUnavailableError
from services.web.observing import observe_request
from services.web.pages import Page, Paging, QueryId, QueryInstant
from services.web.problems import (
    FieldError,
    Problem,
    ProblemDocument,
    invalid,
    invalid_field,
    problem_type,
    unavailable,
)
from services.web.routes import ApiRoute, BareRoute, answers, json_response
from services.web.server import check_listen, serve
from services.web.tokens import (
    BadTokenError,
    HttpAuthSettings,
    Principal,
    TokenVerifier,
    issue_token,
)

__all__ = [
    "Access",
    "Admin",
    "Api",
    "ApiRoute",
    "BadTokenError",
    "BareRoute",
    "BytesBody",
    "Caller",
    "FieldError",
    "HttpAuthSettings",
    "JsonBody",
    "KeysUnavailableError",
    "Operator",
    "Page",
    "Paging",
    "Principal",
    "Problem",
    "ProblemDocument",
    "QueryId",
    "QueryInstant",
    "Rule",
    "Themselves",
    "ThemselvesOrAdmin",
    "TokenVerifier",
    "admin",
    "answers",
    "authenticate",
    "bearer_token",
    "check_listen",
    "create_api",
    "invalid",
    "invalid_field",
    "issue_token",
    "json_response",
    "observe_request",
    "only",
    "operator",
    "problem_type",
    "serve",
    "themselves",
    "unavailable",
]
