"""/v8/finance/chart: daily bars and the actions among them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

import numpy as np

from market_simulator.as_of import History
from market_simulator.sessions import Sessions
from market_simulator.yahoo.exchange import chart_exchange, offset_at, trading_period, zone_name_at
from market_simulator.yahoo.period import VALID_RANGES, Period, asked_period
from market_simulator.yahoo.refusals import bad_interval

Json = dict[str, Any]

_SESSIONS_A_YEAR = 252


def chart(history: History, sessions: Sessions, parameters: Mapping[str, str], now: datetime) -> Json:
    """The answer to a chart request; honours period1, period2, range, interval=1d and events.

    Arrays of the answer are numpy arrays, NaN where a value is missing: serialise with orjson's OPT_SERIALIZE_NUMPY.
    Raises YahooError where Yahoo refuses.
    """
    interval = parameters.get("interval", "1d")
    if interval != "1d":
        raise bad_interval(interval)
    period = asked_period(parameters, history, sessions)
    result: Json = {"meta": _meta(history, sessions, period, now)}
    if period.begin < period.end:
        result["timestamp"] = sessions.opens[history.session[period.begin : period.end]]
        events = _events(history, sessions, period, parameters.get("events", ""))
        if events:
            result["events"] = events
    result["indicators"] = _indicators(history, period)
    return {"chart": {"result": [result], "error": None}}


def _indicators(history: History, period: Period) -> Json:
    if period.begin >= period.end:
        return {"quote": [{}], "adjclose": [{}]}
    bars = slice(period.begin, period.end)
    quote = {
        "open": history.open[bars],
        "high": history.high[bars],
        "low": history.low[bars],
        "close": history.close[bars],
        "volume": history.volume[bars],
    }
    return {"quote": [quote], "adjclose": [{"adjclose": history.adj_close[bars]}]}


def _events(history: History, sessions: Sessions, period: Period, asked: str) -> Json:
    first, last = history.session[period.begin], history.session[period.end - 1]
    wanted = asked.replace("|", ",").split(",")
    events: Json = {}
    if any(word.startswith("div") for word in wanted):
        events["dividends"] = {
            str(sessions.opens[dividend.session]): {
                "amount": dividend.amount,
                "date": int(sessions.opens[dividend.session]),
            }
            for dividend in history.dividends
            if first <= dividend.session <= last
        }
    if any(word.startswith("split") for word in wanted):
        events["splits"] = {
            str(sessions.opens[split.session]): split_event(split.ratio, int(sessions.opens[split.session]))
            for split in history.splits
            if first <= split.session <= last
        }
    return {kind: found for kind, found in events.items() if found}


def split_event(ratio: float, opening: int) -> Json:
    """A split as Yahoo writes it: 1.281 is 1281:1000, 1.5 is 3:2, 0.1 is 1:10; the quotient is `ratio` exactly."""
    exact = Fraction(ratio).limit_denominator(20)
    scale = next((scale for scale in (1_000, 10_000, 1_000_000) if round(ratio * scale) / scale == ratio), 10**9)
    whole = exact.numerator / exact.denominator == ratio
    numerator, denominator = exact.as_integer_ratio() if whole else (round(ratio * scale), scale)
    return {
        "date": opening,
        "numerator": numerator,
        "denominator": denominator,
        "splitRatio": f"{numerator}:{denominator}",
    }


def _meta(history: History, sessions: Sessions, period: Period, now: datetime) -> Json:
    listing, last = history.listing, int(history.session[-1])
    year = slice(max(0, len(history.close) - _SESSIONS_A_YEAR), None)
    closing = int(sessions.closes[last])
    meta: Json = {
        "currency": "USD",
        "symbol": listing.symbol,
        **chart_exchange(listing),
        "instrumentType": listing.kind,
        "firstTradeDate": int(sessions.opens[history.session[0]]),
        "regularMarketTime": closing,
        "hasPrePostMarketData": True,
        "gmtoffset": offset_at(now),
        "timezone": zone_name_at(now),
        "exchangeTimezoneName": "America/New_York",
        "regularMarketPrice": float(history.close[-1]),
        "fiftyTwoWeekHigh": float(np.max(history.high[year])),
        "fiftyTwoWeekLow": float(np.min(history.low[year])),
        "regularMarketDayHigh": float(history.high[-1]),
        "regularMarketDayLow": float(history.low[-1]),
        "regularMarketVolume": int(history.volume[-1]),
        "longName": listing.name,
        "shortName": listing.name[:32],
        "priceHint": 2,
        "currentTradingPeriod": trading_period(int(sessions.opens[last]), closing),
        "dataGranularity": "1d",
        "range": period.range,
        "validRanges": list(VALID_RANGES),
    }
    if period.begin > 0:
        meta["chartPreviousClose"] = float(history.close[period.begin - 1])
    return meta
