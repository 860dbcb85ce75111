import json
import os
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from market_simulator.as_of import history_as_of
from market_simulator.market import Dividend, Listing, Series, Split
from market_simulator.sessions import nyse_sessions
from market_simulator.yahoo.chart import chart, split_event
from market_simulator.yahoo.refusals import YahooError

SESSIONS = nyse_sessions(date(2024, 1, 2), date(2025, 6, 30))
COUNT = len(SESSIONS)
NOW = datetime.fromisoformat("2025-06-30T21:00:00-04:00")
RECORDED = Path(__file__).parents[4] / "shared/data/yahoo/chart/chart-AAPL-2020-08-31-to-2020-11-07.json"


def history(gaps: tuple[int, ...] = ()):
    session = np.setdiff1d(np.arange(COUNT), gaps)
    prices = 50.0 + session / 10
    return history_as_of(
        Series(
            listing=Listing("AAA", "Aaa Inc.", "EQUITY", "Energy", "Oil"),
            session=session,
            open=prices,
            high=prices + 1,
            low=prices - 1,
            close=prices,
            volume=np.full(len(session), 1000.0),
            dividend_adjustment=np.ones(len(session)),
            splits=(Split(100, 1.281), Split(200, 0.1)),
            dividends=(Dividend(150, 0.205),),
        ),
        COUNT - 1,
    )


def asked(**parameters: str):
    return chart(history(), SESSIONS, {"interval": "1d", **parameters}, NOW)["chart"]["result"][0]


def epoch(text: str) -> str:
    return str(int(datetime.fromisoformat(text).timestamp()))


def days(result) -> list[str]:
    return [datetime.fromtimestamp(second).astimezone(NOW.tzinfo).date().isoformat() for second in result["timestamp"]]


def test_period1_is_included_and_period2_is_not():
    result = asked(period1=epoch("2025-03-07T14:30:00+00:00"), period2=epoch("2025-03-12T13:30:00+00:00"))
    assert days(result) == ["2025-03-07", "2025-03-10", "2025-03-11"]


def test_timestamps_are_session_opens_on_both_sides_of_the_change_to_summer_time():
    result = asked(period1=epoch("2025-03-07T00:00:00-05:00"), period2=epoch("2025-03-11T00:00:00-04:00"))
    assert result["timestamp"].tolist() == [1741357800, 1741613400]


@pytest.mark.parametrize(
    ("asked_range", "first"),
    [("1d", "2025-06-30"), ("5d", "2025-06-24"), ("1mo", "2025-05-28"), ("1y", "2024-06-28"), ("ytd", "2025-01-02")],
)
def test_a_range_ends_with_the_last_bar(asked_range, first):
    result = asked(range=asked_range)
    assert (days(result)[0], days(result)[-1]) == (first, "2025-06-30")
    assert result["meta"]["range"] == asked_range


def test_the_range_max_is_everything():
    assert len(asked(range="max")["timestamp"]) == COUNT


def test_events_are_given_where_they_are_asked_for():
    assert set(asked(range="max", events="div,splits,capitalGains")["events"]) == {"dividends", "splits"}
    assert set(asked(range="max", events="div|split|earn")["events"]) == {"dividends", "splits"}
    assert set(asked(range="max", events="split")["events"]) == {"splits"}
    assert "events" not in asked(range="max")
    assert "events" not in asked(range="5d", events="div,splits")


def test_an_event_carries_the_opening_of_its_ex_day():
    opening = int(SESSIONS.opens[150])
    dividends = asked(range="max", events="div")["events"]["dividends"]
    assert dividends == {str(opening): {"amount": 0.205, "date": opening}}


@pytest.mark.parametrize(
    ("ratio", "written"),
    [
        (4.0, "4:1"),
        (1.5, "3:2"),
        (0.1, "1:10"),
        (1.281, "1281:1000"),
        (1.05, "21:20"),
        (0.333, "333:1000"),
        (50.0, "50:1"),
    ],
)
def test_a_split_is_written_as_yahoo_does_and_divides_back_exactly(ratio, written):
    event = split_event(ratio, 0)
    assert event["splitRatio"] == written
    assert event["numerator"] / event["denominator"] == ratio


def test_a_period_without_bars_has_no_timestamps():
    result = asked(period1=epoch("2025-06-28T00:00:00-04:00"), period2=epoch("2025-06-29T00:00:00-04:00"))
    assert "timestamp" not in result
    assert result["indicators"] == {"quote": [{}], "adjclose": [{}]}


def test_the_close_before_the_first_bar_is_in_the_meta():
    meta = asked(range="1d")["meta"]
    assert meta["chartPreviousClose"] == pytest.approx(meta["regularMarketPrice"] - 0.1)


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"interval": "1h"}, 422),
        ({"range": "3y"}, 422),
        ({"period1": "yesterday"}, 400),
        ({"period1": "0", "period2": "86400"}, 400),
    ],
    ids=["hourly bars", "odd range", "no number", "before the first trade"],
)
def test_what_yahoo_refuses_is_refused(parameters, status):
    with pytest.raises(YahooError) as refusal:
        asked(**parameters)
    assert refusal.value.status == status
    assert refusal.value.body["chart"]["result"] is None


def test_the_answer_has_the_shape_of_a_recorded_one():
    if not RECORDED.exists():
        if "real-data" in os.environ.get("RISKSTREAM_REQUIRE", ""):
            pytest.fail(f"real-data is required and {RECORDED.name} is absent")
        pytest.skip(f"{RECORDED.name} is absent: it comes with the recorded answers")
    theirs = json.loads(RECORDED.read_text())["response"]["bodyJson"]["chart"]["result"][0]
    ours = asked(period1="0", period2=epoch("2025-07-01T00:00:00+00:00"), events="div|split")
    assert set(ours) == set(theirs)
    assert set(theirs["meta"]) - set(ours["meta"]) == {"chartPreviousClose"}
    assert set(ours["indicators"]["quote"][0]) == set(theirs["indicators"]["quote"][0])
    for kind in ("dividends", "splits"):
        theirs_first, ours_first = (next(iter(result["events"][kind].values())) for result in (theirs, ours))
        assert set(ours_first) == set(theirs_first)
