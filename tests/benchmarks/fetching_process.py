"""Run what is due in this process, wired as the service is, and print what came of it."""

import asyncio
import json
import os
import time
from pathlib import Path

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
        children = [peak_memory(child) for child in own_children()]
    times = os.times()
    return {
        "runs": [summary.as_json() for summary in summaries],
        "ended": ended,
        "cpu_seconds": worked,
        "children_cpu_seconds": times.children_user + times.children_system,
        "peak_bytes": peak_memory(),
        "children_peak_bytes": children,
    }


def own_children() -> list[int]:
    """The processes that the night has started; empty on systems that do not list them."""
    listed = [tasks.read_text() for tasks in Path("/proc/self/task").glob("*/children")]
    return [int(child) for child in " ".join(listed).split()]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run())))
