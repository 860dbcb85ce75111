"""What the simulator knows: listings, their bars on one final basis, and the actions that made that basis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from market_simulator.sessions import Sessions

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Listing:
    """Who a symbol is. Sector and industry are GICS names; both are "ETF"-like labels for funds."""

    symbol: str
    name: str
    kind: Literal["EQUITY", "ETF"]
    sector: str
    industry: str


@dataclass(frozen=True)
class Split:
    """`ratio` new shares for one old share, from the session with index `session` on. Distributions are such too."""

    session: int
    ratio: float


@dataclass(frozen=True)
class Dividend:
    """Paid to holders of the session before `session`. `amount` is on the final basis, like the bars."""

    session: int
    amount: float


@dataclass(frozen=True)
class Series:
    """All bars of one symbol, adjusted for every split the market will ever see (the *final basis*).

    All arrays have the same length, one entry per bar. Prices in USD per share, volume in shares of the final basis.
    """

    listing: Listing
    session: Integers
    """Index of each bar's session, rising; a missing session is a gap."""
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    dividend_adjustment: Floats
    """adj_close / close: 1 at the end, smaller the more dividends lie ahead."""
    splits: tuple[Split, ...] = ()
    dividends: tuple[Dividend, ...] = ()
    delisted: int | None = None
    """Index of the first session on which the vendor no longer knows the symbol."""


@dataclass(frozen=True)
class Planted:
    """The truth of a synthetic market: r_i = a_i + b_i·F + e_i, with F jointly Gaussian and e iid Gaussian.

    `benchmarks` names the columns of F (total returns); `covariance` (8, 8) is F's, per session;
    `benchmark_returns` (sessions, 8) are the realised F; `loadings` gives b_i (8,), `specific` the sd of e_i.
    """

    benchmarks: tuple[str, ...]
    covariance: Floats
    benchmark_returns: Floats
    loadings: dict[str, Floats]
    specific: dict[str, float]


@dataclass(frozen=True)
class Market:
    """Every series over one list of sessions; `planted` is None where prices were recorded."""

    sessions: Sessions
    series: dict[str, Series]
    planted: Planted | None = field(default=None)
