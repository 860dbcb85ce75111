"""What the Yahoo client itself costs: the same questions that a night asks, and nothing done with the answers."""

import asyncio
import json
import sys
import time
from datetime import date

from riskstream.runtime.clock import Clock
from riskstream.runtime.logs import configure_logs
from symbol_batch.calendar import calendar_at
from symbol_batch.prices.intake import OVERLAP
from symbol_batch.providers.yahoo import YahooProvider

WARMING = 30


async def ask(url: str, symbols: list[str], session: date) -> dict[str, float]:
    """Processor seconds a ticker, user and system, and seconds in all."""
    provider = YahooProvider(base=url)
    calendar = calendar_at(session)
    sessions = calendar.window(session, OVERLAP + 1)
    try:
        await provider.session_bars(symbols[:WARMING], sessions)
        began, worked = time.perf_counter(), time.process_time()
        answers = await provider.session_bars(symbols, sessions)
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
    finally:
        await provider.aclose()
    assert all(answer.bars is not None for answer in answers), "the exchange answers everything"
    return {"cpu_seconds": worked / len(symbols), "seconds": seconds}


def main() -> None:
    url, session = sys.argv[1:]
    configure_logs("client", Clock(), "json", "WARNING")
    print(json.dumps(asyncio.run(ask(url, json.load(sys.stdin), date.fromisoformat(session)))))


if __name__ == "__main__":
    main()
