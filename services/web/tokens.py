"""Bearer tokens: JSON Web Tokens (RFC 7519), verified by pyjwt; for development made here, too."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import jwt
import msgspec
import structlog

from schemas import checks
from services.environment import (
    SettingsError,
    file_or_address,
    optional,
    secret_bytes,
    setting,
    settings,
    text,
)
from services.web.keys import ALGORITHMS, KeySet, key_set

log = structlog.get_logger()

ROLES: Final = frozenset({"member", "admin", "operator"})
LEEWAY_SECONDS: Final = 30.0
MAX_TOKEN_CHARACTERS: Final = 8192  # bounds the work on garbage; proxies take no larger headers
MIN_SECRET_BYTES: Final = 32  # RFC 7518, 3.2: an HS256 key is at least as long as its hash
_SECRET_ALGORITHM: Final = "HS256"


@settings
class HttpAuthSettings:
    """How bearer tokens are verified; with neither keys nor secret, every token is refused."""

    jwks: Path | str | None = optional(
        "AUTH_JWKS",
        file_or_address,
        "Public keys of tokens (JWK Set; RS256, ES256, EdDSA): a file or an address",
    )
    secret: bytes | None = optional(
        "AUTH_SECRET",
        secret_bytes(MIN_SECRET_BYTES),
        f"Development only: secret of HS256 tokens, at least {MIN_SECRET_BYTES} bytes",
        secret=True,
    )
    audience: str = setting("AUTH_AUDIENCE", text, "achievements", "What `aud` of a token names")


class BadTokenError(Exception):
    """A token that proves nothing; the text says why, and nothing of what the token holds."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a user of an organization, with those of their roles that are known here."""

    user_id: str
    organization_id: str
    roles: frozenset[str]

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    @property
    def is_operator(self) -> bool:
        return "operator" in self.roles


class _Claims(msgspec.Struct):
    sub: str
    org: str
    roles: list[str]
    exp: int | float


class TokenVerifier:
    """Verifies tokens: those of HS256 by the secret, all others by the issuer's keys, never else.

    So an algorithm is bound to its kind of key (RFC 8725, 3.1); what a token's header says only
    selects among them. Where a kind has no key, its tokens are bad.
    """

    def __init__(self, *, keys: KeySet | None, secret: bytes | None, audience: str) -> None:
        self.keys = keys
        self._secret = secret
        self._audience = audience

    @classmethod
    def from_settings(cls, settings: HttpAuthSettings) -> Self:
        """SettingsError where `AUTH_JWKS` is a file without usable keys; an address may be down."""
        keys = None if settings.jwks is None else key_set(settings.jwks)
        if keys is not None and isinstance(settings.jwks, Path):
            try:
                keys.load()
            except (OSError, ValueError) as error:
                found = repr(str(settings.jwks))
                raise SettingsError(f"AUTH_JWKS: found {found}, expected {error}") from None
        if keys is None and settings.secret is None:
            log.warning("no_token_can_be_verified", hint="set AUTH_JWKS or AUTH_SECRET")
        return cls(keys=keys, secret=settings.secret, audience=settings.audience)

    @property
    def can_verify(self) -> bool:
        return self.keys is not None or self._secret is not None

    async def verify(self, token: str) -> Principal:
        """Whom the token speaks for; BadTokenError, or KeysUnavailableError if nobody can tell."""
        principal, _ = await self.verify_until(token)
        return principal

    async def verify_until(self, token: str) -> tuple[Principal, float]:
        """Whom the token speaks for, and until when, in seconds since 1970; errors as of `verify`."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise BadTokenError("The token is too long.")
        try:
            header = jwt.get_unverified_header(token)
            claims = await self._verified_claims(token, header.get("alg"), header.get("kid"))
        except jwt.PyJWTError as error:
            raise BadTokenError(_reason(error)) from None
        return _principal_until(claims)

    async def _verified_claims(
        self, token: str, algorithm: object, key_id: str | None
    ) -> dict[str, object]:
        key: jwt.PyJWK | bytes | None = None
        if algorithm == _SECRET_ALGORITHM:
            key = self._secret
        elif algorithm in ALGORITHMS and self.keys is not None:
            key = await self.keys.find(key_id, str(algorithm))
        if key is None:
            raise BadTokenError("The token is signed by no key that is known here.")
        return jwt.decode(
            token,
            key,
            algorithms=[str(algorithm)],
            audience=self._audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "aud"], "enforce_minimum_key_length": True},
        )


def issue_token(secret: bytes, principal: Principal, *, audience: str, expires_at: datetime) -> str:
    """A token signed with the secret of `AUTH_SECRET` (HS256), for development and tests."""
    claims = {
        "sub": principal.user_id,
        "org": principal.organization_id,
        "roles": sorted(principal.roles),
        "aud": audience,
        "exp": expires_at,
    }
    return jwt.encode(claims, secret, algorithm=_SECRET_ALGORITHM)


def _principal_until(claims: dict[str, object]) -> tuple[Principal, float]:
    try:
        known = msgspec.convert(claims, _Claims)
    except msgspec.ValidationError as error:
        raise BadTokenError(f"The token's claims can't be used: {error}.") from None
    for name, value in (("sub", known.sub), ("org", known.org)):
        if checks.id_problem(value) is not None:
            raise BadTokenError(f"The token's claims can't be used: {name} is no id.")
    return Principal(known.sub, known.org, ROLES & set(known.roles)), known.exp


def _reason(error: jwt.PyJWTError) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return "The token has expired."
        case jwt.ImmatureSignatureError():
            return "The token is not valid yet."
        case jwt.InvalidAudienceError():
            return "The token is for another audience."
        case jwt.MissingRequiredClaimError():
            return f"The token has no {error.claim}."
        case _:
            return "The token is not valid."
