"""A synthetic market of a test's own, and what of it the system knows from the start."""

from dataclasses import dataclass
from datetime import date

import httpx

from local_stack.system import System


def synthetic(session: date, symbols: int) -> list[str]:
    """The simulator's arguments for a market whose last session before the test is `session`."""
    return ["--synthetic", "--seed", "11", "--symbols", str(symbols), "--reference", str(session)]


@dataclass(frozen=True)
class Listed:
    """Stocks that are traded and stay so, by whether the system was told of them."""

    stocks: list[str]
    strangers: list[str]


def bring_in(system: System, session: date, *, strangers: int = 0) -> Listed:
    """Put what is traded on `session`, and stays so, into the universe: stocks, but so many strangers, and ETFs."""
    listed = httpx.get(f"{system.simulator.url}/_simulator/symbols", timeout=30, trust_env=False).json()
    traded = [item for item in listed if item["first_session"] <= str(session) and item["delisted"] is None]
    stocks = [item["symbol"] for item in traded if item["type"] == "EQUITY"]
    unknown = stocks[:strangers]
    system.add_symbols([item["symbol"] for item in traded if item["symbol"] not in unknown])
    return Listed(stocks[strangers:], unknown)
