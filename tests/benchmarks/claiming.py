"""A night of a benchmark's own, claimed as a replica claims it."""

from datetime import date
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.runtime.clock import Clock
from symbol_batch.store import runs
from symbol_batch.store.fences import NightFence

LEASE_SECONDS = 600


async def claim_night(connection: AsyncConnection, session: date, clock: Clock) -> NightFence:
    """The right to write for the session's night, which nobody may have run before."""
    run_id = uuid4()
    claimed = await runs.claim(
        connection,
        run_id,
        session,
        holder="benchmark",
        lease_seconds=LEASE_SECONDS,
        now=clock.now(),
        code_version="benchmark",
    )
    assert claimed is not None, f"somebody has run {session} already"
    return NightFence(run_id, claimed[0])
