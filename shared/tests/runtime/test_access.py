import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Depends, FastAPI, WebSocket
from jwt.algorithms import OKPAlgorithm

from riskstream.runtime.access import PUBLIC, guard, operations, own_data
from riskstream.runtime.auth import Caller, TokenVerifier, current_caller, current_owner
from riskstream.runtime.health import Health
from riskstream.runtime.problems import MEDIA_TYPE, install_problem_handlers
from riskstream.runtime.rate_limits import RateLimits
from riskstream.runtime.settings import AuthSettings, RateSettings

KEY = Ed25519PrivateKey.generate()


def bearer(scope: str = "read write", owner: str = "alice") -> dict[str, str]:
    claims = {"iss": "tests", "aud": "riskstream", "sub": owner, "scope": scope}
    claims |= {"exp": datetime.now(UTC) + timedelta(minutes=5)}  # type: ignore[dict-item]
    return {"Authorization": f"Bearer {jwt.encode(claims, KEY, algorithm='EdDSA', headers={'kid': 'ours'})}"}


@pytest.fixture
def verifier(tmp_path: Path) -> TokenVerifier:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{**OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "ours"}]}))
    return TokenVerifier(AuthSettings(issuer="tests", jwks_file=file))


def application(verifier: TokenVerifier, needs: Any = own_data, **limits: int) -> FastAPI:
    app = FastAPI()
    guard(app, verifier, needs, RateLimits(RateSettings(**{"reads_per_minute": 0, "writes_per_minute": 0} | limits)))
    install_problem_handlers(app)
    app.include_router(Health().router())

    @app.get("/things/{number}")
    async def read(number: int, owner: str = Depends(current_owner)) -> str:
        return f"{owner}'s {number}"

    @app.api_route("/things", methods=["POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def change(caller: Caller = Depends(current_caller)) -> str:  # noqa: B008 - FastAPI's way
        return caller.subject

    @app.websocket("/live")
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()

    return app


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.mark.parametrize("header", [None, "", "Basic YWxpY2U6eA==", "Bearer", "Bearer "])
async def test_a_request_without_a_bearer_token_is_told_how_to_send_one(
    verifier: TokenVerifier, header: str | None
) -> None:
    async with client(application(verifier)) as http:
        refused = await http.get("/things/1", headers={} if header is None else {"Authorization": header})
        welcome = await http.get("/things/1", headers={"authorization": bearer()["Authorization"].replace("B", "b", 1)})
    assert refused.status_code == 401
    assert refused.headers["content-type"] == MEDIA_TYPE
    assert refused.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer" in refused.json()["detail"]
    assert welcome.json() == "alice's 1"


async def test_two_tokens_in_one_request_are_none(verifier: TokenVerifier) -> None:
    async with client(application(verifier)) as http:
        both = [next(iter(bearer(owner=owner).items())) for owner in ("alice", "bob")]
        assert (await http.get("/things/1", headers=both)).status_code == 401


@pytest.mark.parametrize("path", ["/things/none", "/nowhere", "/things", "/metrics/", "//metrics", "/health/LIVE"])
async def test_who_asks_is_known_before_anything_is_routed_or_validated(verifier: TokenVerifier, path: str) -> None:
    async with client(application(verifier)) as http:
        assert (await http.get(path)).status_code == 401
        assert (await http.get(path, headers=bearer())).status_code in {404, 405, 307, 422}


async def test_what_is_public_asks_for_nothing(verifier: TokenVerifier) -> None:
    async with client(application(verifier, operations)) as http:
        for path in PUBLIC:
            assert (await http.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("read", {"GET"}),
        ("write", {"POST", "PUT", "PATCH", "DELETE"}),
        ("read write", {"GET", "POST", "PUT", "PATCH", "DELETE"}),
        ("operator", set()),
        ("", set()),
    ],
)
async def test_looking_needs_read_and_changing_needs_write(
    verifier: TokenVerifier, scope: str, allowed: set[str]
) -> None:
    async with client(application(verifier)) as http:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            path = "/things/1" if method == "GET" else "/things"
            answer = await http.request(method, path, headers=bearer(scope))
            if method in allowed:
                assert answer.status_code == 200, method
                continue
            needed = "read" if method == "GET" else "write"
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
            assert f"`{needed}`" in answer.json()["detail"]
            assert answer.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{needed}"'


async def test_operations_are_for_operators_alone(verifier: TokenVerifier) -> None:
    async with client(application(verifier, operations)) as http:
        assert (await http.get("/things/1", headers=bearer("read write"))).status_code == 403
        assert (await http.get("/things/1", headers=bearer("operator"))).status_code == 200


async def test_an_owner_who_asks_too_much_is_told_when_to_come_back_and_nobody_else_notices(
    verifier: TokenVerifier,
) -> None:
    async with client(application(verifier, reads_per_minute=3, writes_per_minute=1)) as http:
        statuses = [(await http.get("/things/1", headers=bearer())).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        refused = await http.get("/things/1", headers=bearer())
        assert refused.headers["content-type"] == MEDIA_TYPE
        assert refused.headers["ratelimit-policy"] == '"reads";q=3;w=60'
        assert 0 < int(refused.headers["retry-after"]) <= 20
        assert (await http.post("/things", headers=bearer())).status_code == 200
        assert (await http.get("/things/1", headers=bearer(owner="bob"))).status_code == 200
        metrics = (await http.get("/metrics")).text
    assert 'riskstream_http_requests_refused_total{code="rate_limited"}' in metrics
    assert "alice" not in metrics


async def test_who_is_refused_uses_up_nothing(verifier: TokenVerifier) -> None:
    async with client(application(verifier, reads_per_minute=1)) as http:
        for _ in range(5):
            assert (await http.get("/things/1", headers=bearer("write"))).status_code == 403
        assert (await http.get("/things/1", headers=bearer())).status_code == 200


async def test_a_websocket_does_not_come_in_past_the_gate(verifier: TokenVerifier) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in bearer().items()]
    connection = {"type": "websocket", "path": "/live", "raw_path": b"/live", "query_string": b"", "headers": headers}
    await application(verifier)(connection, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
