"""What portfolio-refresh tells `riskstream doctor` about itself: runs that do not end, portfolios left behind."""

from collections.abc import AsyncIterator

from sqlalchemy import text

from portfolio_refresh import schema
from portfolio_refresh.store.behind import portfolios_behind
from riskstream.doctor import Check, ExaminedService, Finding, Visit

ROLE = "portfolio_refresh"

_UNFINISHED = text("""
SELECT r.run_id, r.cause, r.session, r.remaining, r.chunks, count(c.chunk) FILTER (WHERE c.state = 'queued') AS queued,
    extract(epoch FROM clock_timestamp() - r.started_at)::float8 AS age
FROM valuations.refresh_runs r LEFT JOIN valuations.refresh_chunks c USING (run_id)
WHERE r.finished_at IS NULL AND r.started_at < clock_timestamp() - interval '15 minutes'
GROUP BY r.run_id ORDER BY r.started_at
""")
_FAILED_CHUNKS = text("""
SELECT r.run_id, r.session, r.chunks_failed FROM valuations.refresh_runs r
WHERE r.chunks_failed > 0 AND r.started_at > clock_timestamp() - interval '1 day' ORDER BY r.started_at
""")
_FAILING = text("SELECT count(*) FROM valuations.failing_now")


async def look_at_refresh_runs(visit: Visit) -> AsyncIterator[Finding]:
    """Every refresh run ends, all of its chunks with it."""
    async with visit.acting_as(ROLE) as connection:
        unfinished = (await connection.execute(_UNFINISHED)).all()
        failed = (await connection.execute(_FAILED_CHUNKS)).all()
    for run in unfinished:
        found = f"{run.cause} of {run.session}: {run.queued} of {run.chunks} chunks open for {run.age / 60:.0f} minutes"
        if run.queued != run.remaining:
            found += f", though {run.remaining} are counted"
        mend = f"riskstream refresh status {run.run_id}; see the lag of portfolio-refresh.chunks"
        yield Finding(f"run {run.run_id}", "failed", found, mend)
    for run in failed:
        found = f"{run.chunks_failed} chunks of {run.session} failed"
        yield Finding(f"run {run.run_id}", "warning", found, f"riskstream refresh status {run.run_id}")
    if not unfinished and not failed:
        yield Finding("refresh runs", "ok", "none stands still, no chunk failed today")


async def look_at_valuations(visit: Visit) -> AsyncIterator[Finding]:
    """Every portfolio that can be valued has its valuation."""
    async with visit.acting_as(ROLE) as connection:
        behind = len(await portfolios_behind(connection))
        failing = await connection.scalar(_FAILING)
    if behind:
        mend = "the sweeper plans for them within two minutes; see that portfolio-refresh runs"
        yield Finding("portfolios behind", "warning", f"{behind} wait for a valuation", mend)
    if failing:
        yield Finding("failing portfolios", "warning", f"{failing} cannot be valued", "riskstream refresh failing")
    if not behind and not failing:
        yield Finding("valuations", "ok", "every portfolio is valued as of its version and the edition")


EXAMINED = ExaminedService(
    name="portfolio-refresh",
    role=ROLE,
    package="portfolio_refresh",
    schema=schema.SCHEMA,
    partitioned=schema.PARTITIONED,
    checks=(Check("refresh runs", look_at_refresh_runs), Check("valuations", look_at_valuations)),
)
