import base64
import json
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from riskstream.runtime import auth
from riskstream.runtime.auth import BELIEVED_SECONDS, LARGEST_TOKEN, Caller, TokenVerifier
from riskstream.runtime.problems import Problem
from riskstream.runtime.settings import AuthSettings

KEY = Ed25519PrivateKey.generate()
STRANGER = Ed25519PrivateKey.generate()
NOW = datetime.now(UTC)


def token(*, key: Any = KEY, kid: str | None = "ours", algorithm: str = "EdDSA", **changed: Any) -> str:
    claims = {
        "iss": "tests",
        "aud": "riskstream",
        "sub": "alice",
        "exp": datetime.now(UTC) + timedelta(minutes=5),
        **changed,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={} if kid is None else {"kid": kid})


def nested_deeply() -> str:
    """A token whose header is JSON, three thousand lists deep."""
    deep = '{"alg":"EdDSA","kid":"ours","x":' + "[" * 3000 + "]" * 3000 + "}"
    return base64.urlsafe_b64encode(deep.encode()).decode().rstrip("=") + ".e30.AA"


def key_set(tmp_path: Path) -> Path:
    public = OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{**public, "kid": "ours", "alg": "EdDSA"}]}))
    return file


@pytest.fixture
def verifier(tmp_path: Path) -> TokenVerifier:
    return TokenVerifier(AuthSettings(issuer="tests", jwks_file=key_set(tmp_path)))


async def test_a_good_token_names_its_owner_who_is_the_subject_of_what_it_does(verifier: TokenVerifier) -> None:
    caller = await verifier.caller(token())
    assert (caller.owner, caller.subject) == ("alice", "alice")


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(token(exp=NOW - timedelta(minutes=1)), id="expired"),
        pytest.param(token(exp=None), id="never expires"),
        pytest.param(token(exp=float("inf")), id="expires at no instant"),
        pytest.param(token(exp="soon"), id="expires at no number"),
        pytest.param(token(nbf=NOW + timedelta(minutes=5)), id="not valid yet"),
        pytest.param(token(iat=NOW + timedelta(minutes=5)), id="issued in the future"),
        pytest.param(token(iss="elsewhere"), id="another issuer"),
        pytest.param(token(iss=None), id="no issuer"),
        pytest.param(token(aud="another-service"), id="another audience"),
        pytest.param(token(aud=None), id="no audience"),
        pytest.param(token(sub=None), id="no owner"),
        pytest.param(token(sub=""), id="empty owner"),
        pytest.param(token(sub="a" * 256), id="an owner longer than issuers may name"),
        pytest.param(token(sub="al\x00ice"), id="an owner that no database can store"),
        pytest.param(token(key=STRANGER), id="signed by a stranger with our key's name"),
        pytest.param(token(kid="theirs"), id="a key the issuer does not list"),
        pytest.param(token(kid=None), id="no key named"),
        pytest.param(token(key="x" * 32, algorithm="HS256"), id="a symmetric algorithm"),
        pytest.param(token(key=None, algorithm="none"), id="unsigned"),
        pytest.param(token().rsplit(".", 1)[0] + ".", id="its signature cut off"),
        pytest.param(token(padding="x" * LARGEST_TOKEN), id="good, but too long"),
        pytest.param(nested_deeply(), id="nested deeply"),
        pytest.param("not.a.token", id="garbage"),
        pytest.param("ÿ.ÿ.ÿ", id="not ASCII"),
        pytest.param("", id="empty"),
    ],
)
async def test_any_other_token_is_refused_with_401(verifier: TokenVerifier, bad: str) -> None:
    with pytest.raises(Problem) as refused:
        await verifier.caller(bad)
    assert refused.value.status == HTTPStatus.UNAUTHORIZED
    assert refused.value.headers == {"WWW-Authenticate": "Bearer"}
    assert verifier.believed(bad) is None


async def test_the_public_key_is_no_secret_to_sign_with(verifier: TokenVerifier) -> None:
    public = KEY.public_key().public_bytes_raw()
    for secret in (public, base64.urlsafe_b64encode(public).rstrip(b"=")):
        with pytest.raises(Problem, match="must be signed with one of EdDSA"):
            await verifier.caller(token(key=secret, algorithm="HS256"))


async def test_clocks_that_differ_by_seconds_refuse_nobody(verifier: TokenVerifier) -> None:
    now = datetime.now(UTC)
    assert await verifier.caller(token(exp=now - timedelta(seconds=3)))
    assert await verifier.caller(token(nbf=now + timedelta(seconds=3), iat=now + timedelta(seconds=3)))


@pytest.mark.parametrize(
    ("claims", "prefix", "scopes"),
    [
        ({"scope": "read write"}, "", {"read", "write"}),
        ({"scope": " openid  read profile"}, "", {"read"}),
        ({"scp": ["read", "operator", 7, None]}, "", {"read", "operator"}),
        ({"scp": "write"}, "", {"write"}),
        ({"scope": "read", "scp": ["write"]}, "", {"read", "write"}),
        ({}, "", set()),
        ({"scope": ""}, "", set()),
        ({"scope": {"read": True}, "scp": 3}, "", set()),
        ({"scope": "readwrite READ riskstream:read"}, "", set()),
        ({"scope": "riskstream:read write other:operator"}, "riskstream:", {"read"}),
    ],
)
async def test_scopes_are_those_that_the_token_names(
    tmp_path: Path, claims: dict[str, Any], prefix: str, scopes: set[str]
) -> None:
    verifier = TokenVerifier(AuthSettings(issuer="tests", jwks_file=key_set(tmp_path), scope_prefix=prefix))
    assert (await verifier.caller(token(**claims))).scopes == scopes


def test_without_an_issuers_keys_the_service_does_not_start() -> None:
    with pytest.raises(ValueError, match="RISKSTREAM_AUTH_JWKS_FILE or RISKSTREAM_AUTH_JWKS_URL"):
        TokenVerifier(AuthSettings(issuer="tests"))
    with pytest.raises(ValueError, match="RISKSTREAM_AUTH_JWKS_URL='file:///etc/passwd' is no web address"):
        TokenVerifier(AuthSettings(issuer="tests", jwks_url="file:///etc/passwd"))


async def test_a_token_is_believed_only_after_it_was_verified(verifier: TokenVerifier) -> None:
    good = token(scope="read")
    assert verifier.believed(good) is None
    await verifier.caller(good)
    assert verifier.believed(good) == Caller("alice", frozenset({"read"}))
    # One character of the signature, or of the claims, makes it another token.
    head, claims, signature = good.split(".")
    changed = "B" if signature[0] == "A" else "A"
    for other in (f"{head}.{claims}.{changed}{signature[1:]}", f"{head}.A{claims[1:]}.{signature}"):
        assert verifier.believed(other) is None


@pytest.mark.parametrize(
    ("lives", "believed"), [(20.0, 20.0), (300.0, BELIEVED_SECONDS)], ids=["to its expiry", "for a minute"]
)
async def test_a_verified_token_is_believed_for_a_while(
    verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch, lives: float, believed: float
) -> None:
    now = time.time()
    good = token(exp=now + lives)
    await verifier.caller(good)
    monkeypatch.setattr(time, "time", lambda: now + believed - 1.5)
    assert verifier.believed(good) is not None
    monkeypatch.setattr(time, "time", lambda: now + believed + 1.5)
    assert verifier.believed(good) is None


async def test_only_so_many_tokens_are_believed_and_the_oldest_goes_first(
    verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "BELIEVED_TOKENS", 2)
    tokens = [token(sub=owner) for owner in ("alice", "bob", "carol")]
    for one in tokens:
        await verifier.caller(one)
    owners = [known and known.owner for known in map(verifier.believed, tokens)]
    assert owners == [None, "bob", "carol"]
