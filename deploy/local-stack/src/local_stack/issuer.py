"""Bearer tokens for development: a key pair of our own and the tokens that it signs."""

import json
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from riskstream.runtime.auth import Scope

ISSUER = "riskstream-local"
AUDIENCE = "riskstream"
LIFETIME = timedelta(hours=12)
OWN_DATA: tuple[Scope, ...] = ("read", "write")
"""What a token allows unless something else is asked for: never `operator`."""

_ALGORITHM = "EdDSA"


class Issuer:
    """An Ed25519 key in a folder, made at first use, beside the `jwks.json` by which services verify its tokens."""

    def __init__(self, folder: Path, name: str = ISSUER) -> None:
        """Read or make the key. Raises ValueError if the folder holds another kind of key.

        `name` is what tokens give as their `iss`.
        """
        self._folder = folder
        self._name = name
        self._key = self._read_or_make_key()
        self._key_id = self._write_public_key()

    @property
    def jwks_file(self) -> Path:
        """The public key as a JSON Web Key Set."""
        return self._folder / "jwks.json"

    def token(self, owner: str, scopes: Sequence[Scope] = OWN_DATA) -> str:
        """A token that speaks for `owner` for twelve hours of real time; raises ValueError for an empty owner."""
        if not owner.strip():
            raise ValueError("a token needs an owner: pass --owner NAME")
        # Real time, not RISKSTREAM_CLOCK's: services check expiry against real time.
        now = datetime.now(UTC)
        claims = {"iss": self._name, "aud": AUDIENCE, "sub": owner, "iat": now, "exp": now + LIFETIME}
        claims["scope"] = " ".join(scopes)
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM, headers={"kid": self._key_id})

    def environment(self) -> dict[str, str]:
        """The variables by which services trust this issuer."""
        return {
            "RISKSTREAM_AUTH_ISSUER": self._name,
            "RISKSTREAM_AUTH_AUDIENCE": AUDIENCE,
            "RISKSTREAM_AUTH_JWKS_FILE": str(self.jwks_file),
        }

    def _read_or_make_key(self) -> Ed25519PrivateKey:
        path = self._folder / "issuer.pem"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            _write_whole(path, _pem(Ed25519PrivateKey.generate()), mode=0o600)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(  # noqa: TRY004 - the file's content is wrong, not a caller's type
                f"{path} holds a {type(key).__name__}, not an Ed25519 key: remove it, a new one will be made"
            )
        return key

    def _write_public_key(self) -> str:
        public = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        key_id = str(public["x"])[:16]
        keys = {"keys": [{**public, "kid": key_id, "use": "sig", "alg": _ALGORITHM}]}
        _write_whole(self.jwks_file, json.dumps(keys, indent=2).encode(), mode=0o644)
        return key_id


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_whole(path: Path, content: bytes, mode: int) -> None:
    """Another process sees the file whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    unfinished.replace(path)
