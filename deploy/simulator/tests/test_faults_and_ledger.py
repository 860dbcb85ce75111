import asyncio
import time

import httpx
import pytest
from pydantic import ValidationError

from market_simulator.app import create_app
from market_simulator.faults import Fault, Faults

CHART = "/v8/finance/chart/SPY?range=5d"


@pytest.fixture
async def http(simulator):
    transport = httpx.ASGITransport(app=create_app(simulator))
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
        yield client


async def with_crumb(http: httpx.AsyncClient) -> str:
    await http.get("/")
    return (await http.get("/v1/test/getcrumb")).text


async def test_a_refusal_is_429_and_no_json(http):
    assert (await http.post("/_simulator/faults", json={"kind": "refuse"})).status_code == 201
    answer = await http.get(CHART)
    assert answer.status_code == 429
    assert answer.text == "Edge: Too Many Requests"


async def test_a_limit_lets_its_rate_through_and_refuses_the_rest(http, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("market_simulator.faults.time.monotonic", lambda: now[0])
    await http.post("/_simulator/faults", json={"kind": "limit", "per_second": 2, "retry_after": 7})
    burst = [await http.get(CHART) for _ in range(4)]
    assert [answer.status_code for answer in burst] == [200, 200, 429, 429]
    assert burst[-1].headers["retry-after"] == "7"
    statuses = []
    for _ in range(8):
        now[0] += 0.25
        statuses.append((await http.get(CHART)).status_code)
    assert statuses == [429, 200] * 4


async def test_a_limit_of_one_endpoint_leaves_the_others_alone(http):
    await http.post("/_simulator/faults", json={"kind": "limit", "per_second": 0.01, "endpoints": ["grouped"]})
    grouped = "/v2/aggs/grouped/locale/us/market/stocks/2025-07-07"
    key = {"authorization": "Bearer k"}
    assert (await http.get(grouped, headers=key)).status_code != 429
    refused = await http.get(grouped, headers=key)
    assert (refused.status_code, refused.json()["status"]) == (429, "ERROR")
    assert "retry-after" not in refused.headers
    assert {(await http.get(CHART)).status_code for _ in range(5)} == {200}


async def test_the_first_requests_fail_and_then_no_more(http):
    await http.post("/_simulator/faults", json={"kind": "error", "first": 2})
    assert [(await http.get(CHART)).status_code for _ in range(4)] == [500, 500, 200, 200]


async def test_a_web_page_comes_with_status_200(http):
    await http.post("/_simulator/faults", json={"kind": "html"})
    answer = await http.get(CHART)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_fault_strikes_only_its_endpoints_and_symbols(http):
    await http.post("/_simulator/faults", json={"kind": "refuse", "endpoints": ["chart"], "symbols": ["TLT"]})
    crumb = await with_crumb(http)
    assert (await http.get(CHART)).status_code == 200
    assert (await http.get("/v8/finance/chart/TLT")).status_code == 429
    assert (await http.get("/v7/finance/quote", params={"symbols": "TLT", "crumb": crumb})).status_code == 200


async def test_a_crumb_can_be_refused_too(http):
    await http.post("/_simulator/faults", json={"kind": "refuse", "endpoints": ["crumb"]})
    answer = await http.get("/v1/test/getcrumb")
    assert (answer.status_code, answer.text) == (429, "Too Many Requests")


async def test_a_hanging_request_answers_nothing_in_time(http):
    await http.post("/_simulator/faults", json={"kind": "hang", "milliseconds": 60_000})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(http.get(CHART), timeout=0.1)
    ledger = (await http.get("/_simulator/requests")).json()
    [request] = ledger["requests"]
    assert (request["endpoint"], request["symbols"], request["status"]) == ("chart", ["SPY"], None)
    assert 0 <= request["at"] < 60
    assert ledger["in_flight"] == 0


def test_a_client_that_gave_up_is_no_longer_in_flight(simulator, serve):
    simulator.faults.add(Fault(kind="hang", milliseconds=60_000))
    with serve(simulator) as address:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(address + CHART, timeout=0.1)
        deadline = time.monotonic() + 5
        while simulator.ledger.report()["in_flight"] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert simulator.ledger.report()["in_flight"] == 0


async def test_a_hang_that_is_waited_out_ends_as_a_gateway_timeout(http):
    await http.post("/_simulator/faults", json={"kind": "hang", "milliseconds": 1})
    assert (await http.get(CHART)).status_code == 504


async def test_a_dropped_symbol_lacks_its_latest_session(http, simulator):
    before = (await http.get(CHART)).json()["chart"]["result"][0]["timestamp"]
    await http.post("/_simulator/faults", json={"kind": "drop", "symbols": ["SPY"]})
    after = (await http.get(CHART)).json()["chart"]["result"][0]["timestamp"]
    assert after[-1] == before[-2]
    assert (await http.get("/v8/finance/chart/TLT")).json()["chart"]["result"][0]["timestamp"][-1] == before[-1]


async def test_an_unknown_symbol_is_404_until_the_fault_is_cleared(http):
    await http.post("/_simulator/faults", json={"kind": "unknown", "symbols": ["SPY"]})
    answer = await http.get(CHART)
    assert answer.status_code == 404
    assert answer.json()["chart"]["error"]["description"] == "No data found, symbol may be delisted"
    await http.delete("/_simulator/faults")
    assert (await http.get(CHART)).status_code == 200


async def test_a_scaled_session_is_wrong_and_its_neighbours_right(http, simulator):
    day = simulator.market.sessions.day(simulator.last_session() - 1).isoformat()
    before = (await http.get(CHART)).json()["chart"]["result"][0]["indicators"]["quote"][0]["close"]
    await http.post("/_simulator/faults", json={"kind": "scale", "symbols": ["SPY"], "sessions": [day], "factor": 100})
    after = (await http.get(CHART)).json()["chart"]["result"][0]["indicators"]["quote"][0]["close"]
    assert after[-2] == pytest.approx(100 * before[-2])
    assert (after[:-2], after[-1]) == (before[:-2], before[-1])


async def test_a_fraction_strikes_the_same_requests_in_every_order():
    def struck(symbols):
        faults = Faults(seed=7)
        faults.add(Fault(kind="refuse", fraction=0.3))
        return {symbol for symbol in symbols if faults.strikes("chart", (symbol,))}

    symbols = [f"S{number}" for number in range(500)]
    assert struck(symbols) == struck(symbols[::-1])
    assert 100 < len(struck(symbols)) < 200


async def test_a_refused_fraction_lets_a_second_try_through():
    faults = Faults(seed=7)
    faults.add(Fault(kind="refuse", fraction=0.5))
    tries = [bool(faults.strikes("chart", ("AAA",))) for _ in range(40)]
    assert {True, False} == set(tries)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "explode"},
        {"kind": "latency"},
        {"kind": "limit"},
        {"kind": "refuse", "per_second": 2},
        {"kind": "html", "retry_after": 2},
        {"kind": "refuse", "milliseconds": 5},
        {"kind": "drop", "first": 3},
        {"kind": "refuse", "fraction": 0},
        {"kind": "scale", "factor": 2},
        {"kind": "refuse", "factor": 2},
        {"kind": "refuse", "symbol": "SPY"},
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(http, fault):
    with pytest.raises(ValidationError):
        Fault.model_validate(fault)
    assert (await http.post("/_simulator/faults", json=fault)).status_code == 422


async def test_the_ledger_counts_per_symbol_and_endpoint_and_forgets_on_demand(http):
    crumb = await with_crumb(http)
    await http.get(CHART)
    await http.get("/v8/finance/chart/spy")
    await http.get("/v7/finance/quote", params={"symbols": "SPY,TLT", "crumb": crumb})
    ledger = (await http.get("/_simulator/requests")).json()
    assert ledger["endpoints"] == {"cookie": 1, "crumb": 1, "chart": 2, "quote": 1}
    assert ledger["symbols"] == {"SPY": {"chart": 2, "quote": 1}, "TLT": {"quote": 1}}
    await http.delete("/_simulator/requests")
    assert (await http.get("/_simulator/requests")).json()["total"] == 0


async def test_the_most_requests_in_flight_are_remembered(http):
    await http.post("/_simulator/faults", json={"kind": "latency", "milliseconds": 50})
    await asyncio.gather(*(http.get(CHART) for _ in range(7)))
    await http.get(CHART)
    ledger = (await http.get("/_simulator/requests")).json()
    assert (ledger["max_in_flight"], ledger["in_flight"]) == (7, 0)


async def test_latency_delays_a_right_answer(http):
    await http.post("/_simulator/faults", json={"kind": "latency", "milliseconds": 80})
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await http.get(CHART)).status_code == 200
    assert loop.time() - began >= 0.08
