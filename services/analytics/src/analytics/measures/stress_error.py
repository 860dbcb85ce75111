"""How far a stress test's P&L may be off, as loadings are estimated and so is what the market pulls along."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analytics.loading_errors import LoadingErrors
from analytics.risk_model import FactorCovariance
from riskstream.market.arrays import Bools, Floats
from riskstream.market.risk_factors import MARKET


@dataclass(frozen=True)
class Moves:
    """What the factors do: their returns (8,) in decimals, and which of them (8,) follow from the market's."""

    returns: Floats
    pulled: Bools


@dataclass(frozen=True)
class PnlError:
    """Standard errors, USD."""

    total: float
    by_factor: Floats
    """(8,)"""
    by_sector: Floats
    """(G,)"""


@dataclass(frozen=True)
class StressErrors:
    """Of a book of N symbols in G sectors.

    `values` (N,) signed USD, 0 for a symbol that does not enter; `moved` (N, 8) USD of each factor held with it;
    `sector_of` (N,) its sector; `pull` (8, 8) the covariance of how far the market pulls each factor along.
    """

    loadings: LoadingErrors
    values: Floats
    moved: Floats
    sector_of: NDArray[np.intp]
    sectors: int
    pull: Floats

    def of(self, moves: Moves, capped: Bools) -> PnlError:
        """Of the P&L that `moves` make; the symbols that are `capped` (N,) add none.

        To first order: `f' Cov(x) f + f_m² x' Cov(b) x`, with x what the book holds of the factors, f their returns, b
        how far the market pulls. Errors of x, from what symbols do by themselves, say nothing of errors of b.
        """
        out = np.flatnonzero(capped)
        if len(out):
            scores, moved = self._scores - self._scores_of(out), self._moved_by_sector - self._moved_of(out)
            covariances, covariance = _squares(scores), _squares(scores.sum(axis=0))
        else:
            moved, covariances, covariance = self._moved_by_sector, self._covariances, self._covariance
        shocks = moves.returns
        pulling = np.where(moves.pulled, moved, 0.0) * shocks[MARKET]
        whole = pulling.sum(axis=0)
        by_sector = ((covariances @ shocks) * shocks).sum(axis=1) + ((pulling @ self.pull) * pulling).sum(axis=1)
        return PnlError(
            total=float(_root(shocks @ covariance @ shocks + whole @ self.pull @ whole)),
            by_factor=_root(shocks**2 * np.diag(covariance) + whole**2 * np.diag(self.pull)),
            by_sector=_root(by_sector),
        )

    def of_symbols(self, moves: Moves, those: NDArray[np.intp]) -> Floats:
        """(n,) of each of `those` (n,) symbols alone, not capped; NaN for one whose loadings' errors are not known."""
        alone = self.loadings.of_each(self.values[those, None] * moves.returns, those)
        pulling = np.where(moves.pulled, self.moved[those], 0.0) * moves.returns[MARKET]
        return _root(alone**2 + ((pulling @ self.pull) * pulling).sum(axis=1))

    @cached_property
    def _scores(self) -> Floats:
        """(G, T, 8)"""
        return self._scores_of(np.arange(len(self.values)))

    @cached_property
    def _covariances(self) -> Floats:
        """(G, 8, 8) of what each sector holds of the factors."""
        return _squares(self._scores)

    @cached_property
    def _covariance(self) -> Floats:
        """(8, 8) of what the book holds of them."""
        return _squares(self._scores.sum(axis=0))

    @cached_property
    def _moved_by_sector(self) -> Floats:
        """(G, 8)"""
        return self._moved_of(np.arange(len(self.values)))

    def _scores_of(self, rows: NDArray[np.intp]) -> Floats:
        amounts = np.repeat(self.values[:, None], self.moved.shape[1], axis=1)
        found = np.zeros((self.sectors, *self.loadings.factor_returns.shape))
        for sector in np.unique(self.sector_of[rows]):
            found[sector] = self.loadings.scores(amounts, rows[self.sector_of[rows] == sector])
        return found

    def _moved_of(self, rows: NDArray[np.intp]) -> Floats:
        found = np.zeros((self.sectors, self.moved.shape[1]))
        np.add.at(found, self.sector_of[rows], self.moved[rows])
        return found


def _squares(scores: Floats) -> Floats:
    """(…, T, 8) to (…, 8, 8)"""
    return np.swapaxes(scores, -1, -2) @ scores


def _root(variance: Floats) -> Floats:
    """Of what may end below 0 by a rounding."""
    found: Floats = np.sqrt(np.maximum(variance, 0.0))
    return found


def pull_errors(factors: FactorCovariance) -> Floats:
    """(8, 8) covariance of the slopes of all factors on the market, over the sessions behind the stress covariances F.

    `(F − F_m F_m' / F_mm) / (F_mm (n − 2))`: of n sessions of equal weight, conditional on the shrinkage of F. The
    market's own row is 0.
    """
    stress = factors.stress
    with_market = stress[:, MARKET]
    left = stress - np.outer(with_market, with_market) / stress[MARKET, MARKET]
    left[MARKET] = left[:, MARKET] = 0.0
    found: Floats = left / (stress[MARKET, MARKET] * (factors.stress_sessions - 2))
    return found
