"""/v7/finance/quote: the last price and what is computed from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from market_simulator.as_of import History
from market_simulator.sessions import Sessions
from market_simulator.yahoo.exchange import exchange_code, exchange_name, offset_at, zone_name_at
from market_simulator.yahoo.fundamentals import Fundamentals

Json = dict[str, Any]


def quote_response(quotes: list[Json]) -> Json:
    """Quotes of several symbols; Yahoo leaves unknown ones out without an error."""
    return {"quoteResponse": {"result": quotes, "error": None}}


def quote(history: History, figures: Fundamentals, sessions: Sessions, now: datetime) -> Json:
    """One symbol's quote. A fund has no earnings, market value or book; a loss has no P/E."""
    listing = history.listing
    price, previous = float(history.close[-1]), float(history.close[max(0, len(history.close) - 2)])
    year = history.close[-252:]
    answer: Json = {
        "language": "en-US",
        "region": "US",
        "quoteType": listing.kind,
        "typeDisp": "ETF" if listing.kind == "ETF" else "Equity",
        "symbol": listing.symbol,
        "shortName": listing.name[:32],
        "longName": listing.name,
        "currency": "USD",
        "financialCurrency": "USD",
        "exchange": exchange_code(listing),
        "fullExchangeName": exchange_name(listing),
        "exchangeTimezoneName": "America/New_York",
        "exchangeTimezoneShortName": zone_name_at(now),
        "gmtOffSetMilliseconds": offset_at(now) * 1000,
        "market": "us_market",
        "marketState": "CLOSED",
        "tradeable": False,
        "priceHint": 2,
        "firstTradeDateMilliseconds": int(sessions.opens[history.session[0]]) * 1000,
        "regularMarketTime": int(sessions.closes[history.session[-1]]),
        "regularMarketPrice": price,
        "regularMarketPreviousClose": previous,
        "regularMarketChange": price - previous,
        "regularMarketChangePercent": 100 * (price / previous - 1),
        "regularMarketOpen": float(history.open[-1]),
        "regularMarketDayHigh": float(history.high[-1]),
        "regularMarketDayLow": float(history.low[-1]),
        "regularMarketVolume": int(history.volume[-1]),
        "fiftyTwoWeekHigh": float(np.max(year)),
        "fiftyTwoWeekLow": float(np.min(year)),
        "fiftyDayAverage": float(np.mean(history.close[-50:])),
        "twoHundredDayAverage": float(np.mean(history.close[-200:])),
        "averageDailyVolume3Month": int(np.mean(history.volume[-63:])),
        "averageDailyVolume10Day": int(np.mean(history.volume[-10:])),
        "trailingAnnualDividendRate": figures.dividend_per_share,
        "trailingAnnualDividendYield": figures.dividend_per_share / previous,
    }
    if listing.kind == "EQUITY":
        answer |= _company(price, figures)
    return answer


def _company(price: float, figures: Fundamentals) -> Json:
    answer: Json = {
        "sharesOutstanding": figures.shares,
        "marketCap": round(figures.shares * price),
        "epsTrailingTwelveMonths": figures.earnings_per_share,
        "bookValue": figures.book_per_share,
        "priceToBook": price / figures.book_per_share,
    }
    if figures.earnings_per_share > 0:
        answer["trailingPE"] = price / figures.earnings_per_share
    return answer
