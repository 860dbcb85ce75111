"""Volatility of the book as held: against numpy, by plain loops, and where there is none."""

from math import sqrt

import numpy as np
import pytest

from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.measures.measure import Parameters
from analytics.measures.volatility import Volatility, compute
from yardstick.books import Lot, book_of, edition_of, planted_market

MARKET = planted_market(("AAA", "BBB"), seed=3)
EDITION = edition_of(MARKET)
LOTS = (Lot("AAA", 3000.0), Lot("BBB", -1000.0))
PNL = 3000.0 * MARKET.returns[-2] - 1000.0 * MARKET.returns[-1]


def _of(*lots: Lot, edition: Edition = EDITION, **book: float) -> Volatility:
    return compute(Evidence(book_of(lots, **book), edition), Parameters()).result


def test_realised_and_weighted_volatility_equal_plain_sums() -> None:
    found = _of(*LOTS, nav=4000.0)
    for estimate, window in ((found.realised_21, 21), (found.realised_63, 63)):
        expected = PNL[-window:].std(ddof=1) * sqrt(252)
        assert estimate.annual_usd == pytest.approx(expected, rel=1e-12)
        assert estimate.annual == pytest.approx(expected / 4000, rel=1e-12)
        assert estimate.annual_standard_error == pytest.approx(expected / 4000 / sqrt(2 * window), rel=1e-12)
        assert estimate.since == EDITION.sessions[-window].item()
    counts = [0.5 ** (age / 21) for age in range(252)]
    square = sum(c * p**2 for c, p in zip(counts, PNL[::-1], strict=False)) / sum(counts)
    assert found.ewma.annual_usd == pytest.approx(sqrt(square * 252), rel=1e-12)
    assert found.ewma.effective_sessions == pytest.approx(sum(counts) ** 2 / sum(c * c for c in counts))


def test_the_trend_and_the_percentile_are_of_rolling_figures() -> None:
    found = _of(*LOTS, nav=4000.0)
    rolling = [PNL[end - 21 : end].std(ddof=1) for end in range(len(PNL) - 251, len(PNL) + 1)]
    assert found.percentile.percentile == pytest.approx(sum(one <= rolling[-1] for one in rolling) / 252)
    assert found.trend.ratio == pytest.approx(rolling[-1] / PNL[-63:].std(ddof=1))
    loud = MARKET.returns.copy()
    loud[:, -21:] *= 4
    assert _of(*LOTS, edition=_with(loud)).trend.direction == "rising"
    assert _of(*LOTS, edition=_with(loud)).percentile.percentile == 1.0
    loud[:, -21:] /= 40
    assert _of(*LOTS, edition=_with(loud)).trend.direction == "falling"


def _with(returns: np.ndarray) -> Edition:
    return edition_of(type(MARKET)(MARKET.symbols, MARKET.betas, returns, MARKET.residuals, MARKET.factors))


def test_too_short_a_history_is_null_and_says_so() -> None:
    found = _of(*LOTS, edition=edition_of(planted_market(("AAA", "BBB"), sessions=271)))
    assert found.realised_63.annual is not None
    assert (found.percentile.percentile, found.percentile.reason) == (None, "too_few_sessions")
    assert found.percentile.rolling_values == 251
    three = _of(*LOTS, edition=edition_of(planted_market(("AAA", "BBB"), sessions=3)))
    for estimate in (three.realised_21, three.realised_63, three.ewma):
        assert (estimate.annual_usd, estimate.reason, estimate.relative_reason) == (None, *["too_few_sessions"] * 2)
    assert three.trend.reason == "too_few_sessions"


@pytest.mark.parametrize("sessions", [3, 315])
def test_cash_has_volatility_zero_and_what_cannot_enter_has_none(sessions: int) -> None:
    edition = edition_of(planted_market(("AAA",), sessions=sessions))
    cash = _of(cash=100.0, edition=edition)
    assert (cash.realised_21.annual, cash.ewma.annual_usd, cash.ewma.annual_usd_standard_error) == (0.0, 0.0, 0.0)
    assert (cash.trend.reason, cash.percentile.reason) == ("no_volatility", "no_volatility")
    private = _of(Lot("HOUSE", 5.0, investment_class="PRIVATE", price_status="manual"), edition=edition)
    assert (private.realised_21.annual_usd, private.realised_21.reason) == (None, "no_position_has_it")
    assert private.excluded[0].reason == "private"


@pytest.mark.parametrize("nav", [0.0, -1.0])
def test_without_positive_nav_dollars_stay_true(nav: float) -> None:
    found = _of(*LOTS, nav=nav).realised_21
    assert (found.annual, found.relative_reason, found.reason) == (None, "nav_not_positive", None)
    assert found.annual_usd == pytest.approx(PNL[-21:].std(ddof=1) * sqrt(252), rel=1e-12)
