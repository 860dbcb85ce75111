"""Correlations pair by pair: equal to pandas', positive semidefinite when whole, null where nothing is known."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from analytics.evidence import Evidence
from analytics.measures.correlation_matrix import CorrelationParameters, compute, pairwise_correlations
from yardstick.books import Lot, book_of, edition_of, planted_market

OWN = tuple(f"S{n:02d}" for n in range(30))
MARKET = planted_market(OWN, seed=9)
LOTS = [Lot(symbol, (-1) ** n * (1000.0 + n)) for n, symbol in enumerate(OWN)]


@pytest.mark.parametrize("seed", range(5))
def test_pairs_equal_pandas_with_holes(seed: int) -> None:
    dice = np.random.default_rng(seed)
    returns = MARKET.returns[:, -90:] + 0.01
    returns[dice.random(returns.shape) < dice.uniform(0.0, 0.6)] = np.nan
    found, common = pairwise_correlations(returns)
    expected = pd.DataFrame(returns.T).corr(min_periods=30).to_numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12, equal_nan=True)
    seen = np.isfinite(returns).astype(int)
    assert (common == seen @ seen.T).all()


def test_the_largest_are_shown_and_averaged() -> None:
    finding = compute(Evidence(book_of(LOTS, cash=1e5), edition_of(MARKET)), CorrelationParameters(top=3))
    found = finding.result
    assert [line.symbol for line in found.symbols] == ["S29", "S28", "S27"]
    rho = np.corrcoef(MARKET.returns[[-1, -2, -3], -90:])
    np.testing.assert_allclose(np.array(found.correlations, dtype=float), rho, atol=1e-12)
    pairs, w = [(0, 1), (0, 2), (1, 2)], [1029.0, 1028.0, 1027.0]
    assert found.average == pytest.approx(np.mean([rho[p] for p in pairs]))
    weights = [w[i] * w[j] for i, j in pairs]
    assert found.weighted_average == pytest.approx(np.average([rho[p] for p in pairs], weights=weights))
    assert found.standard_errors[0][1] == pytest.approx((1 - rho[0, 1] ** 2) / sqrt(87))
    assert (found.complete, found.not_shown, found.missing_pairs) == (True, 27, [])
    assert np.linalg.eigvalsh(np.array(found.correlations, dtype=float)).min() > -1e-12
    assert finding.coverage == pytest.approx(sum(w) / sum(abs(lot.market_value) for lot in LOTS))


def test_too_few_common_sessions_and_standing_still_are_null_with_a_reason() -> None:
    market = planted_market(("AAA", "BBB", "CCC"), seed=2)
    market.returns[-1] = 0.001
    edition = edition_of(market, missing={"BBB": 315 - 29})
    found = compute(
        Evidence(book_of([Lot("AAA", 9.0), Lot("BBB", 8.0), Lot("CCC", 7.0)]), edition), CorrelationParameters()
    ).result
    assert found.correlations == [[1.0, None, None], [None, None, None], [None, None, None]]
    reasons = {(pair.row, pair.column): pair.reason for pair in found.missing_pairs}
    assert (reasons[0, 1], reasons[1, 1]) == ("too_few_common_sessions", "too_few_common_sessions")
    assert (reasons[0, 2], reasons[2, 2]) == ("no_movement", "no_movement")
    assert (found.average, found.average_reason, found.observations[0][1]) == (None, "no_pair_has_it", 29)


def test_one_symbol_has_no_average() -> None:
    found = compute(Evidence(book_of([Lot("S01", 9.0)]), edition_of(MARKET)), CorrelationParameters()).result
    assert (found.correlations, found.average_reason) == ([[1.0]], "fewer_than_two_symbols")


@pytest.mark.parametrize("top", [1, 51, float("nan")])
def test_a_size_out_of_range_is_refused(top: float) -> None:
    with pytest.raises(ValidationError):
        CorrelationParameters(top=top)  # type: ignore[arg-type]
