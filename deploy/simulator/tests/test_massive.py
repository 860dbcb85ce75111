"""The whole market's day in Massive's formats, and its actions page by page."""

from datetime import date

import httpx
import numpy as np
import pytest

from market_simulator.app import create_app

KEY = {"authorization": "Bearer any"}
GROUPED = "/v2/aggs/grouped/locale/us/market/stocks"


@pytest.fixture
async def http(simulator):
    transport = httpx.ASGITransport(app=create_app(simulator))
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator", headers=KEY) as client:
        yield client


async def test_a_grouped_day_holds_every_listed_symbol_as_traded(http, simulator):
    last = simulator.last_session()
    day = (await http.get(f"{GROUPED}/{simulator.market.sessions.day(last)}", params={"adjusted": "false"})).json()
    listed = [symbol for symbol in simulator.market.series if simulator.history(symbol) is not None]
    assert day["resultsCount"] == len(day["results"]) == len(listed)
    assert day["adjusted"] is False
    spy = next(row for row in day["results"] if row["T"] == "SPY")
    assert spy["c"] == simulator.history("SPY").close[-1]
    assert spy["t"] == int(simulator.market.sessions.closes[last]) * 1000


async def test_a_price_before_a_split_is_the_one_that_was_traded(http, simulator):
    series = next(one for one in simulator.market.series.values() if one.splits and one.splits[0].session > 20)
    split = series.splits[0]
    row = int(np.searchsorted(series.session, split.session)) - 1
    traded = series.close[row] * np.prod([one.ratio for one in series.splits])
    day = simulator.market.sessions.day(int(series.session[row]))
    grouped = (await http.get(f"{GROUPED}/{day}")).json()["results"]
    assert next(one for one in grouped if one["T"] == series.listing.symbol)["c"] == pytest.approx(traded, rel=1e-12)
    alone = (await http.get(f"/v2/aggs/ticker/{series.listing.symbol}/range/1/day/{day}/{day}")).json()
    assert [bar["c"] for bar in alone["results"]] == [pytest.approx(traded, rel=1e-12)]


@pytest.mark.parametrize("day", ["2025-07-04", "2025-07-05", "2030-01-02"])
async def test_a_day_without_a_session_or_to_come_is_empty_and_no_error(http, day):
    answer = await http.get(f"{GROUPED}/{day}")
    assert (answer.status_code, answer.json()["resultsCount"], answer.json()["results"]) == (200, 0, [])


async def test_actions_come_page_by_page_until_there_is_no_next_address(http, simulator):
    url, rows, pages = "/stocks/v1/dividends?ex_dividend_date.gte=2025-01-02&limit=7", [], 0
    while url:
        page = (await http.get(url)).json()
        rows, pages, url = rows + page["results"], pages + 1, page.get("next_url")
        assert len(page["results"]) <= 7
    expected = {
        (series.listing.symbol.replace("-", "."), simulator.market.sessions.day(dividend.session).isoformat())
        for series in simulator.market.series.values()
        if simulator.history(series.listing.symbol) is not None
        for dividend in series.dividends
        if date(2025, 1, 2) <= simulator.market.sessions.day(dividend.session)
        and dividend.session <= simulator.last_session()
    }
    assert {(row["ticker"], row["ex_dividend_date"]) for row in rows} == expected
    assert pages > 1


async def test_without_a_key_nothing_is_served(simulator):
    transport = httpx.ASGITransport(app=create_app(simulator))
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
        answer = await client.get(f"{GROUPED}/2025-07-08")
    assert (answer.status_code, answer.json()["status"]) == (401, "ERROR")


async def test_prices_adjusted_for_splits_are_not_served(http):
    assert (await http.get(f"{GROUPED}/2025-07-08", params={"adjusted": "true"})).status_code == 400


async def test_a_fault_strikes_massive_only_where_it_says_so(http):
    await http.post("/_simulator/faults", json={"kind": "refuse"})
    assert (await http.get(f"{GROUPED}/2025-07-08")).status_code == 200
    await http.post("/_simulator/faults", json={"kind": "refuse", "endpoints": ["grouped"]})
    answer = await http.get(f"{GROUPED}/2025-07-08")
    assert (answer.status_code, answer.json()["status"]) == (429, "ERROR")
    assert (await http.get("/stocks/v1/splits")).status_code == 200
    counted = (await http.get("/_simulator/requests")).json()["endpoints"]
    assert counted == {"grouped": 2, "splits": 1}


async def test_what_befalls_a_symbol_befalls_it_here_too(http, simulator):
    day = simulator.market.sessions.day(simulator.last_session()).isoformat()
    before = {row["T"]: row["c"] for row in (await http.get(f"{GROUPED}/{day}")).json()["results"]}
    for fault in (
        {"kind": "unknown", "symbols": ["TLT"]},
        {"kind": "drop", "symbols": ["VTV"]},
        {"kind": "scale", "symbols": ["SPY"], "sessions": [day], "factor": 100},
    ):
        await http.post("/_simulator/faults", json=fault)
    after = {row["T"]: row["c"] for row in (await http.get(f"{GROUPED}/{day}")).json()["results"]}
    assert set(before) - set(after) == {"TLT", "VTV"}
    assert after["SPY"] == pytest.approx(100 * before["SPY"])
    alone = (await http.get(f"/v2/aggs/ticker/SPY/range/1/day/{day}/{day}")).json()["results"]
    assert alone[0]["c"] == pytest.approx(after["SPY"])


async def test_a_truncated_answer_is_the_first_half_of_the_right_one(http):
    whole = (await http.get(f"{GROUPED}/2025-07-08")).text
    await http.post("/_simulator/faults", json={"kind": "truncate", "endpoints": ["grouped"], "first": 1})
    half = await http.get(f"{GROUPED}/2025-07-08")
    assert half.text == whole[: len(whole) // 2]
    assert (await http.get(f"{GROUPED}/2025-07-08")).text == whole


def test_an_endless_answer_goes_on_until_its_reader_goes_away(simulator, serve):
    with serve(simulator) as address:
        httpx.post(f"{address}/_simulator/faults", json={"kind": "endless"}).raise_for_status()
        with httpx.stream("GET", f"{address}/v8/finance/chart/SPY") as answer:
            received = 0
            for piece in answer.iter_bytes():
                received += len(piece)
                if received > 300_000:
                    break
        assert received > 300_000
