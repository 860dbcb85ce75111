"""Books and editions made by hand or by dice, for what is computed from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from analytics.book import Book, InvestmentClass, Position, PriceStatus, Snapshot
from analytics.edition import Edition
from analytics.factors import FACTORS
from analytics.risk_model import FactorCovariance, RiskModel
from riskstream.market.risk_factors import BENCHMARKS, RISK_FACTORS

SESSION = date(2024, 12, 16)


@dataclass(frozen=True)
class Lot:
    """USD; short where negative."""

    symbol: str
    market_value: float
    investment_class: InvestmentClass = "PUBLIC"
    price_status: PriceStatus = "priced"
    sector: str | None = None
    price: float = 1.0


def book_of(lots: Sequence[Lot], *, nav: float | None = None, cash: float = 0.0, unknown: Sequence[str] = ()) -> Book:
    """NAV is cash and the lots' values unless it is said."""
    values = np.array([lot.market_value for lot in lots], dtype=np.float64)
    long, short = float(values[values > 0].sum()), float(values[values < 0].sum())
    worth = float(cash + values.sum()) if nav is None else nav
    priced = sum(abs(lot.market_value) for lot in lots if lot.price_status in {"priced", "stale"})
    gross = long - short
    return Book(
        portfolio=UUID(int=1),
        valuation=3,
        portfolio_version=2,
        edition=1,
        session=SESSION,
        run_id=UUID(int=7),
        unknown_symbols=frozenset(unknown),
        snapshot=Snapshot(
            nav=worth, cash=cash, long=long, short=short, gross=gross, net=long + short, pnl=0.0, pnl_price=0.0,
            pnl_dividend=0.0, pnl_in_kind=0.0, pnl_trading=0.0, fees=0.0, daily_return=None, cumulative_pnl=0.0,
            flow=0.0, positions=len(lots), stale=0, unpriced=0, coverage=priced / gross if gross else None,
        ),
        positions=tuple(
            Position(
                position_id=UUID(int=n + 1),
                symbol=lot.symbol,
                investment_class=lot.investment_class,
                quantity=lot.market_value / lot.price,
                price=None if lot.price_status == "unpriced" else lot.price,
                price_session=None if lot.price_status == "unpriced" else SESSION,
                price_status=lot.price_status,
                sector=lot.sector,
                market_value=lot.market_value,
                cost_basis=None,
                unrealised_pnl=None,
                pnl=0.0,
            )
            for n, lot in enumerate(lots)
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """A market whose symbols follow the eight factors as planted: `returns` (S, T), factors (T, 8)."""

    symbols: tuple[str, ...]
    betas: NDArray[np.float64]
    returns: NDArray[np.float64]
    residuals: NDArray[np.float64]
    factors: NDArray[np.float64]


def planted_market(symbols: Sequence[str], *, sessions: int = 315, seed: int = 1) -> Planted:
    """Benchmarks first, then `symbols`; nothing missing."""
    dice = np.random.default_rng(seed)
    volatility = np.array([0.01, 0.009, 0.004, 0.004, 0.005, 0.003, 0.006, 0.004])
    factors = dice.normal(0.0003, 1.0, (sessions, 8)) * volatility
    own = len(symbols)
    betas = np.concatenate([_benchmark_betas(), dice.normal(0.0, 0.4, (own, 8)) + np.eye(8)[0]])
    residuals = np.concatenate([np.zeros((8, sessions)), dice.normal(0.0, 0.012, (own, sessions))])
    return Planted((*BENCHMARKS, *symbols), betas, betas @ factors.T + residuals, residuals, factors)


def edition_of(  # what an edition may lack
    market: Planted,
    *,
    number: int = 1,
    exposures: Mapping[str, Sequence[float]] | None = None,
    sectors: Mapping[str, str] | None = None,
    assumed: Mapping[str, str] | None = None,
    missing: Mapping[str, int] | None = None,
    model_reason: str | None = None,
) -> Edition:
    """An edition that found what was planted.

    `exposures` by symbol to the twelve factors, by default 1. `assumed` symbols have market 1, no residuals and their
    reason. `missing` counts the oldest sessions without return and residual. `model_reason` takes the covariance away.
    """
    symbols, count = market.symbols, len(market.symbols)
    index = {symbol: row for row, symbol in enumerate(symbols)}
    returns, residuals, betas = market.returns.copy(), market.residuals[:, -252:].copy(), market.betas.copy()
    for symbol, oldest in (missing or {}).items():
        returns[index[symbol], :oldest] = np.nan
        residuals[index[symbol], : max(oldest - (returns.shape[1] - 252), 0)] = np.nan
    seen = np.isfinite(residuals).sum(axis=1)
    variances = np.where(seen > 0, np.nansum(residuals**2, axis=1) / np.maximum(seen, 1), np.nan)
    held_by_assumption = np.array([symbol in (assumed or {}) for symbol in symbols])
    betas[held_by_assumption] = np.eye(8)[0]
    variances[held_by_assumption] = 2e-4
    residuals[held_by_assumption] = np.nan
    factors = FactorCovariance(
        forecast=np.cov(market.factors[-252:].T),
        stress=np.cov(market.factors.T),
        sessions=252,
        half_life=42,
        stress_sessions=len(market.factors),
    )
    twelve = np.array([(exposures or {}).get(symbol, [1.0] * len(FACTORS)) for symbol in symbols], dtype=np.float64)
    return Edition(
        edition=number,
        session=SESSION,
        index=index,
        betas=twelve,
        standard_errors=np.where(np.isnan(twelve), np.nan, 0.1),
        reasons={(symbols[row], int(column)): "too_few_observations" for row, column in np.argwhere(np.isnan(twelve))},
        methods=("ols",) * len(FACTORS),
        windows=(90,) * len(FACTORS),
        risk=RiskModel(
            factors=None if model_reason else factors,
            reason=model_reason,
            residuals_kept=model_reason is None,
            betas=betas if model_reason is None else np.full_like(betas, np.nan),
            specific_variance=variances if model_reason is None else np.full(count, np.nan),
            residuals=residuals if model_reason is None else np.full_like(residuals, np.nan),
            assumed=held_by_assumption,
            reasons=dict(assumed or {}),
            carried_from={},
        ),
        sessions=_weekdays(returns.shape[1]),
        returns=returns,
        closes=np.full(count, 100.0),
        sectors=dict(sectors or {}),
    )


def _benchmark_betas() -> NDArray[np.float64]:
    """A fund of a style is the market and the style; those of the market and of rates are themselves."""
    column = {factor.long: n for n, factor in enumerate(RISK_FACTORS)}
    betas = np.zeros((len(BENCHMARKS), len(RISK_FACTORS)))
    for row, symbol in enumerate(BENCHMARKS):
        betas[row, column[symbol]] = 1.0
        if RISK_FACTORS[column[symbol]].short is not None:
            betas[row, 0] = 1.0
    return betas


def _weekdays(count: int) -> NDArray[np.datetime64]:
    return np.busday_offset(np.datetime64(SESSION, "D"), np.arange(-count + 1, 1), roll="backward")
