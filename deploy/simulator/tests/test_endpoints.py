from datetime import UTC, date, datetime, time, timedelta

import httpx
import pytest

from market_simulator.app import create_app
from market_simulator.simulator import Simulator
from riskstream.runtime.clock import Clock


def client(simulator: Simulator) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(simulator))
    return httpx.AsyncClient(transport=transport, base_url="http://simulator")


@pytest.fixture
async def http(simulator):
    async with client(simulator) as opened:
        yield opened


@pytest.fixture
async def crumb(http):
    await http.get("/")
    return (await http.get("/v1/test/getcrumb")).text


async def test_a_crumb_is_given_only_with_the_cookie(http):
    assert (await http.get("/v1/test/getcrumb")).status_code == 401
    cookie_page = await http.get("/")
    assert cookie_page.status_code == 404
    assert "A3" in cookie_page.cookies
    assert (await http.get("/v1/test/getcrumb")).status_code == 200


@pytest.mark.parametrize("path", ["/v7/finance/quote?symbols=SPY", "/v10/finance/quoteSummary/SPY?modules=price"])
async def test_quotes_without_the_right_crumb_are_unauthorised(http, crumb, path):
    assert (await http.get(path, params={"crumb": crumb, **httpx.URL(path).params})).status_code == 200
    answer = await http.get(path, params={"crumb": "wrong", **httpx.URL(path).params})
    assert answer.status_code == 401
    assert answer.json()["finance"]["error"]["description"] == "Invalid Crumb"


async def test_a_quote_leaves_unknown_symbols_out(http, crumb):
    answer = await http.get("/v7/finance/quote", params={"symbols": "SPY,NOSUCH,TLT", "crumb": crumb})
    assert [quote["symbol"] for quote in answer.json()["quoteResponse"]["result"]] == ["SPY", "TLT"]


async def test_missing_parameters_are_named(http, crumb):
    for path, name in (("/v7/finance/quote", "symbols"), ("/v10/finance/quoteSummary/SPY", "modules")):
        answer = await http.get(path, params={"crumb": crumb})
        assert answer.status_code == 400
        assert name in answer.json()["finance"]["error"]["description"]


async def test_a_summary_has_the_asked_modules_only(http, crumb, simulator):
    company = next(iter(simulator.market.planted.loadings))
    parameters = {"modules": "assetProfile,calendarEvents,esgScores", "crumb": crumb}
    answer = await http.get(f"/v10/finance/quoteSummary/{company}", params=parameters)
    assert set(answer.json()["quoteSummary"]["result"][0]) == {"assetProfile", "calendarEvents"}


@pytest.mark.parametrize(("symbol", "modules"), [("NOSUCH", "assetProfile"), ("SPY", "financialData"), ("SPY", "none")])
async def test_a_summary_that_says_nothing_is_404(http, crumb, symbol, modules):
    answer = await http.get(f"/v10/finance/quoteSummary/{symbol}", params={"modules": modules, "crumb": crumb})
    assert answer.status_code == 404
    assert modules in answer.json()["quoteSummary"]["error"]["description"]


async def test_statements_are_a_series_per_asked_type(http, simulator):
    company = next(iter(simulator.market.planted.loadings))
    path = f"/ws/fundamentals-timeseries/v1/finance/timeseries/{company}"
    answer = await http.get(path, params={"type": "annualTotalRevenue,quarterlyNetIncome,trailingPegRatio"})
    revenue, income, nothing = answer.json()["timeseries"]["result"]
    assert [point["asOfDate"] for point in revenue["annualTotalRevenue"]] == [
        "2021-12-31",
        "2022-12-31",
        "2023-12-31",
        "2024-12-31",
    ]
    assert [point["asOfDate"] for point in income["quarterlyNetIncome"]][-1] == "2025-03-31"
    assert set(nothing) == {"meta"}


async def test_a_quarter_is_reported_on_the_companys_own_earnings_day(synthetic_market):
    company = next(iter(synthetic_market.planted.loadings))
    today = datetime.fromisoformat("2025-07-01T21:00:00-04:00")
    simulator = Simulator(synthetic_market, Clock(today))
    earnings = simulator.fundamentals(simulator.history(company)).next_earnings

    async def last_quarter(day: date) -> str:
        now = datetime.combine(day, time(21), today.tzinfo)
        async with client(Simulator(synthetic_market, Clock(now))) as http:
            path = f"/ws/fundamentals-timeseries/v1/finance/timeseries/{company}"
            answer = await http.get(path, params={"type": "quarterlyTotalAssets"})
            return answer.json()["timeseries"]["result"][0]["quarterlyTotalAssets"][-1]["asOfDate"]

    assert await last_quarter(earnings - timedelta(days=1)) == "2025-03-31"
    assert await last_quarter(earnings) == "2025-06-30"


async def test_the_answer_moves_with_the_clock(synthetic_market):
    async def last_bar(instant: str) -> int:
        async with client(Simulator(synthetic_market, Clock(datetime.fromisoformat(instant)))) as http:
            answer = await http.get("/v8/finance/chart/SPY?range=1d")
            return answer.json()["chart"]["result"][0]["timestamp"][-1]

    assert await last_bar("2025-07-09T16:04:00-04:00") == int(datetime(2025, 7, 8, 13, 30, tzinfo=UTC).timestamp())
    assert await last_bar("2025-07-09T16:06:00-04:00") == int(datetime(2025, 7, 9, 13, 30, tzinfo=UTC).timestamp())


async def test_a_delisted_and_a_not_yet_listed_symbol_are_unknown(synthetic_market):
    async with client(Simulator(synthetic_market, Clock(datetime.fromisoformat("2025-01-08T21:00:00-05:00")))) as http:
        symbols = (await http.get("/_simulator/symbols")).json()
        absent = [symbol for symbol in symbols if not symbol["listed"]]
        assert any(symbol["delisted"] for symbol in absent)
        assert any(symbol["first_session"] > "2025-01-08" for symbol in absent)
        for symbol in absent:
            assert (await http.get(f"/v8/finance/chart/{symbol['symbol']}")).status_code == 404


async def test_symbols_say_what_seeds_a_universe(http):
    symbols = (await http.get("/_simulator/symbols")).json()
    assert len(symbols) == 120
    assert {"symbol", "name", "type", "sector", "industry"} <= set(symbols[0])
    assert [symbol["type"] for symbol in symbols[:9]] == ["ETF"] * 8 + ["EQUITY"]


async def test_the_truth_is_as_of_the_last_session_or_the_asked_one(http):
    truth = (await http.get("/_simulator/truth")).json()
    assert truth["session"] == "2025-07-09"
    assert max(len(betas) for betas in truth["betas"].values()) == 12
    assert (await http.get("/_simulator/truth?session=2025-03-03")).json()["session"] == "2025-03-03"
    assert (await http.get("/_simulator/truth?session=2025-03-02")).status_code == 422


async def test_the_truth_of_returns_is_of_every_company_and_of_no_fund(http):
    truth = (await http.get("/_simulator/truth/returns")).json()
    assert len(truth["benchmarks"]) == len(truth["covariance"]) == len(truth["covariance"][0]) == 8
    assert (
        truth["loadings"].keys()
        == truth["specific"].keys()
        == (await http.get("/_simulator/truth")).json()["betas"].keys()
    )
    assert {len(loadings) for loadings in truth["loadings"].values()} == {8}


async def test_health_says_which_session_is_the_last(http):
    health = (await http.get("/_simulator/health")).json()
    assert (health["status"], health["last_session"], health["symbols"]) == ("ok", "2025-07-09", 120)


async def test_a_clock_before_the_first_session_knows_nothing(synthetic_market):
    async with client(Simulator(synthetic_market, Clock(datetime.fromisoformat("2020-01-02T21:00:00-05:00")))) as http:
        assert (await http.get("/_simulator/health")).json()["last_session"] is None
        assert (await http.get("/v8/finance/chart/SPY")).status_code == 404
        assert (await http.get("/_simulator/truth")).status_code == 422
