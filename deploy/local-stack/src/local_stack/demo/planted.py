"""The estimates of a synthetic night beside what was planted in it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import asyncpg

from local_stack.database import Database

WITHIN = 3.0
"""Standard errors."""


@dataclass(frozen=True)
class Estimate:
    """One exposure as stored: null where it could not be estimated."""

    symbol: str
    factor: str
    beta: float
    standard_error: float


def last_estimates(database: Database) -> list[Estimate]:
    """Every estimated exposure of the current edition that has a standard error."""

    async def read() -> list[Estimate]:
        connection = await asyncpg.connect(database.superuser_dsn)
        try:
            rows = await connection.fetch(
                "SELECT symbol, factor, beta, standard_error FROM symbols.symbol_factor_exposures"
                " JOIN symbols.current_edition USING (edition, session)"
                " WHERE beta IS NOT NULL AND standard_error > 0 ORDER BY symbol, factor"
            )
        finally:
            await connection.close()
        return [Estimate(*row) for row in rows]

    return asyncio.run(read())


def share_within(estimates: list[Estimate], truth: Mapping[str, Mapping[str, float]]) -> tuple[int, int]:
    """How many estimates are within three standard errors of what was planted, and how many were compared."""
    compared = [
        abs(estimate.beta - truth[estimate.symbol][estimate.factor]) <= WITHIN * estimate.standard_error
        for estimate in estimates
        if estimate.factor in truth.get(estimate.symbol, {})
    ]
    return sum(compared), len(compared)


def planted_volatility(truth: Mapping[str, Any], held: Mapping[str, float]) -> float | None:
    """USD a session: the standard deviation of the P&L of what is held, market values in USD by symbol.

    A company's return is its loadings on jointly normal benchmarks with one covariance at all times, and independent
    noise of one variance, so that `σ² = x'Cx + Σ (value · noise)²` with x the sum of values times loadings. None where
    something held is no company of the market.
    """
    loadings, noise, covariance = truth["loadings"], truth["specific"], truth["covariance"]
    if any(symbol not in loadings for symbol in held):
        return None
    places = range(len(truth["benchmarks"]))
    exposures = [sum(value * loadings[symbol][n] for symbol, value in held.items()) for n in places]
    common = sum(exposures[n] * covariance[n][m] * exposures[m] for n in places for m in places)
    return sqrt(common + sum((value * noise[symbol]) ** 2 for symbol, value in held.items()))
