"""The recorded market, and the edition that each evening of it would have had."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np

from analytics.edition import RETURN_SESSIONS, Edition
from analytics.factors import FACTORS
from analytics.risk_model import FactorCovariance, RiskModel
from riskstream.market.arrays import Floats
from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.factors.risk_model import (
    HALF_LIFE,
    LOADING_REASONS,
    WINDOW,
    estimate_factor_risk,
    estimate_loadings,
    typical_variances,
    with_typical_variances,
)
from yardstick import prices

BROKEN = {"AMCR", "SW", "HWM", "DHR"}
"""Known defects in the recorded prices: a return that never was can be neither forecast nor judged."""


@dataclass(frozen=True)
class Recorded:
    """Total returns (T, S) in decimals on consecutive `sessions`; the sector of those symbols that have one."""

    symbols: tuple[str, ...]
    sessions: tuple[date, ...]
    returns: Floats
    sectors: dict[str, str]

    def edition(self, row: int) -> Edition:
        """As of the evening of that session, by the night's own estimation, from nothing that came later."""
        known, window = self.returns[: row + 1], self.returns[row + 1 - WINDOW : row + 1]
        columns = [self.symbols.index(symbol) for symbol in BENCHMARKS]
        days = self.sessions[row + 1 - WINDOW : row + 1]
        held = estimate_loadings(window, window[:, columns], self.symbols, days)
        held = with_typical_variances(held, self.sectors, typical_variances(held, self.sectors))
        factors = estimate_factor_risk(window[:, columns], known[:, columns], self.sessions[row])
        if factors.covariance is None or factors.stress_covariance is None:
            raise ValueError(f"no covariance of factors as of {self.sessions[row]}: {factors.reason}")
        count = len(self.symbols)
        return Edition(
            edition=1,
            session=self.sessions[row],
            index={symbol: n for n, symbol in enumerate(self.symbols)},
            betas=np.full((count, len(FACTORS)), np.nan),
            standard_errors=np.full((count, len(FACTORS)), np.nan),
            reasons={},
            methods=(None,) * len(FACTORS),
            windows=(None,) * len(FACTORS),
            risk=RiskModel(
                factors=FactorCovariance(
                    forecast=factors.covariance.matrix,
                    stress=factors.stress_covariance.matrix,
                    sessions=factors.covariance.sessions,
                    half_life=HALF_LIFE,
                    stress_sessions=factors.stress_covariance.sessions,
                ),
                reason=None,
                residuals_kept=True,
                betas=held.betas,
                specific_variance=held.specific_variance,
                residuals=held.residuals,
                assumed=~held.estimated,
                reasons={
                    self.symbols[n]: LOADING_REASONS[held.reason[n]] or "" for n in np.flatnonzero(~held.estimated)
                },
                carried_from={},
            ),
            sessions=np.array(self.sessions[row + 1 - RETURN_SESSIONS : row + 1], dtype="datetime64[D]"),
            returns=np.ascontiguousarray(self.returns[row + 1 - RETURN_SESSIONS : row + 1].T),
            closes=np.full(count, np.nan),
            sectors=self.sectors,
        )


@cache
def recorded() -> Recorded:
    """All symbols and sessions of `../shared/data`."""
    table = prices.total_returns()
    with (prices.FILE.parent / "symbols.csv").open() as file:
        sectors = {row["symbol"]: row["sector"] for row in csv.DictReader(file) if row["sector"]}
    return Recorded(tuple(table.columns), tuple(table.index), table.to_numpy(dtype=np.float64), sectors)
