"""Who may make a call, checked in the contract's order before the request itself is judged.

A call declares a parameter whose annotation carries `only(…)`; it gets the `Principal`. The checks
raise, and FastAPI judges parameters after all dependencies only: so 401, 404 and 403 come before
every 422. Bodies are read later still, by the call itself (`services.web.bodies`).
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from schemas import checks
from services.web.keys import KeysUnavailableError
from services.web.problems import Problem, unavailable
from services.web.tokens import BadTokenError, Principal, TokenVerifier

Rule = Callable[[Request, Principal], bool]
"""Whether a principal, who is of the organization in the address, may make this call."""

_SCHEME: Final = "bearer"


def admin(_: Request, principal: Principal) -> bool:
    """Admins of the organization may."""
    return principal.is_admin


def operator(_: Request, principal: Principal) -> bool:
    """Operators may."""
    return principal.is_operator


def themselves(request: Request, principal: Principal) -> bool:
    """The user whom `{user_id}` names may."""
    return bool(request.path_params["user_id"] == principal.user_id)


class Access(SecurityBase):
    """The dependency behind `only`: gives who calls, or raises the problem that stops them.

    401 without a good token; 404 for the `{organization_id}` of another organization, whether it
    exists or not; 403 where none of the rules lets them; 404 for an id in the address that nothing
    can have. `me` in `{user_id}` is replaced by the token's own user id, for rules and call alike.
    """

    model = HTTPBearer(bearerFormat="JWT")
    scheme_name = _SCHEME

    def __init__(self, *rules: Rule) -> None:
        self.rules = rules

    async def __call__(self, request: Request) -> Principal:
        principal = await authenticate(request)
        path = request.path_params
        if path.get("organization_id", principal.organization_id) != principal.organization_id:
            raise Problem(404)
        if path.get("user_id") == "me":
            path["user_id"] = principal.user_id
        if self.rules and not any(rule(request, principal) for rule in self.rules):
            raise Problem(403)
        if any(name.endswith("_id") and checks.id_problem(path[name]) for name in path):
            raise Problem(404)
        return principal


def only(*rules: Rule) -> Any:
    """For `Annotated[Principal, only(…)]`: whom any of the rules lets make the call.

    Without a rule that is every signed-in user, of the organization in the address if it names one.
    """
    return Depends(Access(*rules))


Caller = Annotated[Principal, only()]
Admin = Annotated[Principal, only(admin)]
Operator = Annotated[Principal, only(operator)]
Themselves = Annotated[Principal, only(themselves)]
ThemselvesOrAdmin = Annotated[Principal, only(themselves, admin)]


async def authenticate(request: Request) -> Principal:
    """Who calls, by their bearer token (RFC 6750, 2.1); problem 401, or 503 if nobody can tell."""
    verifier: TokenVerifier = request.app.state.verifier
    try:
        return await verifier.verify(bearer_token(request))
    except BadTokenError as error:
        raise _unauthorized(str(error), 'Bearer error="invalid_token"') from None
    except KeysUnavailableError:
        raise unavailable("Tokens can't be verified at the moment.") from None


def bearer_token(request: Request) -> str:
    """The token that a request carries, not verified yet; problem 401 where it carries none."""
    found = request.headers.getlist("authorization")
    if not found:
        raise _unauthorized("A bearer token is needed.", "Bearer")
    scheme, _, token = found[0].partition(" ")
    if len(found) > 1 or scheme.lower() != _SCHEME:  # RFC 9110, 11.1: a scheme's case is free
        raise _unauthorized("One Authorization header with a bearer token is needed.", "Bearer")
    return token.strip()


def _unauthorized(detail: str, challenge: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})
