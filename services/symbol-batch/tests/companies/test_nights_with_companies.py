"""Profiles, statements and complete metrics in whole nights, through the real client against the simulator."""

import asyncio
import json
from datetime import date

import httpx
import pytest

from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.companies.sectors import SECTORS
from symbol_batch.store import requests

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

MONDAY, TUESDAY = date(2025, 7, 7), date(2025, 7, 8)


async def steps_of(batch, session: date) -> dict[str, dict[str, object]]:
    """The steps of a session's run by name, in order."""
    text = await batch.value("SELECT steps FROM symbols.batch_runs WHERE session = $1", session)
    return {step["name"]: step for step in json.loads(text)}


def figures_of(batch, symbol: str):
    """What the simulator has planted, and its last close, at the clock's date."""
    history = batch.exchange.simulator.history(symbol)
    return batch.exchange.simulator.fundamentals(history), float(history.close[-1])


async def metrics_of(batch, symbol: str, edition: int):
    query = "SELECT * FROM symbols.symbol_daily_metrics WHERE symbol = $1 AND edition = $2"
    return (await batch.rows(query, symbol, edition))[0]


async def reaches(batch, query: str, count: int) -> None:
    """Wait until the query counts so many."""
    while await batch.value(query) < count:  # noqa: ASYNC110  # other connections' rows
        await asyncio.sleep(0.02)


def requests_of(batch) -> dict[str, dict[str, int]]:
    """Requests per symbol and endpoint."""
    report = httpx.get(f"{batch.exchange.url}/_simulator/requests", trust_env=False).json()
    return dict(report["symbols"])


async def test_a_nights_metrics_are_complete_and_agree_with_what_was_planted(batch, exchange) -> None:
    assert await batch.run_night_of(MONDAY) == "completed"
    names = list(await steps_of(batch, MONDAY))
    assert names.index("active symbols") < names.index("profiles") < names.index("fundamentals") < names.index("prices")
    losses = 0
    for symbol in exchange.symbols:
        row = await metrics_of(batch, symbol, 1)
        reasons = json.loads(row["reasons"])
        if symbol in BENCHMARKS:
            assert (row["sector"], row["market_cap"], row["price_earnings"]) == ("ETF", None, None)
            assert (reasons["market_cap"], reasons["price_earnings"]) == ("no_shares", "no_earnings")
            continue
        figures, close = figures_of(batch, symbol)
        assert row["sector"] in SECTORS
        assert float(row["market_cap"]) == pytest.approx(figures.shares * close, rel=1e-6)
        if figures.earnings_per_share > 0:
            assert row["price_earnings"] == pytest.approx(close / figures.earnings_per_share)
        else:
            losses += 1
            assert (row["price_earnings"], reasons["price_earnings"]) == (None, "negative_earnings")
    assert 0 < losses < 11
    statements = await batch.rows("SELECT DISTINCT statement, frequency FROM symbols.fundamentals")
    assert len(statements) == 6
    assert await batch.value("SELECT count(DISTINCT symbol) FROM symbols.fundamentals") == len(exchange.symbols) - 8


async def test_a_company_costs_one_request_for_its_profile_and_one_for_its_statements_and_then_none(
    batch, exchange
) -> None:
    await batch.run_night_of(MONDAY)
    for symbol, counts in requests_of(batch).items():
        expected = {"quoteSummary": 1} if symbol in BENCHMARKS else {"quoteSummary": 1, "timeseries": 1}
        assert {name: count for name, count in counts.items() if name != "chart"} == expected, symbol
    exchange.forget_requests()
    assert await batch.run_night_of(TUESDAY) == "completed"
    assert all(set(counts) == {"chart"} for counts in requests_of(batch).values())


@pytest.mark.parametrize(
    ("symbol", "eve", "split_day", "ratio"),
    [("REME", date(2024, 8, 8), date(2024, 8, 9), 1.5), ("DAGO", date(2024, 11, 11), date(2024, 11, 12), 0.1)],
)
async def test_shares_and_earnings_follow_a_split_without_being_asked_for_again(
    batch, exchange, symbol, eve, split_day, ratio
) -> None:
    # Who is listed only later is not found on these days.
    assert await batch.run_night_of(eve) == "completed_with_warnings"
    exchange.forget_requests()
    await batch.run_night_of(split_day)
    assert "quoteSummary" not in requests_of(batch)[symbol]
    figures, close = figures_of(batch, symbol)
    row = await metrics_of(batch, symbol, 2)
    assert await batch.value("SELECT ratio FROM symbols.corporate_actions WHERE kind = 'split' AND symbol = $1 "
                             "AND ex_date = $2", symbol, split_day) == pytest.approx(ratio)  # fmt: skip
    assert float(row["market_cap"]) == pytest.approx(figures.shares * close, rel=1e-6)
    assert row["price_earnings"] == pytest.approx(close / figures.earnings_per_share, rel=1e-4)


@pytest.mark.parametrize("fault", ["refuse", "html", "error"])
async def test_a_provider_that_gives_no_companies_fails_no_night(batch, exchange, fault) -> None:
    exchange.fault(kind=fault, endpoints=["quoteSummary", "timeseries"])
    assert await batch.run_night_of(MONDAY) == "completed"
    steps = await steps_of(batch, MONDAY)
    assert "20 times in a row" in str(steps["profiles"]["ended"])
    assert steps["fundamentals"]["due"] == 0
    row = await metrics_of(batch, exchange.symbols[-1], 1)
    assert json.loads(row["reasons"]).items() >= dict.fromkeys(("market_cap", "price_earnings", "sector"), "no_profile").items()  # fmt: skip  # noqa: E501
    exchange.heal()
    await batch.run_night_of(TUESDAY)
    assert (await metrics_of(batch, exchange.symbols[-1], 2))["market_cap"] is not None


async def test_a_provider_that_hangs_over_companies_takes_no_more_than_their_time(replica, exchange) -> None:
    hasty = replica(companies={"profile_seconds": 0.5, "fundamentals_seconds": 0.5}, deadline=1.0)
    await hasty.add(exchange.symbols)
    exchange.fault(kind="hang", endpoints=["quoteSummary"], milliseconds=20_000)
    assert await hasty.run_night_of(MONDAY) == "completed"
    steps = await steps_of(hasty, MONDAY)
    assert steps["profiles"]["ended"] == "the 0.5 s for it were over"
    assert float(str(steps["profiles"]["seconds"])) < 15.0


async def test_switched_off_nobody_is_asked_and_the_step_says_so(replica, exchange) -> None:
    off = replica(companies={"enabled": False})
    await off.add(exchange.symbols)
    assert await off.run_night_of(MONDAY) == "completed"
    steps = await steps_of(off, MONDAY)
    assert steps["profiles"]["skipped"] == steps["fundamentals"]["skipped"] == "switched off"
    assert all(set(counts) == {"chart"} for counts in requests_of(off).values())


async def test_a_holder_that_lost_its_lease_writes_no_profile(replica, exchange, monkeypatch) -> None:
    zombie, successor = replica(), replica()
    await zombie.add(exchange.symbols)
    ask = zombie.provider.profile

    async def taken_over_first(symbol: str):
        await zombie.rows("UPDATE symbols.batch_runs SET lease_until = now() - interval '1 second'")
        await successor.reconciler._claim(MONDAY, at_once=False)
        return await ask(symbol)

    monkeypatch.setattr(zombie.provider, "profile", taken_over_first)
    assert await zombie.run_night_of(MONDAY) == "fenced"
    for table in ("company_profiles", "company_fetches"):
        assert await zombie.value(f"SELECT count(*) FROM symbols.{table}") == 0, table
    assert not any("chart" in counts for counts in requests_of(zombie).values()), "who is fenced off asks no further"


async def test_workers_ask_for_profiles_beside_their_work_and_end_when_told(replica, exchange) -> None:
    batch = replica()
    await batch.add(BENCHMARKS)
    await batch.run_night_of(MONDAY)
    exchange.fault(kind="latency", endpoints=["quoteSummary"], symbols=["VIVI"], milliseconds=4_000)
    working = asyncio.create_task(batch.new_symbols.run())
    for symbol in ("VIVI", "KERU"):
        async with batch.engine.begin() as connection:
            await requests.enqueue(connection, [symbol])
    profiles = "SELECT count(*) FROM symbols.company_profiles"
    async with asyncio.timeout(30):
        await reaches(batch, "SELECT count(*) FROM symbols.symbol_requests WHERE state = 'ready'", 2)
        assert await batch.value(profiles) < len(BENCHMARKS) + 2, "both are ready before the slow profile has come"
        await reaches(batch, profiles, len(BENCHMARKS) + 2)
    batch.new_symbols.stop()
    await asyncio.wait_for(working, 5)


async def test_a_new_symbol_has_its_profile_after_it_is_ready_and_the_next_edition_its_metrics(
    replica, exchange
) -> None:
    batch = replica()
    stranger = next(symbol for symbol in exchange.symbols if symbol == "VIVI")
    await batch.add([symbol for symbol in exchange.symbols if symbol != stranger])
    await batch.run_night_of(MONDAY)
    exchange.forget_requests()
    async with batch.engine.begin() as connection:
        await requests.enqueue(connection, [stranger])
    assert await batch.new_symbols.drain() == [(stranger, "ready")]
    assert requests_of(batch) == {stranger: {"chart": 1, "quoteSummary": 1}}
    row = await metrics_of(batch, stranger, 1)
    assert (row["market_cap"], json.loads(row["reasons"])["market_cap"]) == (None, "no_profile")
    assert await batch.value("SELECT sector FROM symbols.company_profiles WHERE symbol = $1", stranger) in SECTORS
    await batch.run_night_of(TUESDAY)
    assert (await metrics_of(batch, stranger, 2))["market_cap"] is not None


async def test_other_services_read_profiles_and_statements_and_write_neither(batch, database) -> None:
    grants = await batch.rows(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants "
        "WHERE table_schema = 'symbols' AND grantee = 'symbols_reader' "
        "AND table_name IN ('company_profiles', 'fundamentals', 'company_fetches')"
    )
    assert {tuple(grant) for grant in grants} == {("company_profiles", "SELECT"), ("fundamentals", "SELECT")}
