"""A worker without Kafka: works every queued chunk, in order, until none is left or it is killed.

python worker_process.py with the service's environment; the environment also says where it is to be killed.
"""

import asyncio
import os
from uuid import uuid4

from sqlalchemy import text

from portfolio_refresh.folding import Folding
from portfolio_refresh.worker import ChunkWorker
from riskstream.database.engine import create_engine
from riskstream.events.envelope import Envelope
from riskstream.events.portfolio import PortfolioRefreshRequested
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import clock_from_environment

QUEUED = text("SELECT run_id, chunk FROM valuations.refresh_chunks WHERE state = 'queued' ORDER BY run_id, chunk")


def asked(event: PortfolioRefreshRequested) -> Envelope[PortfolioRefreshRequested]:
    return Envelope(
        id=uuid4(),
        source="/services/test",
        type=event.type,
        time=clock_from_environment().now(),
        subject=event.key,
        event=event,
        correlation_id="test",
    )


async def main() -> None:
    engine = create_engine(os.environ["RISKSTREAM_POSTGRES_DSN"], application="test", pool_size=3)
    outbox = Outbox("valuations", "/services/portfolio-refresh")
    worker = ChunkWorker(engine, Folding(engine, outbox), outbox, f"process {os.getpid()}")
    async with engine.connect() as connection:
        chunks = list(await connection.execute(QUEUED))
    for run_id, chunk in chunks:
        await worker.refresh_requested(asked(PortfolioRefreshRequested(run=run_id, chunk=chunk)))
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
