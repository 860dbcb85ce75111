"""The risk model of an edition as arrays (docs/adr/0010-risk-model.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np

from analytics.loadings import Loadings, loadings
from riskstream.market.arrays import Bools, Floats
from riskstream.market.risk_factors import RISK_FACTORS

RISK_FACTOR_NAMES = {factor.slug: factor.name for factor in RISK_FACTORS}
"""The eight, slug to name, in the order of every array with a column a factor."""
RESIDUAL_SESSIONS = 252


@dataclass(frozen=True)
class FactorCovariance:
    """(8, 8) of daily returns in decimals: `forecast` weighted towards the recent, `stress` equally over years."""

    forecast: Floats
    stress: Floats
    sessions: int
    half_life: int
    stress_sessions: int


@dataclass(frozen=True)
class RiskModel:
    """What S symbols hold of the eight factors, rows as in the edition; `reason` says why there is no covariance.

    A symbol without loadings in the model has NaN betas. One whose loadings are *assumed* (market 1, nothing else) has
    no residuals; its specific variance is what is typical of its sector.
    """

    factors: FactorCovariance | None
    reason: str | None
    residuals_kept: bool
    """False in an edition so old that its residual series were dropped: no specific risk can be computed."""
    betas: Floats
    """(S, 8) per unit of factor return."""
    specific_variance: Floats
    """(S,) daily; NaN where nothing was typical of anything."""
    residuals: Floats
    """(S, 252) daily, the edition's session last; NaN where there is none."""
    assumed: Bools
    """(S,)"""
    reasons: Mapping[str, str]
    """Symbol to why its loadings are assumed."""
    carried_from: Mapping[str, date]
    """Symbol to the session its loadings were estimated on, where its bar of this one is held back."""

    @cached_property
    def loadings(self) -> Loadings:
        """Of all S symbols; a model without covariance, or without residuals, has none (`analytics.book_risk`)."""
        if self.factors is None:
            raise ValueError(f"there is no risk model: {self.reason}")
        return loadings(
            self.betas, self.specific_variance, self.residuals, self.factors.forecast, self.factors.half_life
        )

    def with_more(self, other: "RiskModel", taken: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> "RiskModel":
        """This model and the rows `taken` of another part of the same one."""
        return replace(
            self,
            betas=np.concatenate([self.betas, other.betas[taken]]),
            specific_variance=np.concatenate([self.specific_variance, other.specific_variance[taken]]),
            residuals=np.concatenate([self.residuals, other.residuals[taken]]),
            assumed=np.concatenate([self.assumed, other.assumed[taken]]),
            reasons={**other.reasons, **self.reasons},
            carried_from={**other.carried_from, **self.carried_from},
        )


def no_risk_model(symbols: int, reason: str) -> RiskModel:
    """Of an edition that has none."""
    return RiskModel(
        factors=None,
        reason=reason,
        residuals_kept=False,
        betas=np.full((symbols, len(RISK_FACTORS)), np.nan),
        specific_variance=np.full(symbols, np.nan),
        residuals=np.full((symbols, RESIDUAL_SESSIONS), np.nan),
        assumed=np.zeros(symbols, dtype=bool),
        reasons={},
        carried_from={},
    )
