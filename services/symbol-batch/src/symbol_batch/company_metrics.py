"""Daily metrics that need a company's profile: market capitalisation, price-earnings ratio, sector."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf, isfinite, prod

from symbol_batch.actions import CorporateAction
from symbol_batch.factors.arrays import Floats

LARGEST_AMOUNT = 1e20
"""US dollars: far beyond all companies together."""

NO_PROFILE = "no_profile"
PROFILE_TOO_OLD = "profile_too_old"


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """What a stored profile says. Shares and earnings per share are on the basis of `fetched_on`."""

    sector: str | None
    shares_outstanding: float | None
    trailing_eps: float | None
    fetched_on: date


@dataclass(frozen=True, slots=True)
class CompanyMetrics:
    """One symbol's. `market_cap` in US dollars; what is None has its reason under its name in `reasons`."""

    market_cap: float | None
    price_earnings: float | None
    sector: str | None
    reasons: dict[str, str]


def company_metrics(
    facts: Mapping[str, CompanyFacts],
    splits: Iterable[CorporateAction],
    *,
    symbols: Sequence[str],
    prices: Floats,
    price_sessions: Sequence[date | None],
    known_from: date,
) -> list[CompanyMetrics]:
    """Metrics of each of `symbols`, in their order; `prices` (S,) as traded on `price_sessions`, NaN and None without.

    market capitalisation = shares outstanding x price; price-earnings = price / trailing earnings per share. Shares and
    earnings are brought from the profile's day to the price's by the splits between: both are per share as it trades.
    `splits` is the ledger from `known_from` on; actions of other kinds, which leave the number of shares alone, are
    left aside. A profile from before `known_from` is of no use: splits may be missing. Without earnings, or with a
    loss, there is no ratio: a negative one would rank a loss before every profit.
    """
    ledger: dict[str, list[tuple[date, float]]] = {}
    for action in splits:
        if action.kind == "split" and action.ratio is not None:
            ledger.setdefault(action.symbol, []).append((action.ex_date, action.ratio))
    return [
        _metrics(facts.get(symbol), ledger.get(symbol, []), price, day, known_from)
        for symbol, price, day in zip(symbols, prices.tolist(), price_sessions, strict=True)
    ]


def _metrics(
    facts: CompanyFacts | None, splits: list[tuple[date, float]], price: float, day: date | None, known_from: date
) -> CompanyMetrics:
    if facts is None:
        return CompanyMetrics(None, None, None, dict.fromkeys(("market_cap", "price_earnings", "sector"), NO_PROFILE))
    reasons = {} if facts.sector is not None else {"sector": "no_sector"}
    missing = _missing(facts, price, day, known_from)
    market_cap = price_earnings = None
    if "market_cap" not in missing and facts.shares_outstanding is not None and day is not None:
        market_cap = facts.shares_outstanding * _new_shares(splits, facts.fetched_on, day) * price
        if market_cap > LARGEST_AMOUNT:
            market_cap, missing["market_cap"] = None, "out_of_range"
    if "price_earnings" not in missing and facts.trailing_eps is not None and day is not None:
        price_earnings = price * _new_shares(splits, facts.fetched_on, day) / facts.trailing_eps
        if not isfinite(price_earnings):
            price_earnings, missing["price_earnings"] = None, "out_of_range"
    return CompanyMetrics(market_cap, price_earnings, facts.sector, reasons | missing)


def _missing(facts: CompanyFacts, price: float, day: date | None, known_from: date) -> dict[str, str]:
    shares, earnings = facts.shares_outstanding, facts.trailing_eps
    if facts.fetched_on < known_from:
        return dict.fromkeys(("market_cap", "price_earnings"), PROFILE_TOO_OLD)
    if day is None or not isfinite(price):
        return dict.fromkeys(("market_cap", "price_earnings"), "no_price")
    missing = {}
    if shares is None or not 0 < shares < inf:
        missing["market_cap"] = "no_shares"
    if earnings is None or not isfinite(earnings) or earnings == 0:
        missing["price_earnings"] = "no_earnings"
    elif earnings < 0:
        missing["price_earnings"] = "negative_earnings"
    return missing


def _new_shares(splits: list[tuple[date, float]], since: date, day: date) -> float:
    """Shares on `day` for one share on `since`; the inverse where `day` is the earlier one."""
    if day < since:
        return 1.0 / _new_shares(splits, day, since)
    return prod((ratio for ex_date, ratio in splits if since < ex_date <= day), start=1.0)
