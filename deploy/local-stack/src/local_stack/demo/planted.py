"""The estimates of a synthetic night beside the betas that were planted in it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

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
