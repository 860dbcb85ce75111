"""The demo's issuer, as a service finds it, and what the samples hold."""

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest

from local_stack.compose_demo import sample_books, serve_keys
from local_stack.issuer import AUDIENCE, Issuer
from local_stack.ports import free_port
from market_simulator.app import create_app
from market_simulator.simulator import Simulator
from market_simulator.synthetic.generate import generate, synthesis_at
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.clock import Clock
from riskstream.runtime.problems import Problem
from riskstream.runtime.settings import AuthSettings


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the issuer with its key in `tmp_path` answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = serve_keys(Issuer(tmp_path, address), address, port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_service_that_knows_the_issuers_address_alone_lets_its_tokens_in(address: str, tmp_path: Path) -> None:
    verifier = TokenVerifier(AuthSettings(issuer=address, audience=AUDIENCE))
    assert (await verifier.caller(Issuer(tmp_path, address).token("alice"))).owner == "alice"


async def test_a_token_of_another_key_is_refused(address: str, tmp_path: Path) -> None:
    verifier = TokenVerifier(AuthSettings(issuer=address, audience=AUDIENCE))
    with pytest.raises(Problem):
        await verifier.caller(Issuer(tmp_path / "another", address).token("alice"))


@pytest.mark.parametrize("path", ["/issuer.pem", "/../issuer.pem", "//issuer.pem", "/", "/jwks.json/../issuer.pem"])
def test_the_private_key_is_not_served(address: str, path: str) -> None:
    assert httpx.get(address + path, trust_env=False).status_code == 404


async def test_the_samples_hold_stocks_of_the_market_with_a_long_history() -> None:
    reference = date(2026, 3, 10)
    app = create_app(Simulator(generate(synthesis_at(reference, seed=7, symbols=60)), Clock(), 7))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://market") as client:
        listed = (await client.get("/_simulator/symbols")).json()
    books = sample_books(listed, date(2026, 1, 29))
    assert [book["name"] for book in books] == ["Growth and income", "Long and short", "One idea"]
    held = {position["symbol"] for book in books for position in book["positions"]}
    first = {item["symbol"]: item["first_session"] for item in listed}
    assert max(first[symbol] for symbol in held) < "2025-01-01"
    assert any(position["quantity"].startswith("-") for position in books[1]["positions"])
