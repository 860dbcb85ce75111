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
    """What the factors do, in K ways: their returns (K, 8) in decimals, and which of them follow from the market's."""

    returns: Floats
    pulled: Bools
    """(K, 8)"""

    def pulling(self, moved: Floats) -> Floats:
        """(K, ..., 8) USD by which each factor's P&L grows with how far the market pulls it, of `moved` (K, ..., 8)."""
        between = (1,) * (moved.ndim - 2)
        by_market = np.where(self.pulled, self.returns[:, MARKET, None], 0.0)
        return moved * by_market.reshape(len(by_market), *between, -1)


@dataclass(frozen=True)
class PnlErrors:
    """Standard errors in K ways, USD."""

    total: Floats
    """(K,)"""
    by_factor: Floats
    """(K, 8)"""


@dataclass(frozen=True)
class StressErrors:
    """Of a book of N symbols in G sectors.

    `values` (N,) signed USD, 0 for a symbol that does not enter; `moved` (N, 8) USD of each factor held with it;
    `sector_of` (N,) its sector; `pull` (8, 8) the covariance of how far the market pulls each factor along.

    To first order a P&L's variance is `f' Cov(x) f + f_m² x' Cov(b) x`, with x what is held of the factors, f their
    returns, b how far the market pulls. Errors of x, from what symbols do by themselves, say nothing of errors of b.
    """

    loadings: LoadingErrors
    values: Floats
    moved: Floats
    sector_of: NDArray[np.intp]
    sectors: int
    pull: Floats

    def of(self, moves: Moves, capped: Bools) -> PnlErrors:
        """Of the P&L that `moves` make; the symbols that are `capped` (K, N) add none."""
        covariances = np.repeat(_squares(self._scores)[None], len(capped), axis=0)
        moved = np.repeat(self.moved.sum(axis=0)[None], len(capped), axis=0)
        for way in np.flatnonzero(capped.any(axis=1)):
            out = np.flatnonzero(capped[way])
            covariances[way] = _squares(self._scores - self._scores_of(out))
            moved[way] -= self.moved[out].sum(axis=0)
        pulling = moves.pulling(moved)
        own = moves.returns**2 * np.einsum("kff->kf", covariances)
        return PnlErrors(
            total=_root(_quadratic(moves.returns, covariances) + _quadratic(pulling, self.pull)),
            by_factor=_root(own + pulling**2 * np.diag(self.pull)),
        )

    def of_sectors(self, moves: Moves, capped: Bools) -> Floats:
        """(K, G) likewise, of each sector's P&L."""
        covariances = np.repeat(_squares(self._scores_by_sector)[None], len(capped), axis=0)
        moved = np.repeat(self._moved_by_sector[None], len(capped), axis=0)
        for way in np.flatnonzero(capped.any(axis=1)):
            for sector in np.unique(self.sector_of[capped[way]]):
                out = np.flatnonzero(capped[way] & (self.sector_of == sector))
                covariances[way, sector] = _squares(self._scores_by_sector[sector] - self._scores_of(out))
                moved[way, sector] -= self.moved[out].sum(axis=0)
        return _root(
            _quadratic(moves.returns[:, None], covariances) + _quadratic(moves.pulling(moved), self.pull),
        )

    def of_symbols(self, moves: Moves, those: NDArray[np.intp]) -> Floats:
        """(K, n) in each way of each of `those` (K, n) symbols alone, not capped.

        NaN for one whose loadings' errors are not known.
        """
        symbols, place = np.unique(those, return_inverse=True)
        alone = self.loadings.covariances(symbols) * self.values[symbols, None, None] ** 2
        covariances = alone[place.reshape(those.shape)]
        return _root(
            _quadratic(moves.returns[:, None], covariances) + _quadratic(moves.pulling(self.moved[those]), self.pull)
        )

    @cached_property
    def _scores(self) -> Floats:
        """(T, 8)"""
        return self.loadings.scores(self.values)

    @cached_property
    def _scores_by_sector(self) -> Floats:
        """(G, T, 8)"""
        found = np.zeros((self.sectors, *self.loadings.regressions.factor_returns.shape))
        for sector in range(self.sectors):
            found[sector] = self._scores_of(np.flatnonzero(self.sector_of == sector))
        return found

    @cached_property
    def _moved_by_sector(self) -> Floats:
        """(G, 8)"""
        found = np.zeros((self.sectors, self.moved.shape[1]))
        np.add.at(found, self.sector_of, self.moved)
        return found

    def _scores_of(self, rows: NDArray[np.intp]) -> Floats:
        return self.loadings.scores(self.values, rows)


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


def _quadratic(vectors: Floats, matrices: Floats) -> Floats:
    """(...) v'Mv of (..., 8) and (..., 8, 8), or one (8, 8) for all."""
    found: Floats = np.einsum("...f,...fg,...g->...", vectors, matrices, vectors)
    return found


def _squares(scores: Floats) -> Floats:
    """(..., T, 8) to (..., 8, 8)"""
    return np.swapaxes(scores, -1, -2) @ scores


def _root(variance: Floats) -> Floats:
    """Of what may end below 0 by a rounding."""
    found: Floats = np.sqrt(np.maximum(variance, 0.0))
    return found
