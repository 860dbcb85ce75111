"""An edition read whole: returns from as-traded prices and the ledger, closes, sectors, the risk model."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from analytics.edition_rows import UnknownEditionError
from analytics.risk_model import RESIDUAL_SESSIONS, RISK_FACTOR_NAMES
from riskstream.market.risk_factors import BENCHMARKS

DAYS = [date(2024, 12, day) for day in (5, 6, 9, 10, 11, 12, 13, 16)]
FRIDAY, MONDAY, TUESDAY = date(2024, 12, 13), date(2024, 12, 16), date(2024, 12, 17)


@pytest.fixture
async def market(world: Any) -> Any:
    """Ten sessions: 2024-12-05 to 2024-12-17."""
    await world.calendar(*DAYS[:-2])
    await world.edition(1, MONDAY)
    return world


async def bars(world: Any, symbol: str, closes: dict[date, float]) -> None:
    await world.connection.executemany(
        "INSERT INTO symbols.market_data_cache (symbol, session, close, currency, source, fetched_at) "
        "VALUES ($1, $2, $3, 'USD', 'test', now())",
        [(symbol, day, close) for day, close in closes.items()],
    )


async def action(world: Any, symbol: str, day: date, kind: str, figure: float) -> None:
    column = "amount" if kind == "dividend" else "ratio"
    await world.connection.execute(
        f"INSERT INTO symbols.corporate_actions (symbol, ex_date, kind, {column}, source, fetched_at) "
        "VALUES ($1, $2, $3, $4, 'test', now())",
        symbol,
        day,
        kind,
        figure,
    )


async def model(world: Any, edition: int, *, reason: str | None = None, factors: Sequence[str] = ()) -> None:
    named = list(factors or RISK_FACTOR_NAMES)
    flat = None if reason else [float(n) for n in range(len(named) ** 2)]
    await world.connection.execute(
        "INSERT INTO symbols.risk_models (edition, session, factors, covariance, sessions, half_life, shrinkage, "
        "stress_covariance, stress_sessions, stress_shrinkage, typical_variances, reason, run_id) "
        "VALUES ($1, $2, $3, $4, 252, 42, 0.1, $4, 1260, 0.1, '{}', $5, $6)",
        edition,
        MONDAY,
        named,
        flat,
        reason,
        UUID(int=1),
    )


async def loadings(world: Any, edition: int, symbol: str, *, assumed: str | None = None) -> None:
    residuals = None if assumed else np.arange(RESIDUAL_SESSIONS, dtype="<f8").tobytes()
    await world.connection.execute(
        "INSERT INTO symbols.risk_loadings (edition, symbol, betas, specific_variance, observations, status, reason, "
        "residuals) VALUES ($1, $2, $3, 0.0004, 252, $4, $5, $6)",
        edition,
        symbol,
        [1.0, *([0.5] * 7)],
        "assumed" if assumed else "estimated",
        assumed,
        residuals,
    )


async def test_returns_are_total_and_a_missing_close_takes_both_that_adjoin(market: Any, replica: Any) -> None:
    await market.symbol(1, "AAA", 1.0)
    await market.symbol(1, "BBB", 1.0)
    await bars(market, "AAA", dict(zip(DAYS, [100, 101, 102, 51, 52, 53, 54, 55], strict=True)))
    await bars(market, "BBB", {DAYS[0]: 10.0, DAYS[1]: 11.0, DAYS[3]: 12.0, DAYS[4]: 12.0})
    await action(market, "AAA", DAYS[3], "split", 2.0)
    await action(market, "AAA", date(2024, 12, 15), "dividend", 0.5)  # a Sunday: it counts on Monday
    read = await replica.symbols.edition(1, [])
    assert (read.session, read.sessions.tolist()) == (MONDAY, DAYS[1:])
    aaa, bbb = read.returns_of(("AAA", "BBB"))
    assert aaa == pytest.approx(
        [0.01, 102 / 101 - 1, 2 * 51 / 102 - 1, 52 / 51 - 1, 53 / 52 - 1, 54 / 53 - 1, 55.5 / 54 - 1], abs=1e-15
    )
    np.testing.assert_allclose(bbb, [0.1, np.nan, np.nan, 0.0, np.nan, np.nan, np.nan], atol=1e-15)
    assert read.closes[read.rows(("AAA", "BBB"))].tolist() == [55.0, 12.0]


async def test_nothing_of_after_the_session_is_in_it(market: Any, replica: Any) -> None:
    await market.symbol(1, "AAA", 1.0)
    await bars(market, "AAA", {FRIDAY: 10.0, MONDAY: 11.0, TUESDAY: 99.0})
    read = await replica.symbols.edition(1, [])
    assert read.closes.tolist() == [11.0]
    assert read.sessions[-1] == np.datetime64(MONDAY)


async def test_a_close_older_than_five_sessions_is_none(market: Any, replica: Any) -> None:
    for symbol, day in (("AAA", DAYS[2]), ("BBB", DAYS[1])):
        await market.symbol(1, symbol, 1.0)
        await bars(market, symbol, {day: 10.0})
    read = await replica.symbols.edition(1, [])
    np.testing.assert_array_equal(read.closes[read.rows(("AAA", "BBB"))], [10.0, np.nan])


async def test_the_risk_model_with_estimated_assumed_and_missing_loadings(market: Any, replica: Any) -> None:
    for symbol in ("AAA", "NEW", "NIL"):
        await market.symbol(1, symbol, 1.0)
    await model(market, 1)
    await loadings(market, 1, "AAA")
    await loadings(market, 1, "NEW", assumed="too_few_observations")
    risk = (await replica.symbols.edition(1, [])).risk
    assert risk.factors is not None
    assert (risk.factors.forecast[1, 0], risk.factors.sessions, risk.factors.half_life) == (8.0, 252, 42)
    assert risk.betas[0].tolist() == [1.0, *([0.5] * 7)]
    assert risk.residuals[0].tolist() == [float(n) for n in range(RESIDUAL_SESSIONS)]
    assert risk.assumed.tolist() == [False, True, False]
    assert risk.reasons == {"NEW": "too_few_observations"}
    assert np.isnan(risk.residuals[1]).all()
    assert np.isnan(risk.betas[2]).all()


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (None, "not_published"),
        ({"reason": "benchmark_missing"}, "benchmark_missing"),
        ({"factors": ["market"]}, "other_factors"),
    ],
)
async def test_why_there_is_no_risk_model_is_said(market: Any, replica: Any, stored: Any, reason: str) -> None:
    await market.symbol(1, "AAA", 1.0)
    if stored is not None:
        await model(market, 1, **stored)
    risk = (await replica.symbols.edition(1, [])).risk
    assert (risk.factors, risk.reason) == (None, reason)


async def test_a_symbol_added_later_comes_with_its_returns_and_loadings(market: Any, replica: Any) -> None:
    await market.symbol(1, "AAA", 1.0)
    await model(market, 1)
    await replica.symbols.edition(1, [])
    await market.symbol(1, "NEW", 2.0)
    await loadings(market, 1, "NEW")
    await bars(market, "NEW", {FRIDAY: 10.0, MONDAY: 11.0})
    grown = await replica.symbols.edition(1, ["NEW"])
    assert grown.returns_of(("NEW",))[0, -1] == pytest.approx(0.1)
    assert grown.risk.betas[grown.index["NEW"], 0] == 1.0
    assert grown.risk.residuals.shape == (2, RESIDUAL_SESSIONS)


async def test_an_old_edition_has_the_factors_returns_too(market: Any, replica: Any) -> None:
    for number in (1, 2, 3):
        if number > 1:
            await market.edition(number, MONDAY)
        for symbol in ("AAA", *BENCHMARKS):
            await market.symbol(number, symbol, 1.0)
    for symbol in ("AAA", *BENCHMARKS):
        await bars(market, symbol, {FRIDAY: 10.0, MONDAY: 11.0})
    await replica.symbols.preload(2)
    await replica.symbols.preload(3)
    old = await replica.symbols.edition(1, ["AAA"])
    assert old.factor_returns[-1].tolist() == pytest.approx([0.1, 0.1, *([0.0] * 6)])
    assert np.isnan(old.factor_returns[0]).all()


async def test_an_edition_that_never_was_is_refused(replica: Any) -> None:
    with pytest.raises(UnknownEditionError, match="no edition 7"):
        await replica.symbols.edition(7, [])
