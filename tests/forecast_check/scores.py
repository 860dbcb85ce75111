"""What became of forecasts: bias, exceedances, breaches, and whether so many of them are likely."""

from collections.abc import Callable
from dataclasses import dataclass
from math import erfc, log, sqrt

import numpy as np

from analytics.evidence import Evidence
from analytics.measures.measure import Parameters
from analytics.measures.var import Var
from analytics.measures.var import compute as value_at_risk
from forecast_check.panel import PanelBook
from forecast_check.recorded import Recorded
from riskstream.market.arrays import Bools, Floats
from yardstick.books import Lot, book_of

NAV = 1e6
METHODS = ("parametric 95", "parametric 99", "historical 95", "historical 99")
LEVELS = {method: int(method[-2:]) / 100 for method in METHODS}


@dataclass(frozen=True)
class Scores:
    """Of B books on T sessions."""

    standardised: Floats
    """(T, B): the session's P&L over the volatility forecast the evening before."""
    breaches: dict[str, Bools]
    """By method (T, B): whether the loss exceeded the value at risk given the evening before."""

    @property
    def bias(self) -> Floats:
        """(B,): the standard deviation of the standardised P&L, 1 for forecasts that are right (Barra's statistic)."""
        found: Floats = self.standardised.std(axis=0, ddof=1)
        return found

    @property
    def beyond(self) -> Bools:
        """(T, B): outside of ±1.96, which one in twenty normal ones is."""
        return np.abs(self.standardised) > 1.96

    def of(self, books: Bools) -> "Scores":
        """Those of some of the books."""
        return Scores(self.standardised[:, books], {name: found[:, books] for name, found in self.breaches.items()})


@dataclass(frozen=True)
class Claim:
    """How much something is, with its standard error where it is a rate, and the least and the most it may be."""

    what: str
    found: float
    standard_error: float | None
    least: float
    most: float

    @property
    def holds(self) -> bool:
        """Whether it is within."""
        return self.least <= self.found <= self.most


def bounds(scores: Scores) -> list[Claim]:
    """What is claimed of the risk model (`domain.md` §4).

    The historical value at risk is not among it: it knows no volatility of now, so that it is passed more often when
    markets turn wild, and less when they calm.
    """
    within = float(((scores.bias >= 0.9) & (scores.bias <= 1.1)).mean())
    return [
        Claim("books with a bias of 0.9 to 1.1", within, None, 0.9, 1.0),
        Claim("standardised P&L beyond ±1.96", *pooled(scores.beyond), 0.04, 0.06),
        Claim("breaches of parametric 99 %", *pooled(scores.breaches["parametric 99"]), 0.007, 0.015),
    ]


def pooled(happened: Bools) -> tuple[float, float]:
    """The rate in (T, B) and its standard error, taking sessions as independent and the books of one not at all."""
    shares = happened.mean(axis=1)
    return float(shares.mean()), float(shares.std(ddof=1) / sqrt(len(shares)))


def judge(market: Recorded, books: list[PanelBook], rows: range, told: Callable[[int], None]) -> Scores:
    """Ask the measure `var` about every book on the evening of every row, and see what the next session brought.

    `told` hears how many rows are done.
    """
    asked = [book_of([Lot(symbol, NAV * size) for symbol, size in one.weights.items()], nav=NAV) for one in books]
    columns = {symbol: column for column, symbol in enumerate(market.symbols)}
    values = np.zeros((len(market.symbols), len(books)))
    for n, one in enumerate(books):
        for symbol, size in one.weights.items():
            values[columns[symbol], n] = NAV * size
    held = values.any(axis=1)
    standardised = np.empty((len(rows), len(books)))
    breaches = {method: np.empty((len(rows), len(books)), dtype=bool) for method in METHODS}
    for at, row in enumerate(rows):
        edition = market.edition(row)
        pnl = market.returns[row + 1, held] @ values[held]
        for n, book in enumerate(asked):
            answer = value_at_risk(Evidence(book, edition), Parameters()).result
            standardised[at, n] = pnl[n] / (answer.parametric.daily_volatility_usd or np.nan)
            for method, limit in _limits(answer).items():
                breaches[method][at, n] = -pnl[n] > limit
        told(at + 1)
    if not np.isfinite(standardised).all():
        raise ValueError(f"{(~np.isfinite(standardised)).sum()} forecasts or returns are missing: nothing is judged")
    return Scores(standardised, breaches)


def kupiec(breaches: int, sessions: int, level: float) -> float:
    """How likely are so many breaches or a less likely number, if the level is right (Kupiec, 1995).

    The p-value of `−2 ln(L(1 − level) / L(breaches / sessions))`, which is χ² with one degree for many independent
    sessions; L is the binomial likelihood.
    """
    expected, seen = 1 - level, breaches / sessions

    def likelihood(rate: float) -> float:
        hits = breaches * log(rate) if breaches else 0.0
        return hits + ((sessions - breaches) * log(1 - rate) if breaches < sessions else 0.0)

    ratio = max(2 * (likelihood(seen) - likelihood(expected)), 0.0)
    return erfc(sqrt(ratio / 2))


def _limits(answer: Var) -> dict[str, float]:
    limits = [
        *(line.var_usd for line in answer.parametric.levels),
        *(line.var_usd for line in answer.historical.levels),
    ]
    return {method: np.nan if limit is None else limit for method, limit in zip(METHODS, limits, strict=True)}
