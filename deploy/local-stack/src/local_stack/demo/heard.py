"""Every event that flows while the demo runs, heard as any outsider could hear it."""

import asyncio
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from riskstream.events.catalogue import CATALOGUE
from riskstream.events.envelope import Envelope
from riskstream.messaging.listener import Listener


class HeardEvents:
    """Listens to every topic of the catalogue in a thread of its own."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._events: list[Envelope[Any]] = []
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._listener: Listener
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), name="heard", daemon=True)

    def all(self) -> Sequence[Envelope[Any]]:
        """Everything heard so far, in the order in which it was heard."""
        with self._lock:
            return list(self._events)

    async def _listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = Listener(
            self._bootstrap, dict.fromkeys(CATALOGUE.by_type.values(), self._hear), client_id="demo"
        )
        running = asyncio.create_task(self._listener.run())
        await self._listener.listening.wait()
        self._ready.set()
        await running

    async def _hear(self, envelope: Envelope[Any]) -> None:
        with self._lock:
            self._events.append(envelope)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(30):
            raise TimeoutError(f"the topics at {self._bootstrap} could not be listened to within 30 s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._listener.stop)
        self._thread.join(15)
