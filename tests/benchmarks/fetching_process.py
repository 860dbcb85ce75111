"""Run what is due in this process, wired as the service is, and print what came of it."""

import asyncio
import json
import time

from benchmarks.measuring import peak_memory
from riskstream.runtime.clock import clock_from_environment
from riskstream.runtime.logs import configure_logs
from symbol_batch.main import wired
from symbol_batch.settings import CommandSettings


async def run() -> dict[str, object]:
    clock = clock_from_environment()
    configure_logs("symbol-batch", clock, "json", "WARNING")
    async with wired(CommandSettings(), clock) as wiring:
        worked = time.process_time()
        summaries = await wiring.reconciler.reconcile(at_once=True)
        ended, worked = time.monotonic(), time.process_time() - worked
    return {
        "runs": [summary.as_json() for summary in summaries],
        "ended": ended,
        "cpu_seconds": worked,
        "peak_bytes": peak_memory(),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run())))
