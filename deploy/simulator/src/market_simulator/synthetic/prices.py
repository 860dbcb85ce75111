"""From returns and events to bars: total return on the as-traded prices equals the process's return, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market_simulator.market import Dividend, Floats, Listing, Series, Split
from market_simulator.synthetic.events import Life


@dataclass(frozen=True)
class Tape:
    """As-traded closes and dividends per share of before the day's split; arrays (sessions, symbols)."""

    close: Floats
    dividend: Floats
    ratio: Floats


def tape(returns: Floats, lives: list[Life], first_prices: Floats) -> Tape:
    """Closes such that (ratio·P_t + dividend) / P_{t−1} − 1 is `returns`; dividends are rounded to 1/10,000 USD.

    `returns` (sessions, symbols), row 0 unused: prices start at `first_prices` (symbols,).
    """
    yields, ratio = np.zeros_like(returns), np.ones_like(returns)
    for column, life in enumerate(lives):
        for session, share in life.dividend_yields.items():
            yields[session, column] = share
        for split in life.splits:
            ratio[split.session, column] = split.ratio
    close, dividend = np.empty_like(returns), np.zeros_like(returns)
    close[0] = first_prices
    growth = 1.0 + returns
    for session in range(1, len(returns)):
        before = close[session - 1]
        dividend[session] = np.round(yields[session] * before, 4)
        close[session] = (before * growth[session] - dividend[session]) / ratio[session]
    return Tape(close, dividend, ratio)


def series_of(listing: Listing, life: Life, traded: Tape, noise: Floats, *, column: int, begin: int) -> Series:
    """The bars of one symbol, which is a column of the tape, from session `begin` on, on the final basis.

    `noise` (sessions, 4): standard normals for volume, opening, high and low.
    """
    close, later = traded.close[:, column], _later_ratios(traded.ratio[:, column])
    kept = _kept_sessions(life, len(close), begin)
    final = close / later
    previous = np.concatenate([final[:1], final[:-1]])
    # Somewhere between yesterday's close and today's, mostly; both on one basis, so a split shows no jump.
    opening = previous * (final / previous) ** np.clip(0.5 + 0.25 * noise[:, 1], -0.5, 1.5)
    high = np.maximum(opening, final) * (1 + 0.004 * np.abs(noise[:, 2]))
    low = np.minimum(opening, final) * (1 - 0.004 * np.minimum(np.abs(noise[:, 3]), 4.0))
    volume = np.rint(1e6 * (1 + column % 17) * np.exp(0.3 * noise[:, 0])) * later
    dividends = traded.dividend[:, column] / (later * traded.ratio[:, column])
    adjustment = _dividend_adjustment(dividends, previous)
    return Series(
        listing=listing,
        session=kept - begin,
        open=opening[kept],
        high=high[kept],
        low=low[kept],
        close=final[kept],
        volume=volume[kept],
        dividend_adjustment=adjustment[kept],
        splits=tuple(Split(split.session - begin, split.ratio) for split in life.splits if split.session > kept[0]),
        dividends=tuple(
            Dividend(int(session) - begin, float(dividends[session]))
            for session in np.flatnonzero(dividends)
            if kept[0] < session <= kept[-1]
        ),
        delisted=None if life.delisted is None else life.delisted - begin,
    )


def _kept_sessions(life: Life, count: int, begin: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    end = count if life.delisted is None else min(count, life.delisted)
    sessions = np.arange(max(begin, life.first), end, dtype=np.int64)
    return sessions[~np.isin(sessions, list(life.gaps))]


def _later_ratios(ratio: Floats) -> Floats:
    """Π ratio over the sessions after each one."""
    through = np.cumprod(ratio[::-1])[::-1]
    return np.concatenate([through[1:], [1.0]])


def _dividend_adjustment(dividends: Floats, previous: Floats) -> Floats:
    """CRSP's factor: Π (1 − dividend / close before) over the ex days after each session."""
    return _later_ratios(1.0 - dividends / previous)
