"""The volatility that is planted in a market."""

from math import sqrt
from typing import Any

import pytest

from local_stack.demo.planted import planted_volatility

TRUTH: dict[str, Any] = {
    "benchmarks": ["SPY", "TLT"],
    "covariance": [[4e-4, 1e-4], [1e-4, 9e-4]],
    "loadings": {"AAA": [1.0, 0.5], "BBB": [0.5, -1.0]},
    "specific": {"AAA": 0.02, "BBB": 0.01},
}


def test_it_is_that_of_the_netted_loadings_and_of_each_companys_own_noise() -> None:
    # x = (100 − 20, 50 + 40)
    common = 80 * 80 * 4e-4 + 2 * 80 * 90 * 1e-4 + 90 * 90 * 9e-4
    found = planted_volatility(TRUTH, {"AAA": 100.0, "BBB": -40.0})
    assert found == pytest.approx(sqrt(common + 2.0**2 + 0.4**2))


def test_nothing_held_does_not_move() -> None:
    assert planted_volatility(TRUTH, {}) == 0


def test_what_is_no_company_of_the_market_has_no_planted_volatility() -> None:
    assert planted_volatility(TRUTH, {"AAA": 100.0, "SPY": 10.0}) is None
