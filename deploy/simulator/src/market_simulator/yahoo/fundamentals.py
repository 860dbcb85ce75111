"""Invented company figures: the same for a symbol in every process, consistent with its price as of a session."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from market_simulator.as_of import History, later_ratio
from market_simulator.market import Series


@dataclass(frozen=True)
class Fundamentals:
    """Per-share amounts in USD on the basis of the session; totals in USD. Earnings may be negative."""

    shares: int
    earnings_per_share: float
    book_per_share: float
    revenue: float
    net_margin: float
    dividend_per_share: float
    """Paid over the last 252 sessions."""
    employees: int
    last_earnings: date
    """The day on which the statements of the quarter before it came out; before or on the present day."""
    next_earnings: date


def fundamentals(series: Series, history: History, today: date) -> Fundamentals:
    """Figures drawn from the symbol's name alone, set in relation to its price over its whole life.

    Earnings are a yield on the average close of the final basis, so that a price move changes the P/E and not the
    earnings. Earnings days are the symbol's own day in January, April, July and October.
    """
    shares_draw, yield_draw, book_draw, margin_draw, day_draw = _draws(series.listing.symbol)
    ratio = later_ratio(series.splits, int(history.session[-1]))
    typical = float(np.mean(series.close)) * ratio
    shares = round(10 ** (7.5 + 2.2 * shares_draw) / ratio)
    earnings = typical * (0.09 * yield_draw - 0.01)
    margin = 0.03 + 0.25 * margin_draw
    return Fundamentals(
        shares=shares,
        earnings_per_share=round(earnings, 4),
        book_per_share=round(typical * (0.1 + 0.6 * book_draw), 4),
        revenue=round(abs(earnings) * shares / margin, 2),
        net_margin=round(margin if earnings > 0 else -margin, 5),
        dividend_per_share=round(
            sum(dividend.amount for dividend in history.dividends if dividend.session > history.session[-1] - 252), 4
        ),
        employees=int(50 + 200_000 * shares_draw**3),
        last_earnings=_last_earnings(today, int(1 + 27 * day_draw)),
        next_earnings=_next_earnings(today, int(1 + 27 * day_draw)),
    )


def epoch(day: date) -> int:
    """Midnight UTC of a day, as Yahoo writes dates."""
    return int(datetime.combine(day, time(), UTC).timestamp())


def _draws(symbol: str) -> list[float]:
    digest = hashlib.blake2b(symbol.encode(), digest_size=10).digest()
    return [int.from_bytes(digest[at : at + 2]) / 65536 for at in range(0, 10, 2)]


def _next_earnings(today: date, day: int) -> date:
    month = today.replace(day=1)
    while month.month % 3 != 1 or month.replace(day=day) < today:
        month = (month + timedelta(days=32)).replace(day=1)
    return month.replace(day=day)


def _last_earnings(today: date, day: int) -> date:
    month = today.replace(day=1)
    while month.month % 3 != 1 or month.replace(day=day) > today:
        month = (month - timedelta(days=1)).replace(day=1)
    return month.replace(day=day)
