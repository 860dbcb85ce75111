"""Who asks: the owner named by a bearer token that a trusted issuer signed."""

import asyncio
import json
from http import HTTPStatus
from typing import Any

import jwt
from fastapi import Request

from riskstream.runtime.problems import Problem
from riskstream.runtime.settings import AuthSettings

ALGORITHMS = ["EdDSA", "ES256", "RS256"]
"""Asymmetric only: a service that can verify must not be able to issue."""


class TokenVerifier:
    """Turns a JSON Web Token into the owner it speaks for (its `sub`)."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._remote: jwt.PyJWKClient | None = None
        self._keys: dict[str, jwt.PyJWK] = {}
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

    def owner(self, token: str) -> str:
        """The owner the token speaks for; a `Problem` (401) says what is wrong with it."""
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
        return owner

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
    verifier: TokenVerifier = request.app.state.tokens
    if verifier.asks_issuer:
        return await asyncio.to_thread(verifier.owner, token.strip())
    return verifier.owner(token.strip())
