"""Standard errors of a book's loadings: against statsmodels, a plain ridge, and worlds made again and again."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.loading_errors import LoadingErrors, loading_errors_of, root_sum_of_squares
from riskstream.market.risk_factors import RIDGE_PENALTIES
from yardstick.books import edition_of, planted_market
from yardstick.estimated import WINDOW, estimated_edition

SYMBOLS = ("AAA", "BBB", "CCC")
MARKET = planted_market(SYMBOLS, seed=11)
EDITION = estimated_edition(MARKET, {"CCC": 150})
ROWS = EDITION.rows(SYMBOLS)
ERRORS = loading_errors_of(EDITION, ROWS)


def standard_errors(errors: LoadingErrors, values: list[float]) -> NDArray[np.float64]:
    """(8,) of what a book with these values holds of each factor."""
    return root_sum_of_squares(errors.scores(np.array(values)))


def by_hand(symbol: str) -> NDArray[np.float64]:
    """(T, 8) what each session adds to the errors of a symbol's loadings: `A` column by column times the residual."""
    residuals = EDITION.risk.residuals[EDITION.index[symbol]]
    own = np.isfinite(residuals)
    X = EDITION.factor_returns[-WINDOW:][own]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    A = np.linalg.inv(Z.T @ Z + np.diag(RIDGE_PENALTIES)) @ Z.T
    found = np.zeros((WINDOW, 8))
    n = own.sum()
    found[own] = (A * residuals[own]).T / X.std(axis=0) * np.sqrt(n / (n - 1 - np.trace(Z @ A)))
    return found


@pytest.mark.parametrize("number", range(3))
def test_the_error_of_one_symbol_is_its_regressions_own_also_with_holes(number: int) -> None:
    expected = np.sqrt((by_hand(SYMBOLS[number]) ** 2).sum(axis=0))
    assert standard_errors(ERRORS, [float(n == number) for n in range(3)]) == pytest.approx(expected, rel=1e-9)


def test_a_book_is_off_by_the_sum_of_what_its_symbols_are_off_by_on_each_session() -> None:
    together = 600 * by_hand("AAA") - 200 * by_hand("BBB") + 50 * by_hand("CCC")
    assert standard_errors(ERRORS, [600, -200, 50]) == pytest.approx(np.sqrt((together**2).sum(axis=0)), rel=1e-9)


def test_amounts_that_differ_by_factor_are_each_factors_own() -> None:
    by_factor = np.random.default_rng(2).normal(0, 100, (3, 8))
    expected = sum(by_factor[n] * by_hand(symbol) for n, symbol in enumerate(SYMBOLS))
    np.testing.assert_allclose(ERRORS.scores(by_factor), expected, rtol=1e-9, atol=1e-12)


def test_some_of_the_symbols_are_those_with_the_rest_at_nothing() -> None:
    values, rows = np.array([600.0, -200.0, 50.0]), np.array([2, 0])
    some = ERRORS.scores(values, rows)
    np.testing.assert_allclose(some, ERRORS.scores(np.array([600.0, 0.0, 50.0])), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(some, ERRORS.scores(np.repeat(values[:, None], 8, axis=1), rows), rtol=1e-12, atol=1e-15)


def test_without_a_penalty_it_is_whites_error_of_statsmodels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.loading_regressions.RIDGE_PENALTIES", (0.0,) * 8)
    X = sm.add_constant(EDITION.factor_returns[-WINDOW:])
    fit = sm.OLS(MARKET.returns[EDITION.index["AAA"], -WINDOW:], X).fit(cov_type="HC1")
    risk = EDITION.risk
    residuals = risk.residuals.copy()
    residuals[EDITION.index["AAA"]] = fit.resid
    made = loading_errors_of(replace(EDITION, risk=replace(risk, residuals=residuals)), ROWS)
    assert standard_errors(made, [1, 0, 0]) == pytest.approx(fit.bse[1:], rel=1e-8)


def test_it_is_as_large_as_estimates_differ_when_the_world_is_made_again() -> None:
    """Symbols of one sector: what moves one beyond the factors moves the others too. Independent they are not."""
    dice = np.random.default_rng(5)
    values = np.array([500.0, 300.0, 200.0])
    X = MARKET.factors[-WINDOW:]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    A = np.linalg.inv(Z.T @ Z + np.diag(RIDGE_PENALTIES)) @ Z.T / X.std(axis=0)[:, None]
    found, said, independent = [], [], []
    for _ in range(300):
        residuals = dice.normal(0, 0.01, (1, WINDOW)) + dice.normal(0, 0.006, (3, WINDOW))
        made = replace(EDITION.risk, residuals=EDITION.risk.residuals.copy())
        made.residuals[ROWS] = residuals - residuals.mean(axis=1, keepdims=True) - (residuals @ A.T) @ (X - X.mean(0)).T
        errors = loading_errors_of(replace(EDITION, risk=made), ROWS)
        found.append(A @ (values @ residuals))
        said.append(standard_errors(errors, values.tolist()))
        alone = [standard_errors(errors, np.diag(values)[n].tolist()) for n in range(3)]
        independent.append(np.sqrt((np.array(alone) ** 2).sum(axis=0)))
    spread = np.std(found, axis=0)
    assert np.mean(said, axis=0) == pytest.approx(spread, rel=0.12)
    assert (np.mean(independent, axis=0) < 0.8 * spread).all()


@given(scale=st.floats(-1e6, 1e6), values=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
def test_it_scales_with_the_book_and_is_never_negative(scale: float, values: list[float]) -> None:
    once, scaled = standard_errors(ERRORS, values), standard_errors(ERRORS, [scale * value for value in values])
    assert (once >= 0).all()
    assert scaled == pytest.approx(abs(scale) * once, rel=1e-9, abs=1e-100)


def test_what_is_assumed_dropped_or_too_short_has_no_error() -> None:
    made = edition_of(MARKET, assumed={"AAA": "too_few_observations"}, missing={"BBB": 63 + 252 - 16})
    rows = made.rows(SYMBOLS)
    assert loading_errors_of(made, rows).known.tolist() == [False, False, True]
    dropped = replace(made.risk, residuals=np.full_like(made.risk.residuals, np.nan), residuals_kept=False)
    assert not loading_errors_of(replace(made, risk=dropped), rows).known.any()
    assert not loading_errors_of(edition_of(MARKET, model_reason="benchmark_missing"), ROWS).known.any()
    none = loading_errors_of(made, made.rows(()))
    assert none.scores(np.zeros((0, 8)), np.arange(0)).tolist() == np.zeros((WINDOW, 8)).tolist()


def test_a_fund_that_is_a_factor_is_known_without_error() -> None:
    errors = loading_errors_of(EDITION, EDITION.rows(("SPY",)))
    assert errors.known.all()
    assert standard_errors(errors, [1e6]).tolist() == [0.0] * 8


def test_a_factor_that_stood_still_leaves_nothing_known() -> None:
    returns = EDITION.returns.copy()
    returns[EDITION.index["TLT"]] = 0.0
    assert not loading_errors_of(replace(EDITION, returns=returns), ROWS).known.any()
