"""A simulator served on loopback, and the real yfinance client pointed at it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pandas as pd
import pytest
import uvicorn
import yfinance
import yfinance.base
import yfinance.data
from curl_cffi import requests

from market_simulator.app import create_app
from market_simulator.market import Market
from market_simulator.simulator import Simulator
from market_simulator.synthetic.generate import generate, synthesis_at
from riskstream.runtime.clock import Clock

# The evening of a day in the middle of the synthetic stage.
EVENING = datetime.fromisoformat("2025-07-09T21:00:00-04:00")


class RewritingSession(requests.Session):
    """A curl_cffi session that sends every request to the simulator, whatever host it was meant for."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._target = urlsplit(address)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        asked = urlsplit(url)
        rewritten = urlunsplit((self._target.scheme, self._target.netloc, asked.path, asked.query, ""))
        return super().request(method, rewritten, *args, **kwargs)


@contextmanager
def served(simulator: Simulator) -> Iterator[str]:
    """The simulator's address while the block runs; a uvicorn thread of this process answers there."""
    options = {"log_level": "error", "access_log": False, "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(create_app(simulator), **options))
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            assert not thread.is_alive()


@pytest.fixture
def serve() -> Callable[[Simulator], AbstractContextManager[str]]:
    return served


class YahooClient:
    """yfinance as a service would use it."""

    def __init__(self, address: str) -> None:
        self.session = RewritingSession(address)

    def ticker(self, symbol: str) -> yfinance.Ticker:
        return yfinance.Ticker(symbol, session=self.session)

    def history(self, symbol: str, start: str = "2024-01-01", **options: Any) -> pd.DataFrame:
        return self.ticker(symbol).history(start=start, auto_adjust=False, actions=True, **options)


@pytest.fixture
def fresh_yfinance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """yfinance without anything remembered: not the singleton with its crumb, not its caches; errors are raised."""
    yfinance.set_tz_cache_location(str(tmp_path / "yfinance"))
    yfinance.data.SingletonMeta._instances.clear()
    yfinance.data.YfData.cache_get.cache_clear()
    # Twice per process yfinance asks `info` for a time zone it did not find: tests must not depend on their order.
    monkeypatch.setattr(yfinance.base, "_tz_info_fetch_ctr", 2)
    hidden, yfinance.config.debug.hide_exceptions = yfinance.config.debug.hide_exceptions, False
    yield
    # As it was, not as it is by default: symbol-batch sets it once a process.
    yfinance.config.debug.hide_exceptions = hidden
    yfinance.data.SingletonMeta._instances.clear()


@pytest.fixture
def client_of(fresh_yfinance: None) -> Iterator[Callable[[Simulator], YahooClient]]:
    """Serves a simulator for the length of the test and gives a client of it."""
    with ExitStack() as running:
        yield lambda simulator: YahooClient(running.enter_context(served(simulator)))


@pytest.fixture(scope="session")
def synthetic_market() -> Market:
    return generate(synthesis_at(EVENING.date(), seed=7, symbols=120))


@pytest.fixture
def simulator(synthetic_market: Market) -> Simulator:
    return Simulator(synthetic_market, Clock(EVENING), seed=7)
