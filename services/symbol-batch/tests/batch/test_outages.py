"""Postgres away while the service polls."""

import asyncio

from structlog.testing import capture_logs

from riskstream.database.engine import create_engine

POLLS = 10


def dead_engine():
    return create_engine("postgresql://symbol_batch:x@127.0.0.1:1/nowhere", application="test")


async def polled(part, seconds: float) -> list[str]:
    """Run a part against nothing, many polls long; what it says of it."""
    with capture_logs() as lines:
        working = asyncio.create_task(part.run())
        await asyncio.sleep(seconds)
        part.stop()
        await asyncio.wait_for(working, 5)
    return [type(line["exc_info"]).__name__ for line in lines if "exc_info" in line]


async def test_workers_of_requested_symbols_tell_of_an_outage_once(batch, monkeypatch) -> None:
    engine = dead_engine()
    monkeypatch.setattr(batch.new_symbols, "_engine", engine)
    assert await polled(batch.new_symbols, POLLS * 0.05) == ["ConnectionRefusedError"]
    await engine.dispose()


async def test_the_reconciler_tells_of_an_outage_once(batch, monkeypatch) -> None:
    engine = dead_engine()
    monkeypatch.setattr(batch.reconciler, "_engine", engine)
    monkeypatch.setattr(batch.reconciler, "_every", 0.05)
    assert await polled(batch.reconciler, POLLS * 0.05) == ["ConnectionRefusedError"]
    assert "ConnectionRefusedError" in batch.reconciler.health().detail["last_error"]
    await engine.dispose()
