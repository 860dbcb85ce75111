"""Who may ask, and what an answer that cannot be given looks like."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from analytics.measures import MEASURES
from riskstream.runtime import rate_limits
from riskstream.runtime.settings import RateSettings

MONDAY = date(2024, 12, 16)

MEASURE_NAMES = pytest.mark.parametrize("measure", sorted(MEASURES))


@pytest.fixture
async def portfolio(world: Any) -> Any:
    await world.edition(1, MONDAY)
    await world.symbol(1, "AAA", 1.2)
    portfolio = await world.portfolio("ana")
    await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 900.0), cash=100.0)
    return portfolio


BODIES: dict[str, Any] = {"what-if": {"trades": [{"symbol": "AAA", "quantity": 1}]}}
"""Of the measures that have nothing usual to ask."""


async def _usual(replica: Any, portfolio: Any, measure: str, owner: str) -> Any:
    if measure in BODIES:
        return await replica.post(portfolio, measure, BODIES[measure], owner)
    return await replica.get(portfolio, measure, owner)


@MEASURE_NAMES
async def test_every_measure_answers_its_owner(portfolio: Any, replica: Any, measure: str) -> None:
    answer = await _usual(replica, portfolio, measure, "ana")
    assert (answer.status_code, answer.json()["measure"]) == (200, measure)


@MEASURE_NAMES
async def test_another_owners_portfolio_is_not_found_even_when_its_answer_is_cached(
    portfolio: Any, replica: Any, measure: str
) -> None:
    assert (await _usual(replica, portfolio, measure, "ana")).status_code == 200
    other = await _usual(replica, portfolio, measure, "bob")
    nobody = await _usual(replica, uuid4(), measure, "bob")
    assert other.status_code == nobody.status_code == 404
    assert other.json()["code"] == nobody.json()["code"] == "portfolio_not_found"
    assert other.headers["content-type"] == "application/problem+json"


@MEASURE_NAMES
@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer rubbish", "Basic YTpi", "Bearer a.b.c"])
async def test_without_a_good_token_nothing_is_answered(
    portfolio: Any, replica: Any, measure: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = await replica.client.get(f"/api/v1/analytics/portfolio/{portfolio}/{measure}", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_deleted_portfolio_is_not_found_at_once(world: Any, portfolio: Any, replica: Any) -> None:
    await replica.ask(portfolio, "overview")
    await world.delete(portfolio)
    assert (await replica.get(portfolio, "overview")).status_code == 404


async def test_a_portfolio_deleted_between_head_and_book_is_not_found(world: Any, portfolio: Any, replica: Any) -> None:
    read_book = replica.portfolios.read

    async def delete_first(*asked: Any) -> Any:
        await world.delete(portfolio)
        return await read_book(*asked)

    replica.portfolios.read = delete_first
    assert (await replica.get(portfolio, "overview")).status_code == 404


async def test_a_portfolio_not_valued_yet_says_when_to_ask_again(world: Any, replica: Any) -> None:
    await world.edition(1, MONDAY)
    response = await replica.get(await world.portfolio(), "overview")
    assert (response.status_code, response.json()["code"]) == (409, "not_valued_yet")
    assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize("parameters", [{"top": -1}, {"top": 501}, {"top": "ten"}, {"tpo": 3}])
async def test_a_parameter_that_makes_no_sense_is_named(
    portfolio: Any, replica: Any, parameters: dict[str, Any]
) -> None:
    response = await replica.get(portfolio, "overview", **parameters)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert next(iter(parameters)) in response.json()["detail"]


async def test_something_that_is_no_portfolio_id_is_refused(replica: Any) -> None:
    assert (await replica.get("..%2Fsecret", "overview")).status_code in (404, 422)
    assert (await replica.get("17", "overview")).status_code == 422


async def test_without_postgres_nothing_is_answered_and_nothing_old_is_given(
    portfolio: Any, replica: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.ask(portfolio, "overview")
    away = await asyncpg.create_pool("postgresql://analytics:x@127.0.0.1:1/none", min_size=0, timeout=1)
    monkeypatch.setattr(replica.heads, "_pool", away)
    response = await replica.get(portfolio, "overview")
    await away.close()
    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert int(response.headers["retry-after"]) > 0


async def test_a_postgres_that_accepts_and_never_answers_is_given_up_in_time(portfolio: Any, replica: Any) -> None:
    silent = await asyncio.start_server(lambda _, writer: hung.append(writer), "127.0.0.1", 0)
    hung: list[asyncio.StreamWriter] = []
    port = silent.sockets[0].getsockname()[1]
    pool = await asyncpg.create_pool(f"postgresql://analytics:x@127.0.0.1:{port}/none", min_size=0, max_size=1)
    replica.heads._pool, replica.heads._timeout = pool, 0.3
    async with asyncio.timeout(5):
        replies = await asyncio.gather(*(replica.get(portfolio, "overview") for _ in range(5)))
    assert {reply.status_code for reply in replies} == {503}
    for writer in hung:
        writer.close()
    silent.close()
    pool.terminate()


async def test_a_postgres_that_hangs_up_in_between_costs_no_second_request(
    world: Any, portfolio: Any, replica: Any
) -> None:
    await replica.ask(portfolio, "overview")
    await world.connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'analytics'"
    )
    replies = [(await replica.get(portfolio, "overview")).status_code for _ in range(3)]
    assert set(replies) <= {200, 503}
    assert replies[-1] == 200


async def test_the_documentation_names_every_measure_with_its_types(replica: Any) -> None:
    document = (await replica.client.get("/openapi.json")).json()
    for name, measure in MEASURES.items():
        operations = document["paths"][f"/api/v1/analytics/portfolio/{{portfolio}}/{name}"]
        operation = operations.get("get") or operations["post"]
        assert operation["summary"] == measure.summary
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rsplit("/")[-1]
        data = document["components"]["schemas"][schema]["properties"]["data"]["$ref"]
        assert data.rsplit("/")[-1] == measure.result.__name__


async def test_who_has_the_answer_is_told_so_until_anything_of_it_changes(
    world: Any, portfolio: Any, make_replica: Any
) -> None:
    replica, headers = await make_replica(), {}
    for change in (None, world.change, None):
        if change is not None:
            await change(portfolio)
        first = await replica.get(portfolio, "overview")
        headers = {"If-None-Match": f'"other", {first.headers["ETag"]}'}
        again = await replica.get(portfolio, "overview", headers=headers)
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        assert (again.headers["ETag"], again.headers["Cache-Control"]) == (first.headers["ETag"], "private, no-cache")
    other = await replica.get(portfolio, "overview", headers=headers, top=3)
    later = await make_replica(now=datetime(2024, 12, 18, 4, 30, tzinfo=UTC))
    aged = await later.get(portfolio, "overview", headers=headers)
    assert (other.status_code, aged.status_code) == (200, 200)
    assert aged.json()["age"]["level"] == "warning"


async def test_who_asks_too_much_is_told_when_to_come_back_and_nobody_else_waits(
    portfolio: Any, make_replica: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Seconds:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    seconds = Seconds()
    monkeypatch.setattr(rate_limits, "time", seconds)
    limits = rate_limits.RateLimits(RateSettings(reads_per_minute=3))
    replica = await make_replica(rates=limits)
    asked = [(await replica.get(portfolio, "overview")).status_code for _ in range(3)]
    refused = await replica.get(portfolio, "overview")
    assert asked == [200, 200, 200]
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == "20"
    assert (await replica.get(portfolio, "overview", owner="bob")).status_code == 404
    seconds.now += 20
    assert (await replica.get(portfolio, "overview")).status_code == 200
    assert (await replica.get(portfolio, "overview")).status_code == 429
