"""Postgres away while the service polls."""

import asyncio

from structlog.testing import capture_logs

from riskstream.database.engine import create_engine

POLL_SECONDS = 0.05


def dead_engine():
    return create_engine("postgresql://symbol_batch:x@127.0.0.1:1/nowhere", application="test")


async def polled(part) -> list[str]:
    """Run a part against nothing until it says so, and many polls longer; what it says."""
    with capture_logs() as lines:
        working = asyncio.create_task(part.run())
        async with asyncio.timeout(20):
            while not lines:  # noqa: ASYNC110  # a log sets no event
                await asyncio.sleep(POLL_SECONDS)
        await asyncio.sleep(10 * POLL_SECONDS)
        part.stop()
        await asyncio.wait_for(working, 5)
    return [type(line["exc_info"]).__name__ for line in lines if "exc_info" in line]


async def test_workers_of_requested_symbols_tell_of_an_outage_once(batch, monkeypatch) -> None:
    engine = dead_engine()
    monkeypatch.setattr(batch.new_symbols, "_engine", engine)
    monkeypatch.setattr(batch.new_symbols, "_poll_seconds", POLL_SECONDS)
    assert await polled(batch.new_symbols) == ["ConnectionRefusedError"]
    await engine.dispose()


async def test_the_reconciler_tells_of_an_outage_once(batch, monkeypatch) -> None:
    engine = dead_engine()
    monkeypatch.setattr(batch.reconciler, "_engine", engine)
    monkeypatch.setattr(batch.reconciler, "_every", POLL_SECONDS)
    assert await polled(batch.reconciler) == ["ConnectionRefusedError"]
    assert "ConnectionRefusedError" in batch.reconciler.health().detail["last_error"]
    await engine.dispose()
