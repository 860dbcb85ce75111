"""What made a portfolio's P&L of a day or of a range: factors, the symbols themselves, and what neither explains."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from analytics.book import Book
from analytics.evenings import Evenings, evenings_of
from analytics.evidence import Evidence
from analytics.ledger import Ledger
from analytics.measures.attribution_error import FactorPnlError, factor_pnl_error
from analytics.measures.attribution_question import LONGEST, AttributionParameters
from analytics.measures.attribution_result import (
    AttributedDay,
    Attribution,
    FactorPnl,
    MadeBy,
    PositionPnl,
    SectorPnl,
    UnexplainedPart,
    nothing_attributed,
)
from analytics.measures.measure import Finding, Measure, UnanswerableError
from analytics.past import Wanted
from analytics.pnl_parts import PnlParts, UntoldReason, parts_of, r_squared
from analytics.risk_model import RISK_FACTOR_NAMES
from riskstream.market.arrays import Bools, Days, Floats

FEWEST_FOR_R_SQUARED = 21
"""Days; of a shorter question R² is that of so many up to its end."""
NAMED = 25
"""Symbols, where only some are named."""

_BEFORE = timedelta(days=33)
"""24 weekdays: so many sessions, whatever holidays there are."""
_VALUE_AND_GROWTH = [n for n, slug in enumerate(RISK_FACTOR_NAMES) if slug in {"value", "growth"}]


def wants(book: Book, parameters: AttributionParameters) -> Wanted:
    """The ledger of the days, and of enough before them for R²."""
    first, last = _range(book, parameters)
    return Wanted(snapshots=True, ledger=True, since=min(first, last - _BEFORE), until=last)


def compute(evidence: Evidence, parameters: AttributionParameters) -> Finding[Attribution]:
    """Each day's P&L with the holdings and the loadings of the evening before (`domain.md` §4).

    The P&L is the snapshot's; what factors and specific returns (`pnl_parts`) leave of it is unexplained, by reason. It
    closes by construction: that the remainder is small where nothing is valued by hand is the check of it. Coverage is
    the share of the evenings' gross market value that entered. No standard error is given, for none is stored with the
    loadings; R² says how much the factors are worth.
    """
    first, last = _range(evidence.book, parameters)
    ledger = evidence.past.ledger
    if evidence.past.snapshots is None or ledger is None:
        return Finding(nothing_attributed("no_session"), None)
    if ledger.newer:
        return Finding(nothing_attributed("valuation_is_older_than_its_lots"), None)
    sessions = ledger.sessions[ledger.evenings[1:]]
    days = (np.datetime64(first, "D") <= sessions) & (sessions <= np.datetime64(last, "D"))
    if not days.any():
        return Finding(nothing_attributed("no_session"), None)
    place = np.searchsorted(evidence.past.snapshots.sessions, sessions)
    asked = _Asked(
        ledger=ledger,
        sectors=tuple(evidence.edition.sectors.get(symbol) for symbol in ledger.symbols),
        sessions=sessions,
        days=days,
        pnl=evidence.past.snapshots.pnl[place],
        nav_before=evidence.past.snapshots.nav[place - 1],
    )
    evenings = evenings_of(ledger)
    parts = parts_of(ledger, evenings)
    error = factor_pnl_error(evidence.edition, ledger, evenings, parts, days)
    return Finding(_attribution(asked, evenings, parts, error, parameters.top), _coverage(asked, evenings, parts))


def _range(book: Book, parameters: AttributionParameters) -> tuple[date, date]:
    """The first and the last day asked about. Raises UnanswerableError for a range that this valuation cannot have."""
    last = min(parameters.until or book.session, book.session)
    first = parameters.since or last
    if first > last:
        raise UnanswerableError("since", f"{first} is after the valuation's session, {last}; ask for an earlier day")
    if last - first > LONGEST:
        raise UnanswerableError("since", f"{first} is more than {LONGEST.days} days before {last}; say until when")
    return first, last


@dataclass(frozen=True)
class _Asked:
    """The T days that were read, and which of them are asked about."""

    ledger: Ledger
    sectors: tuple[str | None, ...]
    """(S,)"""
    sessions: Days
    days: Bools
    """(T,)"""
    pnl: Floats
    """(T,)"""
    nav_before: Floats
    """(T,)"""

    def total(self, amounts: Floats) -> float:
        """Of (T,)."""
        return float(amounts[self.days].sum())

    def contribution(self, amounts: Floats) -> float | None:
        """Of (T,): what they add to the days' returns; None where NAV was not positive before one of them."""
        before = self.nav_before[self.days]
        return float((amounts[self.days] / before).sum()) if (before > 0).all() else None

    def largest(self, those: Bools, size: Floats) -> list[str]:
        """The symbols with any of `those` (T, S) on the days, by `size` (T, S), largest first."""
        sizes = np.where(those, np.nan_to_num(size), 0.0)[self.days].sum(axis=0)
        some = np.flatnonzero(those[self.days].any(axis=0))
        return [self.ledger.symbols[n] for n in some[np.argsort(-sizes[some], kind="stable")]]


def _attribution(asked: _Asked, evenings: Evenings, parts: PnlParts, error: FactorPnlError, top: int) -> Attribution:
    factors, specific = parts.by_factor.sum(axis=1), parts.specific.sum(axis=1)
    unexplained = asked.pnl - factors - specific
    pnl, by_factors, by_itself, rest = (asked.total(one) for one in (asked.pnl, factors, specific, unexplained))
    moved = sum(asked.total(np.abs(one)) for one in (factors, specific, unexplained))
    nav = float(asked.nav_before[asked.days][0])
    contribution = asked.contribution(asked.pnl)
    sessions, fit = _fit(asked, factors)
    positions, listed = _positions(asked, evenings, parts, top)
    return Attribution(
        since=asked.sessions[asked.days][0].item(),
        until=asked.sessions[asked.days][-1].item(),
        sessions=int(asked.days.sum()),
        reason=None,
        nav_before=nav,
        pnl=pnl,
        factor_pnl=by_factors,
        specific_pnl=by_itself,
        unexplained_pnl=rest,
        factor_pnl_standard_error=error.total,
        standard_error_coverage=error.coverage,
        standard_error_reason=error.reason,
        closes_within=abs(pnl - by_factors - by_itself - rest) / abs(nav) if nav != 0 else None,
        closes_within_reason="nav_is_zero" if nav == 0 else None,
        contribution=contribution,
        contribution_reason="nav_not_positive" if contribution is None else None,
        unexplained_share=asked.total(np.abs(unexplained)) / moved if moved > 0 else None,
        unexplained_share_reason=None if moved > 0 else "nothing_moved",
        r_squared=fit,
        r_squared_sessions=sessions,
        r_squared_reason=None if fit is not None else "nothing_moved" if sessions else "too_few_sessions",
        by_factor=_factors(asked, parts, error),
        value_and_growth_pnl=asked.total(parts.by_factor[:, _VALUE_AND_GROWTH].sum(axis=1)),
        by_sector=_sectors(asked, parts),
        by_position=listed,
        positions=positions,
        unexplained=_unexplained(asked, evenings, parts, unexplained),
        by_hand=list(asked.ledger.by_hand[:NAMED]),
        assumed_loadings=asked.largest(asked.ledger.assumed & parts.entered, evenings.gross_values[:-1])[:NAMED],
        days=_days(asked, factors, specific, unexplained),
    )


def _coverage(asked: _Asked, evenings: Evenings, parts: PnlParts) -> float | None:
    gross = asked.total(asked.ledger.gross)
    if gross <= 0:
        return None
    covered = asked.total(np.where(parts.entered, evenings.gross_values[:-1], 0.0).sum(axis=1))
    return min(covered / gross, 1.0)


def _fit(asked: _Asked, factors: Floats) -> tuple[int, float | None]:
    """How many sessions R² is of, 0 where there are too few, and R²."""
    last = int(np.flatnonzero(asked.days)[-1]) + 1
    sessions = max(int(asked.days.sum()), FEWEST_FOR_R_SQUARED)
    if last < sessions:
        return 0, None
    return sessions, r_squared(asked.pnl[last - sessions : last], factors[last - sessions : last])


def _factors(asked: _Asked, parts: PnlParts, error: FactorPnlError) -> list[FactorPnl]:
    return [
        FactorPnl(
            factor=slug,
            name=name,
            exposure=float(parts.exposures[asked.days, column].mean()),
            pnl=asked.total(parts.by_factor[:, column]),
            standard_error=None if error.by_factor is None else float(error.by_factor[column]),
            contribution=asked.contribution(parts.by_factor[:, column]),
        )
        for column, (slug, name) in enumerate(RISK_FACTOR_NAMES.items())
    ]


def _by_symbol(asked: _Asked, parts: PnlParts) -> Floats:
    """(S, 4): factors, specific, trading, and what cannot be told."""
    columns = parts.factors, parts.specific, parts.trading, parts.untold_pnl
    return np.stack([column[asked.days].sum(axis=0) for column in columns], axis=1)


def _made(amounts: Floats) -> MadeBy:
    """From a row of `_by_symbol`, or a sum of rows."""
    factors, specific, trading, other = amounts.tolist()
    return MadeBy(
        pnl=factors + specific + trading + other,
        factor_pnl=factors,
        specific_pnl=specific,
        trading_pnl=trading,
        other_pnl=other,
    )


def _positions(asked: _Asked, evenings: Evenings, parts: PnlParts, top: int) -> tuple[int, list[PositionPnl]]:
    """How many symbols were held or traded, and those that made or lost most."""
    sums, symbols = _by_symbol(asked, parts), asked.ledger.symbols
    there = ((evenings.values[:-1] != 0) | (evenings.traded > 0))[asked.days].any(axis=0)
    order = [int(n) for n in np.argsort(-np.abs(sums.sum(axis=1)), kind="stable") if there[n]]
    before = evenings.values[:-1][asked.days][0]
    daily = parts.factors + parts.specific + parts.trading + parts.untold_pnl
    return len(order), [
        PositionPnl(
            symbol=symbols[n],
            sector=asked.sectors[n],
            sector_reason=_unclassified(asked.sectors[n]),
            market_value=float(before[n]) if np.isfinite(before[n]) else None,
            market_value_reason=None if np.isfinite(before[n]) else "unpriced",
            made=_made(sums[n]),
            contribution=asked.contribution(daily[:, n]),
        )
        for n in order[:top]
    ]


def _sectors(asked: _Asked, parts: PnlParts) -> list[SectorPnl]:
    """By name, those of no sector last."""
    sums = _by_symbol(asked, parts)
    named = sorted(set(asked.sectors), key=lambda sector: (sector is None, sector))
    return [
        SectorPnl(
            sector=sector,
            sector_reason=_unclassified(sector),
            made=_made(sums[np.array([one == sector for one in asked.sectors])].sum(axis=0)),
        )
        for sector in named
    ]


def _unclassified(sector: str | None) -> Literal["unclassified"] | None:
    return "unclassified" if sector is None else None


def _unexplained(asked: _Asked, evenings: Evenings, parts: PnlParts, unexplained: Floats) -> list[UnexplainedPart]:
    """Reasons without any holding are left out; trading, fees and the remainder are always there."""

    def part(
        reason: UntoldReason | Literal["trading", "fees", "remainder"], pnl: Floats, symbols: list[str]
    ) -> UnexplainedPart:
        return UnexplainedPart(
            reason=reason,
            pnl=asked.total(pnl),
            contribution=asked.contribution(pnl),
            symbols=symbols[:NAMED],
            symbols_total=len(symbols),
        )

    trading, fees, untold = parts.trading.sum(axis=1), -asked.ledger.fees, parts.untold_pnl.sum(axis=1)
    of_symbols = [
        (reason, one.pnl.sum(axis=1), asked.largest(one.held, evenings.gross_values[:-1]))
        for reason, one in parts.untold.items()
    ]
    return [
        part("trading", trading, asked.largest(evenings.traded > 0, evenings.traded)),
        part("fees", fees, []),
        *(part(reason, pnl, symbols) for reason, pnl, symbols in of_symbols if symbols),
        part("remainder", unexplained - trading - fees - untold, []),
    ]


def _days(asked: _Asked, factors: Floats, specific: Floats, unexplained: Floats) -> list[AttributedDay]:
    published = asked.ledger.loadings_session
    return [
        AttributedDay(
            session=asked.sessions[n].item(),
            pnl=float(asked.pnl[n]),
            factor_pnl=float(factors[n]),
            specific_pnl=float(specific[n]),
            unexplained_pnl=float(unexplained[n]),
            loadings_session=published[n].item(),
            loadings_reason="no_edition" if np.isnat(published[n]) else None,
        )
        for n in np.flatnonzero(asked.days)
    ]


MEASURE = Measure(
    name="attribution",
    summary="What made the P&L of a day or of a range: by factor, position and sector, and the unexplained rest",
    method="holdings and loadings of the evening before times the day's returns; days are added up in USD",
    parameters=AttributionParameters,
    result=Attribution,
    compute=compute,
    wants=wants,
)
