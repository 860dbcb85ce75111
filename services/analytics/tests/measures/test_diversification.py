"""Diversification by the model's covariance: against its whole matrix, bounds, and where there is none."""

from math import exp, log

import numpy as np
import pytest

from analytics.book_risk import loadings_of
from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.measures.diversification import Diversification, bets, compute, effective_number
from analytics.measures.measure import Parameters
from yardstick.books import Lot, book_of, edition_of, planted_market


def _of(edition: Edition, *lots: Lot, **book: float) -> Diversification:
    return compute(Evidence(book_of(lots, **book), edition), Parameters()).result


@pytest.mark.parametrize("count", [2, 30, 400])
@pytest.mark.parametrize("holes", [0, 5])
def test_both_figures_equal_those_of_the_whole_covariance(count: int, holes: int) -> None:
    own = tuple(f"S{n:03d}" for n in range(count))
    edition = edition_of(planted_market(own, seed=count), missing=dict.fromkeys(own[:holes], 200))
    values = np.random.default_rng(count).normal(1000.0, 2000.0, count)
    found = _of(edition, *(Lot(symbol, value) for symbol, value in zip(own, values, strict=True)), nav=1.0)
    covariance = loadings_of(edition.risk, edition.rows(own)).covariance()
    volatility = np.sqrt(values @ covariance @ values)
    weighted = np.abs(values) @ np.sqrt(covariance.diagonal())
    assert found.diversification_ratio == pytest.approx(weighted / volatility, rel=1e-10)
    assert found.daily_volatility_usd == pytest.approx(volatility, rel=1e-10)
    roots, axes = np.linalg.eigh(covariance)
    parts = [root * dot**2 / volatility**2 for root, dot in zip(roots, axes.T @ values, strict=True) if root > 0]
    assert found.effective_bets == pytest.approx(exp(-sum(p * log(p) for p in parts if p > 0)), rel=1e-6)
    assert found.largest_bet_share == pytest.approx(max(parts), rel=1e-6)
    assert 1.0 <= found.effective_bets <= count


def test_shares_of_bets_sum_to_one_and_equal_ones_are_as_many_bets() -> None:
    edition = edition_of(planted_market(("AAA", "BBB")))
    shares = bets(loadings_of(edition.risk, edition.rows(("AAA", "BBB"))), np.array([1.0, -3.0]))
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    assert effective_number(np.full(7, 1 / 7)) == pytest.approx(7.0)
    assert effective_number(np.array([1.0, 0.0])) == 1.0


def test_one_position_is_one_bet_long_or_short() -> None:
    edition = edition_of(planted_market(("AAA",)))
    for value in (5.0, -5.0):
        found = _of(edition, Lot("AAA", value), nav=-1.0)
        assert (found.diversification_ratio, found.effective_bets) == (pytest.approx(1.0), pytest.approx(1.0))


def test_without_a_volatility_or_a_model_there_is_no_ratio_but_a_reason() -> None:
    market = planted_market(("AAA",))
    cash, none = _of(edition_of(market), cash=5.0), _of(edition_of(market, model_reason="old"), Lot("AAA", 1.0))
    assert (cash.diversification_ratio, cash.effective_bets, cash.reason) == (None, None, "no_volatility")
    assert cash.daily_volatility_usd == 0.0
    cancelled = _of(edition_of(market), Lot("AAA", 5.0), Lot("AAA", -5.0))
    assert (cancelled.reason, cancelled.symbols) == ("no_volatility", 0)
    assert (none.reason, none.model_reason, none.daily_volatility_usd) == ("no_risk_model", "old", None)
    unknown = _of(edition_of(market), Lot("GONE", 5.0))
    assert (unknown.reason, unknown.excluded[0].reason) == ("no_position_has_it", "unknown")
