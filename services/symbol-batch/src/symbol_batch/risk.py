"""The risk model of an edition: estimated on what is stored, written in the transaction that publishes the edition."""

import asyncio
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.calendar import Calendar
from symbol_batch.factors.risk_model import Loadings
from symbol_batch.panel import Panel, load_panel
from symbol_batch.prices import Revision
from symbol_batch.risk_figures import BENCHMARK_SESSIONS, RiskModel, loading_rows, loadings_of, risk_model_of
from symbol_batch.store import editions, risk_models
from symbol_batch.store.editions import Edition


async def estimate_risk_model(
    engine: AsyncEngine,
    panel: Panel,
    symbols: Sequence[str],
    calendar: Calendar,
    revisions: Sequence[Revision] = (),
) -> RiskModel:
    """The model of `symbols` as of the panel's session. `revisions` are those that the panel has and the tables lack.

    The stress covariance looks years further back than the panel, at the benchmarks alone.
    """
    of_benchmarks = [revision for revision in revisions if revision.symbol in BENCHMARKS]
    session = panel.sessions[-1]
    benchmarks = await load_panel(engine, BENCHMARKS, session, calendar, of_benchmarks, count=BENCHMARK_SESSIONS)
    return await asyncio.to_thread(risk_model_of, panel, benchmarks, symbols)


async def estimate_loadings_in(
    engine: AsyncEngine, edition: Edition, panel: Panel, symbols: Sequence[str]
) -> Loadings | None:
    """The loadings of symbols in the model that an edition has already; None where it has none."""
    async with engine.connect() as connection:
        typical = await risk_models.typical_variances(connection, edition.number)
    return None if typical is None else await asyncio.to_thread(loadings_of, panel, symbols, typical)


async def write_risk_model(
    connection: AsyncConnection,
    edition: Edition,
    risk: RiskModel,
    panel: Panel,
    run_id: UUID,
    *,
    held: Collection[str] = (),
) -> None:
    """Write the model and its loadings, before the edition becomes the current one.

    Symbols whose bar of the session is `held` back keep the loadings of the current edition, where they have any.
    """
    await risk_models.insert_model(connection, edition, risk.factors, risk.typical, run_id)
    if risk.loadings is None:
        return
    carried: set[str] = set()
    previous = await editions.current_edition(connection)
    if previous is not None and held:
        passed = sum(day > previous.session for day in panel.sessions)
        carried = await risk_models.carry_loadings(connection, held, previous, edition, passed)
    await write_loadings(connection, edition, risk.loadings, without=carried)


async def write_loadings(
    connection: AsyncConnection, edition: Edition, loadings: Loadings, *, without: Collection[str] = ()
) -> None:
    """Add the loadings, but those of `without`, to an edition that has a model."""
    rows = await asyncio.to_thread(lambda: list(loading_rows(loadings, edition.number, without=without)))
    await risk_models.copy_loadings(connection, rows)
