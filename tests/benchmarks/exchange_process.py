"""A simulator of several thousand symbols, which first writes down what it would have answered a session ago."""

import asyncio
import os
import sys
from datetime import date
from pathlib import Path

from fastapi import FastAPI

from benchmarks.tape import Tape
from market_simulator.app import create_app
from market_simulator.simulator import Simulator
from market_simulator.synthetic.generate import generate, synthesis_at
from riskstream.runtime.clock import clock_from_environment
from riskstream.runtime.health import Health
from riskstream.runtime.service import HttpPart, Service
from symbol_batch.panel import SESSIONS

SEED = 7
SPARE = 120
"""More symbols than are stored: some list late, one is gone, and some are to be asked for as new ones."""


async def serve(file: Path, through: date, count: int) -> int:
    """Serve until SIGTERM, on the clock of the environment."""
    clock = clock_from_environment()
    market = generate(synthesis_at(clock.today(), seed=SEED, symbols=count + SPARE))
    Tape.of(market, through, SESSIONS, count).write(file)
    app = FastAPI()
    health = Health()
    app.include_router(health.router())
    app.mount("/", create_app(Simulator(market, clock, SEED)))
    service = Service("exchange", health)
    service.add("http", HttpPart(app, "127.0.0.1", int(os.environ["RISKSTREAM_HTTP_PORT"]), drain_seconds=2))
    return await service.run()


if __name__ == "__main__":
    target, session, symbols = sys.argv[1:]
    sys.exit(asyncio.run(serve(Path(target), date.fromisoformat(session), int(symbols))))
