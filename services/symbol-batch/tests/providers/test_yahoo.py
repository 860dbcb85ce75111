"""What the real client's answers are taken for."""

import asyncio
import json
import threading
import time
from datetime import date

import numpy as np
import pytest

from symbol_batch.providers.http_session import NotSent, RequestHook
from symbol_batch.providers.provider import Outcome
from symbol_batch.providers.yahoo import YahooProvider

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

START = date(2025, 6, 2)


@pytest.fixture
async def yahoo(exchange):
    provider = YahooProvider(base=exchange.url, deadline=20.0)
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


async def test_a_provider_that_hangs_ends_at_the_deadline(exchange) -> None:
    exchange.fault(kind="hang", milliseconds=20_000)
    provider = YahooProvider(base=exchange.url, deadline=1.0)
    began = time.monotonic()
    answer = await provider.history("SPY", START)
    assert answer.outcome is Outcome.TRANSPORT
    assert "no answer" in answer.detail
    assert time.monotonic() - began < 15.0
    await provider.aclose()


async def test_a_bad_answer_is_not_remembered(yahoo, exchange) -> None:
    for fault in ("html", "unknown"):
        exchange.fault(kind=fault, symbols=["SPY"])
        assert (await yahoo.history("SPY", START)).outcome is not Outcome.OK
        exchange.heal()
        assert (await yahoo.history("SPY", START)).outcome is Outcome.OK


async def test_nobody_listening_is_no_answer() -> None:
    provider = YahooProvider(base="http://127.0.0.1:9", deadline=20.0)
    try:
        answer = await provider.history("SPY", START)
    finally:
        await provider.aclose()
    assert answer.outcome is Outcome.TRANSPORT


@pytest.mark.parametrize("concurrency", [0, 11])
def test_more_than_ten_in_flight_cannot_be_asked_for(concurrency: int) -> None:
    with pytest.raises(ValueError, match="1 to 10"):
        YahooProvider(concurrency=concurrency)


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


def answered(**meta: object) -> str:
    return json.dumps(chart(**meta))


def with_rows(*rows: tuple[int, float | None]) -> str:
    """A chart of (second, close) rows."""
    made = chart()
    result = made["chart"]["result"][0]  # type: ignore[index]
    result["timestamp"] = [second for second, _ in rows]
    closes = [close for _, close in rows]
    result["indicators"] = {
        "quote": [dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": [7] * len(rows)}],
        "adjclose": [{"adjclose": closes}],
    }
    return json.dumps(made)


@pytest.fixture
async def asks(canned, deadline):
    """Asks the canned server for X."""
    provider = YahooProvider(base=canned.url, deadline=deadline)

    async def history():
        return await provider.history("X", START)

    yield history
    await provider.aclose()


@pytest.mark.parametrize(
    ("how", "outcome", "says"),
    [
        ({"body": answered()}, Outcome.OK, None),
        ({"body": answered(currency="EUR")}, Outcome.BAD_DATA, "priced in EUR; only USD is used"),
        ({"body": answered(currency=None)}, Outcome.BAD_DATA, "priced in None"),
        ({"body": answered()[:-40]}, Outcome.TRANSPORT, "broke off"),
        ({"body": answered()[: len(answered()) // 2]}, Outcome.TRANSPORT, "broke off"),
        ({"body": answered(), "manner": "cut"}, Outcome.TRANSPORT, "no answer"),
        ({"manner": "endless"}, Outcome.TRANSPORT, "no answer"),
        ({"body": answered(), "manner": "drip"}, Outcome.TRANSPORT, "no answer within"),
        ({"manner": "hang"}, Outcome.TRANSPORT, "no answer within"),
        ({"manner": "reset"}, Outcome.TRANSPORT, "no answer"),
        ({"body": json.dumps(without_bars())}, Outcome.STALE, "no bar"),
        ({"body": '{"chart": {"result": null, "error": null}}'}, Outcome.STALE, "no bar"),
        ({"body": '{"chart": {"result": [], "error": null}}'}, Outcome.STALE, "no bar"),
        ({"body": "{}"}, Outcome.BAD_DATA, "cannot be read"),
        ({"body": json.dumps(NO_DATA), "status": 400}, Outcome.STALE, "HTTP 400: Data doesn't exist for startDate"),
        (
            {"body": '{"chart": {"result": [{"meta": {}, "indicators": {"quote": [{"a": 1}]}}]}}'},
            Outcome.BAD_DATA,
            "cannot be read",
        ),
        ({"body": "[1, 2]"}, Outcome.BAD_DATA, "cannot be read"),
        ({"body": ""}, Outcome.TRANSPORT, "an empty body"),
        ({"body": "<html>a proxy's page</html>", "status": 404}, Outcome.TRANSPORT, "page instead of JSON"),
        ({"body": "<html>consent</html>", "content_type": "text/html"}, Outcome.TRANSPORT, "page instead of JSON"),
        ({"body": '{"error": "down"}', "status": 503}, Outcome.TRANSPORT, "HTTP 503"),
        ({"body": "Edge: Too Many Requests", "status": 429}, Outcome.RATE_LIMITED, "429"),
        ({"body": "Will be right back"}, Outcome.TRANSPORT, "page instead of JSON"),
        ({"body": with_rows((1751895000, None))}, Outcome.STALE, "no bar"),
    ],
)
async def test_every_kind_of_answer_has_its_outcome(canned, asks, how, outcome, says) -> None:
    canned.say(**how)
    began = time.monotonic()
    answer = await asks()
    assert (answer.outcome, says is None or says in answer.detail) == (outcome, True), answer
    assert (answer.bars is not None) is (outcome is Outcome.OK)
    assert "delisted" not in (answer.detail or "")
    assert time.monotonic() - began < 15.0


async def test_one_refusal_is_one_request(canned, asks) -> None:
    """The client would throw its cookie away, take another, and ask again."""
    for status in (429, 404, 500):
        canned.asked.clear()
        canned.say('{"chart": {"result": null, "error": {"code": "x", "description": "y"}}}', status=status)
        await asks()
        assert len(canned.asked) == 1, canned.asked


async def test_a_chart_needs_neither_cookie_nor_crumb_and_waits_for_neither(canned) -> None:
    canned.say(answered())
    for path in ("getcrumb", "consent", "/?"):
        canned.say(path=path, manner="hang")
    provider = YahooProvider(base=canned.url, deadline=25.0)
    try:
        answers = await asyncio.wait_for(asyncio.gather(*(provider.history("X", START) for _ in range(10))), 20.0)
    finally:
        await provider.aclose()
    assert [answer.outcome for answer in answers] == [Outcome.OK] * 10
    assert all("/finance/chart/" in path for path, _ in canned.asked)


async def test_two_bars_of_one_day_both_come_when_they_differ(canned, asks) -> None:
    noon = 1751895000
    canned.say(with_rows((noon, 10.0), (noon + 60, 1000.0), (noon + 86_400, 11.0)))
    assert (await asks()).bars.days.tolist() == [date(2025, 7, 7), date(2025, 7, 7), date(2025, 7, 8)]
    canned.say(with_rows((noon, 10.0), (noon + 86_400, 11.0), (noon + 90_000, 11.0)))
    assert (await asks()).bars.days.tolist() == [date(2025, 7, 7), date(2025, 7, 8)]


@pytest.mark.parametrize(
    ("second", "day"),
    [
        (1741354200, date(2025, 3, 7)),  # 09:30 EST, the last session before clocks go forward
        (1741613400, date(2025, 3, 10)),  # 09:30 EDT, the first after
        (1761917400, date(2025, 10, 31)),  # 09:30 EDT
        (1762180200, date(2025, 11, 3)),  # 09:30 EST
        (1764340200, date(2025, 11, 28)),  # the half-day after Thanksgiving
    ],
)
async def test_a_bar_has_its_new_york_date_on_both_sides_of_a_clock_change(canned, asks, second, day) -> None:
    canned.say(with_rows((second, 10.0)))
    assert (await asks()).bars.days.tolist() == [day]


async def test_a_symbol_listed_yesterday_has_one_bar(canned, asks) -> None:
    canned.say(with_rows((1751981400, 24.0)))
    answer = await asks()
    assert (answer.outcome, answer.bars.close.tolist()) == (Outcome.OK, [24.0])


async def test_a_gap_where_the_exchange_was_closed_without_notice_stays_a_gap(canned, asks) -> None:
    canned.say(with_rows((1736346600, 10.0), (1736519400, 11.0)))
    assert (await asks()).bars.days.tolist() == [date(2025, 1, 8), date(2025, 1, 10)]


async def test_the_session_without_a_close_is_stale_and_the_days_before_come_along(canned) -> None:
    canned.say(with_rows((1751895000, 10.0), (1751981400, None)))
    provider = YahooProvider(base=canned.url, deadline=20.0)
    try:
        (answer,) = await provider.session_bars(["X"], [date(2025, 7, 7), date(2025, 7, 8)])
        assert answer.outcome is Outcome.STALE
        assert answer.detail == "no bar of 2025-07-08; its last bar is of 2025-07-07"
        assert answer.bars.close[0] == 10.0
    finally:
        await provider.aclose()


async def test_a_share_class_is_asked_for_in_the_dash_form(canned) -> None:
    canned.say(answered())
    provider = YahooProvider(base=canned.url, deadline=20.0)
    try:
        await provider.history("BRK-B", START)
    finally:
        await provider.aclose()
    assert "/v8/finance/chart/BRK-B?" in canned.asked[-1][0]


async def test_closing_does_not_wait_for_a_server_that_hangs(canned, monkeypatch) -> None:
    monkeypatch.setattr("symbol_batch.providers.worker_pool.SHUTDOWN_SECONDS", 0.2)
    canned.say(manner="hang")
    provider = YahooProvider(base=canned.url, deadline=30.0, concurrency=2)
    waiting = [asyncio.create_task(provider.history("X", START)) for _ in range(5)]
    await asyncio.sleep(0.3)
    began = time.monotonic()
    await provider.aclose()
    assert time.monotonic() - began < 15.0
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


class Hook(RequestHook):
    """Counts; holds requests back for a while, or forbids them."""

    def __init__(self, seconds: float = 0.0, error: Exception | None = None) -> None:
        self.seconds, self.error, self.seen = seconds, error, []  # type: ignore[var-annotated]

    def before_request(self) -> None:
        if self.error:
            raise self.error
        time.sleep(self.seconds)

    def after_response(self, status: int | None, headers: object) -> None:
        self.seen.append(status)


async def test_a_hook_sees_each_request_and_what_came_of_it(canned) -> None:
    hook = Hook()
    provider = YahooProvider(base=canned.url, deadline=20.0, hook=hook)
    try:
        for how in ({"body": answered()}, {"status": 429}, {"manner": "reset"}):
            canned.say(**how)
            await provider.history("X", START)
    finally:
        await provider.aclose()
    assert hook.seen == [200, 429, None]


async def test_closing_wakes_who_waits_for_its_turn(canned) -> None:
    class Gate(RequestHook):
        def __init__(self) -> None:
            self.opened = threading.Event()

        def before_request(self) -> None:
            assert self.opened.wait(20)

        def closing(self) -> None:
            self.opened.set()

    provider = YahooProvider(base=canned.url, deadline=20.0, hook=Gate())
    waiting = asyncio.create_task(provider.history("X", START))
    await asyncio.sleep(0.2)
    await provider.aclose()
    answer = await asyncio.wait_for(waiting, 10.0)
    assert (answer.outcome, answer.detail) == (Outcome.TRANSPORT, "not sent: shutting down")
    assert canned.asked == []


async def test_waiting_for_its_turn_takes_nothing_from_a_symbols_time(canned) -> None:
    canned.say(answered())
    provider = YahooProvider(base=canned.url, deadline=0.8, hook=Hook(seconds=1.6))
    try:
        assert (await provider.history("X", START)).outcome is Outcome.OK
    finally:
        await provider.aclose()


async def test_a_request_that_may_not_be_sent_is_a_refusal_with_its_reason(canned) -> None:
    hook = Hook(error=NotSent("paused until 21:05: it answered 429"))
    provider = YahooProvider(base=canned.url, deadline=20.0, hook=hook)
    try:
        answer = await provider.history("X", START)
    finally:
        await provider.aclose()
    assert (answer.outcome, answer.detail) == (Outcome.RATE_LIMITED, "paused until 21:05: it answered 429")
    assert canned.asked == []


async def test_actions_are_asked_for_without_their_bars(yahoo, exchange, market) -> None:
    paying = next(symbol for symbol in exchange.symbols if market.series[symbol].dividends)
    bars = (await yahoo.history(paying, date(2025, 1, 2))).bars
    answer = await yahoo.actions(paying, date(2025, 1, 2))
    assert (answer.actions.dividends, answer.actions.ratios) == (bars.dividends, bars.ratios)
    assert answer.actions.basis == "split_adjusted"


@pytest.mark.parametrize("fault", ["truncate", "endless"])
async def test_the_simulators_broken_answers_are_outages(yahoo, exchange, fault) -> None:
    exchange.fault(kind=fault, symbols=["SPY"])
    answers = await yahoo.session_bars(["SPY", "TLT"], [date(2025, 7, 8), date(2025, 7, 9)])
    assert [answer.outcome for answer in answers] == [Outcome.TRANSPORT, Outcome.OK]


async def test_a_body_that_never_ends_is_cut_off_by_its_size_long_before_its_time(canned) -> None:
    canned.say(manner="endless")
    provider = YahooProvider(base=canned.url, deadline=60.0)
    try:
        answer = await asyncio.wait_for(provider.history("X", START), 10.0)
    finally:
        await provider.aclose()
    assert answer.outcome is Outcome.TRANSPORT
    assert answer.detail.startswith("no answer (RequestException: Failed to perform, curl: (63) Exceeded")
    assert answer.detail.endswith("bytes.)")
