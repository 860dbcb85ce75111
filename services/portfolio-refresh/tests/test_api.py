"""What people and probes see."""

from uuid import UUID

import httpx
import pytest

from local_stack.issuer import ISSUER, Issuer
from portfolio_refresh.api import create_app
from portfolio_refresh.planner import Planner
from portfolio_refresh.store.runs import Run, sizes_of_all
from portfolio_refresh.worker import ChunkWorker
from riskstream.events.portfolio import PortfolioRefreshRequested
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.health import Health
from riskstream.runtime.settings import AuthSettings

RUN = UUID(int=9)


@pytest.fixture
async def client(engine, tmp_path):
    issuer = Issuer(tmp_path)
    tokens = TokenVerifier(AuthSettings(issuer=ISSUER, jwks_file=issuer.jwks_file))
    transport = httpx.ASGITransport(create_app(engine, tokens, Health()))
    headers = {"Authorization": f"Bearer {issuer.token('tests', ['operator'])}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


async def test_runs_are_listed_with_their_counts_and_reasons(world, engine, folding, outbox, client, days, envelope):
    await world.portfolio(days[0], ("KO", 1, 50))
    bad = await world.portfolio(days[0], ("KO", 1e16, 50))
    await world.night(days[0], KO=60)
    async with engine.begin() as connection:
        await Planner(outbox).plan(connection, Run(RUN, "night", days[0], 1), await sizes_of_all(connection, days[0]))
    (running,) = (await client.get("/runs")).json()["runs"]
    assert (running["state"], running["remaining"], running["portfolios"]) == ("running", 1, 2)
    event = PortfolioRefreshRequested(run=RUN, chunk=0)
    await ChunkWorker(engine, folding, outbox, "test").refresh_requested(envelope(event))
    assert (await client.get("/runs")).json()["failing"] == 1
    run = (await client.get(f"/runs/{RUN}")).json()
    assert (run["state"], run["portfolios_failed"]) == ("completed_with_failures", 1)
    assert [failure["portfolio_id"] for failure in run["failures"]] == [str(bad)]
    assert [(chunk["state"], chunk["worked_by"]) for chunk in run["chunk_list"]] == [("done", "test")]
    assert "alice" not in str(run)


async def test_an_unknown_run_is_a_problem_that_says_where_to_look(world, client):
    answer = await client.get(f"/runs/{RUN}")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_run")
    assert (await client.get("/runs/never")).status_code == 422


async def test_health_and_metrics_answer(client):
    assert (await client.get("/health/live")).status_code == 200
    assert "riskstream_folds_written_total" in (await client.get("/metrics")).text
