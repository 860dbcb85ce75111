"""analytics as it is, and beside it in the same event loop a watch on how late the loop runs."""

import asyncio
import json
import sys
import time
from pathlib import Path

from analytics.main import serve
from benchmarks.measuring import peak_memory

INTERVAL = 0.01


async def watched(file: Path) -> int:
    """Serve until SIGTERM; then write when each look was and how late in seconds, and the peak memory, to `file`."""
    lags: list[tuple[float, float]] = []
    watch = asyncio.create_task(_watch(lags))
    try:
        return await serve()
    finally:
        watch.cancel()
        told = {"lags": lags, "peak_bytes": peak_memory()}
        await asyncio.to_thread(file.write_text, json.dumps(told))


async def _watch(lags: list[tuple[float, float]]) -> None:
    while True:
        due = time.monotonic() + INTERVAL
        await asyncio.sleep(INTERVAL)
        now = time.monotonic()
        lags.append((now, max(0.0, now - due)))


if __name__ == "__main__":
    sys.exit(asyncio.run(watched(Path(sys.argv[1]))))
