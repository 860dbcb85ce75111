"""A process that asks Yahoo for histories without end, ten at a time; time runs so many times as fast for its pacing.

python process_that_asks.py TIMES_AS_FAST SYMBOL... with the service's environment; ends on SIGTERM.
"""

import asyncio
import signal
import sys
from datetime import date
from itertools import cycle

from riskstream.database.engine import create_engine
from riskstream.runtime.clock import clock_from_environment
from symbol_batch.provider_chain import provider_chain
from symbol_batch.providers import pacing
from symbol_batch.settings import CommandSettings

START = date(2025, 6, 2)


def speed_up(times: float) -> None:
    for name in ("PAUSE", "TRIAL_SECONDS", "HOLD_SECONDS", "LONGEST_HOLD_SECONDS"):
        setattr(pacing, name, getattr(pacing, name) / times)


async def main(times: float, symbols: list[str]) -> None:
    speed_up(times)
    settings = CommandSettings()
    engine = create_engine(settings.postgres_dsn.get_secret_value(), application="test", pool_size=3)
    chain = provider_chain(settings, engine, clock_from_environment())
    wanted = cycle(symbols)

    async def ask() -> None:
        while True:
            await chain.history(next(wanted), START)

    asking = [asyncio.create_task(ask()) for _ in range(10)]
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    for one in asking:
        one.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await chain.aclose()
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), sys.argv[2:]))
