"""The books that forecasts are judged on: the same every time, in six groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from sklearn.covariance import LedoitWolf

from analytics.edition import RETURN_SESSIONS
from forecast_check.recorded import BROKEN, Recorded
from riskstream.market.arrays import Floats

ETFS = ("SPY", "QQQ", "IWM", "EFA", "VWO", "TLT", "HYG", "GLD", "XLE", "XLF", "XLK", "XLU")
SECTORS = ("Energy", "Financials", "Health Care", "Information Technology", "Utilities")
SEED = 72


@dataclass(frozen=True)
class PanelBook:
    """Weights of NAV by symbol, signed; they stay as they are on every session."""

    group: str
    name: str
    weights: dict[str, float]


def panel(market: Recorded, first: int) -> list[PanelBook]:
    """72 books of symbols that have every return from a window before row `first` on, so that all can be judged.

    Nothing after `first` decides on a weight, except that the symbols are those still listed at the end.
    """
    dice = np.random.default_rng(SEED)
    complete = np.isfinite(market.returns[first + 1 - RETURN_SESSIONS :]).all(axis=0)
    usable = [name for name, whole in zip(market.symbols, complete, strict=True) if whole and name not in BROKEN]
    stocks = [symbol for symbol in usable if market.sectors.get(symbol, "ETF") != "ETF"]

    def drawn(count: int) -> list[str]:
        return [str(symbol) for symbol in dice.choice(stocks, count, replace=False)]

    books = [PanelBook("ETFs", symbol, {symbol: 1.0}) for symbol in ETFS if symbol in usable]
    for n in range(30):
        names = drawn(int(dice.integers(5, 61)))
        sizes = dice.dirichlet(np.full(len(names), 2.0))
        books.append(PanelBook("long-only", f"random {n + 1}", _weights(names, sizes)))
    for n in range(10):
        longs, shorts = (20, 20) if n < 5 else (30, 15)
        gross = (1.0, 1.0) if n < 5 else (1.3, 0.3)
        sizes = np.concatenate([np.full(longs, gross[0] / longs), np.full(shorts, -gross[1] / shorts)])
        kind = "neutral" if n < 5 else "130/30"
        books.append(PanelBook("long-short", f"{kind} {n % 5 + 1}", _weights(drawn(longs + shorts), sizes)))
    for sector in SECTORS:
        own = [symbol for symbol in stocks if market.sectors[symbol] == sector]
        books.append(PanelBook("sectors", sector, _weights(own, np.full(len(own), 1 / len(own)))))
    books += [PanelBook("single names", symbol, {symbol: 1.0}) for symbol in drawn(10)]
    for n in range(5):
        names = drawn(40)
        columns = [market.symbols.index(symbol) for symbol in names]
        sizes = _minimum_variance(market.returns[first - 251 : first + 1, columns])
        books.append(PanelBook("minimum variance", f"of forty {n + 1}", _weights(names, sizes)))
    return books


def _weights(names: Sequence[str], sizes: Floats) -> dict[str, float]:
    return {name: float(size) for name, size in zip(names, sizes, strict=True) if size != 0}


def _minimum_variance(returns: Floats) -> Floats:
    """Long-only and fully invested, on the Ledoit–Wolf covariance of a year; weights under a thousandth are dropped."""
    covariance = LedoitWolf().fit(returns).covariance_ * 1e4
    count = len(covariance)
    found = minimize(
        lambda weights: weights @ covariance @ weights,
        np.full(count, 1 / count),
        jac=lambda weights: 2 * covariance @ weights,
        bounds=[(0.0, 1.0)] * count,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1, "jac": lambda _: np.ones(count)},
        method="SLSQP",
        options={"ftol": 1e-10, "maxiter": 500},
    )
    if not found.success:
        raise ValueError(f"no minimum of variance: {found.message}")
    kept = np.where(found.x < 1e-3, 0.0, found.x)
    weights: Floats = kept / kept.sum()
    return weights
