"""Panels the factor arithmetic is tested on: ragged random ones, and ten years of real prices where they are."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from riskstream.market.actions import action_panel
from riskstream.market.returns import total_returns
from symbol_batch.actions import (
    CorporateAction,
    as_declared_dividends,
    as_traded_closes,
    classify_ratio,
)

Floats = npt.NDArray[np.float64]
REAL_PRICES = Path(__file__).parents[4].parent / "shared" / "data" / "prices.parquet"


@dataclass(frozen=True)
class Panel:
    """Returns of symbols and of the eight benchmarks on consecutive sessions."""

    returns: Floats
    benchmarks: Floats
    symbols: list[str]
    sessions: list[date]


@dataclass(frozen=True)
class RealPrices:
    """The recorded prices: as the provider gave them (split-adjusted), and as traded with their ledger."""

    sessions: list[date]
    symbols: list[str]
    adjusted: Floats
    adjusted_dividends: Floats
    closes: Floats
    actions: list[CorporateAction]

    @property
    def ledger(self) -> tuple[Floats, Floats]:
        return action_panel(self.actions, self.sessions, self.symbols)

    @property
    def returns(self) -> Floats:
        return total_returns(self.closes, *self.ledger)


@pytest.fixture
def make_panel() -> Callable[..., Panel]:
    """Random returns with common factors; histories start late, end early and have gaps, as `ragged` says."""

    def make(symbols: int = 30, sessions: int = 252, *, seed: int = 7, ragged: bool = True) -> Panel:
        random = np.random.default_rng(seed)
        market = random.normal(0.0004, 0.010, (sessions, 1))
        benchmarks = market + random.normal(0.0, 0.004, (sessions, 8))
        returns = market * random.normal(1.0, 0.4, symbols) + random.normal(0.0, 0.015, (sessions, symbols))
        if ragged:
            returns[random.random(returns.shape) < 0.06] = np.nan
            for column in range(0, symbols, 3):
                returns[: random.integers(0, sessions - 20), column] = np.nan
            for column in range(1, symbols, 5):
                returns[-random.integers(1, 25) :, column] = np.nan
        days = [date(2024, 1, 1) + timedelta(days=day) for day in range(sessions)]
        return Panel(returns, benchmarks, [f"S{index:04}" for index in range(symbols)], days)

    return make


@pytest.fixture(scope="session")
def real() -> RealPrices:
    """The recorded prices; skips with a reason, or fails where they are required, when they are not there."""
    if not REAL_PRICES.exists():
        reason = f"no real prices at {REAL_PRICES}"
        if "real-data" in os.environ.get("RISKSTREAM_REQUIRE", "").split(","):
            pytest.fail(reason)
        pytest.skip(reason)
    rows = pd.read_parquet(REAL_PRICES, columns=["date", "symbol", "close", "dividend", "split"])
    close, dividend, split = (
        rows.pivot(index="date", columns="symbol", values=name) for name in ("close", "dividend", "split")
    )
    sessions, symbols = list(close.index), list(close.columns)
    actions: list[CorporateAction] = []
    traded = np.empty(close.shape)
    for column, symbol in enumerate(symbols):
        ratios = split[symbol]
        splits = [
            CorporateAction(symbol, day, classify_ratio(ratio), ratio=ratio)
            for day, ratio in ratios[ratios.fillna(0) != 0].items()
        ]
        declared = as_declared_dividends(sessions, dividend[symbol].to_numpy(float), splits)
        traded[:, column] = as_traded_closes(sessions, close[symbol].to_numpy(float), splits)
        actions += [*splits, *_dividends(symbol, sessions, declared)]
    return RealPrices(
        sessions, symbols, close.to_numpy(float), np.nan_to_num(dividend.to_numpy(float)), traded, actions
    )


def _dividends(symbol: str, sessions: list[date], amounts: Floats) -> Iterable[CorporateAction]:
    return (
        CorporateAction(symbol, day, "dividend", amount=float(amount))
        for day, amount in zip(sessions, amounts, strict=True)
        if amount > 0
    )
