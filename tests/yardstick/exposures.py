"""The twelve exposures of one symbol by statsmodels and scikit-learn, one regression at a time."""

from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

Series = NDArray[np.float64]

STYLES = ("VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV")
"""In the order of the factors Value, Growth, Momentum, Quality, Size, Low Volatility."""

SINGLE: dict[str, tuple[str, str | None, int, int]] = {
    "market_beta": ("SPY", None, 90, 60),
    "ir_beta": ("TLT", None, 90, 60),
    "growth_value_spread": ("VUG", "VTV", 180, 120),
    "momentum_spread": ("MTUM", "SPY", 180, 120),
    "size_spread": ("IWM", "SPY", 180, 120),
    "quality_spread": ("QUAL", "SPY", 180, 120),
}
"""Factor: regressor, what is subtracted from it, window, minimum of observations."""

JOINT = ("value", "growth", "momentum", "quality", "size", "low_volatility")


@dataclass(frozen=True)
class Expected:
    beta: float
    standard_error: float
    standard_error_newey_west: float
    r_squared: float
    observations: int


def single(returns: Series, benchmarks: dict[str, Series], factor: str, *, newey_west: bool = True) -> Expected | int:
    """The OLS exposure to `factor` at the series' end, or the number of observations where it is too small."""
    regressor, minus, window, least = SINGLE[factor]
    x = benchmarks[regressor] - (benchmarks[minus] if minus else 0.0)
    y, x = returns[-window:], x[-window:]
    valid = np.isfinite(y) & np.isfinite(x)
    n = int(valid.sum())
    if n < least:
        return n
    model = sm.OLS(y[valid], sm.add_constant(x[valid]))
    fit = model.fit()
    robust_error = float("nan")
    if newey_west:
        robust = model.fit(cov_type="HAC", cov_kwds={"maxlags": 5, "use_correction": False})
        robust_error = float(robust.bse[1])
    return Expected(float(fit.params[1]), float(fit.bse[1]), robust_error, float(fit.rsquared), n)


def joint(returns: Series, benchmarks: dict[str, Series]) -> dict[str, Expected] | int:
    """The six style exposures, in return units, or the number of observations where it is too small."""
    y = returns[-90:]
    X = np.column_stack([benchmarks[style][-90:] for style in STYLES])
    valid = np.isfinite(y) & np.isfinite(X).all(axis=1)
    n = int(valid.sum())
    if n < 60:
        return n
    scaler = StandardScaler().fit(X[valid])
    Z = scaler.transform(X[valid])
    ridge = Ridge(alpha=1.0).fit(Z, y[valid])
    residuals = y[valid] - ridge.predict(Z)
    A = np.linalg.inv(Z.T @ Z + np.eye(6)) @ Z.T
    freedom = n - 1 - np.trace(Z @ A)
    errors = np.sqrt(np.diag(A @ A.T) * (residuals @ residuals) / freedom) / scaler.scale_
    total = y[valid] - y[valid].mean()
    r_squared = 1 - (residuals @ residuals) / (total @ total)
    betas = ridge.coef_ / scaler.scale_
    return {
        factor: Expected(float(betas[i]), float(errors[i]), float("nan"), float(r_squared), n)
        for i, factor in enumerate(JOINT)
    }
