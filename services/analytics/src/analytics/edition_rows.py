"""An edition as it is stored, read into arrays: all of it, or the rows of some symbols."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import asyncpg
import numpy as np

from analytics.edition import RETURN_SESSIONS, Edition
from analytics.factors import FACTORS
from analytics.risk_model import RESIDUAL_SESSIONS, RISK_FACTOR_NAMES, FactorCovariance, RiskModel, no_risk_model
from riskstream.database.panels import read_panel
from riskstream.market.actions import action_panel
from riskstream.market.arrays import Floats
from riskstream.market.returns import total_returns

CLOSE_SESSIONS = 6
"""A close counts on its session and on the five after it (`domain.md` §3)."""

_SESSION = "SELECT session FROM symbols.editions WHERE edition = $1"

# The symbols that an edition contains: all of them, or those named.
_SYMBOLS = """
SELECT m.symbol, p.sector FROM symbols.symbol_daily_metrics m LEFT JOIN symbols.company_profiles p USING (symbol)
WHERE m.edition = $1 AND ($2::text[] IS NULL OR m.symbol = ANY ($2))
ORDER BY m.symbol
"""

# Their exposures, one row a factor: 60,000 values as a dozen arrays instead of as many rows.
_EXPOSURES = """
SELECT x.factor, min(x.method) AS method, min(x.window_sessions) AS window_sessions,
    array_agg(x.symbol) AS symbols, array_agg(x.beta) AS betas, array_agg(x.standard_error) AS standard_errors,
    array_agg(x.reason) AS reasons
FROM symbols.symbol_factor_exposures x
WHERE x.session = $3 AND x.edition = $1 AND ($2::text[] IS NULL OR x.symbol = ANY ($2))
GROUP BY x.factor
"""

_MODEL = """
SELECT factors, covariance, sessions, half_life, stress_covariance, stress_sessions, reason, residuals_kept
FROM symbols.risk_models WHERE edition = $1
"""

_LOADINGS = """
SELECT symbol, betas, specific_variance, status = 'assumed' AS assumed, reason, carried_from, residuals
FROM symbols.risk_loadings WHERE edition = $1 AND ($2::text[] IS NULL OR symbol = ANY ($2))
"""

_SESSIONS = """
SELECT session FROM (SELECT session FROM symbols.trading_sessions WHERE session <= $1 ORDER BY session DESC LIMIT $2) s
ORDER BY session
"""

# Only a positive, finite USD close is a price.
_CLOSES = """
SELECT CAST(asked.number - 1 AS integer), bar.session - DATE '1970-01-01', bar.close
FROM symbols.traded_bars bar JOIN unnest($1::text[]) WITH ORDINALITY AS asked (symbol, number)
    ON asked.symbol = bar.symbol
WHERE bar.symbol = ANY ($1) AND bar.session BETWEEN $2 AND $3
    AND bar.close > 0 AND bar.close < 'Infinity' AND bar.currency = 'USD'
"""

_ACTIONS = """
SELECT symbol, ex_date, ratio, amount FROM symbols.corporate_actions
WHERE symbol = ANY ($1) AND ex_date BETWEEN $2 AND $3
"""


class _Action(NamedTuple):
    symbol: str
    ex_date: date
    ratio: float | None
    amount: float | None


class UnknownEditionError(LookupError):
    """No edition of that number was ever published."""


async def read_edition(connection: asyncpg.Connection, number: int, symbols: Collection[str] | None) -> Edition:
    """The edition with all its symbols, or with those of `symbols` that it contains, inside the caller's transaction.

    Raises UnknownEditionError.
    """
    session = await connection.fetchval(_SESSION, number)
    if session is None:
        raise UnknownEditionError(f"no edition {number} was published")
    wanted = None if symbols is None else list(symbols)
    known = await connection.fetch(_SYMBOLS, number, wanted)
    names = [row["symbol"] for row in known]
    exposures = await connection.fetch(_EXPOSURES, number, wanted, session)
    model = await connection.fetchrow(_MODEL, number)
    loadings = [] if model is None else await connection.fetch(_LOADINGS, number, wanted)
    sessions = [row["session"] for row in await connection.fetch(_SESSIONS, session, RETURN_SESSIONS + 1)]
    closes, returns = await read_returns(connection, names, sessions)
    index = {symbol: row for row, symbol in enumerate(names)}
    betas, errors, reasons, methods, windows = await asyncio.to_thread(_exposures, index, exposures)
    return Edition(
        edition=number,
        session=session,
        index=index,
        betas=betas,
        standard_errors=errors,
        reasons=reasons,
        methods=methods,
        windows=windows,
        risk=await asyncio.to_thread(_risk_model, index, model, loadings),
        sessions=np.array(sessions[1:], dtype="datetime64[D]"),
        returns=returns,
        closes=_last_closes(closes[-CLOSE_SESSIONS:]),
        sectors={row["symbol"]: row["sector"] for row in known if row["sector"]},
    )


async def read_returns(
    connection: asyncpg.Connection, symbols: Sequence[str], sessions: Sequence[date]
) -> tuple[Floats, Floats]:
    """Closes (T, S) of the consecutive `sessions`, and total returns (S, T − 1) of all but the first of them."""
    if not symbols or not sessions:
        return np.full((len(sessions), len(symbols)), np.nan), np.full(
            (len(symbols), max(len(sessions) - 1, 0)), np.nan
        )
    # On tables filled a moment ago Postgres expects hardly a bar, and would look through all symbols for each of them.
    await connection.execute("SET LOCAL enable_nestloop = off")
    closes = await read_panel(connection, _CLOSES, symbols, sessions)
    # An action dated between two sessions counts on the later one.
    rows = await connection.fetch(_ACTIONS, list(symbols), sessions[0] - timedelta(days=4), sessions[-1])
    return closes, await asyncio.to_thread(_returns, closes, [_Action._make(row) for row in rows], sessions, symbols)


def _returns(closes: Floats, actions: Sequence[_Action], sessions: Sequence[date], symbols: Sequence[str]) -> Floats:
    ratios, dividends = action_panel(actions, sessions, symbols)
    return np.ascontiguousarray(total_returns(closes, ratios, dividends)[1:].T)


def _last_closes(closes: Floats) -> Floats:
    """(S,): of each column the last number."""
    last = np.full(closes.shape[1], np.nan)
    for row in closes:
        last = np.where(np.isnan(row), last, row)
    return last


def _exposures(index: dict[str, int], rows: Sequence[asyncpg.Record]) -> tuple[Any, ...]:
    betas = np.full((len(index), len(FACTORS)), np.nan)
    errors = np.full_like(betas, np.nan)
    reasons: dict[tuple[str, int], str] = {}
    methods: list[str | None] = [None] * len(FACTORS)
    windows: list[int | None] = [None] * len(FACTORS)
    columns = {slug: column for column, slug in enumerate(FACTORS)}
    for row in rows:
        column = columns.get(row["factor"])
        if column is None:
            continue  # A factor that a newer symbol layer publishes and this version does not show yet.
        methods[column], windows[column] = row["method"], row["window_sessions"]
        for symbol, beta, error, reason in zip(
            row["symbols"], row["betas"], row["standard_errors"], row["reasons"], strict=True
        ):
            place = index.get(symbol)
            if place is None:
                continue
            if beta is None:
                reasons[symbol, column] = reason
            else:
                betas[place, column] = beta
                errors[place, column] = np.nan if error is None else error
    return betas, errors, reasons, tuple(methods), tuple(windows)


def _risk_model(index: dict[str, int], model: asyncpg.Record | None, loadings: Sequence[asyncpg.Record]) -> RiskModel:
    if model is None:
        return no_risk_model(len(index), "not_published")
    if tuple(model["factors"]) != tuple(RISK_FACTOR_NAMES):
        # Another version's factors: none of its numbers means what ours would.
        return no_risk_model(len(index), "other_factors")
    read = no_risk_model(len(index), model["reason"] or "")
    reasons: dict[str, str] = {}
    carried: dict[str, date] = {}
    for row in loadings:
        place = index.get(row["symbol"])
        if place is None:
            continue
        read.betas[place] = row["betas"]
        read.specific_variance[place] = np.nan if row["specific_variance"] is None else row["specific_variance"]
        read.assumed[place] = row["assumed"]
        if row["residuals"] is not None:
            read.residuals[place] = np.frombuffer(row["residuals"], dtype="<f8", count=RESIDUAL_SESSIONS)
        if row["reason"] is not None:
            reasons[row["symbol"]] = row["reason"]
        if row["carried_from"] is not None:
            carried[row["symbol"]] = row["carried_from"]
    return RiskModel(
        factors=_covariances(model),
        reason=model["reason"],
        residuals_kept=model["residuals_kept"],
        betas=read.betas,
        specific_variance=read.specific_variance,
        residuals=read.residuals,
        assumed=read.assumed,
        reasons=reasons,
        carried_from=carried,
    )


def _covariances(model: asyncpg.Record) -> FactorCovariance | None:
    if model["reason"] is not None:
        return None
    side = len(RISK_FACTOR_NAMES)
    return FactorCovariance(
        forecast=np.array(model["covariance"], dtype=np.float64).reshape(side, side),
        stress=np.array(model["stress_covariance"], dtype=np.float64).reshape(side, side),
        sessions=model["sessions"],
        half_life=model["half_life"],
        stress_sessions=model["stress_sessions"],
    )
