"""Who asks, and what they may do: a bearer token that a trusted issuer signed."""

import math
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, TypeAlias, get_args

import jwt
from fastapi import Request

from riskstream.runtime.configuration import ConfigurationError
from riskstream.runtime.issuer_keys import (
    ALGORITHMS,
    FileKeys,
    IssuerAway,
    IssuerKeys,
    discovered,
    fetched_from,
    is_web_address,
)
from riskstream.runtime.problems import Problem
from riskstream.runtime.settings import AuthSettings

Scope: TypeAlias = Literal["read", "write", "operator"]
"""Of an owner's own data: see it, change it. `operator`: see how the system runs, and nobody's data.

None implies another: a token has the scopes that it names.
"""

BELIEVED_SECONDS = 60.0
"""For so long a verified token is believed without checking its signature again, and a withdrawn key still counts.

Verifying costs more than everything else that an answer from memory takes.
"""
BELIEVED_TOKENS = 10_000
LARGEST_TOKEN = 8_192
LEEWAY_SECONDS = 10.0
"""By so much the issuer's clock may be off from ours."""
LONGEST_OWNER = 255
"""As long as an OpenID Connect provider may make a `sub`."""

CALLER = "riskstream.caller"
"""Where a request's ASGI scope has its caller."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a token speaks for and what it allows."""

    owner: str
    scopes: frozenset[str]
    expires: float = field(default=math.inf, compare=False)
    """Unix time up to which the token is good: whoever talks to the caller for longer ends then."""

    @property
    def subject(self) -> str:
        """Who acts, for the record of changes: the token's `sub`. Nobody acts for another owner, so it is the owner."""
        return self.owner


class TokenVerifier:
    """Turns a JSON Web Token into the caller it speaks for (its `sub`, its `scope` or `scp`)."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._keys = _keys_of(settings)
        self._believed: dict[str, tuple[Caller, float]] = {}

    def believed(self, token: str) -> Caller | None:
        """The caller of a token that was verified a moment ago and has not expired since; None: it must be verified."""
        known = self._believed.get(token)
        return known[0] if known is not None and time.time() < known[1] else None

    async def caller(self, token: str) -> Caller:
        """Verify the token. A `Problem` says what is wrong with it (401), or that the issuer's keys are away (503)."""
        if len(token) > LARGEST_TOKEN:
            raise unauthorized(f"The bearer token is longer than {LARGEST_TOKEN:,} characters.")
        try:
            claims = await self._claims(token)
        except IssuerAway as error:
            raise issuer_away() from error
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            # Beside what PyJWT means to say: numbers too large to be instants, JSON nested too deep to be read.
            raise unauthorized(f"The bearer token was refused: {error}.") from error
        owner = claims["sub"]
        if not isinstance(owner, str) or not 0 < len(owner) <= LONGEST_OWNER or not owner.isprintable():
            raise unauthorized(f"The bearer token names no owner in `sub`: 1 to {LONGEST_OWNER} printable characters.")
        caller = Caller(owner, _scopes(claims, self._settings.scope_prefix), float(claims["exp"]))
        self._believe(token, caller)
        return caller

    async def _claims(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError(f"it must be signed with one of {', '.join(ALGORITHMS)}")
        key = await self._keys.key(header.get("kid") or "")
        return jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )

    def _believe(self, token: str, caller: Caller) -> None:
        self._believed.pop(token, None)
        while len(self._believed) >= BELIEVED_TOKENS:
            del self._believed[next(iter(self._believed))]  # the oldest: dicts keep the order of insertion
        self._believed[token] = caller, min(caller.expires, time.time() + BELIEVED_SECONDS)


def issuer_away() -> Problem:
    """A `Problem` (503): no token can be told from another."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "issuer_away",
        "The issuer's keys cannot be read for now, so no token can be verified; send the request again.",
        headers={"Retry-After": "5"},
    )


def unauthorized(detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


async def current_caller(request: Request) -> Caller:
    """FastAPI dependency: who asks. The gate (`riskstream.runtime.access`) let nobody in without a good token."""
    caller: Caller = request.scope[CALLER]
    return caller


async def current_owner(request: Request) -> str:
    """FastAPI dependency: whose data the request is about."""
    caller: Caller = request.scope[CALLER]
    return caller.owner


def _keys_of(settings: AuthSettings) -> IssuerKeys:
    if settings.jwks_file is not None:
        try:
            return FileKeys(settings.jwks_file)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"RISKSTREAM_AUTH_JWKS_FILE={settings.jwks_file} cannot be used ({error}); name a JSON Web Key Set, "
                "such as /etc/riskstream/keys.json"
            ) from error
    if settings.jwks_url is not None:
        if not is_web_address(settings.jwks_url):
            raise ConfigurationError(
                f"RISKSTREAM_AUTH_JWKS_URL={settings.jwks_url!r} is no web address, such as "
                "https://login.example.com/realms/risk/keys"
            )
        return fetched_from(settings.jwks_url)
    if is_web_address(settings.issuer):
        return discovered(settings.issuer)
    raise ConfigurationError(
        "set RISKSTREAM_AUTH_JWKS_FILE or RISKSTREAM_AUTH_JWKS_URL, or name an OpenID Connect provider by its address "
        "in RISKSTREAM_AUTH_ISSUER, such as https://login.example.com/realms/risk: without an issuer's keys no token "
        "can be verified"
    )


def _scopes(claims: dict[str, Any], prefix: str) -> frozenset[str]:
    """Those of our scopes that the token has: in `scope`, space separated (RFC 8693), or `scp`, a list or the same."""
    said: list[str] = []
    for claim in (claims.get("scope"), claims.get("scp")):
        if isinstance(claim, str):
            said += claim.split()
        elif isinstance(claim, list):
            said += [name for name in claim if isinstance(name, str)]
    ours = {name.removeprefix(prefix) for name in said if name.startswith(prefix)}
    return frozenset(ours.intersection(get_args(Scope)))
