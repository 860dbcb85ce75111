"""The return process: eight jointly Gaussian benchmarks, companies that load on them, iid Gaussian specific noise.

Because everything is jointly Gaussian and independent from session to session, *every* linear regression of a company
on any set of benchmark returns has an exactly linear conditional mean and a homoscedastic, iid Gaussian residual. So
each of the twelve exposures has a population value, and its classical standard error is the right one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market_simulator.market import Floats

_PERCENT = 0.01

# Columns: market, rates, value against growth, momentum, size, low volatility, then one shock of each fund's own.
_COMMON_SHOCKS: Floats = _PERCENT * np.array(
    [
        [1.00, 0.00, 0.00, 0.00, 0.00, 0.00],  # SPY
        [-0.14, 0.88, 0.00, 0.00, 0.00, 0.00],  # TLT
        [0.86, -0.02, 0.33, -0.05, 0.03, 0.05],  # VTV
        [1.12, 0.03, -0.36, 0.08, -0.03, -0.05],  # VUG
        [1.00, 0.00, -0.10, 0.48, 0.00, -0.05],  # MTUM
        [1.00, 0.00, -0.05, 0.04, -0.05, 0.02],  # QUAL
        [1.15, -0.03, 0.12, -0.05, 0.62, -0.05],  # IWM
        [0.70, 0.08, 0.08, 0.00, -0.04, 0.28],  # USMV
    ]
)
_OWN_SHOCK: Floats = _PERCENT * np.array([0.0, 0.0, 0.15, 0.15, 0.25, 0.20, 0.20, 0.18])

SHOCKS: Floats = np.hstack([_COMMON_SHOCKS, np.diag(_OWN_SHOCK)[:, 2:]])
"""(8, 12): a benchmark's return is its mean plus this row times twelve independent standard normals."""

MEANS: Floats = np.array([4e-4, 1e-4, 3.5e-4, 4.5e-4, 4.5e-4, 4e-4, 3.5e-4, 3.5e-4])
"""(8,): mean simple return per session."""

COVARIANCE: Floats = SHOCKS @ SHOCKS.T
"""(8, 8): population covariance of the benchmarks' simple returns per session."""


@dataclass(frozen=True)
class Company:
    """One company's planted truth: r = mean + loadings·(F − E F) + specific·e."""

    mean: float
    loadings: Floats
    specific: float


def plant(seed: int, number: int) -> Company:
    """The loadings of company `number`: a market beta of 0.4 to 1.8, tilts to rates and styles, its own noise.

    The loading on SPY is what is left of the market beta after the tilts, so the univariate beta stays sensible.
    """
    random = np.random.default_rng([seed, 1, number])
    market_beta = random.uniform(0.4, 1.8)
    tilts = np.concatenate([[random.normal(0.0, 0.12)], random.normal(0.0, 0.30, size=6)])
    carried = float(tilts @ (COVARIANCE[1:, 0] / COVARIANCE[0, 0]))
    loadings = np.concatenate([[market_beta - carried], tilts])
    # Noisy enough that a chance sample of the benchmarks, which all companies share, rarely carries the estimates of
    # many of them beyond three standard errors at once: 1 % of them on one night in 190, in 80 with a third less noise.
    specific = random.uniform(0.012, 0.030)
    # Half the variance keeps the typical price of a noisy company from wasting away over the years.
    return Company(
        mean=float(2e-4 + specific**2 / 2 + loadings @ COVARIANCE @ loadings / 2), loadings=loadings, specific=specific
    )
