"""Store a year of prices as the product does, then publish its last session; print how long storing took.

The provider answers from a file at once. What is measured is everything between an answer and the committed rows:
undoing splits, the gate, comparing with what is stored, writing.
"""

import asyncio
import json
import sys
import time
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.claiming import claim_night
from benchmarks.measuring import peak_memory
from benchmarks.tape import Tape, TapeProvider
from riskstream.database.engine import create_engine
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import NEW_YORK, Clock
from riskstream.runtime.logs import configure_logs
from symbol_batch.calendar import calendar_at
from symbol_batch.companies.company_intake import CompanyIntake
from symbol_batch.nightly import Night, Steps
from symbol_batch.prices import PriceIntake
from symbol_batch.providers.provider import Outcome
from symbol_batch.schema import SCHEMA
from symbol_batch.store import companies, universe
from symbol_batch.store.companies import FetchRow, ProfileRow


async def run(dsn: str, file: Path, session: date) -> dict[str, object]:
    clock = Clock(datetime.combine(session, clock_time(21, 1), NEW_YORK))
    tape = Tape.read(file)
    provider = TapeProvider(tape)
    engine = create_engine(dsn, application="symbol-batch")
    intake = PriceIntake(engine, provider, clock, history_from=tape.days[0].astype(object))
    calendar = calendar_at(clock.today())
    try:
        async with engine.begin() as connection:
            fence = await claim_night(connection, session, clock)
            await universe.activate(connection, tape.symbols, clock.now())
            await _know_companies(connection, tape, clock, session)
        before = peak_memory()
        began, worked = time.perf_counter(), time.process_time()
        taken = await intake.take(tape.symbols, session, calendar, fence=fence, run_id=fence.run_id)
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
        peak = peak_memory()
        not_ok = {one.symbol: f"{one.outcome}: {one.detail}" for one in taken if one.outcome is not Outcome.OK}
        assert not not_ok, f"the past has no faults, and yet: {not_ok}"
        outbox = Outbox(SCHEMA, "/services/symbol-batch", clock=clock)
        night = Night(engine, intake, CompanyIntake(engine, provider, clock), outbox, clock)
        await night.run(session, calendar, fence, Steps())
    finally:
        await engine.dispose()
    return {"seconds": seconds, "cpu_seconds": worked, "peak_bytes": peak, "peak_bytes_before": before}


async def _know_companies(connection: AsyncConnection, tape: Tape, clock: Clock, session: date) -> None:
    """Leave nothing about companies to be asked for on the next night."""
    now, today = clock.now(), clock.today()
    rows = [
        ProfileRow(symbol, name, kind, sector, None, "United States", "USD", 1e8, 2.5, None)
        for symbol, (name, kind, sector) in zip(tape.symbols, tape.names, strict=True)
    ]
    await companies.write_profiles(connection, [(row, "yahoo") for row in rows], now, today)
    fetched = [FetchRow(symbol, "OK", None, "yahoo", answered=True) for symbol in tape.symbols]
    for kind in ("profile", "fundamentals"):
        await companies.record_fetches(connection, kind, fetched, now=now, today=today, session=session)


def main() -> None:
    dsn, file, session = sys.argv[1:]
    configure_logs("symbol-batch", Clock(), "json", "WARNING")
    print(json.dumps(asyncio.run(run(dsn, Path(file), date.fromisoformat(session)))))


if __name__ == "__main__":
    main()
