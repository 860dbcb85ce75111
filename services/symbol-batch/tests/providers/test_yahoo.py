"""What the real client's answers are taken for."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import yfinance.data

from symbol_batch.providers.provider import Outcome
from symbol_batch.providers.yahoo import YahooProvider

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

START = date(2025, 6, 2)


@pytest.fixture
async def yahoo(exchange):
    provider = YahooProvider(base=exchange.url, deadline=1.0)
    yield provider
    await provider.aclose()


async def test_bars_come_as_the_provider_adjusted_them_with_their_actions(yahoo, exchange, market) -> None:
    paying = next(symbol for symbol in exchange.symbols if market.series[symbol].dividends)
    answer = await yahoo.history(paying, date(2025, 1, 2))
    assert answer.outcome is Outcome.OK
    bars = answer.bars
    assert bars is not None
    assert bars.days[0] == np.datetime64("2025-01-02")
    assert bars.days[-1] == np.datetime64("2025-07-09")
    assert np.all(np.diff(bars.days.astype(int)) > 0)
    assert np.all(bars.high >= bars.low)
    assert bars.dividends
    assert all(isinstance(day, date) and amount > 0 for day, amount in bars.dividends)


@pytest.mark.parametrize(
    ("fault", "outcome", "says"),
    [
        ("refuse", Outcome.RATE_LIMITED, "429"),
        ("html", Outcome.TRANSPORT, "page instead of JSON"),
        ("error", Outcome.TRANSPORT, "500"),
        ("unknown", Outcome.NOT_FOUND, "404"),
    ],
)
async def test_each_refusal_has_its_own_outcome_and_says_why(yahoo, exchange, fault, outcome, says) -> None:
    exchange.fault(kind=fault, symbols=["SPY"])
    answer = await yahoo.history("SPY", START)
    assert answer.outcome is outcome
    assert says in answer.detail
    assert answer.bars is None
    assert (await yahoo.history("TLT", START)).outcome is Outcome.OK


async def test_a_provider_that_hangs_ends_at_the_deadline(yahoo, exchange) -> None:
    exchange.fault(kind="hang", milliseconds=3000)
    began = time.monotonic()
    answer = await yahoo.history("SPY", START)
    assert answer.outcome is Outcome.TRANSPORT
    assert "no answer" in answer.detail
    assert time.monotonic() - began < 2.0


async def test_a_bad_answer_is_not_remembered(yahoo, exchange) -> None:
    for fault in ("html", "unknown"):
        exchange.fault(kind=fault, symbols=["SPY"])
        assert (await yahoo.history("SPY", START)).outcome is not Outcome.OK
        exchange.heal()
        assert (await yahoo.history("SPY", START)).outcome is Outcome.OK


async def test_nobody_listening_is_no_answer() -> None:
    provider = YahooProvider(base="http://127.0.0.1:9", deadline=1.0)
    try:
        answer = await provider.history("SPY", START)
    finally:
        await provider.aclose()
    assert answer.outcome is Outcome.TRANSPORT


@pytest.mark.parametrize("concurrency", [0, 11])
def test_more_than_ten_in_flight_cannot_be_asked_for(concurrency: int) -> None:
    with pytest.raises(ValueError, match="1 to 10"):
        YahooProvider(concurrency=concurrency)


class Canned:
    """A chart service that says one thing."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        canned = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                chart = "/finance/chart/" in self.path
                self.send_response(canned.status if chart else 200)
                self.end_headers()
                self.wfile.write(canned.body if chart else b"crumb")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def canned() -> Iterator[Canned]:
    yfinance.data.SingletonMeta._instances.clear()
    server = Canned()
    yield server
    server.close()


def chart(**meta: object) -> dict[str, object]:
    return {
        "chart": {
            "error": None,
            "result": [
                {
                    "meta": {
                        "currency": "USD",
                        "symbol": "X",
                        "instrumentType": "EQUITY",
                        "exchangeTimezoneName": "America/New_York",
                        "validRanges": ["1d"],
                        **meta,
                    },
                    "timestamp": [1751895000],
                    "indicators": {
                        "quote": [{"open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0], "volume": [1]}],
                        "adjclose": [{"adjclose": [1.0]}],
                    },
                }
            ],
        }
    }


def without_bars() -> dict[str, object]:
    empty = chart()
    result = empty["chart"]["result"][0]  # type: ignore[index]
    del result["timestamp"]
    result["indicators"] = {"quote": [{}], "adjclose": [{}]}
    return empty


NO_DATA = {
    "chart": {
        "result": None,
        "error": {"code": "Bad Request", "description": "Data doesn't exist for startDate = 1, endDate = 2"},
    }
}


@pytest.mark.parametrize(
    ("status", "body", "outcome", "says"),
    [
        (200, json.dumps(chart()), Outcome.OK, None),
        (200, json.dumps(chart(currency="EUR")), Outcome.BAD_DATA, "EUR"),
        (200, json.dumps(chart())[:-40], Outcome.TRANSPORT, "broke off"),
        (200, json.dumps(without_bars()), Outcome.STALE, "no bar"),
        (400, json.dumps(NO_DATA), Outcome.STALE, "Data doesn't exist"),
        (200, '{"chart": {"result": [{"meta": {}, "indicators": {"quote": [{"a": 1}]}}]}}', Outcome.BAD_DATA, "read"),
        (404, "<html>a proxy's page</html>", Outcome.TRANSPORT, "page instead of JSON"),
        (503, '{"error": "down"}', Outcome.TRANSPORT, "503"),
        (429, "Edge: Too Many Requests", Outcome.RATE_LIMITED, "429"),
        (200, "Will be right back", Outcome.TRANSPORT, "page instead of JSON"),
    ],
)
async def test_every_kind_of_answer_has_its_outcome(canned: Canned, status, body, outcome, says) -> None:
    canned.status, canned.body = status, body.encode()
    provider = YahooProvider(base=canned.url, deadline=3.0)
    try:
        answer = await provider.history("X", START)
    finally:
        await provider.aclose()
    assert (answer.outcome, says is None or says in answer.detail) == (outcome, True), answer
