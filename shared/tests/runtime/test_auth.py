import json
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Depends, FastAPI
from jwt.algorithms import OKPAlgorithm

from riskstream.runtime import auth
from riskstream.runtime.auth import BELIEVED_SECONDS, TokenVerifier, current_owner
from riskstream.runtime.problems import MEDIA_TYPE, Problem, install_problem_handlers
from riskstream.runtime.settings import AuthSettings

KEY = Ed25519PrivateKey.generate()
STRANGER = Ed25519PrivateKey.generate()


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


@pytest.fixture
def verifier(tmp_path: Path) -> TokenVerifier:
    public = OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{**public, "kid": "ours", "alg": "EdDSA"}]}))
    return TokenVerifier(AuthSettings(issuer="tests", jwks_file=file))


def test_a_good_token_names_its_owner(verifier: TokenVerifier) -> None:
    assert verifier.owner(token()) == "alice"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(token(exp=datetime.now(UTC) - timedelta(minutes=1)), id="expired"),
        pytest.param(token(exp=None), id="never expires"),
        pytest.param(token(iss="elsewhere"), id="another issuer"),
        pytest.param(token(aud="another-service"), id="another audience"),
        pytest.param(token(sub=None), id="no owner"),
        pytest.param(token(sub=""), id="empty owner"),
        pytest.param(token(key=STRANGER), id="signed by a stranger with our key's name"),
        pytest.param(token(kid="theirs"), id="a key the issuer does not list"),
        pytest.param(token(kid=None), id="no key named"),
        pytest.param(token(key="x" * 32, algorithm="HS256"), id="a symmetric algorithm"),
        pytest.param(token(key=None, algorithm="none"), id="unsigned"),
        pytest.param("not.a.token", id="garbage"),
        pytest.param("", id="empty"),
    ],
)
def test_any_other_token_is_refused_with_401(verifier: TokenVerifier, bad: str) -> None:
    with pytest.raises(Problem) as refused:
        verifier.owner(bad)
    assert refused.value.status == HTTPStatus.UNAUTHORIZED
    assert refused.value.headers == {"WWW-Authenticate": "Bearer"}


def test_without_an_issuers_keys_the_service_does_not_start() -> None:
    with pytest.raises(ValueError, match="RISKSTREAM_AUTH_JWKS_FILE or RISKSTREAM_AUTH_JWKS_URL"):
        TokenVerifier(AuthSettings(issuer="tests"))


@pytest.mark.parametrize("header", [None, "", "Basic YWxpY2U6eA==", "Bearer", "Bearer "])
async def test_a_request_without_a_bearer_token_is_told_how_to_send_one(
    verifier: TokenVerifier, header: str | None
) -> None:
    app = FastAPI()
    app.state.tokens = verifier
    install_problem_handlers(app)

    @app.get("/me")
    async def me(owner: str = Depends(current_owner)) -> str:
        return owner

    headers = {} if header is None else {"Authorization": header}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        refused = await client.get("/me", headers=headers)
        welcome = await client.get("/me", headers={"Authorization": f"bearer {token()}"})
    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert refused.headers["content-type"] == MEDIA_TYPE
    assert "Authorization: Bearer" in refused.json()["detail"]
    assert welcome.json() == "alice"


def test_a_token_is_believed_only_after_it_was_verified(verifier: TokenVerifier) -> None:
    good = token()
    assert verifier.believed_owner(good) is None
    verifier.owner(good)
    assert verifier.believed_owner(good) == "alice"
    # One character of the signature, or of the claims, makes it another token.
    head, claims, signature = good.split(".")
    for other in (f"{head}.{claims}.A{signature[1:]}", f"{head}.A{claims[1:]}.{signature}"):
        assert verifier.believed_owner(other) is None


def test_a_token_that_was_refused_is_not_believed(verifier: TokenVerifier) -> None:
    bad = token(key=STRANGER)
    with pytest.raises(Problem):
        verifier.owner(bad)
    assert verifier.believed_owner(bad) is None


@pytest.mark.parametrize(
    ("lives", "believed"), [(20.0, 20.0), (300.0, BELIEVED_SECONDS)], ids=["to its expiry", "for a minute"]
)
def test_a_verified_token_is_believed_for_a_while(
    verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch, lives: float, believed: float
) -> None:
    now = time.time()
    good = token(exp=now + lives)
    verifier.owner(good)
    monkeypatch.setattr(time, "time", lambda: now + believed - 1.5)
    assert verifier.believed_owner(good) == "alice"
    monkeypatch.setattr(time, "time", lambda: now + believed + 1.5)
    assert verifier.believed_owner(good) is None


def test_only_so_many_tokens_are_believed_and_the_oldest_goes_first(
    verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "BELIEVED_TOKENS", 2)
    tokens = [token(sub=owner) for owner in ("alice", "bob", "carol")]
    for one in tokens:
        verifier.owner(one)
    assert [verifier.believed_owner(one) for one in tokens] == [None, "bob", "carol"]
