"""Rows as the services leave them after some months: portfolios of every kind, and all that analytics reads of them."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np

from analytics.factors import FACTORS
from analytics.risk_model import RESIDUAL_SESSIONS, RISK_FACTOR_NAMES

OWNER = "alice"
LAST = date(2024, 12, 16)
SESSIONS = 300
SYMBOLS = ("SPY", "KO", "BRK-B", "NEW")
"""NEW has prices, and neither exposures nor loadings."""

VALUED, SHORT, EMPTY, UNVALUED = (UUID(int=0xA11CE0 + n) for n in range(4))
"""Long and short, with a private holding; all short with NAV below zero; cash only; never folded."""
OTHERS = UUID(int=0xB0B)
HOLDINGS: dict[UUID, dict[str, float]] = {
    VALUED: {"KO": 6_000.0, "BRK-B": 3_000.0, "SPY": -1_500.0, "NEW": 500.0, "CABIN": 800.0},
    SHORT: {"KO": -4_000.0, "SPY": -1_000.0},
    EMPTY: {},
    OTHERS: {"KO": 1_000.0},
}
CASH = {VALUED: 1_000.0, SHORT: 200.0, EMPTY: 50.0, OTHERS: 0.0}
RUN = UUID(int=1)


@dataclass(frozen=True)
class Editable:
    """A portfolio that is there to be changed: listed lots and a private one, which has a price, and a cash flow."""

    portfolio: UUID

    @property
    def lots(self) -> list[UUID]:
        return [UUID(int=self.portfolio.int * 100 + n) for n in range(6)]

    @property
    def private(self) -> UUID:
        return self.lots[-1]

    @property
    def flow(self) -> UUID:
        return UUID(int=self.portfolio.int * 100 + 99)


EDITOR = "dora"
EDITABLE = [Editable(UUID(int=0xD08A00 + n)) for n in range(40)]
PRICED = date(2024, 12, 11)
"""The day of the private lots' prices."""
_PORTFOLIOS = [str(portfolio) for portfolio in (*[VALUED] * 4, SHORT, EMPTY, UNVALUED, OTHERS)]
_SYMBOLS = [*SYMBOLS[:3] * 5, "NEW", "CABIN", "NOSUCH", "brk.b", " ko "]
KNOWN: dict[str, Sequence[Any]] = {
    "portfolio": _PORTFOLIOS,
    "portfolio_id": _PORTFOLIOS,
    "position_id": [str(UUID(int=VALUED.int * 100 + n)) for n in range(5)],
    "symbol": _SYMBOLS,
    "quantity": [1, -1, 0.5, 1_000, -60],
    "value": [100, -2_500.5],
    "benchmark": _SYMBOLS,
    "since": ["2024-11-01", "2024-12-16", "1900-01-01"],
    "until": ["2024-12-13", "2024-12-16", "9999-12-31"],
    "day": ["2024-12-13", "2024-12-16"],
    "entry_date": ["2024-12-13", "2024-12-16"],
    "exit_date": ["2024-12-13", "2024-12-16"],
}
"""What requests name, by the name of the parameter or field."""


def _sessions() -> list[date]:
    days: Iterator[date] = (LAST - timedelta(days=n) for n in range(2 * SESSIONS))
    return sorted([day for day in days if day.weekday() < 5][:SESSIONS])


async def put_in(superuser_dsn: str) -> None:
    sql = await asyncpg.connect(superuser_dsn)
    try:
        await _symbol_layer(sql)
        for portfolio in (*HOLDINGS, UNVALUED):
            await _ledger(sql, portfolio)
        for portfolio in HOLDINGS:
            await _valuation(sql, portfolio)
        for editable in EDITABLE:
            await _editable(sql, editable)
    finally:
        await sql.close()


async def _symbol_layer(sql: asyncpg.Connection) -> None:
    chance, days = random.Random(8), _sessions()
    await sql.executemany(
        "INSERT INTO symbols.trading_sessions VALUES ($1, $2, $2, false)",
        [(day, datetime(day.year, day.month, day.day, 21, tzinfo=UTC)) for day in days],
    )
    await sql.execute("INSERT INTO symbols.editions VALUES (1, $1, 'night', $2, now())", LAST, RUN)
    await sql.execute("INSERT INTO symbols.current_edition (edition, session) VALUES (1, $1)", LAST)
    for symbol in SYMBOLS:
        close = 100.0
        closes = [(symbol, day, close := close * (1 + chance.gauss(0.0003, 0.01))) for day in days]
        await sql.executemany(
            "INSERT INTO symbols.market_data_cache (symbol, session, close, currency, source, fetched_at)"
            " VALUES ($1, $2, $3, 'USD', 'test', now())",
            closes,
        )
        await sql.execute(
            "INSERT INTO symbols.symbol_daily_metrics (edition, symbol, session, data_quality, run_id)"
            " VALUES (1, $1, $2, 1, $3)",
            symbol,
            LAST,
            RUN,
        )
    await _model(sql, chance)


async def _model(sql: asyncpg.Connection, chance: random.Random) -> None:
    names = list(RISK_FACTOR_NAMES)
    covariance = (np.eye(len(names)) * 1e-4).ravel().tolist()
    await sql.execute(
        "INSERT INTO symbols.risk_models (edition, session, factors, covariance, sessions, half_life, shrinkage,"
        " stress_covariance, stress_sessions, stress_shrinkage, typical_variances, run_id)"
        " VALUES (1, $1, $2, $3, 252, 42, 0.1, $3, 1260, 0.1, '{}', $4)",
        LAST,
        names,
        covariance,
        RUN,
    )
    for symbol in SYMBOLS[:-1]:
        await sql.executemany(
            "INSERT INTO symbols.symbol_factor_exposures (session, edition, symbol, factor, beta, standard_error,"
            " observations, window_sessions, method, status, run_id)"
            " VALUES ($1, 1, $2, $3, $4, 0.1, 90, 90, 'ols', 'estimated', $5)",
            [(LAST, symbol, factor, chance.gauss(0.5, 0.5), RUN) for factor in FACTORS],
        )
        residuals = np.array([chance.gauss(0, 0.01) for _ in range(RESIDUAL_SESSIONS)], dtype="<f8")
        await sql.execute(
            "INSERT INTO symbols.risk_loadings (edition, symbol, betas, specific_variance, observations, status,"
            " residuals) VALUES (1, $1, $2, 0.0001, 252, 'estimated', $3)",
            symbol,
            [1.0] + [chance.gauss(0, 0.3) for _ in names[1:]],
            residuals.tobytes(),
        )


def _owner(portfolio: UUID) -> str:
    return "bob" if portfolio == OTHERS else OWNER


async def _ledger(sql: asyncpg.Connection, portfolio: UUID) -> None:
    first = _sessions()[-60]
    await sql.execute(
        "INSERT INTO portfolios.portfolios (portfolio_id, owner_id, name, version, first_session, created_at,"
        " changed_at) VALUES ($1, $2, 'standing', 1, $3, now(), now())",
        portfolio,
        _owner(portfolio),
        first,
    )
    for n, (symbol, value) in enumerate(HOLDINGS.get(portfolio, {}).items()):
        await sql.execute(
            "INSERT INTO portfolios.positions (position_id, portfolio_id, owner_id, symbol, quantity, entry_price,"
            " entry_date, investment_class) VALUES ($1, $2, $3, $4, $5, 100, $6, $7)",
            UUID(int=portfolio.int * 100 + n),
            portfolio,
            _owner(portfolio),
            symbol,
            value / 100,
            first,
            _class(symbol),
        )


def _class(symbol: str) -> str:
    return "PUBLIC" if symbol in SYMBOLS else "PRIVATE"


async def _editable(sql: asyncpg.Connection, one: Editable) -> None:
    first = _sessions()[-20]
    await sql.execute(
        "INSERT INTO portfolios.portfolios (portfolio_id, owner_id, name, version, first_session, created_at,"
        " changed_at) VALUES ($1, $2, 'editable', 1, $3, now(), now())",
        one.portfolio,
        EDITOR,
        first,
    )
    await sql.executemany(
        "INSERT INTO portfolios.positions (position_id, portfolio_id, owner_id, symbol, quantity, entry_price,"
        " entry_date, investment_class) VALUES ($1, $2, $3, $4, 40, 50, $5, $6)",
        [
            (lot, one.portfolio, EDITOR, symbol, first, _class(symbol))
            for lot, symbol in zip(one.lots, ["KO", "KO", "BRK-B", "SPY", "KO", "CABIN"], strict=True)
        ],
    )
    await sql.execute(
        "INSERT INTO portfolios.cash_flows (flow_id, portfolio_id, owner_id, flow_date, amount, kind)"
        " VALUES ($1, $2, $3, $4, 500, 'deposit')",
        one.flow,
        one.portfolio,
        EDITOR,
        PRICED,
    )
    await sql.execute(
        "INSERT INTO portfolios.manual_prices (position_id, price_date, portfolio_id, owner_id, price, changed_version)"
        " VALUES ($1, $2, $3, $4, 75, 1)",
        one.private,
        PRICED,
        one.portfolio,
        EDITOR,
    )


async def _valuation(sql: asyncpg.Connection, portfolio: UUID) -> None:
    chance, holdings = random.Random(portfolio.int), HOLDINGS[portfolio]
    long = sum(value for value in holdings.values() if value > 0)
    short = sum(value for value in holdings.values() if value < 0)
    nav = CASH[portfolio] + long + short
    await sql.execute(
        "INSERT INTO valuations.valuation_heads (portfolio_id, owner_id, valuation, portfolio_version, edition,"
        " session, unknown_symbols, folded_at) VALUES ($1, $2, 1, 1, 1, $3, '{}', now())",
        portfolio,
        _owner(portfolio),
        LAST,
    )
    await sql.executemany(
        "INSERT INTO valuations.portfolio_snapshots (portfolio_id, session, owner_id, nav, cash, long_value,"
        " short_value, gross_value, net_value, pnl, pnl_price, pnl_dividend, pnl_in_kind, pnl_trading, daily_return,"
        " cumulative_pnl, flow, positions, stale, unpriced, coverage, edition, valuation, fees)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 0, 0, 0, $11, $10, 0, $12, 0, 0, $13, 1, 1, 0)",
        [
            (
                portfolio, day, _owner(portfolio), nav, CASH[portfolio], long, short, long - short, long + short,
                round(pnl := chance.gauss(0, 20), 4), pnl / nav if nav > 0 and n else None, len(holdings),
                1.0 if holdings else None,
            )
            for n, day in enumerate(_sessions()[-60:])
        ],
    )  # fmt: skip
    await sql.executemany(
        "INSERT INTO valuations.position_values (portfolio_id, position_id, owner_id, session, symbol,"
        " investment_class, quantity, multiplier, price, price_session, price_status, market_value, pnl, sector,"
        " cost_basis, unrealised_pnl) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 100, $4, 'priced', $8, 1.5, NULL, $8, 0)",
        [
            (
                portfolio, UUID(int=portfolio.int * 100 + n), _owner(portfolio), LAST, symbol, _class(symbol),
                value / 100, value,
            )
            for n, (symbol, value) in enumerate(holdings.items())
        ],
    )  # fmt: skip
