"""The arithmetic on ten years of recorded prices."""

from datetime import date

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import Ridge

from riskstream.market.returns import total_return_index
from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.factors.exposures import ExposureTable, compute_exposures
from symbol_batch.metrics import compute_metrics


@pytest.fixture(scope="module")
def returns(real) -> np.ndarray:
    return real.returns


@pytest.fixture(scope="module")
def benchmarks(real, returns) -> np.ndarray:
    return returns[:, [real.symbols.index(symbol) for symbol in BENCHMARKS]]


@pytest.fixture(scope="module")
def table(real, returns, benchmarks) -> ExposureTable:
    return compute_exposures(returns, benchmarks, real.symbols, real.sessions)


def test_returns_from_as_traded_prices_equal_those_from_adjusted_ones(real, returns) -> None:
    expected = np.full(returns.shape, np.nan)
    expected[1:] = (real.adjusted[1:] + real.adjusted_dividends[1:]) / real.adjusted[:-1] - 1
    np.testing.assert_allclose(returns, expected, rtol=0, atol=5e-16)


@pytest.mark.parametrize(("year", "percent"), [(2019, 31.2), (2020, 18.3), (2022, -18.2), (2023, 26.2)])
def test_spy_compounds_to_its_known_total_returns(real, returns, year: int, percent: float) -> None:
    of_the_year = [day.year == year for day in real.sessions]
    compounded = np.prod(1 + returns[of_the_year, real.symbols.index("SPY")]) - 1
    assert compounded * 100 == pytest.approx(percent, abs=0.1)


def test_the_files_84_reported_splits_are_54_splits_and_30_distributions(real) -> None:
    kinds = [action.kind for action in real.actions]
    assert (kinds.count("split"), kinds.count("distribution")) == (54, 30)


def test_as_traded_closes_are_those_that_were_quoted_on_the_day(real) -> None:
    quoted = {
        ("SPY", date(2020, 3, 23)): 222.95,
        ("AAPL", date(2020, 8, 28)): 499.23,  # the session before 4:1
        ("NVDA", date(2024, 6, 7)): 1208.88,  # the session before 10:1
    }
    for (symbol, day), close in quoted.items():
        found = real.closes[real.sessions.index(day), real.symbols.index(symbol)]
        assert found == pytest.approx(close, abs=0.005)


def test_an_unstandardised_ridge_would_have_crushed_the_style_betas(real, returns, benchmarks, table) -> None:
    window = slice(-90, None)
    complete = [column for column in range(len(real.symbols)) if np.isfinite(returns[window, column]).all()]
    crushed = Ridge(alpha=1.0).fit(benchmarks[window, 2:], returns[window][:, complete]).coef_.sum(axis=1)
    assert np.median(crushed) < 0.2
    assert 0.8 < np.median(table.beta[complete, 2:8].sum(axis=1)) < 1.3


def test_benchmarks_measured_against_themselves_are_exactly_that(real, table) -> None:
    spy = real.symbols.index("SPY")
    assert table.beta[spy, 0] == pytest.approx(1.0, abs=1e-12)
    assert (table.standard_error[spy, 0], table.r_squared[spy, 0]) == (0.0, 1.0)
    assert np.isnan(table.t[spy, 0])
    assert not np.isinf(table.t).any()


def test_a_gap_of_one_session_costs_its_symbol_two_observations(real, returns, benchmarks) -> None:
    end = real.sessions.index(date(2025, 12, 31)) + 1
    fisv = compute_exposures(
        returns[:end, [real.symbols.index("FISV")]], benchmarks[:end], ["FISV"], real.sessions[:end]
    )
    assert fisv.observations[0].tolist() == [88] * 8 + [178] * 4
    assert fisv.estimated.all()


def test_real_figures_equal_statsmodels(real, returns, benchmarks, table) -> None:
    spread = benchmarks[-180:, BENCHMARKS.index("IWM")] - benchmarks[-180:, BENCHMARKS.index("SPY")]
    for symbol in ("AAPL", "FISV", "TLT", "XOM"):
        column = real.symbols.index(symbol)
        own = np.isfinite(returns[-180:, column])
        model = sm.OLS(returns[-180:, column][own], sm.add_constant(spread[own]))
        robust = model.fit(cov_type="HAC", cov_kwds={"maxlags": 5})
        assert table.beta[column, 10] == pytest.approx(robust.params[1], rel=1e-8)
        assert table.standard_error[column, 10] == pytest.approx(model.fit().bse[1], rel=1e-8)
        assert table.standard_error_newey_west[column, 10] == pytest.approx(robust.bse[1], rel=1e-8)


def test_year_to_date_of_the_metrics_is_the_years_total_return(real) -> None:
    end = real.sessions.index(date(2023, 12, 29)) + 1
    ratios, dividends = real.ledger
    metrics = compute_metrics(real.closes[:end], ratios[:end], dividends[:end], real.symbols, real.sessions[:end])
    spy = real.symbols.index("SPY")
    assert metrics.returns[spy, 4] == pytest.approx(0.262, abs=0.0005)
    assert metrics.price[spy] == pytest.approx(475.31, abs=0.005)
    assert (metrics.data_quality[np.isfinite(metrics.price)] > 0.98).all()


def test_the_index_moves_by_the_daily_returns(real, returns) -> None:
    index = total_return_index(real.closes, *real.ledger)
    moved = index[1:] / index[:-1] - 1
    np.testing.assert_allclose(moved, returns[1:], rtol=0, atol=1e-14)
