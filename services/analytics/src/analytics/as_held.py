"""What a book would have made on sessions gone by, held as it is now."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.edition import Edition
from analytics.holdings import Holdings
from riskstream.market.arrays import Bools, Days, Floats

MOST_MISSING = 0.05
"""A symbol that neither has nor can be given a return on more than this part of the sessions does not enter."""


@dataclass(frozen=True)
class AsHeld:
    """P&L of T sessions, each as if the book had been held at today's market values on the evening before."""

    sessions: Days
    """(T,) those on which every symbol that entered has a return or was given one."""
    pnl: Floats
    """(T,) USD."""
    left_out: int
    """How many sessions were not used, for want of a return that could not be filled in."""
    entered: Bools
    """(N,) which of the holdings are in the P&L."""
    filled: NDArray[np.int64]
    """(N,) on how many of the sessions the symbol's return is the risk model's."""
    filled_share: float
    """Of gross market value times sessions, what was filled in; 0 where there is nothing of either."""


def as_held(holdings: Holdings, edition: Edition, sessions: int) -> AsHeld:
    """P&L of the edition's last `sessions`, `Σ market value now × simple return then`.

    Where a symbol has no return, it is given what the risk model says of it, `β'f` with the session's factor returns
    and nothing specific, which makes its past quieter than it may have been (`domain.md` §4, historical replay). Where
    that cannot be had either, by want of loadings or of factor returns, and seldom, the session is left out; where
    often, the symbol.
    """
    returns = edition.returns[holdings.rows, -sessions:]
    days = edition.sessions[-sessions:]
    values = holdings.market_values
    entered, filled = np.ones(len(values), dtype=bool), np.zeros(len(values), dtype=np.int64)
    used = np.ones(len(days), dtype=bool)
    # Only the few symbols with a hole, which a sum of theirs shows, are looked at day by day.
    lacking = np.flatnonzero(np.isnan(returns.sum(axis=1)))
    if len(lacking):
        missing = np.isnan(returns[lacking])
        said = edition.risk.betas[holdings.rows[lacking]] @ edition.factor_returns[-sessions:].T
        given = np.where(missing, said, returns[lacking])
        unfilled = np.isnan(given)
        entered[lacking] = unfilled.sum(axis=1) <= MOST_MISSING * len(days)
        # A symbol whose lots cancel out needs no return.
        used = ~unfilled[entered[lacking] & (values[lacking] != 0)].any(axis=0)
        filled[lacking] = np.where(entered[lacking], (missing & ~unfilled)[:, used].sum(axis=1), 0)
        returns[lacking] = np.where(unfilled, 0.0, given)
    whole = float(holdings.gross_values[entered].sum() * used.sum())
    return AsHeld(
        sessions=days[used],
        pnl=(np.where(entered, values, 0.0) @ returns)[used],
        left_out=int((~used).sum()),
        entered=entered,
        filled=filled,
        filled_share=float(holdings.gross_values @ filled) / whole if whole > 0 else 0.0,
    )
