"""Risk models in the database: one an edition, with the loadings of every symbol that the edition contains."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.database.engine import driver
from riskstream.database.tracing import copying
from riskstream.market.risk_factors import RISK_FACTORS
from symbol_batch.factors.covariance import Covariance
from symbol_batch.factors.risk_model import HALF_LIFE, WINDOW, FactorRisk
from symbol_batch.store.editions import Edition

LOADING_COLUMNS = (
    "edition", "symbol", "betas", "specific_variance", "observations", "status", "reason", "carried_from", "residuals",
)  # fmt: skip

_INSERT_MODEL = """
INSERT INTO symbols.risk_models (edition, session, factors, covariance, sessions, half_life, shrinkage,
    stress_covariance, stress_sessions, stress_shrinkage, typical_variances, reason, run_id)
VALUES (:edition, :session, :factors, :covariance, :sessions, :half_life, :shrinkage,
    :stress_covariance, :stress_sessions, :stress_shrinkage, CAST(:typical_variances AS jsonb), :reason, :run_id)
"""

# Their residuals move up by the sessions that have passed since, which stay without one.
_CARRY = """
INSERT INTO symbols.risk_loadings
    (edition, symbol, betas, specific_variance, observations, status, reason, carried_from, residuals)
SELECT :edition, symbol, betas, specific_variance, observations, status, reason, coalesce(carried_from, :session),
    substr(residuals, 8 * :passed + 1) || CAST(:missing AS bytea)
FROM symbols.risk_loadings WHERE edition = :source AND symbol = ANY(CAST(:symbols AS text[]))
RETURNING symbol
"""

_COPY_MODEL = """
INSERT INTO symbols.risk_models (edition, session, factors, covariance, sessions, half_life, shrinkage,
    stress_covariance, stress_sessions, stress_shrinkage, typical_variances, reason, residuals_kept, run_id)
SELECT :edition, session, factors, covariance, sessions, half_life, shrinkage,
    stress_covariance, stress_sessions, stress_shrinkage, typical_variances, reason, residuals_kept, :run_id
FROM symbols.risk_models WHERE edition = :source
"""
_COPY_LOADINGS = """
INSERT INTO symbols.risk_loadings
    (edition, symbol, betas, specific_variance, observations, status, reason, carried_from, residuals)
SELECT :edition, symbol, betas, specific_variance, observations, status, reason, carried_from, residuals
FROM symbols.risk_loadings WHERE edition = :source AND symbol <> ALL(CAST(:without AS text[]))
"""

# The flag saves looking through years of loadings for the few that still have residuals.
_DROP_RESIDUALS = """
WITH dropped AS (
    UPDATE symbols.risk_models SET residuals_kept = false
    WHERE residuals_kept AND session NOT IN
        (SELECT DISTINCT session FROM symbols.risk_models ORDER BY session DESC LIMIT :nights)
    RETURNING edition
)
UPDATE symbols.risk_loadings loadings SET residuals = NULL
FROM dropped WHERE loadings.edition = dropped.edition AND loadings.residuals IS NOT NULL
"""


async def insert_model(
    connection: AsyncConnection, edition: Edition, risk: FactorRisk, typical: Mapping[str, float], run_id: UUID
) -> None:
    """Add the edition's factor covariances and typical variances, or the reason why there are none."""
    values = {
        "edition": edition.number,
        "session": edition.session,
        "factors": [factor.slug for factor in RISK_FACTORS],
        "half_life": HALF_LIFE,
        "typical_variances": orjson.dumps(dict(typical)).decode(),
        "reason": risk.reason,
        "run_id": run_id,
        **_columns(risk.covariance, ""),
        **_columns(risk.stress_covariance, "stress_"),
    }
    await connection.execute(text(_INSERT_MODEL), values)


def _columns(covariance: Covariance | None, prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}covariance": None if covariance is None else covariance.matrix.ravel().tolist(),
        f"{prefix}sessions": None if covariance is None else covariance.sessions,
        f"{prefix}shrinkage": None if covariance is None else covariance.shrinkage,
    }


async def copy_loadings(connection: AsyncConnection, rows: Iterable[Sequence[Any]]) -> None:
    """Add loadings, in the order of `LOADING_COLUMNS`."""
    raw = await driver(connection)
    with copying("COPY symbols.risk_loadings"):
        await raw.copy_records_to_table(
            "risk_loadings", schema_name="symbols", columns=list(LOADING_COLUMNS), records=rows
        )


async def typical_variances(connection: AsyncConnection, edition: int) -> dict[str, float] | None:
    """What an assumed symbol's specific variance is taken from; None where the edition has no model."""
    row = await connection.execute(
        text("SELECT typical_variances FROM symbols.risk_models WHERE edition = :edition AND reason IS NULL"),
        {"edition": edition},
    )
    found: dict[str, float] | None = row.scalar_one_or_none()
    return found


async def carry_loadings(
    connection: AsyncConnection, symbols: Collection[str], source: Edition, target: Edition, passed: int
) -> set[str]:
    """Give the symbols in `target` the loadings they have in `source`, flagged with the session they were estimated on.

    `passed`: sessions between the two. Returns the symbols that had any.
    """
    passed = min(passed, WINDOW)
    rows = await connection.execute(
        text(_CARRY),
        {
            "edition": target.number,
            "source": source.number,
            "session": source.session,
            "symbols": list(symbols),
            "passed": passed,
            "missing": np.full(passed, np.nan, dtype="<f8").tobytes(),
        },
    )
    return {row.symbol for row in rows}


async def copy_edition(
    connection: AsyncConnection, source: int, target: int, run_id: UUID, *, without: Collection[str] = ()
) -> None:
    """Give `target`, a revision of the same session, the model of `source` and all loadings but those of `without`."""
    named = {"edition": target, "source": source}
    await connection.execute(text(_COPY_MODEL), {**named, "run_id": run_id})
    await connection.execute(text(_COPY_LOADINGS), {**named, "without": list(without)})


async def drop_old_residuals(connection: AsyncConnection, nights: int) -> int:
    """Drop the residual series of all but the newest `nights` sessions; returns how many. All else stays.

    A book's forecast needs the series, and nobody forecasts from an edition that no valuation is of any more.
    """
    return (await connection.execute(text(_DROP_RESIDUALS), {"nights": nights})).rowcount
