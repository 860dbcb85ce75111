"""Run one night in this process, its prices being in Postgres already; print seconds, steps and peak memory."""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from datetime import time as clock_time
from typing import Any

from benchmarks.claiming import claim_night
from benchmarks.measuring import peak_memory
from riskstream.database.engine import create_engine
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import NEW_YORK, Clock
from riskstream.runtime.garbage import collected_seldom
from riskstream.runtime.logs import configure_logs
from symbol_batch.calendar import calendar_at
from symbol_batch.companies.company_intake import CompanyIntake
from symbol_batch.nightly import Night, Steps
from symbol_batch.prices import PriceIntake
from symbol_batch.providers.provider import LimitedProvider, Offer
from symbol_batch.schema import SCHEMA
from symbol_batch.store import runs, universe


class NobodyAsked(LimitedProvider):
    """The provider of a night that has all its prices: whoever asks it is refused with an error."""

    name = "nobody"
    offers: frozenset[Offer] = frozenset()


class MeasuredSteps(Steps):
    """Knows also how much processor each step took, of all threads, user and system."""

    def __init__(self) -> None:
        super().__init__()
        self.processor: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        began = time.process_time()
        try:
            with super().step(name) as row:
                yield row
        finally:
            self.processor[name] = time.process_time() - began


async def run(dsn: str, session: date) -> dict[str, object]:
    """The night as a replica runs it that takes over where all price chunks are committed."""
    clock = Clock(datetime.combine(session, clock_time(21, 1), NEW_YORK))
    engine = create_engine(dsn, application="symbol-batch")
    outbox = Outbox(SCHEMA, "/services/symbol-batch", clock=clock)
    intake = PriceIntake(engine, NobodyAsked(), clock, history_from=date(2019, 1, 2))
    companies = CompanyIntake(engine, NobodyAsked(), clock)
    calendar = calendar_at(clock.today())
    try:
        async with engine.begin() as connection:
            fence = await claim_night(connection, session, clock)
            fetched = [(symbol, "OK", None) for symbol in await universe.active_symbols(connection)]
            await runs.record_fetches(connection, fence.run_id, fetched, clock.now())
        steps = MeasuredSteps()
        began, worked, in_system = time.perf_counter(), time.process_time(), _system_seconds()
        night = Night(engine, intake, companies, outbox, clock)
        await night.run(session, calendar, fence, steps)
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
        in_system = _system_seconds() - in_system
    finally:
        await engine.dispose()
    return {
        "seconds": seconds,
        "cpu_seconds": worked,
        "system_seconds": in_system,
        "peak_bytes": peak_memory(),
        "steps": steps.rows,
        "processor": steps.processor,
    }


def _system_seconds() -> float:
    """Of this process's processor time what the system took for it: clearing memory, sockets."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_stime


def main() -> None:
    dsn, session = sys.argv[1:]
    configure_logs("symbol-batch", Clock(), "json", "INFO")
    with collected_seldom():  # as in the service
        ended = asyncio.run(run(dsn, date.fromisoformat(session)))
    print(json.dumps(ended))


if __name__ == "__main__":
    main()
