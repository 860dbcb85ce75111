"""Keys read from an issuer over real HTTP: found, rotated, withdrawn, lied about, and away."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from riskstream.runtime import issuer_keys
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.issuer_keys import FRESH_SECONDS, KEPT_SECONDS, PAUSE_SECONDS, usable_keys
from riskstream.runtime.problems import Problem
from riskstream.runtime.settings import AuthSettings

CONFIGURATION = "/.well-known/openid-configuration"


class Provider:
    """An OpenID Connect provider on loopback, with as much of it as a resource server asks for."""

    def __init__(self) -> None:
        self.signing: dict[str, Ed25519PrivateKey] = {"first": Ed25519PrivateKey.generate()}
        self.listed: list[dict[str, Any]] | None = None
        self.changed: dict[str, Any] = {}
        self.status = 200
        self.asked: Counter[str] = Counter()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked[self.path] += 1
                body = json.dumps(provider.answer(self.path)).encode()
                self.send_response(provider.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def answer(self, path: str) -> Any:
        if path == CONFIGURATION:
            return {"issuer": self.address, "jwks_uri": f"{self.address}/keys"} | self.changed
        return {"keys": [public(key, kid) for kid, key in self.signing.items()] if self.listed is None else self.listed}

    def token(self, kid: str = "first", key: Any = None, algorithm: str = "EdDSA", owner: str = "alice") -> str:
        claims = {"iss": self.address, "aud": "riskstream", "sub": owner, "exp": datetime.now(UTC) + timedelta(hours=1)}
        return jwt.encode(claims, key or self.signing[kid], algorithm=algorithm, headers={"kid": kid})

    def verifier(self, **settings: Any) -> TokenVerifier:
        return TokenVerifier(AuthSettings(issuer=self.address, **settings))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def public(key: Ed25519PrivateKey, kid: str) -> dict[str, Any]:
    return {**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


class Hours:
    """The clock by which keys grow old, moved by hand."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    hours = Hours()
    monkeypatch.setattr(issuer_keys, "time", hours)
    return hours


async def refusal(verifier: TokenVerifier, token: str) -> HTTPStatus:
    with pytest.raises(Problem) as refused:
        await verifier.caller(token)
    return refused.value.status


async def test_the_keys_of_a_provider_are_found_by_its_name_and_read_once(provider: Provider) -> None:
    verifier = provider.verifier()
    for owner in ("alice", "bob"):
        assert (await verifier.caller(provider.token(owner=owner))).owner == owner
    assert provider.asked == {CONFIGURATION: 1, "/keys": 1}


async def test_an_address_of_keys_is_read_as_it_is(provider: Provider) -> None:
    assert await provider.verifier(jwks_url=f"{provider.address}/elsewhere").caller(provider.token())
    assert provider.asked == {"/elsewhere": 1}


@pytest.mark.parametrize("kind", ["RS256", "ES256"])
async def test_providers_sign_with_rsa_and_elliptic_curves_too(provider: Provider, kind: str) -> None:
    key: Any = generate_rsa_key(65537, 2048) if kind == "RS256" else generate_ec_key(SECP256R1())
    listed = (RSAAlgorithm if kind == "RS256" else ECAlgorithm).to_jwk(key.public_key(), as_dict=True)
    provider.listed = [{**listed, "kid": "k", "alg": kind}]
    assert (await provider.verifier().caller(provider.token("k", key, kind))).owner == "alice"


async def test_a_key_that_is_new_is_looked_for_at_once_and_one_that_is_gone_does_not_count(
    provider: Provider, hours: Hours
) -> None:
    verifier = provider.verifier()
    old = provider.token()
    await verifier.caller(old)
    provider.signing = {"second": Ed25519PrivateKey.generate()}
    hours.now += PAUSE_SECONDS
    assert await verifier.caller(provider.token("second"))
    assert await refusal(verifier, old) == HTTPStatus.UNAUTHORIZED


async def test_a_key_that_is_withdrawn_counts_no_longer_once_keys_are_read_again(
    provider: Provider, hours: Hours
) -> None:
    verifier = provider.verifier()
    old = provider.token()
    await verifier.caller(old)
    provider.signing = {"second": Ed25519PrivateKey.generate()}
    hours.now += FRESH_SECONDS
    await verifier.caller(old)  # the last time: it begins the look that finds the key gone
    await asyncio.wait({verifier._keys._look})  # type: ignore[attr-defined]
    assert await refusal(verifier, old) == HTTPStatus.UNAUTHORIZED


async def test_a_flood_of_invented_keys_does_not_become_the_issuers_load(provider: Provider, hours: Hours) -> None:
    verifier = provider.verifier()
    stranger = Ed25519PrivateKey.generate()
    flood = [provider.token(f"invented-{number}", stranger) for number in range(200)]
    statuses = await asyncio.gather(*(refusal(verifier, token) for token in flood))
    assert set(statuses) == {HTTPStatus.UNAUTHORIZED}
    assert provider.asked["/keys"] == 1
    hours.now += PAUSE_SECONDS
    await asyncio.gather(*(refusal(verifier, token) for token in flood))
    assert provider.asked["/keys"] == 2
    assert await verifier.caller(provider.token())


async def test_a_silent_issuer_is_not_the_callers_fault_and_is_asked_again_after_a_pause(
    provider: Provider, hours: Hours
) -> None:
    verifier = provider.verifier()
    provider.status = 500
    for _ in range(3):
        with pytest.raises(Problem) as away:
            await verifier.caller(provider.token())
        assert (away.value.status, away.value.code) == (HTTPStatus.SERVICE_UNAVAILABLE, "issuer_away")
        assert away.value.headers == {"Retry-After": "5"}
    assert provider.asked == {CONFIGURATION: 1}
    provider.status = 200
    hours.now += PAUSE_SECONDS
    assert await verifier.caller(provider.token())


async def test_known_keys_go_on_counting_for_an_hour_while_the_issuer_is_away(provider: Provider, hours: Hours) -> None:
    verifier = provider.verifier()
    await verifier.caller(provider.token())
    provider.status = 503
    hours.now += KEPT_SECONDS - 1
    assert await verifier.caller(provider.token(owner="bob"))
    new = provider.token("new", Ed25519PrivateKey.generate())
    assert await refusal(verifier, new) == HTTPStatus.SERVICE_UNAVAILABLE
    hours.now += 1 + PAUSE_SECONDS
    assert await refusal(verifier, provider.token(owner="carol")) == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://somebody.else"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
async def test_a_configuration_that_speaks_for_another_issuer_or_names_no_address_is_not_believed(
    provider: Provider, changed: dict[str, Any]
) -> None:
    provider.changed = changed
    assert await refusal(provider.verifier(), provider.token()) == HTTPStatus.SERVICE_UNAVAILABLE
    assert provider.asked["/keys"] == 0


async def test_an_endless_answer_is_not_read_to_its_end(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_keys, "LARGEST_ANSWER", 100)
    assert await refusal(provider.verifier(), provider.token()) == HTTPStatus.SERVICE_UNAVAILABLE


def test_keys_that_verify_no_signature_of_ours_are_left_out() -> None:
    good = public(Ed25519PrivateKey.generate(), "good")
    secret = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "kid": "secret"}
    others = [secret, good | {"kid": "enc", "use": "enc"}, {"kty": "?", "kid": "odd"}, good | {"kid": ""}, "text"]
    assert list(usable_keys({"keys": [*others, good]})) == ["good"]
    for document in ({}, {"keys": []}, {"keys": others}, {"keys": "text"}):
        with pytest.raises(ValueError, match="lists no named key"):
            usable_keys(document)
