"""Exchange, zone and trading hours as Yahoo writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from market_simulator.market import Listing
from riskstream.runtime.clock import NEW_YORK

Json = dict[str, Any]

_PRE_MARKET_SECONDS = 5 * 3600 + 1800
_POST_MARKET_SECONDS = 4 * 3600


def exchange_code(listing: Listing) -> str:
    """Yahoo's code: funds are on Arca, every company on the Nasdaq's first tier. Nothing reads more into it."""
    return "PCX" if listing.kind == "ETF" else "NMS"


def exchange_name(listing: Listing) -> str:
    """The name that goes with the code."""
    return "NYSEArca" if listing.kind == "ETF" else "NasdaqGS"


def chart_exchange(listing: Listing) -> Json:
    """Code and name under the chart's keys."""
    return {"exchangeName": exchange_code(listing), "fullExchangeName": exchange_name(listing)}


def offset_at(moment: datetime) -> int:
    """New York's offset from UTC in seconds."""
    offset = moment.astimezone(NEW_YORK).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def zone_name_at(moment: datetime) -> str:
    """EST or EDT."""
    return moment.astimezone(NEW_YORK).strftime("%Z")


def trading_period(opening: int, closing: int) -> Json:
    """Pre-market, regular and post-market hours of the session that opens and closes at these epoch seconds."""
    moment = datetime.fromtimestamp(opening, UTC)
    zone = {"timezone": zone_name_at(moment), "gmtoffset": offset_at(moment)}
    return {
        "pre": {**zone, "start": opening - _PRE_MARKET_SECONDS, "end": opening},
        "regular": {**zone, "start": opening, "end": closing},
        "post": {**zone, "start": closing, "end": closing + _POST_MARKET_SECONDS},
    }
