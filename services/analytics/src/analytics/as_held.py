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


@dataclass(frozen=True)
class HeldPnl:
    """What all the holdings would have made, added up once for whoever asks for a part of it."""

    holdings: Holdings
    edition: Edition
    pnl: Floats
    """(T,) USD on the edition's sessions, holes filled, and with 0 where they could not be."""


def held_pnl(holdings: Holdings, edition: Edition) -> HeldPnl:
    """`Σ market value now × simple return then`."""
    return HeldPnl(holdings, edition, holdings.market_values @ edition.given_returns.returns[holdings.rows])


def as_held(held: HeldPnl, sessions: int) -> AsHeld:
    """P&L of the edition's last `sessions`, `Σ market value now × simple return then`.

    Where a symbol has no return, it has the one that the risk model gives it (`analytics.given_returns`). Where that
    cannot be had either, by want of loadings or of factor returns, and seldom, the session is left out; where often,
    the symbol. Sessions before the edition's history are left out for all.
    """
    holdings, edition, known = held.holdings, held.edition, held.edition.given_returns
    days, values, pnl = edition.sessions[-sessions:], holdings.market_values, held.pnl[-sessions:]
    first = max(known.first - (len(edition.sessions) - len(days)), 0)
    used = np.arange(len(days)) >= first
    entered = np.full(len(values), used.any())
    filled = np.zeros(len(values), dtype=np.int64)
    # Most symbols have a return on every session: only the others are looked at day by day.
    holed = np.flatnonzero(known.holed[holdings.rows]) if used.any() else np.empty(0, dtype=np.intp)
    if len(holed):
        of = holdings.rows[holed]
        unknown = known.unknown[of, -sessions:][:, first:]
        entered[holed] = unknown.sum(axis=1) <= MOST_MISSING * len(days[first:])
        # A symbol whose lots cancel out needs no return.
        used[first:] = ~unknown[entered[holed] & (values[holed] != 0)].any(axis=0)
        given = known.given[of, -sessions:] & used
        filled[holed] = np.where(entered[holed], given.sum(axis=1), 0)
    if not entered.all():
        left = ~entered
        pnl = pnl - values[left] @ known.returns[holdings.rows[left], -sessions:]
    whole = float(holdings.gross_values[entered].sum() * used.sum())
    return AsHeld(
        sessions=days[used],
        pnl=pnl[used],
        left_out=int((~used).sum()),
        entered=entered,
        filled=filled,
        filled_share=float(holdings.gross_values @ filled) / whole if whole > 0 else 0.0,
    )
