"""Who asked for what, and how many at once."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Endpoint = Literal[
    "chart", "quote", "quoteSummary", "timeseries", "crumb", "cookie",  # Yahoo's
    "grouped", "aggregates", "splits", "dividends",  # Massive's
]  # fmt: skip

_REMEMBERED = 20_000


@dataclass
class Request:
    """One request; `status` is null while it is being answered and for one whose client went away.

    `at` is in seconds since the ledger was reset.
    """

    endpoint: Endpoint
    symbols: tuple[str, ...]
    at: float
    status: int | None = None


class Ledger:
    """Counts every request of the vendors' endpoints; the simulator's own are not in it."""

    def __init__(self) -> None:
        self._in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Forgets all requests; those in flight go on being in flight."""
        self._began = time.monotonic()
        self._requests: deque[Request] = deque(maxlen=_REMEMBERED)
        self._by_endpoint: Counter[str] = Counter()
        self._by_symbol: dict[str, Counter[str]] = {}
        self._most_in_flight = self._in_flight

    @contextmanager
    def request(self, endpoint: Endpoint, symbols: tuple[str, ...]) -> Iterator[Request]:
        """Records a request and holds it in flight until the block ends."""
        request = Request(endpoint, symbols, time.monotonic() - self._began)
        self._requests.append(request)
        self._by_endpoint[endpoint] += 1
        for symbol in symbols:
            self._by_symbol.setdefault(symbol, Counter())[endpoint] += 1
        self._in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self._in_flight)
        try:
            yield request
        finally:
            self._in_flight -= 1

    def report(self) -> dict[str, object]:
        """Totals, counts per symbol and endpoint, the last 20,000 requests in order, and the most ever in flight.

        An answer without latency takes a millisecond or two on one loop: to see a client's concurrency, set a latency.
        """
        return {
            "total": sum(self._by_endpoint.values()),
            "endpoints": dict(self._by_endpoint),
            "symbols": {symbol: dict(counts) for symbol, counts in sorted(self._by_symbol.items())},
            "in_flight": self._in_flight,
            "max_in_flight": self._most_in_flight,
            "requests": [
                {
                    "endpoint": request.endpoint,
                    "symbols": request.symbols,
                    "status": request.status,
                    "at": round(request.at, 4),
                }
                for request in self._requests
            ],
        }
