"""The rules that see a bar among those of the other symbols on the same session."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from symbol_batch.factors.arrays import Bools, Floats
from symbol_batch.quality.habits import (
    DIVIDEND,
    DIVIDEND_DEVIATIONS,
    NORMAL_MEDIAN,
    WINDOW,
    deviation,
    dividends_in_usual_ones,
)
from symbol_batch.quality.medians import median
from symbol_batch.quality.rules import Rule

RESIDUAL = 0.15
"""What neither the market nor the sector explains of a return. News of a company make more, but on volume."""
DEVIATIONS = 6.0
VOLUME = 3.0
"""Times the median volume: a move on so much is one that many saw."""
VOLUME_WINDOW = 21
BETA_WINDOW = 90
BETA_LEAST = 60
SECTOR_LEAST = 5
"""Symbols; with fewer the suspicious one would be its own yardstick."""
ROWS_NEEDED = BETA_WINDOW + WINDOW + 1
"""Rows with which a session's verdict is the same as with any longer history, but for the four dividends before."""

Codes: TypeAlias = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Among:
    """The verdict on the last J rows of a panel: every array is (J, S).

    `residual` is e, `z` its size in the symbol's own deviations on that night's scale, `volume` in times its median;
    `dividend` in times the usual one; NaN where it is not known. `flagged` has a mask for each rule.
    """

    returns: Floats
    residual: Floats
    z: Floats
    volume: Floats
    dividend: Floats
    flagged: dict[Rule, Bools]


def judge_among(
    returns: Floats,
    market: Floats,
    volumes: Floats,
    sectors: Codes,
    *,
    rows: int,
    ratios: Floats | None = None,
    dividends: Floats | None = None,
    betas: Floats | None = None,
) -> Among:
    """Flag bars of the last `rows` sessions that the market and the sector do not explain.

    Suspicious are |e| > 15 % with z > 6 on less than three times the usual volume, and a dividend of more than three
    times the usual one with e > 0 and z > 3: an unusual one takes the price down with it, a wrong one does not.

    returns (T, S): total returns of consecutive sessions, NaN where there is none. market (T,): SPY's. volumes (T, S):
    shares of their day, NaN where not known, which excuses no move. ratios and dividends (T, S) as going ex, by default
    1 and 0. sectors (S,): a code per symbol, negative for none. Rows before the judged ones are the yardstick,
    `ROWS_NEEDED` − 1 of them are enough.

    e is the return minus β·SPY, minus the median of that over the symbol's sector (over all symbols where it has no
    sector or its sector fewer than five returns). z = e / (1.4826 · median|e|) over the symbol's 63 sessions before
    (at least 21, else there is no z and no flag), that scale at least 0.5 %. On a night when half the market is beyond
    its habits, all z are divided by median|z| / 0.6745.

    `betas` (S,) are taken as given, such as the published ones, NaN for none. Without them each session's are estimated
    by OLS on the 90 rows before it, so that a wrong bar does not explain itself. With fewer than 60 common returns β is
    1. Raises ValueError for shapes that do not fit.
    """
    _check(returns, market, volumes, sectors, rows)
    length = len(returns)
    first = max(length - rows - WINDOW, 0)
    beta = trailing_betas(returns, market, first) if betas is None else np.where(np.isfinite(betas), betas, 1.0)
    own = returns[first:] - beta * market[first:, None]
    residual = own - _sector_medians(own, sectors)
    z = _deviations(np.abs(residual), rows)
    traded = _volume_in_medians(volumes, ratios, rows)
    e = residual[-rows:]
    paid = _dividends(returns.shape, ratios, dividends, length - rows)
    flagged = {
        Rule.CROSS_SECTION: (np.abs(e) > RESIDUAL) & (z > DEVIATIONS) & ~(traded >= VOLUME),
        Rule.DIVIDEND: (paid > DIVIDEND) & (e > 0) & (z > DIVIDEND_DEVIATIONS),
    }
    return Among(returns[-rows:], e, z, traded, paid, flagged)


def trailing_betas(returns: Floats, market: Floats, first: int) -> Floats:
    """(T − first, S): for each row from `first` on, OLS beta on the 90 rows before it; 1 where fewer than 60 serve."""
    begin = max(first - BETA_WINDOW, 0)
    y, x = returns[begin:-1], market[begin:-1, None]
    both = np.isfinite(y) & np.isfinite(x)
    y, x = np.where(both, y, 0.0), np.where(both, x, 0.0)
    windows = _windows(len(returns) - first, first - begin)
    n, sum_x, sum_y, sum_xx, sum_xy = (_moving_sum(part, windows) for part in (both, x, y, x * x, x * y))
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = sum_xx - sum_x * sum_x / n
        beta = (sum_xy - sum_x * sum_y / n) / variance
    result: Floats = np.where((n >= BETA_LEAST) & (variance > 0), beta, 1.0)
    return result


def _windows(count: int, first: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Begin and end of the window before each of `count` rows, the first of which is row `first`."""
    end = first + np.arange(count)
    return np.maximum(end - BETA_WINDOW, 0), end


def _moving_sum(values: Floats | Bools, windows: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]) -> Floats:
    begin, end = windows
    running = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=running[1:])
    moving: Floats = running[end] - running[begin]
    return moving


def _sector_medians(own: Floats, sectors: Codes) -> Floats:
    """(T, S): the median of each symbol's sector, of all symbols where that has too few, 0 where even they are few."""
    everybody = np.nan_to_num(median(own, axis=1, least=SECTOR_LEAST))
    medians = np.broadcast_to(everybody[:, None], own.shape).copy()
    for sector in np.unique(sectors[sectors >= 0]).tolist():
        members = np.flatnonzero(sectors == sector)
        of_sector = median(own[:, members], axis=1, least=SECTOR_LEAST)
        medians[:, members] = np.where(np.isfinite(of_sector), of_sector, everybody)[:, None]
    return medians


def _deviations(size: Floats, rows: int) -> Floats:
    """(rows, S): |e| in the symbol's own deviations, tamed where the whole market is beyond its habits."""
    z = np.full((rows, size.shape[1]), np.nan)
    for row in range(rows):
        at = len(size) - rows + row
        if at:
            z[row] = size[at] / deviation(size[max(at - WINDOW, 0) : at])
    spread = median(z, axis=1, least=SECTOR_LEAST) / NORMAL_MEDIAN
    tamed: Floats = z / np.fmax(spread, 1.0)[:, None]
    return tamed


def _volume_in_medians(volumes: Floats, ratios: Floats | None, rows: int) -> Floats:
    """(rows, S): each volume over the median of the symbol's 21 before it, all in shares of one size."""
    volumes = volumes[-rows - VOLUME_WINDOW :]
    if ratios is not None:
        volumes = volumes / np.cumprod(ratios[-rows - VOLUME_WINDOW :], axis=0)
    times = np.full((rows, volumes.shape[1]), np.nan)
    for row in range(rows):
        at = len(volumes) - rows + row
        if at:
            with np.errstate(divide="ignore", invalid="ignore"):
                times[row] = volumes[at] / median(volumes[max(at - VOLUME_WINDOW, 0) : at])
    return times


def _dividends(shape: tuple[int, ...], ratios: Floats | None, dividends: Floats | None, since: int) -> Floats:
    if dividends is None:
        return np.full((shape[0] - since, shape[1]), np.nan)
    return dividends_in_usual_ones(np.ones(shape) if ratios is None else ratios, dividends, since=since)


def _check(returns: Floats, market: Floats, volumes: Floats, sectors: Codes, rows: int) -> None:
    length, count = returns.shape
    if market.shape != (length,) or volumes.shape != returns.shape or sectors.shape != (count,):
        raise ValueError(
            f"market {market.shape}, volumes {volumes.shape} and sectors {sectors.shape} do not fit returns of "
            f"{length} sessions and {count} symbols"
        )
    if not 0 < rows <= length:
        raise ValueError(f"judge at least one of the panel's {length} rows and no more than these, not {rows}")
