"""The risk model of editions on a real database: written with the night, joined by new symbols, kept for a while."""

import json
from datetime import date

import asyncpg
import numpy as np
import pytest

from riskstream.market.returns import total_returns
from riskstream.market.risk_factors import BENCHMARKS, RISK_FACTORS, risk_factor_returns
from symbol_batch.calendar import calendar_at
from symbol_batch.nightly import load_panel
from symbol_batch.store import risk_models
from symbol_batch.store.editions import Edition
from yardstick import risk_model as yardstick

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

THURSDAY, MONDAY, TUESDAY, WEDNESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8), date(2025, 7, 9)


def company(exchange, number: int = 8) -> str:
    """A company without gaps or events around these nights."""
    return [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS][number]


async def request(batch, symbol: str) -> None:
    await batch.rows("INSERT INTO symbols.symbol_requests (symbol, state) VALUES ($1, 'queued')", symbol)


async def model_of(batch, edition: int) -> asyncpg.Record:
    return (await batch.rows("SELECT * FROM symbols.risk_models WHERE edition = $1", edition))[0]


async def loadings_of(batch, edition: int) -> dict[str, asyncpg.Record]:
    rows = await batch.rows("SELECT * FROM symbols.risk_loadings WHERE edition = $1", edition)
    return {row["symbol"]: row for row in rows}


def residuals(row: asyncpg.Record) -> np.ndarray:
    return np.frombuffer(row["residuals"], "<f8")


def hold_back(batch, symbol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a night's bar of the symbol is set aside as soon as it is taken in, as a suspicious one is."""
    take = batch.intake.take

    async def and_hold_back(symbols, session, *arguments, **named):
        taken = await take(symbols, session, *arguments, **named)
        await batch.rows(
            "WITH bar AS (DELETE FROM symbols.market_data_cache WHERE symbol = $1 AND session = $2 RETURNING *) "
            "INSERT INTO symbols.quarantined_bars (symbol, session, close, currency, source, fetched_at, rule, reason, "
            "held_at, held_in) SELECT symbol, session, close, currency, source, fetched_at, 'test', 'test', now(), "
            "session FROM bar",
            symbol,
            session,
        )
        return taken

    monkeypatch.setattr(batch.intake, "take", and_hold_back)


async def test_a_night_publishes_a_model_of_what_is_stored_with_loadings_of_every_symbol(batch) -> None:
    await batch.run_night_of(MONDAY)
    model, loadings = await model_of(batch, 1), await loadings_of(batch, 1)
    known = {row[0] for row in await batch.rows("SELECT symbol FROM symbols.symbol_daily_metrics")}
    assert set(loadings) == known
    assert (model["session"], model["reason"], model["half_life"]) == (MONDAY, None, 42)
    assert model["factors"] == [factor.slug for factor in RISK_FACTORS]
    symbols = [*BENCHMARKS, company(batch.exchange)]
    panel = await load_panel(batch.engine, symbols, MONDAY, calendar_at(MONDAY))
    returns = total_returns(panel.closes, panel.ratios, panel.dividends)
    factors = risk_factor_returns(returns[:, :8])[-252:]
    covariance = np.array(model["covariance"]).reshape(8, 8)
    expected = np.cov(factors.T, aweights=yardstick.weights_of(252), ddof=0)
    np.testing.assert_allclose(np.diag(covariance), np.diag(expected), rtol=1e-10)
    closes = await batch.value("SELECT count(*) FROM symbols.market_data_cache WHERE symbol = 'SPY'")
    assert (model["sessions"], model["stress_sessions"]) == (252, closes - 1)
    betas, own_residuals, observations = yardstick.loadings(returns[-252:, 8], factors)
    row = loadings[symbols[8]]
    assert (row["status"], row["reason"], row["observations"]) == ("estimated", None, observations)
    np.testing.assert_allclose(row["betas"], betas, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(residuals(row), own_residuals, rtol=1e-8, atol=1e-14)
    assert row["specific_variance"] == pytest.approx(yardstick.specific_variance(own_residuals), rel=1e-8)
    [step] = [
        step
        for step in json.loads(await batch.value("SELECT steps FROM symbols.batch_runs"))
        if step["name"] == "risk model"
    ]
    assert step["estimated"] + step["assumed"] == len(known)


async def test_a_new_symbol_joins_the_model_with_the_loadings_that_the_night_would_have_given_it(batch) -> None:
    stranger = company(batch.exchange)
    await batch.rows("DELETE FROM symbols.symbol_universe WHERE symbol = $1", stranger)
    await batch.run_night_of(MONDAY)
    assert stranger not in await loadings_of(batch, 1)
    await request(batch, stranger)
    assert await batch.new_symbols.drain() == [(stranger, "ready")]
    joined = (await loadings_of(batch, 1))[stranger]
    assert joined["status"] == "estimated"
    assert np.isfinite(residuals(joined)).sum() == joined["observations"] == 252
    assert await batch.value("SELECT count(*) FROM symbols.risk_models") == 1


async def test_a_new_symbol_without_half_a_year_is_assumed_with_the_editions_typical_variance(batch) -> None:
    stranger, neighbours = company(batch.exchange), [company(batch.exchange, number) for number in range(9, 16)]
    await batch.run_night_of(THURSDAY)
    sector = await batch.value("SELECT sector FROM symbols.company_profiles WHERE symbol = $1", stranger)
    await batch.rows(
        "UPDATE symbols.company_profiles SET sector = CASE WHEN symbol = ANY($1) THEN $2 ELSE 'Other' END",
        [stranger, *neighbours],
        sector,
    )
    for table in ("symbol_universe", "market_data_cache"):
        await batch.rows(f"DELETE FROM symbols.{table} WHERE symbol = $1", stranger)
    await batch.run_night_of(MONDAY)
    batch.intake._history_from = date(2025, 5, 1)
    await request(batch, stranger)
    assert await batch.new_symbols.drain() == [(stranger, "ready")]
    loadings = await loadings_of(batch, 2)
    row = loadings[stranger]
    assert (row["status"], row["reason"], row["residuals"]) == ("assumed", "too_few_observations", None)
    assert row["betas"] == [1.0, 0, 0, 0, 0, 0, 0, 0]
    assert 0 < row["observations"] < 126
    members = await batch.rows("SELECT symbol FROM symbols.company_profiles WHERE sector = $1", sector)
    of_sector = [loadings[name]["specific_variance"] for (name,) in members if name != stranger]
    assert len(of_sector) >= 5
    assert row["specific_variance"] == np.median(of_sector)
    typical = json.loads((await model_of(batch, 2))["typical_variances"])
    assert typical[sector] == np.median(of_sector) != typical[""]


async def test_without_half_a_year_of_benchmarks_the_night_is_published_with_a_reason_and_no_loadings(batch) -> None:
    batch.intake._history_from = date(2025, 2, 3)
    assert await batch.run_night_of(MONDAY) == "completed"
    model = await model_of(batch, 1)
    assert model["reason"] == "benchmark_too_few_observations"
    assert model["covariance"] is model["stress_covariance"] is model["sessions"] is None
    assert await loadings_of(batch, 1) == {}
    assert "benchmark_too_few_observations" in await batch.value("SELECT steps FROM symbols.batch_runs")


async def test_in_an_edition_without_a_model_a_new_symbol_comes_in_without_loadings(batch) -> None:
    stranger = company(batch.exchange)
    await batch.rows("DELETE FROM symbols.symbol_universe WHERE symbol = $1", stranger)
    batch.intake._history_from = date(2025, 2, 3)
    await batch.run_night_of(MONDAY)
    await request(batch, stranger)
    assert await batch.new_symbols.drain() == [(stranger, "ready")]
    assert await loadings_of(batch, 1) == {}


async def test_a_symbol_whose_bar_is_held_back_keeps_its_last_loadings_flagged(batch, monkeypatch) -> None:
    await batch.run_night_of(MONDAY)
    suspicious, sound = company(batch.exchange), company(batch.exchange, 9)
    hold_back(batch, suspicious, monkeypatch)
    await batch.run_night_of(TUESDAY)
    await batch.run_night_of(WEDNESDAY)
    first, second, third = [await loadings_of(batch, edition) for edition in (1, 2, 3)]
    for later, passed in ((second, 1), (third, 2)):
        kept = later[suspicious]
        assert kept["carried_from"] == MONDAY
        for name in ("betas", "specific_variance", "observations", "status", "reason"):
            assert kept[name] == first[suspicious][name]
        np.testing.assert_array_equal(residuals(kept)[:-passed], residuals(first[suspicious])[passed:])
        assert np.isnan(residuals(kept)[-passed:]).all()
        assert later[sound]["carried_from"] is None
        assert later[sound]["betas"] != first[sound]["betas"]
    assert set(first) == set(second) == set(third)


async def test_a_symbol_held_back_on_its_first_night_is_estimated_on_what_it_has(batch, monkeypatch) -> None:
    suspicious = company(batch.exchange)
    hold_back(batch, suspicious, monkeypatch)
    assert await batch.run_night_of(MONDAY) == "completed_with_warnings"
    row = (await loadings_of(batch, 1))[suspicious]
    assert (row["status"], row["carried_from"]) == ("estimated", None)


async def test_residuals_are_dropped_after_some_nights_and_everything_else_stays(batch) -> None:
    batch.night._residual_nights = 2
    await batch.run_night_of(THURSDAY)
    before = await loadings_of(batch, 1)
    for session in (MONDAY, TUESDAY):
        await batch.run_night_of(session)
    kept = await batch.rows("SELECT edition, residuals_kept FROM symbols.risk_models ORDER BY edition")
    assert [tuple(row) for row in kept] == [(1, False), (2, True), (3, True)]
    counts = await batch.rows("SELECT edition, count(residuals) FROM symbols.risk_loadings GROUP BY 1 ORDER BY 1")
    assert [row[1] > 0 for row in counts] == [False, True, True]
    after = await loadings_of(batch, 1)
    assert {symbol: row["betas"] for symbol, row in after.items()} == {s: row["betas"] for s, row in before.items()}


async def test_a_revision_takes_over_the_model_and_all_loadings_but_those_it_makes_anew(batch) -> None:
    await batch.run_night_of(MONDAY)
    corrected = company(batch.exchange)
    run_id = await batch.value("SELECT run_id FROM symbols.editions")
    async with batch.engine.begin() as connection:
        await batch.rows(
            "INSERT INTO symbols.editions (edition, session, kind, run_id, published_at) "
            "SELECT 2, session, 'revision', run_id, published_at FROM symbols.editions"
        )
        await risk_models.copy_edition(connection, 1, 2, run_id, without=[corrected])
    first, second = await loadings_of(batch, 1), await loadings_of(batch, 2)
    assert set(first) - set(second) == {corrected}
    for symbol, row in second.items():
        assert tuple(row)[1:] == tuple(first[symbol])[1:]
    assert tuple(await model_of(batch, 2))[1:] == tuple(await model_of(batch, 1))[1:]


async def test_a_symbol_carried_over_more_than_a_window_has_no_residual_left(batch) -> None:
    await batch.run_night_of(MONDAY)
    await batch.run_night_of(TUESDAY)
    symbol = company(batch.exchange)
    await batch.rows("DELETE FROM symbols.risk_loadings WHERE edition = 2 AND symbol = $1", symbol)
    async with batch.engine.begin() as connection:
        source, target = Edition(1, MONDAY), Edition(2, TUESDAY)
        assert await risk_models.carry_loadings(connection, {symbol, "NOBODY"}, source, target, 300) == {symbol}
    assert np.isnan(residuals((await loadings_of(batch, 2))[symbol])).all()


@pytest.mark.parametrize(
    "wrong",
    [
        "INSERT INTO symbols.risk_loadings VALUES (1, 'X', '{1}', 1, 252, 'assumed', NULL, NULL, NULL)",
        "INSERT INTO symbols.risk_loadings VALUES (1, 'X', '{1}', 1, 252, 'estimated', NULL, NULL, 'short')",
        "UPDATE symbols.risk_models SET reason = 'benchmark_missing'",
        "UPDATE symbols.risk_models SET covariance = '{1,2,3}'",
    ],
)
async def test_a_model_with_half_of_what_it_needs_cannot_be_stored(batch, wrong: str) -> None:
    await batch.run_night_of(MONDAY)
    with pytest.raises(asyncpg.CheckViolationError):
        await batch.rows(wrong)
