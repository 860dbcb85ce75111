"""How much of the risk of a portfolio's parts its diversification takes away, and how many bets it is."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics.evidence import Evidence
from analytics.forecast import NoForecastReason
from analytics.loadings import Loadings
from analytics.measures.estimation import RiskEstimation, estimation_of
from analytics.measures.excluded import ExcludedSymbol, excluded_symbols
from analytics.measures.measure import Finding, Measure, Parameters, Result
from riskstream.market.arrays import Floats

NoRatioReason = NoForecastReason | Literal["no_volatility"]


class Diversification(Result):
    """By the covariance that the risk model implies, `BFB' + Ψ`: the one of the measure `risk`. Volatilities are of a
    day, in USD. Null where `reason` says why; `no_volatility`: nothing is at risk, or all of it cancels out.

    No standard error is given: neither figure has one in use.
    """

    diversification_ratio: float | None
    """`Σ|w|σ / σ_p`, not under 1: 1 is one bet, or several that move as one (Choueifaty and Coignard, 2008)."""
    effective_bets: float | None
    """`exp(−Σ p ln p)`, p the part of the variance that each principal portfolio of the covariance has in the book's
    (Meucci, 2009, "Managing Diversification"): 1 where all comes from one, N where it comes from N alike. The principal
    portfolios are of the symbols held; where two of these have the same variance, which they are is a convention.
    """
    weighted_volatility_usd: float | None
    """`Σ|w|σ`: what the volatility would be if nothing diversified and nothing hedged."""
    daily_volatility_usd: float | None
    """That of the measure `risk`."""
    diversified_away_usd: float | None
    """The difference."""
    reason: NoRatioReason | None
    model_reason: str | None
    """What the edition says of why it has no model."""
    symbols: int
    """That entered, lots netted; those whose lots cancel out are not counted."""
    largest_bet_share: float | None
    """The largest p."""
    estimation: RiskEstimation | None
    """Null where `model_reason` says why there is no model."""
    excluded: list[ExcludedSymbol]


def compute(evidence: Evidence, _: Parameters) -> Finding[Diversification]:
    """Both figures on the covariance of the risk model (`domain.md` §4), in USD, so true whatever NAV is.

    A sample covariance of 252 sessions would leave out what is younger, and would be singular for larger books.
    """
    model = evidence.edition.risk
    holdings = evidence.holdings
    forecast = evidence.forecast
    held = forecast.entered & (holdings.market_values != 0)
    volatility = None if forecast.risk is None else forecast.risk.volatility
    reason: NoRatioReason | None = forecast.reason
    weighted: float | None = None
    shares: Floats | None = None
    if volatility is not None and held.any():
        assert forecast.loadings is not None  # there is a risk
        loadings, values = forecast.loadings, holdings.market_values
        if not held.all():
            loadings, values = loadings.of(held), values[held]
        weighted = float(np.abs(values) @ np.sqrt(loadings.variances))
        # What cancels out leaves a rounding behind, of which no share would mean anything.
        if volatility > 1e-9 * weighted:
            shares = bets(loadings, values)
        else:
            reason = "no_volatility"
    elif volatility is not None:
        weighted, reason = 0.0, "no_volatility"
    result = Diversification(
        diversification_ratio=max(weighted / volatility, 1.0)
        if shares is not None and weighted and volatility
        else None,
        effective_bets=None if shares is None else effective_number(shares),
        weighted_volatility_usd=weighted,
        daily_volatility_usd=volatility,
        diversified_away_usd=None if weighted is None or volatility is None else max(weighted - volatility, 0.0),
        reason=reason,
        model_reason=model.reason,
        symbols=int(held.sum()),
        largest_bet_share=None if shares is None else float(shares.max()),
        estimation=estimation_of(forecast, model),
        excluded=excluded_symbols(holdings, forecast.lacking),
    )
    return Finding(result, forecast.coverage)


def bets(loadings: Loadings, values: Floats) -> Floats:
    """The parts, summing to 1, that the principal portfolios of the covariance have in the variance of `values` (N,).

    The covariance is AA', A having a column a factor, a session and a symbol with unseen residuals. With the
    eigenvectors v of the smaller A'A, that of principal portfolio k is `(v_k'A'w)² / Σ`, which is `(e_k'w)² λ_k / σ²`
    of the eigenvectors e = Av/√λ of AA'.
    """
    # A root of F that is there too where it is singular.
    roots, axes = np.linalg.eigh(loadings.factor_covariance)
    shared = np.concatenate(
        [
            loadings.betas @ (axes * np.sqrt(np.maximum(roots, 0.0))),
            loadings.residuals * np.sqrt(loadings.session_weights),
        ],
        axis=1,
    )
    own = loadings.unseen_variance
    unseen = np.flatnonzero(own > 0)
    if shared.shape[1] + len(unseen) < len(values):
        vectors = np.linalg.eigh(_inner(shared, own, unseen))[1]
        sums = np.concatenate([values @ shared, values[unseen] * np.sqrt(own[unseen])])
        variances = (sums @ vectors) ** 2
    else:
        covariance = shared @ shared.T
        covariance[np.diag_indices_from(covariance)] += own
        variance, vectors = np.linalg.eigh(covariance)
        variances = np.maximum(variance, 0.0) * (values @ vectors) ** 2
    found: Floats = variances / variances.sum()
    return found


def _inner(shared: Floats, own: Floats, unseen: NDArray[np.intp]) -> Floats:
    """A'A, put together of its parts, as the columns of symbols with unseen residuals have one entry each."""
    size, columns = shared.shape[1] + len(unseen), shared.shape[1]
    across = np.sqrt(own[unseen])[:, None] * shared[unseen]
    inner = np.zeros((size, size))
    inner[:columns, :columns] = shared.T @ shared
    inner[columns:, :columns] = across
    inner[:columns, columns:] = across.T
    inner[range(columns, size), range(columns, size)] = own[unseen]
    return inner


def effective_number(shares: Floats) -> float:
    """The exponential of the entropy of shares (K,) that sum to 1: between 1 and K."""
    positive = shares[shares > 0]
    return max(float(np.exp(-(positive @ np.log(positive)))), 1.0)


MEASURE = Measure(
    name="diversification",
    summary="Diversification ratio and effective number of bets",
    method="by the risk model's covariance: Σ|w|σ over σ, and the entropy of its principal portfolios' variances",
    parameters=Parameters,
    result=Diversification,
    compute=compute,
)
