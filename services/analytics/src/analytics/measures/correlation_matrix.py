"""How alike the largest positions of a portfolio have been moving."""

from datetime import date
from math import isnan
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from analytics.evidence import Evidence
from analytics.holdings import Holdings
from analytics.measures.excluded import ExcludedSymbol, excluded_symbols
from analytics.measures.measure import Finding, Measure, Parameters, Result
from riskstream.market.arrays import Bools, Floats

SESSIONS = 90
FEWEST_COMMON = 30

MissingReason = Literal["too_few_common_sessions", "no_movement"]
NoAverageReason = Literal["fewer_than_two_symbols", "no_pair_has_it"]


class CorrelationParameters(Parameters):
    top: int = Field(
        default=25, ge=2, le=50, description="How many symbols to take, those of the largest absolute weight first."
    )


class CorrelatedSymbol(Result):
    """A row and a column of the matrices; its lots netted."""

    symbol: str
    market_value: float
    """USD, signed."""
    weight: float | None
    """Signed market value over NAV; null where `weights_reason` says why."""
    observations: int
    """Sessions with a return, of the 90."""


class MissingPair(Result):
    """A pair, by its places in `symbols`, that has no correlation; on the diagonal, a symbol with itself."""

    row: int
    column: int
    """Not smaller than `row`; the matrices are symmetric."""
    reason: MissingReason
    """Under 30 sessions on which both have a return, or one of the two stood still on all of them."""


class CorrelationMatrix(Result):
    """Pearson's correlation of daily simple total returns, pair by pair over the sessions that both have.

    Each entry has sessions of its own, so that with missing returns the matrix need not be positive semidefinite; with
    none missing (`complete`) it is.
    """

    symbols: list[CorrelatedSymbol]
    """By absolute market value, largest first, ties by symbol. Symbols whose lots cancel out are not among them."""
    correlations: list[list[float | None]]
    """Null where `missing_pairs` says why."""
    standard_errors: list[list[float | None]]
    """`(1 − ρ²) / √(n − 3)`: that of Fisher's z, `1 / √(n − 3)`, brought back to ρ; of normal returns."""
    observations: list[list[int]]
    """Common sessions of each pair."""
    missing_pairs: list[MissingPair]
    complete: bool
    average: float | None
    """Of all pairs of two symbols that have one, alike."""
    weighted_average: float | None
    """The same, each pair weighted by the product of the two absolute weights: a short counts as a long does."""
    average_reason: NoAverageReason | None
    weights_reason: Literal["nav_not_positive"] | None
    since: date | None
    """The first session looked at; null where the edition has none."""
    until: date | None
    sessions: int
    """90, or as many as there are."""
    not_shown: int
    """Further symbols that are held, smaller than those shown."""
    excluded: list[ExcludedSymbol]


def compute(evidence: Evidence, parameters: CorrelationParameters) -> Finding[CorrelationMatrix]:
    """Pairwise complete over 90 sessions, with at least 30 common ones (`domain.md` §4).

    Coverage is the share of gross market value of the symbols shown that are part of some pair.
    """
    holdings, edition = evidence.holdings, evidence.edition
    held = np.flatnonzero(holdings.market_values)
    largest = held[np.argsort(-np.abs(holdings.market_values[held]), kind="stable")]
    shown = largest[: parameters.top]
    days = edition.sessions[-SESSIONS:]
    returns = edition.returns[holdings.rows[shown], -SESSIONS:]
    correlations, common = pairwise_correlations(returns)
    known = ~np.isnan(correlations)
    pairs = np.triu(known, 1)
    weights = np.abs(holdings.market_values[shown])
    paired = np.zeros(len(holdings.symbols), dtype=bool)
    paired[shown] = (known & ~np.eye(len(shown), dtype=bool)).any(axis=1)
    result = CorrelationMatrix(
        symbols=[_symbol(holdings, int(n), int(seen)) for n, seen in zip(shown, common.diagonal(), strict=True)],
        correlations=_rows(correlations),
        standard_errors=_rows((1.0 - correlations**2) / np.sqrt(np.maximum(common, FEWEST_COMMON) - 3.0)),
        observations=common.tolist(),
        missing_pairs=_missing(known, common),
        complete=bool(np.isfinite(returns).all()),
        average=float(correlations[pairs].mean()) if pairs.any() else None,
        weighted_average=_weighted(correlations, weights, pairs),
        average_reason=None if pairs.any() else "no_pair_has_it" if len(shown) > 1 else "fewer_than_two_symbols",
        weights_reason=None if holdings.nav > 0 else "nav_not_positive",
        since=days[0].item() if len(days) else None,
        until=days[-1].item() if len(days) else None,
        sessions=len(days),
        not_shown=len(largest) - len(shown),
        excluded=excluded_symbols(holdings, {}),
    )
    return Finding(result, holdings.coverage(paired))


def pairwise_correlations(returns: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """(N, N) of returns (N, T) with NaN for none, and the sessions that each pair has in common.

    NaN where these are fewer than 30, or one of the two did not move on them. Each pair's means and variances are those
    of its own sessions; every sum over them is a product of matrices.
    """
    seen = np.isfinite(returns)
    mask = seen.astype(np.float64)
    counts = mask @ mask.T
    # Taking a constant off a series changes no correlation, and leaves less to cancel out below.
    level = np.where(seen, returns, 0.0).sum(axis=1) / np.maximum(mask.sum(axis=1), 1.0)
    moves = np.where(seen, returns - level[:, None], 0.0)
    sums, squares = moves @ mask.T, moves**2 @ mask.T
    common = np.maximum(counts, 1.0)
    variances = squares - sums**2 / common
    covariances = moves @ moves.T - sums * sums.T / common
    moved = variances > 1e-12 * squares
    known = (counts >= FEWEST_COMMON) & moved & moved.T
    scale = np.sqrt(np.where(known, variances * variances.T, 1.0))
    found = np.where(known, np.clip(covariances / scale, -1.0, 1.0), np.nan)
    np.fill_diagonal(found, np.where(known.diagonal(), 1.0, np.nan))
    return found, np.rint(counts).astype(np.int64)


def _weighted(correlations: Floats, weights: Floats, pairs: Bools) -> float | None:
    if not pairs.any():
        return None
    # Relative to the largest, so that no product is too large or too small.
    relative = weights / weights.max()
    products = np.outer(relative, relative)[pairs]
    return float(np.clip(products @ correlations[pairs] / products.sum(), -1.0, 1.0)) if products.sum() > 0 else None


def _missing(known: Bools, common: NDArray[np.int64]) -> list[MissingPair]:
    return [
        MissingPair(
            row=int(row),
            column=int(column),
            reason="too_few_common_sessions" if common[row, column] < FEWEST_COMMON else "no_movement",
        )
        for row, column in np.argwhere(np.triu(~known))
    ]


def _symbol(holdings: Holdings, n: int, seen: int) -> CorrelatedSymbol:
    return CorrelatedSymbol(
        symbol=holdings.symbols[n],
        market_value=float(holdings.market_values[n]),
        weight=None if holdings.weights is None else float(holdings.weights[n]),
        observations=seen,
    )


def _rows(matrix: Floats) -> list[list[float | None]]:
    return [[None if isnan(value) else value for value in row] for row in matrix.tolist()]


MEASURE = Measure(
    name="correlation-matrix",
    summary="Correlations of the largest positions, and their average",
    method="Pearson, 90 sessions of simple returns, pair by pair over their common sessions, at least 30",
    parameters=CorrelationParameters,
    result=CorrelationMatrix,
    compute=compute,
)
