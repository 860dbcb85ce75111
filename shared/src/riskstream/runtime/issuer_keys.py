"""An issuer's public keys: from a file, from an address, or from where OpenID Connect says that they are."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

import jwt
import structlog

ALGORITHMS = ("EdDSA", "ES256", "RS256")
"""Asymmetric only: a service that can verify must not be able to issue."""

FRESH_SECONDS = 300.0
"""At this age keys are read again, while those that are known go on counting."""
KEPT_SECONDS = 3_600.0
"""So long keys count while their issuer does not answer; a withdrawn one too."""
PAUSE_SECONDS = 5.0
"""Between two looks at the issuer, whatever was asked for: tokens that name invented keys must not become its load."""
ANSWER_SECONDS = 3.0
LARGEST_ANSWER = 1_000_000

log = structlog.get_logger(__name__)


class IssuerAway(Exception):
    """The issuer did not answer, so it is not known whether it has the key."""


class IssuerKeys(Protocol):
    async def key(self, key_id: str) -> jwt.PyJWK:
        """The key of this name. Raises `jwt.InvalidKeyError` if there is none, `IssuerAway` if that is unknown."""


class FileKeys:
    """The keys of a JSON Web Key Set in a file, read once."""

    def __init__(self, file: Path) -> None:
        self._keys = usable_keys(json.loads(file.read_bytes()))

    async def key(self, key_id: str) -> jwt.PyJWK:
        return _named(self._keys, key_id)


class FetchedKeys:
    """The keys that `fetch`, which may block, brings; read at first need, when they grow old, and for unknown names.

    However many ask, one look is under way at a time, and the next begins `PAUSE_SECONDS` later at the earliest.
    """

    def __init__(self, fetch: Callable[[], Mapping[str, Any]]) -> None:
        self._fetch = fetch
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = float("-inf")
        self._next_look = float("-inf")
        self._answered = False
        self._look: asyncio.Task[None] | None = None

    async def key(self, key_id: str) -> jwt.PyJWK:
        if key_id in self._keys and self._age() < KEPT_SECONDS:
            if self._age() >= FRESH_SECONDS:
                self._begin_look()
            return self._keys[key_id]
        look = self._begin_look()
        if look is not None:
            await asyncio.wait({look})
        if self._age() >= KEPT_SECONDS or (key_id not in self._keys and not self._answered):
            raise IssuerAway
        return _named(self._keys, key_id)

    def _age(self) -> float:
        return time.monotonic() - self._read_at

    def _begin_look(self) -> asyncio.Task[None] | None:
        """The look that is under way, or a new one; None: the last one was a moment ago."""
        if self._look is not None and not self._look.done():
            return self._look
        if time.monotonic() < self._next_look:
            return None
        self._look = asyncio.create_task(self._read())
        return self._look

    async def _read(self) -> None:
        try:
            self._keys = usable_keys(await asyncio.to_thread(self._fetch))
            self._read_at = time.monotonic()
            self._answered = True
        except (OSError, HTTPException, ValueError, jwt.PyJWTError) as error:
            self._answered = False
            log.warning("the issuer's keys cannot be read", error=str(error), tried_again_after_seconds=PAUSE_SECONDS)
        finally:
            self._next_look = time.monotonic() + PAUSE_SECONDS


def fetched_from(address: str) -> FetchedKeys:
    """The keys of the set at `address`."""
    return FetchedKeys(lambda: _read_json(address))


def discovered(issuer: str) -> FetchedKeys:
    """The keys that an OpenID Connect provider names in its configuration (OpenID Connect Discovery 1.0, section 4)."""

    def fetch() -> Mapping[str, Any]:
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        configuration = _read_json(address)
        if configuration.get("issuer") != issuer:
            raise ValueError(f"{address} speaks for {configuration.get('issuer')!r}, not for {issuer!r}")
        keys = configuration.get("jwks_uri")
        if not isinstance(keys, str) or not is_web_address(keys):
            raise ValueError(f"{address} names no web address as its `jwks_uri`")
        return _read_json(keys)

    return FetchedKeys(fetch)


def is_web_address(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def usable_keys(document: Mapping[str, Any]) -> dict[str, jwt.PyJWK]:
    """The keys by name; left out are those for encryption, without a name, or of an algorithm that is not ours.

    Raises ValueError where none is left.
    """
    listed = document.get("keys")
    found = (_usable(key) for key in listed if isinstance(key, dict)) if isinstance(listed, list) else ()
    keys = {key.key_id: key for key in found if key is not None and key.key_id}
    if not keys:
        raise ValueError(f"the issuer's key set lists no named key for signatures with {', '.join(ALGORITHMS)}")
    return keys


def _usable(listed: dict[str, Any]) -> jwt.PyJWK | None:
    if listed.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(listed)
    except jwt.PyJWTError:
        return None  # an algorithm that PyJWT does not know is none of ours either
    return key if key.algorithm_name in ALGORITHMS else None


def _named(keys: Mapping[str, jwt.PyJWK], key_id: str) -> jwt.PyJWK:
    try:
        return keys[key_id]
    except KeyError:
        raise jwt.InvalidKeyError(f"it was signed with key {key_id!r}, which the issuer does not list") from None


def _read_json(address: str) -> Mapping[str, Any]:
    request = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310 - see is_web_address
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
        content = answer.read(LARGEST_ANSWER + 1)
    if len(content) > LARGEST_ANSWER:
        raise ValueError(f"{address} answers more than {LARGEST_ANSWER:,} bytes")
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError(f"{address} does not answer a JSON object")  # noqa: TRY004 - the content is wrong, not a type
    return document
