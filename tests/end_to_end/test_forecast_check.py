"""The measures `risk` and `var` judged by what came after, over two recorded years; and the judge itself."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from analytics.evidence import Evidence
from analytics.measures.risk import RiskParameters
from analytics.measures.risk import compute as risk
from forecast_check.panel import panel
from forecast_check.recorded import Recorded, recorded
from forecast_check.scores import METHODS, Scores, bounds, judge, kupiec, pooled
from riskstream.market.risk_factors import BENCHMARKS, risk_factor_returns
from yardstick import risk_model as yardstick
from yardstick.books import Lot, book_of


@pytest.fixture(scope="module")
def market() -> Recorded:
    return recorded()


@pytest.mark.slow
def test_forecasts_of_the_panel_are_right_over_500_sessions(market: Recorded) -> None:
    last = len(market.sessions) - 1
    rows = range(last - 500, last)
    scores = judge(market, panel(market, rows[0]), rows, lambda _: None)
    for claim in bounds(scores):
        print(claim)
        assert claim.holds, claim
    assert 0.97 <= scores.bias.mean() <= 1.05
    # Were the next session like the 252 before it, the third worst of them would be passed on 3 in 253.
    found, error = pooled(scores.breaches["historical 99"])
    assert abs(found - 3 / 253) < 2 * error


def test_the_panel_is_the_same_every_time_and_of_72_books(market: Recorded) -> None:
    first = len(market.sessions) - 501
    books = panel(market, first)
    assert books == panel(market, first)
    sizes = {group: sum(book.group == group for book in books) for group in {book.group for book in books}}
    assert sizes == {
        "ETFs": 12, "long-only": 30, "long-short": 10, "sectors": 5, "single names": 10, "minimum variance": 5,
    }  # fmt: skip
    for book in books:
        net, gross = sum(book.weights.values()), sum(map(abs, book.weights.values()))
        expected = {"neutral": (0.0, 2.0), "130/30": (1.0, 1.6)}.get(book.name.split()[0], (1.0, 1.0))
        assert (net, gross) == (pytest.approx(expected[0]), pytest.approx(expected[1]))


def test_a_book_of_least_variance_has_less_than_the_same_names_in_equal_parts(market: Recorded) -> None:
    first = len(market.sessions) - 501
    for book in panel(market, first):
        if book.group == "minimum variance":
            columns = [market.symbols.index(symbol) for symbol in book.weights]
            year = market.returns[first - 251 : first + 1, columns]
            assert (year @ list(book.weights.values())).std() < year.mean(axis=1).std()


def test_an_evening_knows_nothing_of_what_came_later(market: Recorded) -> None:
    row = len(market.sessions) - 200
    later = market.returns.copy()
    later[row + 1 :] *= 7.0
    before, after = market.edition(row), replace(market, returns=later).edition(row)
    assert before.risk.factors is not None
    assert after.risk.factors is not None
    np.testing.assert_array_equal(before.risk.betas, after.risk.betas)
    np.testing.assert_array_equal(before.risk.factors.forecast, after.risk.factors.forecast)
    np.testing.assert_array_equal(before.returns, after.returns)
    assert before.sessions[-1] == np.datetime64(market.sessions[row])


def test_a_real_books_risk_equals_the_yardsticks_from_prices_on(market: Recorded) -> None:
    """Longs and shorts, a fund, and a symbol that lacks a session."""
    row = len(market.sessions) - 1
    values = {"AAPL": 3e5, "XOM": -1e5, "JPM": 2e5, "FISV": 1e5, "XLK": -5e4, "TLT": 2e5}
    edition = market.edition(row)
    assert edition.risk.factors is not None
    window = market.returns[row - 251 : row + 1]
    factors = risk_factor_returns(window[:, [market.symbols.index(symbol) for symbol in BENCHMARKS]])
    holdings = {}
    for symbol in values:
        betas, residuals, _ = yardstick.loadings(window[:, market.symbols.index(symbol)], factors)
        holdings[symbol] = yardstick.Holding(betas, residuals, yardstick.specific_variance(residuals))
    plain = yardstick.book_variance(values, holdings, edition.risk.factors.forecast)
    book = book_of([Lot(symbol, value) for symbol, value in values.items()], cash=3e5)
    found = risk(Evidence(book, edition), RiskParameters()).result
    assert found.daily_volatility_usd == pytest.approx(plain.volatility, rel=1e-8)
    assert found.specific_share == pytest.approx(plain.specific / plain.volatility**2, rel=1e-8)
    for line in found.positions:
        assert line.contribution_usd == pytest.approx(plain.contributions[line.symbol], rel=1e-6)
    assert sum(line.contribution_usd for line in found.positions) == pytest.approx(plain.volatility, rel=1e-9)


def test_identities_hold_for_every_book_of_the_panel(market: Recorded) -> None:
    row = len(market.sessions) - 1
    edition = market.edition(row)
    for one in panel(market, row - 500):
        found = risk(Evidence(book_of([Lot(symbol, 1e6 * size) for symbol, size in one.weights.items()], nav=1e6),
                              edition), RiskParameters(top=1000)).result  # fmt: skip
        assert found.factor_share is not None
        assert found.specific_share is not None
        assert found.specific_contribution_usd is not None
        assert found.factor_share + found.specific_share == pytest.approx(1.0, abs=1e-9)
        assert found.specific_share >= 0
        sigma = found.daily_volatility_usd
        assert sum(line.contribution_usd for line in found.positions) == pytest.approx(sigma, rel=1e-9)
        by_factor = sum(line.contribution_usd for line in found.factors) + found.specific_contribution_usd
        assert by_factor == pytest.approx(sigma, rel=1e-9)


def test_kupiecs_test_is_the_likelihood_ratio_and_right_on_average() -> None:
    assert kupiec(5, 500, 0.99) == pytest.approx(1.0)
    ratio = 2 * (stats.binom.logpmf(12, 500, 12 / 500) - stats.binom.logpmf(12, 500, 0.01))
    assert kupiec(12, 500, 0.99) == pytest.approx(stats.chi2(1).sf(ratio), rel=1e-9)
    assert kupiec(0, 500, 0.99) == pytest.approx(stats.chi2(1).sf(-1000 * np.log(0.99)), rel=1e-9)
    assert kupiec(500, 500, 0.95) < 1e-100
    rejected = [kupiec(int(count), 1000, 0.95) < 0.05 for count in np.random.default_rng(2).binomial(1000, 0.05, 4000)]
    assert np.mean(rejected) == pytest.approx(0.05, abs=0.015)


def test_scores_of_perfect_forecasts_keep_every_bound_and_those_of_half_the_volatility_none() -> None:
    dice = np.random.default_rng(4)
    right = dice.standard_t(6, (500, 72)) * sqrt(4 / 6)
    limit = stats.t(6).ppf(0.99) * sqrt(4 / 6)
    for scale, holds in ((1.0, True), (2.0, False)):
        seen = right * scale
        scores = Scores(seen, dict.fromkeys(METHODS, -seen > limit))
        assert [claim.holds for claim in bounds(scores)] == [holds] * 3


def test_the_standard_error_of_a_rate_takes_books_that_move_as_one_for_one() -> None:
    happened = np.random.default_rng(5).random((400, 1)) < 0.1
    alone = pooled(happened)
    assert pooled(np.repeat(happened, 50, axis=1)) == pytest.approx(alone)
    assert alone[1] == pytest.approx(sqrt(alone[0] * (1 - alone[0]) / 399))
