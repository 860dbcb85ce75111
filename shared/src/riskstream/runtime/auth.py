"""Who asks: the owner named by a bearer token that a trusted issuer signed."""

import asyncio
import json
import threading
import time
from http import HTTPStatus
from typing import Any

import jwt
from fastapi import Request

from riskstream.runtime.problems import Problem
from riskstream.runtime.settings import AuthSettings

ALGORITHMS = ["EdDSA", "ES256", "RS256"]
"""Asymmetric only: a service that can verify must not be able to issue."""

BELIEVED_SECONDS = 60.0
"""For so long a verified token is believed without checking its signature again, and a withdrawn key still counts.

Verifying costs more than everything else that an answer from memory takes.
"""
BELIEVED_TOKENS = 10_000


class TokenVerifier:
    """Turns a JSON Web Token into the owner it speaks for (its `sub`)."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._remote: jwt.PyJWKClient | None = None
        self._keys: dict[str, jwt.PyJWK] = {}
        self._believed: dict[str, tuple[str, float]] = {}
        self._believing = threading.Lock()
        if settings.jwks_file is not None:
            keys = jwt.PyJWKSet.from_dict(json.loads(settings.jwks_file.read_text()))
            self._keys = {key.key_id: key for key in keys.keys if key.key_id}
        elif settings.jwks_url is not None:
            self._remote = jwt.PyJWKClient(settings.jwks_url)
        else:
            raise ValueError(
                "set RISKSTREAM_AUTH_JWKS_FILE or RISKSTREAM_AUTH_JWKS_URL: "
                "without an issuer's keys no token can be verified"
            )

    @property
    def asks_issuer(self) -> bool:
        """Whether verifying may wait for the issuer's address, which no event loop should do."""
        return self._remote is not None

    def believed_owner(self, token: str) -> str | None:
        """The owner of a token that was verified a moment ago and has not expired since; None: it must be verified."""
        owner, until = self._believed.get(token, (None, 0.0))
        return owner if time.time() < until else None

    def owner(self, token: str) -> str:
        """Verify the token: the owner it speaks for. A `Problem` (401) says what is wrong with it."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(token),
                algorithms=ALGORITHMS,
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "issuer_away",
                "The issuer's keys cannot be read for now, so no token can be verified; send the request again.",
                headers={"Retry-After": "5"},
            ) from error
        except jwt.PyJWTError as error:
            raise unauthorized(f"The bearer token was refused: {error}.") from error
        owner = claims["sub"]
        if not isinstance(owner, str) or not owner:
            raise unauthorized("The bearer token names no owner in `sub`.")
        self._believe(token, owner, claims["exp"])
        return owner

    def _believe(self, token: str, owner: str, expires: float) -> None:
        with self._believing:
            self._believed.pop(token, None)
            while len(self._believed) >= BELIEVED_TOKENS:
                del self._believed[next(iter(self._believed))]  # the oldest: dicts keep the order of insertion
            self._believed[token] = owner, min(float(expires), time.time() + BELIEVED_SECONDS)

    def _key(self, token: str) -> jwt.PyJWK:
        if self._remote is not None:
            return self._remote.get_signing_key_from_jwt(token)
        key_id = jwt.get_unverified_header(token).get("kid")
        try:
            return self._keys[key_id or ""]
        except KeyError:
            raise jwt.InvalidKeyError(f"it was signed with key {key_id!r}, which the issuer does not list") from None


def unauthorized(detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


async def current_owner(request: Request) -> str:
    """FastAPI dependency: the owner of the request's bearer token; the verifier lives in `app.state.tokens`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("Send `Authorization: Bearer <token>`.")
    token = token.strip()
    verifier: TokenVerifier = request.app.state.tokens
    believed = verifier.believed_owner(token)
    if believed is not None:
        return believed
    return await asyncio.to_thread(verifier.owner, token) if verifier.asks_issuer else verifier.owner(token)
