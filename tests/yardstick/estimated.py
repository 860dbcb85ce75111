"""Editions as a night finds them: loadings regressed anew on a market that is known, plainly and one by one."""

from collections.abc import Mapping
from dataclasses import replace

from analytics.edition import Edition
from yardstick.books import Planted, edition_of
from yardstick.risk_model import loadings

WINDOW = 252


def estimated_edition(market: Planted, missing: Mapping[str, int] | None = None) -> Edition:
    """`missing` counts the oldest sessions without return. Benchmarks keep what they are by construction."""
    made = edition_of(market, missing=missing)
    betas, residuals = made.risk.betas.copy(), made.risk.residuals.copy()
    for row in range(8, len(market.symbols)):
        betas[row], residuals[row], _ = loadings(made.returns[row, -WINDOW:], made.factor_returns[-WINDOW:])
    return replace(made, risk=replace(made.risk, betas=betas, residuals=residuals))
