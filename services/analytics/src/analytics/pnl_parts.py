"""A day's P&L taken apart: by the factors, by the symbols themselves, by trading, and by what cannot be told."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics.evenings import Evenings
from analytics.ledger import Ledger
from riskstream.market.arrays import Bools, Floats

UntoldReason = Literal["no_return", "no_loadings", "no_edition", "no_factor_returns"]


@dataclass(frozen=True)
class Untold:
    """Holdings whose P&L cannot be taken apart."""

    held: Bools
    """(T, S)"""
    pnl: Floats
    """(T, S) USD they made, as far as it is known; 0 elsewhere."""


@dataclass(frozen=True)
class PnlParts:
    """USD of T days, S symbols and the eight factors."""

    exposures: Floats
    """(T, 8) what was held of each factor on the evening before, by the symbols that entered."""
    by_factor: Floats
    """(T, 8) what it made."""
    factors: Floats
    """(T, S) what all the factors made of each symbol: another sum of the same."""
    specific: Floats
    """(T, S) what each symbol made beyond that."""
    trading: Floats
    """(T, S)"""
    entered: Bools
    """(T, S) which holdings have a return and loadings."""
    untold: dict[UntoldReason, Untold]

    @property
    def explained_by_factors(self) -> Floats:
        """(T,)"""
        found: Floats = self.by_factor.sum(axis=1)
        return found

    @property
    def untold_pnl(self) -> Floats:
        """(T, S) of all reasons."""
        found: Floats = np.sum([one.pnl for one in self.untold.values()], axis=0)
        return found


def parts_of(ledger: Ledger, evenings: Evenings) -> PnlParts:
    """With V values on the evening before, β loadings known on it, f and r the day's factor and total returns:

    factor k made `Σ_i V_i β_ik · f_k`, symbol i by itself `V_i (r_i − β_i·f)`, over the holdings that enter. One
    without r made what its price moved; one with r and without β, or f, made `V_i r_i`, and nobody can say how.
    """
    held = evenings.values[:-1]
    there = held != 0
    has_return = np.isfinite(held) & np.isfinite(ledger.returns)
    has_loadings = np.isfinite(ledger.betas).all(axis=2)
    has_factors = np.isfinite(ledger.factor_returns).all(axis=1, keepdims=True)
    published = ~np.isnat(ledger.loadings_session[:, None])
    entered = there & has_return & has_loadings & has_factors
    values = np.where(entered, held, 0.0)
    betas = np.where(entered[:, :, None], ledger.betas, 0.0)
    moves = np.where(has_factors, ledger.factor_returns, 0.0)
    exposures = np.einsum("ts,tsk->tk", values, betas)
    factors = values * np.einsum("tsk,tk->ts", betas, moves)
    made = np.where(has_return, held * ledger.returns, 0.0)
    why: dict[UntoldReason, Bools] = {
        "no_return": there & ~has_return,
        "no_factor_returns": there & has_return & ~has_factors,
        "no_edition": there & has_return & has_factors & ~has_loadings & ~published,
        "no_loadings": there & has_return & has_factors & ~has_loadings & published,
    }
    known = np.where(has_return, made, np.nan_to_num(evenings.held_pnl))
    return PnlParts(
        exposures=exposures,
        by_factor=exposures * moves,
        factors=factors,
        specific=np.where(entered, made - factors, 0.0),
        trading=evenings.trading_pnl,
        entered=entered,
        untold={reason: Untold(those, np.where(those, known, 0.0)) for reason, those in why.items()},
    )


def r_squared(pnl: Floats, predicted: Floats) -> float | None:
    """`1 − Σ (P&L − predicted)² / Σ (P&L − mean)²` over days (T,); None where the P&L never moved.

    Below 0 where the prediction was worse than the mean.
    """
    spread = float(((pnl - pnl.mean()) ** 2).sum())
    if spread <= (1e-12 * float(np.abs(pnl).max())) ** 2 * len(pnl):
        return None
    return 1.0 - float(((pnl - predicted) ** 2).sum()) / spread
