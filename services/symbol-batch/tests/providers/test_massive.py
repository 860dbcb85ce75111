"""The bulk provider against example answers of its documentation, the simulator, and everything that can go wrong."""

import asyncio
import json
from datetime import UTC, date, datetime

import numpy as np
import pytest

from riskstream.runtime.clock import Clock
from symbol_batch.providers.http_session import NotSent, RequestHook
from symbol_batch.providers.massive import MassiveProvider
from symbol_batch.providers.massive_days import massive_ticker
from symbol_batch.providers.provider import NotOffered, Outcome

DAY = date(2020, 10, 14)
CLOCK = Clock(datetime(2025, 8, 12, 1, tzinfo=UTC))

# massive.com/docs/rest/stocks/aggregates/daily-market-summary, example answer. It shows adjusted prices; its
# `request_id` is a piece of a schema there. The documentation's are the keys and the kinds of values.
GROUPED = """{"adjusted": true, "queryCount": 3, "request_id": "6a7e466379af0a71039d60cc78e72282", "results": [
 {"T": "KIMpL", "c": 25.9102, "h": 26.25, "l": 25.91, "n": 74, "o": 26.07, "t": 1602705600000, "v": 4369,
  "vw": 26.0407},
 {"T": "TANH", "c": 23.4, "h": 24.763, "l": 22.65, "n": 1096, "o": 24.5, "t": 1602705600000, "v": 25933.6,
  "vw": 23.493},
 {"T": "VSAT", "c": 34.24, "h": 35.47, "l": 34.21, "n": 4966, "o": 34.9, "t": 1602705600000, "v": 312583,
  "vw": 34.4736}], "resultsCount": 3, "status": "OK"}"""

# massive.com/docs/rest/stocks/corporate-actions/dividends, example answer
DIVIDENDS = """{"request_id": 1, "results": [{"cash_amount": 0.26, "currency": "USD", "declaration_date": "2025-07-31",
 "distribution_type": "recurring", "ex_dividend_date": "2025-08-11", "frequency": 4,
 "historical_adjustment_factor": 0.997899, "id": "Ed2c9da60abda1e3f0e99a43f6465863c137b671e1f5cd3f833d1fcb4f4eb27fe",
 "pay_date": "2025-08-14", "record_date": "2025-08-11", "split_adjusted_cash_amount": 0.26, "ticker": "AAPL"}],
 "status": "OK"}"""

# massive.com/docs/rest/stocks/aggregates/custom-bars, example answer
CUSTOM = """{"adjusted": true, "queryCount": 2, "request_id": "6a7e466379af0a71039d60cc78e72282", "results": [
 {"c": 75.0875, "h": 75.15, "l": 73.7975, "n": 1, "o": 74.06, "t": 1577941200000, "v": 135647456, "vw": 74.6099},
 {"c": 74.3575, "h": 75.145, "l": 74.125, "n": 1, "o": 74.2875, "t": 1578027600000, "v": 146535512, "vw": 74.7026}],
 "resultsCount": 2, "status": "OK", "ticker": "AAPL"}"""

NOTHING = '{"status": "OK", "request_id": "x", "results": []}'
AGGREGATES, SPLITS, DIVIDENDS_PATH = "/v2/aggs/", "/stocks/v1/splits", "/stocks/v1/dividends"


def split(ticker: str, day: str, before: float, after: float, kind: str = "forward_split") -> dict[str, object]:
    return {"ticker": ticker, "execution_date": day, "split_from": before, "split_to": after, "adjustment_type": kind}


def dividend(ticker: str, day: str, amount: float | None, currency: str = "USD", kind: str = "recurring") -> dict:
    return {
        "ticker": ticker,
        "ex_dividend_date": day,
        "cash_amount": amount,
        "currency": currency,
        "distribution_type": kind,
    }


def page(*rows: dict[str, object], **more: object) -> str:
    return json.dumps({"status": "OK", "results": rows, **more})


@pytest.fixture
async def massive(canned, deadline):
    """Asks a server that says what the documentation shows, and that nothing went ex."""
    canned.say(GROUPED, path=AGGREGATES)
    canned.say(NOTHING, path=SPLITS)
    canned.say(NOTHING, path=DIVIDENDS_PATH)
    provider = MassiveProvider("secret", CLOCK, base=canned.url, deadline=deadline)
    yield provider
    await provider.aclose()


@pytest.fixture
async def market_day(exchange, clock):
    """Asks the simulator, as of 2025-07-09."""
    provider = MassiveProvider("any", clock, base=exchange.url, deadline=20.0)
    yield provider
    await provider.aclose()


async def test_a_documented_grouped_day_gives_bars_as_traded(massive) -> None:
    preferred, listed = await massive.session_bars(["KIM-PL", "VSAT"], [DAY])
    assert (preferred.outcome, listed.outcome) == (Outcome.OK, Outcome.OK)
    bars = preferred.bars
    assert bars.basis == "as_traded"
    assert bars.days.tolist() == [DAY]
    assert [bars.open[0], bars.high[0], bars.low[0], bars.close[0], bars.volume[0]] == [
        26.07,
        26.25,
        25.91,
        25.9102,
        4369,
    ]
    assert listed.bars.close.tolist() == [34.24]
    assert listed.source == "massive"


async def test_documented_aggregates_are_the_history_of_a_symbol(massive, canned) -> None:
    canned.say(CUSTOM, path=AGGREGATES)
    answer = await massive.history("AAPL", date(2020, 1, 2))
    assert answer.bars.days.tolist() == [date(2020, 1, 2), date(2020, 1, 3)]
    assert answer.bars.close.tolist() == [75.0875, 74.3575]
    assert any(
        path.startswith("/v2/aggs/ticker/AAPL/range/1/day/2020-01-02/2025-08-11?adjusted=false")
        for path, _ in canned.asked
    )


async def test_a_documented_dividend_is_read_as_declared(massive, canned) -> None:
    canned.say(DIVIDENDS, path=DIVIDENDS_PATH)
    answer = await massive.actions("AAPL", date(2025, 8, 1))
    assert answer.outcome is Outcome.OK
    assert answer.actions.dividends == ((date(2025, 8, 11), 0.26),)
    assert answer.actions.ratios == ()


async def test_the_key_travels_in_a_header_and_prices_are_asked_for_unadjusted(massive, canned) -> None:
    await massive.session_bars(["VSAT"], [DAY])
    path, headers = next(asked for asked in canned.asked if AGGREGATES in asked[0])
    assert path == f"/v2/aggs/grouped/locale/us/market/stocks/{DAY}?adjusted=false"
    assert {name.lower(): value for name, value in headers.items()}["authorization"] == "Bearer secret"
    assert not any("secret" in path for path, _ in canned.asked)


async def test_splits_and_distributions_are_ratios_and_the_days_dividends_add_up(massive, canned) -> None:
    canned.say(page(split("VSAT", "2020-10-14", 1, 4), split("VSAT", "2020-10-14", 1, 4)), path=SPLITS)
    canned.say(
        page(
            dividend("VSAT", "2020-10-14", 0.5),
            dividend("VSAT", "2020-10-14", 0.5),
            dividend("VSAT", "2020-10-14", 2.0, kind="special"),
        ),
        path=DIVIDENDS_PATH,
    )
    (answer,) = await massive.session_bars(["VSAT"], [DAY])
    assert answer.bars.ratios == ((DAY, 4.0),), "a row that is there twice is one split"
    assert answer.bars.dividends == ((DAY, 2.5),), "a row that is there twice is one dividend"


@pytest.mark.parametrize(("amount", "currency"), [(0.3, "EUR"), (None, "USD"), (-1.0, "USD")])
async def test_a_dividend_that_cannot_be_used_is_left_out_and_said(massive, canned, amount, currency) -> None:
    canned.say(page(dividend("VSAT", "2020-10-14", amount, currency)), path=DIVIDENDS_PATH)
    (answer,) = await massive.session_bars(["VSAT"], [DAY])
    assert (answer.outcome, answer.bars.dividends) == (Outcome.OK, ())
    assert "left out a dividend" in answer.detail
    assert currency in answer.detail


async def test_pages_are_followed_on_our_own_address_whatever_host_they_name(massive, canned) -> None:
    canned.say(
        page(split("AAA", "2025-08-01", 1, 2), next_url="https://elsewhere.example/stocks/v1/next?cursor=2"),
        path=SPLITS,
    )
    canned.say(page(split("AAA", "2025-08-05", 3, 2)), path="/stocks/v1/next?cursor=2")
    answer = await massive.actions("AAA", date(2025, 8, 1))
    assert answer.actions.ratios == ((date(2025, 8, 1), 2.0), (date(2025, 8, 5), pytest.approx(2 / 3)))


async def test_pages_that_lead_round_in_a_circle_end(massive, canned) -> None:
    canned.say(page(split("AAA", "2025-08-01", 1, 2), next_url=f"{canned.url}/stocks/v1/splits?cursor=1"), path=SPLITS)
    answer = await massive.actions("AAA", date(2025, 8, 1))
    assert answer.outcome is Outcome.BAD_DATA
    assert "leads nowhere" in answer.detail


async def test_what_did_not_trade_is_stale_and_never_unknown(massive) -> None:
    (answer,) = await massive.session_bars(["NOSUCH"], [DAY])
    assert answer.outcome is Outcome.STALE
    assert str(DAY) in answer.detail


async def test_a_day_that_is_not_published_yet_is_stale_with_the_days_before(massive, canned) -> None:
    later = date(2020, 10, 15)
    canned.say('{"status": "OK", "queryCount": 0, "resultsCount": 0, "adjusted": false}', path=f"stocks/{later}")
    canned.said = {f"stocks/{later}": canned.said[f"stocks/{later}"], **canned.said}
    (answer,) = await massive.session_bars(["VSAT"], [DAY, later])
    assert answer.outcome is Outcome.STALE
    assert answer.bars.days.tolist() == [DAY]
    assert "its last bar is of 2020-10-14" in answer.detail


@pytest.mark.parametrize(
    ("how", "outcome", "says"),
    [
        ({"body": '{"status":"ERROR","error":"You\'ve exceeded"}', "status": 429}, Outcome.RATE_LIMITED, "429"),
        ({"body": "", "status": 429}, Outcome.RATE_LIMITED, "429"),
        (
            {"body": '{"status":"ERROR","error":"Unknown API Key"}', "status": 401},
            Outcome.TRANSPORT,
            "RISKSTREAM_MASSIVE_KEY",
        ),
        (
            {"body": '{"status":"NOT_AUTHORIZED","message":"You are not entitled to this data."}', "status": 403},
            Outcome.TRANSPORT,
            "not entitled",
        ),
        ({"body": "<html>502 Bad Gateway</html>", "status": 502}, Outcome.TRANSPORT, "page instead of JSON"),
        ({"body": "<html>login</html>"}, Outcome.TRANSPORT, "page instead of JSON"),
        ({"body": "", "status": 503}, Outcome.TRANSPORT, "an empty body"),
        ({"body": ""}, Outcome.TRANSPORT, "an empty body"),
        ({"body": '{"status":"ERROR","error":"upstream"}'}, Outcome.TRANSPORT, "upstream"),
        ({"body": GROUPED[:200]}, Outcome.TRANSPORT, "broke off"),
        ({"body": GROUPED, "manner": "cut"}, Outcome.TRANSPORT, "no answer"),
        ({"manner": "reset"}, Outcome.TRANSPORT, "no answer"),
        ({"manner": "hang"}, Outcome.TRANSPORT, "no answer"),
        ({"body": GROUPED, "manner": "drip"}, Outcome.TRANSPORT, "no answer"),
        ({"manner": "endless"}, Outcome.TRANSPORT, "no answer"),
        ({"body": GROUPED.replace('"resultsCount": 3', '"resultsCount": 4')}, Outcome.TRANSPORT, "names 4 results"),
        ({"body": '{"status":"OK","results":{"c":1}}'}, Outcome.BAD_DATA, "no list"),
        ({"body": '{"status":"OK","results":[],"next_url":7}'}, Outcome.BAD_DATA, "next_url"),
        ({"body": GROUPED.replace("1602705600000", "1602619200000")}, Outcome.BAD_DATA, "not of that day"),
        ({"body": GROUPED.replace("34.24", '"34.24"')}, Outcome.BAD_DATA, "c is '34.24'"),
        ({"body": GROUPED.replace('"T": "VSAT", ', "")}, Outcome.BAD_DATA, "not of that day"),
    ],
)
async def test_every_kind_of_answer_has_its_outcome(massive, canned, how, outcome, says) -> None:
    canned.say(path=AGGREGATES, **how)
    answers = await massive.session_bars(["VSAT", "TANH"], [DAY])
    assert [answer.outcome for answer in answers] == [outcome] * 2
    assert all(says in answer.detail and answer.bars is None for answer in answers), answers


@pytest.mark.parametrize(
    "row", [split("VSAT", "2020-10-14", 0, 2), split("VSAT", "2020-10-14", 1, 0), split("VSAT", "soon", 1, 2)]
)
async def test_a_split_that_cannot_be_read_spoils_the_answer(massive, canned, row) -> None:
    canned.say(page(row), path=SPLITS)
    (answer,) = await massive.session_bars(["TANH"], [DAY])
    assert answer.outcome is Outcome.BAD_DATA


async def test_a_close_that_is_null_is_no_bar(massive, canned) -> None:
    canned.say(GROUPED.replace("34.24", "null"), path=AGGREGATES)
    gone, there = await massive.session_bars(["VSAT", "TANH"], [DAY])
    assert (gone.outcome, there.outcome) == (Outcome.STALE, Outcome.OK)


async def test_a_ticker_that_is_there_twice_is_bad_data_for_it_alone(massive, canned) -> None:
    doubled = json.loads(GROUPED)
    doubled["results"].append({**doubled["results"][2], "c": 31.0})
    doubled["resultsCount"] = 4
    canned.say(json.dumps(doubled), path=AGGREGATES)
    twice, once = await massive.session_bars(["VSAT", "TANH"], [DAY])
    assert (twice.outcome, once.outcome) == (Outcome.BAD_DATA, Outcome.OK)
    assert "twice" in twice.detail


async def test_chunks_of_one_night_share_the_answers(market_day, exchange) -> None:
    sessions = [date(2025, 7, day) for day in (7, 8, 9)]
    chunks = [exchange.symbols[begin : begin + 5] for begin in range(0, 30, 5)]
    answers = [one for chunk in chunks for one in await market_day.session_bars(chunk, sessions)]
    assert all(answer.outcome is Outcome.OK for answer in answers)
    await asyncio.gather(*(market_day.session_bars(chunk, sessions) for chunk in chunks))
    asked = exchange.simulator.ledger.report()["endpoints"]
    assert asked == {"grouped": 3, "splits": 1, "dividends": 1}


async def test_a_failure_is_not_kept_for_long(massive, canned, monkeypatch) -> None:
    monkeypatch.setattr("symbol_batch.providers.massive.FAILURE_KEPT_SECONDS", 0.0)
    canned.say("", path=AGGREGATES, status=500)
    assert (await massive.session_bars(["VSAT"], [DAY]))[0].outcome is Outcome.TRANSPORT
    canned.say(GROUPED, path=AGGREGATES)
    assert (await massive.session_bars(["VSAT"], [DAY]))[0].outcome is Outcome.OK


async def test_a_day_that_was_not_there_yet_is_asked_for_again_soon(massive, canned, monkeypatch) -> None:
    monkeypatch.setattr("symbol_batch.providers.massive.FAILURE_KEPT_SECONDS", 0.0)
    canned.say(NOTHING, path=AGGREGATES)
    assert (await massive.session_bars(["VSAT"], [DAY]))[0].outcome is Outcome.STALE
    canned.say(GROUPED, path=AGGREGATES)
    assert (await massive.session_bars(["VSAT"], [DAY]))[0].outcome is Outcome.OK
    canned.say(NOTHING, path=AGGREGATES)
    assert (await massive.session_bars(["VSAT"], [DAY]))[0].outcome is Outcome.OK, "a day that is there is kept"


async def test_it_gives_the_prices_that_were_traded_and_the_dividends_that_were_declared(
    market_day, exchange, market
) -> None:
    series = next(
        one
        for one in market.series.values()
        if one.dividends and any(split.session > one.dividends[0].session for split in one.splits)
    )
    first = market.sessions.day(int(series.session[0]))
    answer = await market_day.history(series.listing.symbol, first)
    later = np.array([np.prod([s.ratio for s in series.splits if s.session > day]) for day in series.session])
    bars, known = answer.bars, len(answer.bars.days)
    np.testing.assert_allclose(bars.close, (series.close * later)[:known], rtol=1e-12)
    paid = series.dividends[0]
    declared = paid.amount * np.prod([s.ratio for s in series.splits if s.session >= paid.session])
    assert bars.dividends[0] == (market.sessions.day(paid.session), pytest.approx(declared, rel=1e-12))


async def test_a_hook_sees_every_request_and_can_forbid_it(canned) -> None:
    canned.say(GROUPED, path=AGGREGATES)
    canned.say(NOTHING, path="/stocks/v1/")

    class Hook(RequestHook):
        def __init__(self) -> None:
            self.seen, self.forbids = [], False

        def before_request(self) -> None:
            if self.forbids:
                raise NotSent("paused until 21:05")

        def after_response(self, status: int | None, headers: object) -> None:
            self.seen.append(status)

    hook = Hook()
    provider = MassiveProvider("k", CLOCK, base=canned.url, hook=hook)
    try:
        assert (await provider.session_bars(["VSAT"], [DAY]))[0].outcome is Outcome.OK
        assert hook.seen == [200, 200, 200]
        hook.forbids = True
        answer = await provider.history("VSAT", DAY)
        assert (answer.outcome, answer.detail) == (Outcome.RATE_LIMITED, "paused until 21:05")
        assert hook.seen == [200, 200, 200]
    finally:
        await provider.aclose()


def test_without_a_key_it_is_not_made_and_says_what_to_set() -> None:
    with pytest.raises(ValueError, match="RISKSTREAM_MASSIVE_KEY"):
        MassiveProvider("", CLOCK)


async def test_what_it_does_not_offer_is_a_mistake_to_ask(massive) -> None:
    with pytest.raises(NotOffered, match="massive does not offer profile"):
        await massive.profile("VSAT")


@pytest.mark.parametrize(
    ("symbol", "ticker"), [("BRK-B", "BRK.B"), ("KIM-PL", "KIMpL"), ("AAPL", "AAPL"), ("BF-A", "BF.A")]
)
def test_symbols_are_spelled_as_massive_does(symbol: str, ticker: str) -> None:
    assert massive_ticker(symbol) == ticker
