"""The book as held today through a window of the past."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from analytics.book import Book
from analytics.evidence import Evidence
from analytics.holdings import Holdings
from analytics.measures.excluded import ExcludedSymbol, excluded_symbols
from analytics.measures.measure import Finding, Measure, Parameters, Result, UnanswerableError
from analytics.past import Returns, Wanted
from analytics.risk_model import RiskModel
from analytics.track_record import drawdown_of
from riskstream.market.arrays import Bools, Days, Floats
from riskstream.market.risk_factors import BENCHMARKS, risk_factor_returns

WindowName = Literal["covid_crash_2020", "rising_yields_2022", "autumn_2018"]
WINDOWS: dict[WindowName, tuple[date, date]] = {
    "covid_crash_2020": (date(2020, 2, 19), date(2020, 3, 23)),
    "rising_yields_2022": (date(2022, 1, 3), date(2022, 10, 12)),
    "autumn_2018": (date(2018, 9, 20), date(2018, 12, 24)),
}
LONGEST = timedelta(days=3 * 366)
LONGEST_CLOSURE = timedelta(days=7)
"""Between two sessions lies never more."""

Reason = Literal["history_begins_later", "no_sessions", "no_position_has_it"]
"""History begins later where the calendar does, or where not even a fund has a return by the first session."""


class ReplayParameters(Parameters):
    window: WindowName = Field(default="covid_crash_2020", description="Which window; not used with since and until.")
    since: date | None = Field(default=None, description="From the close of this day; needs until.")
    until: date | None = Field(default=None, description="To the close of this day, three years later at most.")

    @model_validator(mode="after")
    def _a_window(self) -> Self:
        if (self.since is None) != (self.until is None):
            raise ValueError("since and until make a window together; give both or neither")
        since, until = self.bounds
        if until <= since:
            raise ValueError(f"until must be after since, {since}")
        if until - since > LONGEST:
            raise ValueError("a window is three years long at most")
        return self

    @property
    def bounds(self) -> tuple[date, date]:
        """The closes at which the window begins and ends."""
        if self.since is None or self.until is None:
            return WINDOWS[self.window]
        return self.since, self.until


class ReplayDay(Result):
    """USD: `pnl` of the session, `cumulative_pnl` since the window's beginning."""

    session: date
    pnl: float
    cumulative_pnl: float


class ReplayDrawdown(Result):
    """`depth` of NAV in decimals, not positive; the window's beginning may be the peak. No dates without a fall."""

    depth: float
    peak: date | None
    trough: date | None


class HistoricalReplay(Result):
    """Figures are null with their `reason`, relative ones also where NAV is not positive."""

    since: date
    until: date
    sessions: int
    pnl: float | None
    """USD."""
    total_return: float | None
    """P&L over today's NAV, cash included and unchanged."""
    worst_day: ReplayDay | None
    max_drawdown: ReplayDrawdown | None
    path: list[ReplayDay]
    filled_share: float | None
    """Of gross market value times sessions that entered, what the risk model filled in; null where nothing is held."""
    filled_symbols: list[str]
    reason: Reason | None
    relative_reason: Literal["nav_not_positive"] | None
    excluded: list[ExcludedSymbol]


@dataclass(frozen=True)
class _Replayed:
    """T sessions: `pnl` (T,) cumulative USD, which of N holdings entered, and on how many sessions each is filled."""

    pnl: Floats
    entered: Bools
    filled: Floats


def wants(book: Book, parameters: ReplayParameters) -> Wanted:
    since, until = parameters.bounds
    return Wanted(returns_of=book.estimable_symbols | frozenset(BENCHMARKS), since=since, until=until)


def compute(evidence: Evidence, parameters: ReplayParameters) -> Finding[HistoricalReplay]:
    """Buy and hold: `Σ market value now × (Π(1 + return then) − 1)`, shorts with their sign (`domain.md` §4).

    A symbol without a return on a session is given `β'f` of that session, nothing specific, no less than −100 %. Where
    that cannot be had on any one session, the symbol is excluded: half a path would not be its path.
    """
    since, until = parameters.bounds
    if until > evidence.book.session:
        raise UnanswerableError("until", f"{until} is after the valuation's session, {evidence.book.session}")
    holdings = evidence.holdings
    past = evidence.past.returns
    used = (past.sessions > np.datetime64(since, "D")) & (past.sessions <= np.datetime64(until, "D"))
    days = past.sessions[used]
    replayed = _replay(holdings, evidence.edition.risk, past, used)
    reason = _reason(days, since, holdings, replayed, past)
    whole = float(holdings.gross_values[replayed.entered].sum() * len(days))
    path = [] if reason else _path(days, replayed.pnl)
    relative = reason is None and holdings.nav > 0
    result = HistoricalReplay(
        since=since,
        until=until,
        sessions=len(days),
        pnl=None if reason else path[-1].cumulative_pnl,
        total_return=path[-1].cumulative_pnl / holdings.nav if relative else None,
        worst_day=None if reason else min(path, key=lambda day: day.pnl),
        max_drawdown=_drawdown(since, days, replayed.pnl / holdings.nav) if relative else None,
        path=path,
        filled_share=float(holdings.gross_values @ replayed.filled) / whole if reason is None and whole > 0 else None,
        filled_symbols=[] if reason else [holdings.symbols[n] for n in np.flatnonzero(replayed.filled)],
        reason=reason,
        relative_reason=None if holdings.nav > 0 else "nav_not_positive",
        excluded=excluded_symbols(holdings, {int(n): "no_returns" for n in np.flatnonzero(~replayed.entered)}),
    )
    return Finding(result, holdings.coverage(replayed.entered))


def _replay(holdings: Holdings, model: RiskModel, past: Returns, used: Bools) -> _Replayed:
    row = {symbol: n for n, symbol in enumerate(past.symbols)}
    table = np.concatenate([past.returns[:, used], np.full((1, int(used.sum())), np.nan)]) if row else np.empty((1, 0))
    returns = table[[row.get(symbol, -1) for symbol in holdings.symbols]]
    missing = np.isnan(returns)
    if missing.any():
        factors = risk_factor_returns(table[[row.get(symbol, -1) for symbol in BENCHMARKS]].T)
        returns = np.where(missing, np.maximum(model.betas[holdings.rows] @ factors.T, -1.0), returns)
    entered: Bools = np.asarray(np.isfinite(returns).all(axis=1)) & bool(used.any())
    grown = np.cumprod(1.0 + np.where(entered[:, None], returns, 0.0), axis=1) - 1.0
    return _Replayed(holdings.market_values @ grown, entered, np.where(entered, missing.sum(axis=1), 0.0))


def _reason(days: Days, since: date, holdings: Holdings, replayed: _Replayed, past: Returns) -> Reason | None:
    if not len(days):
        return "no_sessions"
    if days[0] > np.datetime64(since + LONGEST_CLOSURE, "D"):
        return "history_begins_later"
    if holdings.gross == 0 or replayed.entered.any():
        return None
    # The calendar reaches further back than prices do.
    begun = bool(np.isfinite(past.returns[:, past.sessions <= days[0]]).any())
    return "no_position_has_it" if begun or not holdings.symbols else "history_begins_later"


def _path(days: Days, pnl: Floats) -> list[ReplayDay]:
    of_day = np.diff(pnl, prepend=0.0)
    return [
        ReplayDay(session=day, pnl=daily, cumulative_pnl=total)
        for day, daily, total in zip(days.tolist(), of_day.tolist(), pnl.tolist(), strict=True)
    ]


def _drawdown(since: date, days: Days, relative: Floats) -> ReplayDrawdown:
    fall = drawdown_of(np.concatenate([[1.0], 1.0 + relative]))
    dates: list[date] = [since, *days.tolist()]
    return ReplayDrawdown(
        depth=fall.depth,
        peak=None if fall.peak is None else dates[fall.peak],
        trough=None if fall.trough is None else dates[fall.trough],
    )


MEASURE = Measure(
    name="historical-replay",
    summary="The book as held today through a window of the past",
    method="buy and hold of today's market values by total returns then; missing ones by the risk model's factors",
    parameters=ReplayParameters,
    result=HistoricalReplay,
    compute=compute,
    wants=wants,
)
