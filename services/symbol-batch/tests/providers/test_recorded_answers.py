"""Answers that Yahoo really gave, and its refusals: what each is taken for."""

import json
import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from symbol_batch.providers.provider import Outcome
from symbol_batch.providers.yahoo import YahooProvider

RECORDED = Path(__file__).parents[5] / "shared" / "data" / "yahoo"
START = date(2019, 12, 2)

if not RECORDED.is_dir() and "real-data" not in os.environ.get("RISKSTREAM_REQUIRE", ""):
    pytest.skip(f"no recorded answers at {RECORDED}", allow_module_level=True)


def recorded(name: str) -> str:
    """The body of a recorded answer."""
    response = json.loads((RECORDED / "chart" / f"{name}.json").read_text())["response"]
    return json.dumps(response["bodyJson"]) if "bodyJson" in response else str(response["body"])


@pytest.fixture
async def asks(canned):
    """Asks for the history of a symbol since START, or since a day."""
    provider = YahooProvider(base=canned.url, deadline=20.0)

    async def history(symbol: str, start: date = START):
        return await provider.history(symbol, start)

    yield history
    await provider.aclose()


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [
        ("OCDO.L", "GBp"),  # pence
        ("ORSTED.CO", "DKK"),
        ("AZT.OL", "NOK"),
        ("WSKT.JK", "IDR"),
        ("0P000071W8.TO", "CAD"),
    ],
)
async def test_a_listing_in_another_currency_is_refused_with_its_name(canned, asks, symbol, currency) -> None:
    canned.say(recorded(f"chart-{symbol}-2020-01-01-to-2020-01-03"))
    answer = await asks(symbol)
    assert (answer.outcome, answer.bars) == (Outcome.BAD_DATA, None)
    assert answer.detail == f"priced in {currency}; only USD is used"


@pytest.mark.parametrize("symbol", ["AAPL", "AMZN", "QQQ", "SPOT", "AFRAF", "BTC-USD", "GC=F", "EURUSD=X"])
async def test_what_is_priced_in_dollars_is_read_day_by_day(canned, asks, symbol) -> None:
    canned.say(recorded(f"chart-{symbol}-2020-01-01-to-2020-01-03"))
    answer = await asks(symbol)
    assert answer.outcome is Outcome.OK, answer
    assert len(answer.bars.days) == len(np.unique(answer.bars.days)) > 0
    assert all(date(2019, 12, 31) <= day <= date(2020, 1, 4) for day in answer.bars.days.tolist())


async def test_apples_recorded_week_has_its_prices_and_its_split(canned, asks) -> None:
    canned.say(recorded("chart-AAPL-2020-08-31-to-2020-11-07"))
    answer = await asks("AAPL", date(2020, 8, 31))
    assert answer.bars.days[0] == np.datetime64("2020-08-31")
    assert answer.bars.close[0] == pytest.approx(129.04, abs=0.005)
    assert answer.bars.dividends == ((date(2020, 11, 6), pytest.approx(0.205)),)
    assert answer.bars.ratios == ((date(2020, 8, 31), 4.0),)


async def test_a_split_and_dividends_of_a_year_are_all_there(canned, asks) -> None:
    canned.say(recorded("historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv"))
    answer = await asks("NVDA", date(2021, 2, 1))
    assert answer.bars.ratios == ((date(2021, 7, 20), 4.0),)
    assert len(answer.bars.days) == 252
    canned.say(recorded("historical-via-chart-MSFT-dividends-2021-02-01-to-2022-01-31.csv"))
    paid = (await asks("MSFT", date(2021, 2, 1))).bars.dividends
    assert [amount for _, amount in paid] == [0.56, 0.56, 0.56, 0.62]


@pytest.mark.parametrize("name", ["chart-notimestamp-quotes-length.fake", "chart-notimestamp-weird-quote.fake"])
async def test_bars_without_their_times_are_bad_data(canned, asks, name) -> None:
    canned.say(recorded(name))
    answer = await asks("AAPL")
    assert (answer.outcome, answer.bars) == (Outcome.BAD_DATA, None)
    assert "cannot be read (KeyError: 'timestamp')" in answer.detail


async def test_each_recorded_refusal_has_its_outcome_and_its_words(canned, asks) -> None:
    expected = {
        "unknown/delisted symbol on chart": (Outcome.NOT_FOUND, "HTTP 404: No data found, symbol may be delisted"),
        "quoteSummary without valid crumb": (Outcome.TRANSPORT, "HTTP 401: Invalid Crumb"),
        "rate limited at the edge": (Outcome.RATE_LIMITED, "the provider answered 429 Too Many Requests"),
        "rate limited, crumb endpoint": (Outcome.RATE_LIMITED, "the provider answered 429 Too Many Requests"),
        "quoteSummary module has no data": (Outcome.NOT_FOUND, "HTTP 404: No fundamentals data found"),
        "missing query parameter": (Outcome.TRANSPORT, "HTTP 400: Missing required query parameter=q"),
        "old v7 download, no data for range": (Outcome.TRANSPORT, "page instead of JSON: 400 Bad Request"),
    }
    errors = json.loads((RECORDED / "errors.json").read_text())
    assert {error["case"] for error in errors} == set(expected)
    for error in errors:
        body = error["body"] if isinstance(error["body"], str) else json.dumps(error["body"])
        canned.say(body, status=error["status"])
        answer = await asks("X")
        outcome, says = expected[error["case"]]
        assert answer.outcome is outcome, (error["case"], answer)
        assert says in answer.detail, (error["case"], answer)
