"""An edition of the symbol layer as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from analytics.given_returns import GivenReturns, given_returns
from analytics.loading_regressions import LoadingRegressions, loading_regressions
from analytics.risk_model import RiskModel
from riskstream.market.arrays import Bools, Days, Floats
from riskstream.market.risk_factors import BENCHMARKS, risk_factor_returns

RETURN_SESSIONS = 315
"""A year of rolling windows of 63 sessions needs so many returns: 252 + 63."""


@dataclass(frozen=True)
class Exposures:
    """Of S symbols to F factors, 0 where there is none, so that they can be summed over a book."""

    known: Floats
    """(S, F) 1 where there is an exposure."""
    complete: Bools
    """(S,) whether there is one to each factor."""
    betas: Floats
    """(S, F)"""
    variances: Floats
    """(S, F) squared standard errors."""


@dataclass(frozen=True)
class Edition:
    """What the symbol layer says of S symbols as of a session, never changed once made.

    A symbol that is in `index` is known; where its exposure to one of the F factors of `analytics.factors` could not be
    estimated `betas` is NaN and `reasons` says why. Methods and windows are those the edition was estimated with; null
    where it holds no estimate of the factor.
    """

    edition: int
    session: date
    index: Mapping[str, int]
    """Symbol to its row."""
    betas: Floats
    """(S, F)"""
    standard_errors: Floats
    """(S, F), classical."""
    reasons: Mapping[tuple[str, int], str]
    """(symbol, factor's column) to the reason why there is no exposure."""
    methods: tuple[str | None, ...]
    """(F,)"""
    windows: tuple[int | None, ...]
    """(F,) sessions."""
    risk: RiskModel
    sessions: Days
    """(T,) consecutive, the edition's last: those of `returns`; 315, or as many as the calendar has."""
    returns: Floats
    """(S, T) daily total returns in decimals, NaN where there is none."""
    closes: Floats
    """(S,) as traded, USD: the last of the session or of the five before; NaN where there is none."""
    sectors: Mapping[str, str]
    """Symbol to a GICS name or ETF, where a profile says."""

    def rows(self, symbols: tuple[str, ...]) -> NDArray[np.intp]:
        """(N,) the row of each symbol, −1 where the edition does not hold it."""
        return np.fromiter(map(self.index.get, symbols, repeat(-1)), np.intp, len(symbols))

    def returns_of(self, symbols: tuple[str, ...]) -> Floats:
        """(N, T) of `sessions`; NaN for a symbol that the edition does not hold."""
        rows = self.rows(symbols)
        return np.where((rows >= 0)[:, None], self.returns[rows], np.nan) if len(self.returns) else self._none(rows)

    @cached_property
    def factor_returns(self) -> Floats:
        """(T, 8) of the risk model's factors, NaN on a session on which a fund of theirs has no return."""
        return risk_factor_returns(self.returns_of(BENCHMARKS).T)

    @cached_property
    def gaps(self) -> Mapping[str, Mapping[str, tuple[int, ...]]]:
        """Each symbol that lacks an exposure: why, and to which factors."""
        found: dict[str, dict[str, tuple[int, ...]]] = {}
        lacking = set(np.flatnonzero(np.isnan(self.betas).any(axis=1)).tolist())
        for symbol, row in self.index.items():
            if row in lacking:
                why: dict[str, tuple[int, ...]] = {}
                for column in np.flatnonzero(np.isnan(self.betas[row])).tolist():
                    reason = self.reasons.get((symbol, column), "not_estimated")
                    why[reason] = (*why.get(reason, ()), column)
                found[symbol] = why
        return found

    @cached_property
    def exposures(self) -> Exposures:
        """`betas` and `standard_errors`, ready to be summed."""
        known = ~np.isnan(self.betas)
        return Exposures(
            known=known.astype(np.float64),
            complete=np.asarray(known.all(axis=1)),
            betas=np.where(known, self.betas, 0.0),
            variances=np.where(known, self.standard_errors, 0.0) ** 2,
        )

    @cached_property
    def given_returns(self) -> GivenReturns:
        """(S, T) without holes, as far as the risk model can fill them."""
        return given_returns(self.returns, self.risk, self.factor_returns)

    @cached_property
    def loading_regressions(self) -> LoadingRegressions:
        """Of the S symbols: what says how far their loadings in the risk model may be off."""
        return loading_regressions(self.risk, self.factor_returns)

    def prepare(self) -> None:
        """Make now what is made once for all books, so that no question pays for it."""
        _ = self.gaps, self.exposures, self.given_returns, self.loading_regressions
        if self.risk.factors is not None:
            _ = self.risk.loadings

    def with_more(self, other: "Edition") -> "Edition":
        """This edition and the symbols of `other` that it lacks; both must be parts of the same edition."""
        if other.edition != self.edition:
            raise ValueError(f"edition {self.edition} cannot be extended with symbols of edition {other.edition}")
        new = [symbol for symbol in other.index if symbol not in self.index]
        taken = other.rows(tuple(new))
        index = dict(self.index)
        index.update({symbol: len(self.index) + n for n, symbol in enumerate(new)})
        return Edition(
            edition=self.edition,
            session=self.session,
            index=index,
            betas=np.concatenate([self.betas, other.betas[taken]]),
            standard_errors=np.concatenate([self.standard_errors, other.standard_errors[taken]]),
            reasons={**other.reasons, **self.reasons},
            methods=tuple(ours or theirs for ours, theirs in zip(self.methods, other.methods, strict=True)),
            windows=tuple(ours or theirs for ours, theirs in zip(self.windows, other.windows, strict=True)),
            risk=self.risk.with_more(other.risk, taken),
            sessions=self.sessions,
            returns=np.concatenate([self.returns, other.returns[taken]]),
            closes=np.concatenate([self.closes, other.closes[taken]]),
            sectors={**other.sectors, **self.sectors},
        )

    def _none(self, rows: NDArray[np.intp]) -> Floats:
        return np.full((len(rows), len(self.sessions)), np.nan)
