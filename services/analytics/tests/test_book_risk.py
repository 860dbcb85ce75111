"""The variance of a book against the yardstick's plain loops, by hand, and what must hold of any book."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.book_risk import book_risk, loadings_of, why_no_risk
from analytics.edition import Edition
from analytics.risk_model import FactorCovariance, RiskModel, no_risk_model
from riskstream.market.weights import session_weights
from yardstick import risk_model as yardstick
from yardstick.books import edition_of, planted_market

OWN = tuple(f"S{n:02d}" for n in range(12))
SYMBOLS = ("SPY", "TLT", *OWN)


def _edition(seed: int = 1) -> Edition:
    """With a symbol that is assumed, a young one, and holes."""
    edition = edition_of(planted_market(OWN, seed=seed), assumed={"S00": "too_few_observations"}, missing={"S01": 200})
    residuals = edition.risk.residuals.copy()
    residuals[edition.index["S02"], [3, 77, 250]] = np.nan
    residuals[edition.index["S03"], ::2] = np.nan
    return replace(edition, risk=replace(edition.risk, residuals=residuals))


EDITION = _edition()
LOADINGS = loadings_of(EDITION.risk, EDITION.rows(SYMBOLS))


def _holding(edition: Edition, symbol: str) -> yardstick.Holding:
    row = edition.index[symbol]
    return yardstick.Holding(
        edition.risk.betas[row], edition.risk.residuals[row], float(edition.risk.specific_variance[row])
    )


def _plain(edition: Edition, values: NDArray[np.float64]) -> yardstick.BookVariance:
    assert edition.risk.factors is not None
    return yardstick.book_variance(
        dict(zip(SYMBOLS, values, strict=True)),
        {symbol: _holding(edition, symbol) for symbol in SYMBOLS},
        edition.risk.factors.forecast,
    )


def _tiny(*, residuals: list[list[float]], betas: list[list[float]], variances: list[float]) -> RiskModel:
    """Two factors, variances 4 and 1, correlation ½; sessions so alike in weight that they count the same."""
    count = len(betas)
    matrix = np.array([[4.0, 1.0], [1.0, 1.0]])
    return replace(
        no_risk_model(count, ""),
        factors=FactorCovariance(matrix, matrix, sessions=2, half_life=10**12, stress_sessions=2),
        reason=None,
        residuals_kept=True,
        betas=np.array(betas),
        specific_variance=np.array(variances),
        residuals=np.array(residuals),
    )


def test_a_book_of_two_equals_the_sum_done_by_hand() -> None:
    # x = (3·1 − 1·2, 3·0 − 1·1) = (1, −1); Fx = (3, 0); x'Fx = 3.
    # Own residuals: 3·1 − 2 = 1 and 3·(−2) − 1·unseen: ½(1) + ½(36 + 1²·5) = 21.
    model = _tiny(residuals=[[1.0, -2.0], [2.0, np.nan]], betas=[[1.0, 0.0], [2.0, 1.0]], variances=[2.5, 5.0])
    found = book_risk(loadings_of(model, np.array([0, 1])), np.array([3.0, -1.0]))
    assert found.exposures == pytest.approx([1.0, -1.0])
    assert (found.factor_variance, found.specific_variance) == (pytest.approx(3.0), pytest.approx(21.0))
    assert found.volatility == pytest.approx(np.sqrt(24.0))
    assert found.factor_contributions == pytest.approx(np.array([3.0, 0.0]) / np.sqrt(24.0))
    # AAA: 3·(1·3) + ½·3·1·1 + ½·3·(−2)·(−6) = 28.5; BBB: −1·(2·3) − ½·2·1 + ½·5 = −4.5.
    assert found.contributions == pytest.approx(np.array([28.5, -4.5]) / np.sqrt(24.0))
    assert found.specific_contribution == pytest.approx(21.0 / np.sqrt(24.0))


values_of_books = st.lists(
    st.one_of(st.just(0.0), st.floats(-1e7, 1e7).filter(lambda value: abs(value) > 1e-2)),
    min_size=len(SYMBOLS),
    max_size=len(SYMBOLS),
).map(np.array)


@settings(max_examples=40, deadline=None)
@given(values=values_of_books, seed=st.integers(1, 5))
def test_any_book_equals_the_yardsticks_loops(values: NDArray[np.float64], seed: int) -> None:
    edition = _edition(seed)
    found = book_risk(loadings_of(edition.risk, edition.rows(SYMBOLS)), values)
    plain = _plain(edition, values)
    total = plain.factors + plain.specific
    # A hedge cancels terms that are larger than what is left: the rounding is relative to those.
    scale = float(np.square(np.abs(values).sum())) * 1e-4
    assert found.factor_variance == pytest.approx(plain.factors, rel=1e-12, abs=1e-12 * scale)
    assert found.specific_variance == pytest.approx(plain.specific, rel=1e-12, abs=1e-12 * scale)
    assert found.volatility**2 == pytest.approx(total, rel=1e-12, abs=1e-12 * scale)
    for contribution, symbol in zip(found.contributions * found.volatility, SYMBOLS, strict=True):
        expected = plain.contributions[symbol] * plain.volatility
        assert contribution == pytest.approx(expected, rel=1e-12, abs=1e-12 * scale)


def test_a_long_only_book_equals_the_yardstick_to_twelve_digits() -> None:
    values = np.linspace(1e4, 9e5, len(SYMBOLS))
    found, plain = book_risk(LOADINGS, values), _plain(EDITION, values)
    assert found.volatility == pytest.approx(plain.volatility, rel=1e-12)
    assert found.contributions == pytest.approx([plain.contributions[symbol] for symbol in SYMBOLS], rel=1e-12)


@settings(deadline=None)
@given(values=values_of_books)
def test_contributions_of_symbols_and_of_factors_with_the_specific_one_each_add_up_to_the_volatility(
    values: NDArray[np.float64],
) -> None:
    found = book_risk(LOADINGS, values)
    assert found.contributions.sum() == pytest.approx(found.volatility, rel=1e-9)
    by_factor = found.factor_contributions.sum() + found.specific_contribution
    assert by_factor == pytest.approx(found.volatility, rel=1e-9)
    assert found.specific_variance >= 0
    assert found.factor_variance >= 0


@pytest.mark.parametrize("left", [1.0, 1e-2, 1e-4])
def test_contributions_add_up_in_a_book_that_is_hedged_but_for_a_trifle(left: float) -> None:
    """Ten million long against as much of the same factors and residuals short, of which `left` USD remain."""
    model = _tiny(residuals=[[0.1, -0.3]] * 2, betas=[[1.1, 0.3]] * 2, variances=[0.05] * 2)
    found = book_risk(loadings_of(model, np.array([0, 1])), np.array([1e7 + left, -1e7]))
    remains = (1e7 + left) - 1e7
    assert found.volatility == pytest.approx(remains * np.sqrt(4 * 1.1**2 + 2 * 1.1 * 0.3 + 0.3**2 + 0.05), rel=1e-4)
    # Of two contributions of tens of millions a rounding remains.
    rounding = 1e-15 * float(np.abs(found.contributions).sum())
    assert found.contributions.sum() == pytest.approx(found.volatility, rel=1e-9, abs=rounding)
    by_factor = found.factor_contributions.sum() + found.specific_contribution
    assert by_factor == pytest.approx(found.volatility, rel=1e-9)


@settings(deadline=None)
@given(values=values_of_books)
def test_the_book_formula_is_the_quadratic_form_of_a_matrix_written_out(values: NDArray[np.float64]) -> None:
    found = book_risk(LOADINGS, values)
    scale = float(np.square(np.abs(values).sum())) * 1e-4
    assert values @ LOADINGS.covariance() @ values == pytest.approx(found.volatility**2, rel=1e-10, abs=1e-12 * scale)
    assert values @ LOADINGS.specific_covariance() @ values == pytest.approx(
        found.specific_variance, rel=1e-10, abs=1e-12 * scale
    )


@settings(deadline=None)
@given(values=values_of_books, factor=st.floats(0.01, 100))
def test_twice_the_book_has_twice_the_volatility_and_short_the_book_the_same(
    values: NDArray[np.float64], factor: float
) -> None:
    once = book_risk(LOADINGS, values)
    assert book_risk(LOADINGS, factor * values).volatility == pytest.approx(factor * once.volatility, rel=1e-9)
    assert book_risk(LOADINGS, -values).volatility == pytest.approx(once.volatility, rel=1e-12)
    assert book_risk(LOADINGS, -values).contributions == pytest.approx(once.contributions, rel=1e-12)


def test_contributions_are_the_values_times_the_slopes_of_the_volatility() -> None:
    values = np.linspace(-3e5, 5e5, len(SYMBOLS))
    found = book_risk(LOADINGS, values)
    for n in range(len(SYMBOLS)):
        step = np.zeros(len(SYMBOLS))
        step[n] = 1.0
        up, down = book_risk(LOADINGS, values + step).volatility, book_risk(LOADINGS, values - step).volatility
        assert found.contributions[n] == pytest.approx(values[n] * (up - down) / 2, rel=1e-5)


def test_the_matrices_are_symmetric_and_positive_semidefinite() -> None:
    for matrix in (LOADINGS.covariance(), LOADINGS.specific_covariance()):
        assert matrix == pytest.approx(matrix.T, rel=1e-12, abs=1e-18)
        assert np.linalg.eigvalsh(matrix).min() >= -1e-15 * np.trace(matrix)
    assert pytest.approx(np.diag(LOADINGS.covariance()), rel=1e-12) == LOADINGS.variances


def test_an_assumed_symbol_alone_has_the_markets_variance_and_its_own_typical_one() -> None:
    assert EDITION.risk.factors is not None
    alone = np.zeros(len(SYMBOLS))
    alone[SYMBOLS.index("S00")] = 1000.0
    found = book_risk(LOADINGS, alone)
    assert found.factor_variance == pytest.approx(1e6 * EDITION.risk.factors.forecast[0, 0], rel=1e-12)
    assert found.specific_variance == pytest.approx(1e6 * 2e-4, rel=1e-12)


def test_missing_residuals_are_not_residuals_of_zero() -> None:
    young = np.zeros(len(SYMBOLS))
    young[SYMBOLS.index("S03")] = 1.0
    row = EDITION.index["S03"]
    seen = ~np.isnan(EDITION.risk.residuals[row])
    weights = session_weights(252, 42)
    as_zero = float(weights[seen] @ EDITION.risk.residuals[row, seen] ** 2)
    unseen = float(weights[~seen].sum())
    assert unseen > 0.4
    expected = as_zero + unseen * EDITION.risk.specific_variance[row]
    assert book_risk(LOADINGS, young).specific_variance == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("lacking", ["betas", "specific_variance"])
def test_a_symbol_without_loadings_or_specific_variance_does_not_enter(lacking: str) -> None:
    table = getattr(EDITION.risk, lacking).copy()
    table[EDITION.index["S05"]] = np.nan
    loadings = loadings_of(replace(EDITION.risk, **{lacking: table}), EDITION.rows(SYMBOLS))
    at = SYMBOLS.index("S05")
    assert [n for n in range(len(SYMBOLS)) if not loadings.entered[n]] == [at]
    values = np.linspace(1.0, 2.0, len(SYMBOLS))
    without = values.copy()
    without[at] = 0.0
    found = book_risk(loadings, values)
    assert found.volatility == pytest.approx(book_risk(LOADINGS, without).volatility, rel=1e-12)
    assert found.contributions[at] == 0.0
    assert np.isfinite(loadings.covariance()).all()


def test_a_book_without_value_has_volatility_zero_and_no_contributions() -> None:
    found = book_risk(LOADINGS, np.zeros(len(SYMBOLS)))
    assert (found.volatility, found.specific_contribution) == (0.0, 0.0)
    assert not found.contributions.any()
    empty = book_risk(loadings_of(EDITION.risk, np.array([], dtype=np.intp)), np.array([]))
    assert (empty.volatility, len(empty.contributions)) == (0.0, 0)


def test_only_an_edition_with_covariance_and_residuals_forecasts() -> None:
    assert why_no_risk(EDITION.risk) is None
    without = no_risk_model(3, "not_published")
    old = replace(EDITION.risk, residuals_kept=False)
    assert (why_no_risk(without), why_no_risk(old)) == ("no_risk_model", "residuals_not_kept")
    for risk in (without, old):
        with pytest.raises(ValueError, match="forecasts no book"):
            loadings_of(risk, np.array([0]))


def test_a_symbol_that_the_edition_lacks_is_refused_and_not_taken_for_the_last_one() -> None:
    with pytest.raises(ValueError, match="1 of 2 symbols are not in the edition"):
        loadings_of(EDITION.risk, EDITION.rows(("SPY", "GONE")))


def test_loadings_do_not_change_the_edition() -> None:
    before = EDITION.risk.residuals.copy()
    loadings_of(EDITION.risk, np.arange(len(EDITION.index)))
    np.testing.assert_array_equal(EDITION.risk.residuals, before)
