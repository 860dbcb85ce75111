"""Who may see and change what: tokens, owners, and the walls below the code."""

import socket
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from onboarding import store
from riskstream.database.tenancy import act_for_owner
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.settings import AuthSettings

POSITION = {"symbol": "AAPL", "quantity": "1", "entry_price": "1", "entry_date": "2024-01-02"}
BODY: dict[str, Any] = {"name": "Mine", "positions": [POSITION]}


def bad_tokens(issuer) -> dict[str, str]:
    other = type(issuer)(Ed25519PrivateKey.generate())
    claims = {
        "sub": "ada",
        "iss": "https://issuer.test",
        "aud": "riskstream",
        "exp": datetime.now(UTC) + timedelta(hours=1),
    }
    return {
        "none at all": "",
        "not a token": "Bearer x",
        "not a bearer": f"Basic {issuer.token()}",
        "expired": f"Bearer {issuer.token(exp=datetime.now(UTC) - timedelta(minutes=5))}",
        "never expires": f"Bearer {issuer.token(exp=None)}",
        "of another issuer": f"Bearer {issuer.token(iss='https://other.test')}",
        "for another audience": f"Bearer {issuer.token(aud='other')}",
        "for nobody": f"Bearer {issuer.token('')}",
        "without an owner": f"Bearer {issuer.token(sub=None)}",
        "signed by nobody": f"Bearer {jwt.encode(claims, None, algorithm='none', headers={'kid': 'test'})}",
        "signed by a stranger": f"Bearer {other.token()}",
        "signed with an unknown key": f"Bearer {type(issuer)(issuer.key, 'other').token()}",
        "signed with the public key as a secret": f"Bearer {jwt.encode(claims, 'x' * 64, headers={'kid': 'test'})}",
    }


async def test_every_operation_refuses_every_bad_token_and_stores_nothing(api, layer):
    identity = uuid4()
    operations = [
        ("POST", "/portfolios"),
        ("POST", "/portfolios/import"),
        ("GET", "/portfolios"),
        ("GET", f"/portfolios/{identity}"),
        ("GET", f"/portfolios/{identity}/status"),
        ("DELETE", f"/portfolios/{identity}"),
        ("PATCH", f"/portfolios/{identity}"),
        ("GET", f"/portfolios/{identity}/changes"),
        ("POST", f"/portfolios/{identity}/lots"),
        ("POST", f"/portfolios/{identity}/lots/{identity}/close"),
        ("POST", f"/portfolios/{identity}/cash-flows"),
        ("PUT", f"/portfolios/{identity}/lots/{identity}/prices/2024-12-13"),
    ]
    for what, authorization in bad_tokens(api.issuer).items():
        for method, path in operations:
            headers = {"Authorization": authorization} if authorization else {}
            answer = await api.client.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), what
            assert answer.headers["www-authenticate"] == "Bearer"
    assert sum((await layer.counts()).values()) == 0


async def test_another_owners_portfolio_is_not_found_like_one_that_does_not_exist(api, layer):
    created = (await api.create(BODY)).json()
    stored = await layer.counts()
    for identity in (created["portfolio_id"], str(uuid4())):
        for answer in (
            await api.get(f"/portfolios/{identity}", "bob"),
            await api.get(f"/portfolios/{identity}/status", "bob"),
            await api.delete(f"/portfolios/{identity}", "bob"),
        ):
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (404, "no_such_portfolio")
            assert problem["detail"] == f"You have no portfolio {identity}."
    assert (await api.get("/portfolios", "bob")).json() == {"portfolios": [], "next": None}
    assert await layer.counts() == stored
    assert (await api.get(f"/portfolios/{created['portfolio_id']}")).status_code == 200


async def test_row_level_security_holds_where_the_code_forgot_its_filter(api, engine):
    for owner in ("ada", "bob"):
        await api.create(BODY, owner, **{"Idempotency-Key": owner})
    for table in ("portfolios", "positions", "portfolio_changes", "creations"):
        async with engine.begin() as connection:
            await act_for_owner(connection, store.API_ROLE, "ada")
            owners = (await connection.execute(text(f"SELECT owner_id FROM portfolios.{table}"))).scalars().all()
            assert owners == ["ada"], table
    async with engine.begin() as connection:
        await act_for_owner(connection, store.API_ROLE, "ada")
        changed = await connection.execute(text("UPDATE portfolios.portfolios SET name = 'taken'"))
        assert changed.rowcount == 1
    async with engine.connect() as connection:
        await act_for_owner(connection, store.API_ROLE, "ada")
        with pytest.raises(DBAPIError, match="row-level security"):
            await connection.execute(text("UPDATE portfolios.portfolios SET owner_id = 'bob'"))


async def test_without_an_owner_the_api_role_sees_nothing(api, engine):
    await api.create(BODY)
    async with engine.begin() as connection:
        await connection.execute(text(f"SET LOCAL ROLE {store.API_ROLE}"))
        assert (await connection.execute(text("SELECT count(*) FROM portfolios.portfolios"))).scalar() == 0


async def test_an_owner_does_not_outlive_its_transaction(api, engine):
    await api.create(BODY)
    async with engine.connect() as connection:
        who = (await connection.execute(text("SELECT current_user, current_setting('riskstream.owner', true)"))).one()
        assert who[0] == "onboarding"
        assert not who[1]


async def test_an_issuer_that_cannot_be_reached_is_not_the_callers_fault(api):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/jwks.json"
        remote = TokenVerifier(AuthSettings(issuer="https://issuer.test", jwks_url=address))
        api.client._transport.app.state.tokens = remote
        answer = await api.get("/portfolios")
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer_away")
