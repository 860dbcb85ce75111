"""How late the event loop runs what it should."""

import asyncio
import contextlib

from riskstream.runtime.process_metrics import LOOP_LAG


class LoopLag:
    """A part that sleeps and measures by how much it overslept."""

    def __init__(self, interval: float = 0.25) -> None:
        self._interval = interval
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            due = loop.time() + self._interval
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._interval)
            if not self._stopping.is_set():
                LOOP_LAG.observe(max(0.0, loop.time() - due))

    def stop(self) -> None:
        self._stopping.set()
