"""The risk model of one symbol and of one book, written out plainly: what any vectorised form of it must equal."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression, Ridge

Series = NDArray[np.float64]

HALF_LIFE = 42


@dataclass(frozen=True)
class Holding:
    """A symbol in the model: eight betas, residuals of the window (NaN where there is none), specific variance."""

    betas: Series
    residuals: Series
    specific_variance: float


@dataclass(frozen=True)
class BookVariance:
    """Daily. `contributions` add up to the volatility."""

    factors: float
    specific: float
    contributions: dict[str, float]

    @property
    def volatility(self) -> float:
        return float(np.sqrt(self.factors + self.specific))


def weights_of(sessions: int, half_life: float = HALF_LIFE) -> Series:
    """How much each session counts, the newest last."""
    raw = np.array([0.5 ** (age / half_life) for age in range(sessions - 1, -1, -1)])
    normed: Series = raw / raw.sum()
    return normed


def loadings(returns: Series, factors: Series) -> tuple[Series, Series, int]:
    """Betas, residuals and number of observations of one symbol; the first factor is the unpenalised market.

    An unpenalised regressor can be regressed out of everything first (Frisch, Waugh and Lovell); what is left is an
    ordinary ridge on the other seven, and the market's beta that of what they leave.
    """
    own = np.isfinite(returns) & np.isfinite(factors).all(axis=1)
    y, X = returns[own], factors[own]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    market, styles = Z[:, :1], Z[:, 1:]
    rest_of_y = y - LinearRegression().fit(market, y).predict(market)
    rest_of_styles = styles - LinearRegression().fit(market, styles).predict(market)
    style_betas = Ridge(alpha=1.0, fit_intercept=False).fit(rest_of_styles, rest_of_y).coef_
    after_styles = y - styles @ style_betas
    line = LinearRegression().fit(market, after_styles)
    residuals = np.full(len(returns), np.nan)
    residuals[own] = after_styles - line.predict(market)
    return np.concatenate([line.coef_, style_betas]) / X.std(axis=0), residuals, int(own.sum())


def specific_variance(residuals: Series) -> float:
    """The exponentially weighted mean square of the residuals there are."""
    seen = np.isfinite(residuals)
    return float(np.average(residuals[seen] ** 2, weights=weights_of(len(residuals))[seen]))


def book_variance(weights: Mapping[str, float], holdings: Mapping[str, Holding], covariance: Series) -> BookVariance:
    """Variance of a book with these weights (signed, of NAV), and what each symbol adds to its volatility.

    Each session counts with the square of the book's own residual. A symbol without a residual on a session is not
    taken to have had none: it adds what is expected of it, its squared weight times its specific variance, as if
    independent of the others. So does a symbol with assumed loadings on every session.
    """
    exposures = sum((weights[symbol] * holdings[symbol].betas for symbol in weights), np.zeros(len(covariance)))
    factors = float(exposures @ covariance @ exposures)
    shares = {symbol: float(weights[symbol] * holdings[symbol].betas @ covariance @ exposures) for symbol in weights}
    specific = 0.0
    sessions = max((len(one.residuals) for one in holdings.values()), default=0)
    for session, weight in enumerate(weights_of(sessions)):
        own = {symbol: weights[symbol] * holdings[symbol].residuals[session] for symbol in weights}
        together = sum(part for part in own.values() if np.isfinite(part))
        for symbol, part in own.items():
            missing = weights[symbol] ** 2 * holdings[symbol].specific_variance
            share = weight * (part * together if np.isfinite(part) else missing)
            specific += share
            shares[symbol] += share
    volatility = np.sqrt(factors + specific)
    contributions = {symbol: share / volatility if volatility > 0 else 0.0 for symbol, share in shares.items()}
    return BookVariance(factors, specific, contributions)
