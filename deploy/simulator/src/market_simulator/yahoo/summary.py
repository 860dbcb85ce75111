"""/v10/finance/quoteSummary: profile, statistics and financial figures, module by module."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from market_simulator.as_of import History
from market_simulator.sessions import Sessions
from market_simulator.yahoo.fundamentals import Fundamentals, epoch
from market_simulator.yahoo.quote import quote
from market_simulator.yahoo.refusals import no_fundamentals

Json = dict[str, Any]
Module = Callable[[History, Fundamentals, Json], Json]
"""A module of the answer, from a history, the figures and the symbol's quote; empty where it says nothing."""

_YAHOO_SECTORS = {
    "Financials": "Financial Services",
    "Consumer Discretionary": "Consumer Cyclical",
    "Consumer Staples": "Consumer Defensive",
    "Materials": "Basic Materials",
    "Information Technology": "Technology",
    "Health Care": "Healthcare",
}


def quote_summary(history: History, figures: Fundamentals, sessions: Sessions, modules: str, now: datetime) -> Json:
    """The asked modules (comma separated) that say something; raises YahooError where none does."""
    price = quote(history, figures, sessions, now)
    rendered = {name: _MODULES[name](history, figures, price) for name in modules.split(",") if name in _MODULES}
    said = {name: module for name, module in rendered.items() if module}
    if not said:
        raise no_fundamentals(modules)
    return {"quoteSummary": {"result": [said], "error": None}}


_DETAILS = (
    "currency",
    "marketCap",
    "trailingPE",
    "fiftyTwoWeekHigh",
    "fiftyTwoWeekLow",
    "fiftyDayAverage",
    "twoHundredDayAverage",
    "regularMarketPreviousClose",
    "regularMarketOpen",
    "regularMarketDayHigh",
    "regularMarketDayLow",
    "regularMarketVolume",
    "trailingAnnualDividendRate",
    "trailingAnnualDividendYield",
)


def _profile(history: History, figures: Fundamentals, _: Json) -> Json:
    listing = history.listing
    summary = {"longBusinessSummary": f"{listing.name}, as the market simulator has it.", "maxAge": 86400}
    if listing.kind == "ETF":
        return summary
    sector = _YAHOO_SECTORS.get(listing.sector, listing.sector)
    return {
        **summary,
        "country": "United States",
        "sector": sector,
        "sectorKey": sector.lower().replace(" ", "-"),
        "sectorDisp": sector,
        "industry": listing.industry,
        "industryKey": listing.industry.lower().replace(" ", "-"),
        "industryDisp": listing.industry,
        "fullTimeEmployees": figures.employees,
        "website": f"https://{listing.symbol.lower()}.example",
        "companyOfficers": [],
    }


def _quote_type(history: History, _: Fundamentals, price: Json) -> Json:
    names = ("quoteType", "exchange", "symbol", "shortName", "longName", "gmtOffSetMilliseconds")
    return {name: price[name] for name in names} | {
        "underlyingSymbol": history.listing.symbol,
        "firstTradeDateEpochUtc": price["firstTradeDateMilliseconds"] // 1000,
        "timeZoneFullName": "America/New_York",
        "timeZoneShortName": price["exchangeTimezoneShortName"],
        "maxAge": 1,
    }


def _price(_: History, __: Fundamentals, price: Json) -> Json:
    names = ("symbol", "quoteType", "shortName", "longName", "currency", "exchange", "marketState", "marketCap")
    market = {name: value for name, value in price.items() if name.startswith("regularMarket")}
    return {name: price[name] for name in names if name in price} | market | {"maxAge": 1}


def _summary_detail(_: History, __: Fundamentals, price: Json) -> Json:
    return {name: price[name] for name in _DETAILS if name in price} | {
        "previousClose": price["regularMarketPreviousClose"],
        "volume": price["regularMarketVolume"],
        "averageVolume": price["averageDailyVolume3Month"],
        "priceHint": 2,
        "maxAge": 1,
    }


def _statistics(history: History, figures: Fundamentals, price: Json) -> Json:
    if history.listing.kind == "ETF":
        return {"maxAge": 1, "category": history.listing.industry, "legalType": "Exchange Traded Fund"}
    return {
        "maxAge": 1,
        "sharesOutstanding": figures.shares,
        "floatShares": round(figures.shares * 0.98),
        "bookValue": figures.book_per_share,
        "priceToBook": price["priceToBook"],
        "trailingEps": figures.earnings_per_share,
        "profitMargins": figures.net_margin,
        "netIncomeToCommon": round(figures.earnings_per_share * figures.shares, 2),
        "enterpriseValue": price["marketCap"],
    }


def _financial_data(history: History, figures: Fundamentals, price: Json) -> Json:
    if history.listing.kind == "ETF":
        return {}
    return {
        "maxAge": 86400,
        "currentPrice": price["regularMarketPrice"],
        "totalRevenue": figures.revenue,
        "revenuePerShare": figures.revenue / figures.shares,
        "profitMargins": figures.net_margin,
        "returnOnEquity": figures.earnings_per_share / figures.book_per_share,
        "financialCurrency": "USD",
    }


def _calendar(history: History, figures: Fundamentals, _: Json) -> Json:
    if history.listing.kind == "ETF":
        return {}
    return {"maxAge": 1, "earnings": {"earningsDate": [epoch(figures.next_earnings)], "isEarningsDateEstimate": True}}


_MODULES: dict[str, Module] = {
    "assetProfile": _profile,
    "summaryProfile": _profile,
    "quoteType": _quote_type,
    "price": _price,
    "summaryDetail": _summary_detail,
    "defaultKeyStatistics": _statistics,
    "financialData": _financial_data,
    "calendarEvents": _calendar,
}
