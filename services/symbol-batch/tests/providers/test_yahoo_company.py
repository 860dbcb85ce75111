"""Profiles and statements as Yahoo gives them, and as it should not."""

import json
import os
from datetime import date
from math import inf, isnan
from pathlib import Path
from typing import Any

import pytest

from symbol_batch.companies.rows import line_rows, profile_row
from symbol_batch.providers.provider import Outcome, Unusable
from symbol_batch.providers.yahoo import YahooProvider
from symbol_batch.providers.yahoo_company import ITEMS, MODULES, profile_in, statements_in

RECORDED = Path(__file__).parents[5] / "shared" / "data" / "yahoo"
SUMMARY, SERIES = "/finance/quoteSummary/", "/finance/timeseries/"


@pytest.fixture
async def provider(canned, deadline):
    made = YahooProvider(base=canned.url, deadline=deadline)
    yield made
    await made.aclose()


@pytest.fixture
async def yahoo(exchange):
    made = YahooProvider(base=exchange.url, deadline=20.0)
    yield made
    await made.aclose()


def modules() -> dict[str, Any]:
    return {
        "quoteType": {"symbol": "KO", "quoteType": "EQUITY", "longName": "The Coca-Cola Company", "shortName": "KO"},
        "assetProfile": {"sector": "Consumer Defensive", "industry": "Beverages", "country": "United States"},
        "price": {"currency": "USD", "marketCap": 600.0, "regularMarketPrice": 60.0},
        "defaultKeyStatistics": {"sharesOutstanding": 10, "trailingEps": 2.5},
        "calendarEvents": {"earnings": {"earningsDate": [1_753_142_400, 1_753_488_000]}},
    }


def summary(of: object) -> str:
    return json.dumps({"quoteSummary": {"result": [of], "error": None}})


def point(figure: object, day: object = "2024-12-31") -> dict[str, Any]:
    return {"asOfDate": day, "periodType": "12M", "currencyCode": "USD", "reportedValue": {"raw": figure, "fmt": "x"}}


def series(**figures: object) -> list[dict[str, Any]]:
    return [
        {"meta": {"symbol": ["KO"], "type": [name]}, "timestamp": [1], name: figure} for name, figure in figures.items()
    ]


async def test_a_profile_is_one_request_and_has_everything(canned, provider) -> None:
    canned.say(summary(modules()), path=SUMMARY)
    answer = await provider.profile("KO")
    assert (answer.outcome, answer.detail, answer.source) == (Outcome.OK, None, "yahoo")
    profile = answer.profile
    assert profile is not None
    assert (profile.kind, profile.name, profile.sector) == ("EQUITY", "The Coca-Cola Company", "Consumer Defensive")
    assert (profile.shares_outstanding, profile.trailing_eps, profile.currency) == (10.0, 2.5, "USD")
    assert profile.next_earnings == date(2025, 7, 26), "the last day of the span"
    [asked] = [path for path, _ in canned.asked if SUMMARY in path]
    assert all(module in asked for module in MODULES)
    await provider.profile("PEP")
    assert len([path for path, _ in canned.asked if SUMMARY not in path]) == 2, "one cookie and one crumb for all"


async def test_the_statements_are_one_request_that_is_no_longer_than_the_clients_own(canned, provider) -> None:
    body = series(annualTotalRevenue=[point(47e9)], quarterlyDilutedEPS=[point(0.77, "2025-03-28")])
    canned.say(json.dumps({"timeseries": {"result": body, "error": None}}), path=SERIES)
    answer = await provider.fundamentals("KO")
    assert answer.outcome is Outcome.OK, answer
    revenue, earnings = answer.lines
    assert (revenue.statement, revenue.frequency, revenue.item, revenue.figure) == (
        "income", "annual", "TotalRevenue", 47e9,
    )  # fmt: skip
    assert (revenue.unit, revenue.currency, revenue.period_end) == ("amount", "USD", date(2024, 12, 31))
    assert (earnings.frequency, earnings.unit, earnings.period_end) == ("quarterly", "ratio", date(2025, 3, 28))
    [asked] = [path for path, _ in canned.asked if SERIES in path]
    assert all(f"annual{item}" in asked and f"quarterly{item}" in asked for items in ITEMS.values() for item in items)
    assert len(asked) < 3_500


NOT_FOUND = json.dumps(
    {
        "quoteSummary": {
            "result": None,
            "error": {
                "code": "Not Found",
                "description": "No fundamentals data found for any of the summaryTypes=price",
            },
        }
    }
)
NO_CRUMB = '{"finance": {"result": null, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}}'


@pytest.mark.parametrize(
    ("said", "outcome", "says"),
    [
        ({"body": NOT_FOUND, "status": 404}, Outcome.NOT_FOUND, "No fundamentals data found"),
        ({"body": NO_CRUMB, "status": 401}, Outcome.TRANSPORT, "Invalid Crumb"),
        ({"body": "Edge: Too Many Requests", "status": 429, "content_type": "text/html"}, Outcome.RATE_LIMITED, "429"),
        ({"body": "<html>consent</html>"}, Outcome.TRANSPORT, "page instead of JSON"),
        ({"body": ""}, Outcome.TRANSPORT, "page instead of JSON"),
        ({"body": summary(modules())[:-30]}, Outcome.TRANSPORT, "broke off"),
        ({"body": summary(modules()), "manner": "cut"}, Outcome.TRANSPORT, ""),
        ({"body": "", "manner": "hang"}, Outcome.TRANSPORT, "no answer"),
        ({"body": '{"error": "down"}', "status": 503}, Outcome.TRANSPORT, "503"),
        ({"body": '{"quoteSummary": {"result": [], "error": null}}'}, Outcome.BAD_DATA, "read"),
        ({"body": '{"quoteSummary": null}'}, Outcome.BAD_DATA, "read"),
        ({"body": "[]"}, Outcome.BAD_DATA, "read"),
        ({"body": summary([1])}, Outcome.BAD_DATA, "read"),
    ],
)
async def test_every_kind_of_answer_to_a_profile_has_its_outcome(canned, provider, said, outcome, says) -> None:
    canned.say(path=SUMMARY, **said)
    answer = await provider.profile("KO")
    assert (answer.outcome, answer.profile) == (outcome, None), answer
    assert says in answer.detail


@pytest.mark.parametrize(
    ("body", "status", "outcome"),
    [
        ('{"timeseries": {"result": [], "error": null}}', 200, Outcome.STALE),
        (json.dumps({"timeseries": {"result": [{"meta": {"type": ["annualTotalRevenue"]}}]}}), 200, Outcome.STALE),
        ('{"timeseries": {"result": null, "error": {"code": "x"}}}', 200, Outcome.BAD_DATA),
        (NOT_FOUND, 404, Outcome.NOT_FOUND),
        ("Too Many Requests", 429, Outcome.RATE_LIMITED),
        ("<html>", 200, Outcome.TRANSPORT),
    ],
)
async def test_every_kind_of_answer_to_statements_has_its_outcome(canned, provider, body, status, outcome) -> None:
    canned.say(body, path=SERIES, status=status)
    answer = await provider.fundamentals("KO")
    assert (answer.outcome, answer.lines) == (outcome, ()), answer


async def test_a_wrong_crumb_is_renewed_once(canned, provider) -> None:
    canned.say(NO_CRUMB, path=SUMMARY, status=401)
    await provider.profile("KO")
    assert len([path for path, _ in canned.asked if SUMMARY in path]) == 2


@pytest.mark.parametrize(("status", "body"), [(429, "Too Many Requests"), (200, "Too Many Requests"), (401, NO_CRUMB)])
async def test_what_is_no_crumb_is_never_kept_for_one(canned, provider, status, body) -> None:
    canned.say(summary(modules()), path=SUMMARY)
    canned.say(body, path="/test/getcrumb", status=status)
    await provider.profile("KO")
    canned.said.pop("/test/getcrumb")
    canned.asked.clear()
    assert (await provider.profile("KO")).outcome is Outcome.OK
    assert [path for path, _ in canned.asked if SUMMARY in path and "crumb=crumb" in path]
    assert not [path for path, _ in canned.asked if SUMMARY in path and "crumb=crumb" not in path]


async def test_a_refused_crumb_is_a_refusal_and_nothing_more_is_sent(canned, provider) -> None:
    canned.say("Too Many Requests", path="/test/getcrumb", status=429)
    canned.say(NO_CRUMB, path=SUMMARY, status=401)
    assert (await provider.profile("KO")).outcome is Outcome.RATE_LIMITED
    assert not [path for path, _ in canned.asked if SUMMARY in path]


NONSENSE = ["x", "Infinity", True, [1], {"fmt": "1"}, {}, {"raw": "x"}, inf, -inf, float("nan"), 1e300, 10**400, -1, 0]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("defaultKeyStatistics", "sharesOutstanding"),
        ("defaultKeyStatistics", "trailingEps"),
        ("price", "marketCap"),
        ("price", "regularMarketPrice"),
        ("price", "currency"),
        ("quoteType", "longName"),
        ("quoteType", "quoteType"),
        ("assetProfile", "sector"),
        ("assetProfile", "industry"),
        ("assetProfile", "country"),
        ("calendarEvents", "earnings"),
    ],
)
@pytest.mark.parametrize("value", NONSENSE, ids=[str(number) for number in range(len(NONSENSE))])
def test_nonsense_in_one_field_of_a_profile_costs_that_field_at_most(module: str, name: str, value: object) -> None:
    given = modules()
    given[module][name] = value
    row, _ = profile_row("KO", profile_in("KO", given).profile)
    untouched = {
        "shares_outstanding": 10.0, "trailing_eps": 2.5, "currency": "USD", "sector": "Consumer Staples",
        "industry": "Beverages", "country": "United States", "next_earnings": date(2025, 7, 26),
    }  # fmt: skip
    touched = {
        "sharesOutstanding": "shares_outstanding", "trailingEps": "trailing_eps", "currency": "currency",
        "sector": "sector", "industry": "industry", "country": "country", "earnings": "next_earnings",
    }.get(name)  # fmt: skip
    for field, expected in untouched.items():
        if field != touched:
            assert getattr(row, field) == expected, field
    for number in (row.shares_outstanding, row.trailing_eps):
        assert number is None or (not isnan(number) and abs(number) < 1e16)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("value", [None, {}, [], "x", 7, [None]])
def test_a_module_that_is_missing_or_no_module_costs_its_fields_only(module: str, value: object) -> None:
    given = modules()
    given[module] = value
    row, _ = profile_row("KO", profile_in("KO", given).profile)
    assert row.kind == ("UNKNOWN" if module == "quoteType" else "EQUITY")
    assert (row.currency == "USD") == (module != "price")


@pytest.mark.parametrize("value", ["x", True, [1], {"raw": "Infinity"}, 10**400])
def test_what_is_no_number_is_named_in_the_detail(value: object) -> None:
    given = modules()
    given["defaultKeyStatistics"]["trailingEps"] = value
    detail = profile_in("KO", given).detail
    assert detail is not None
    assert "trailingEps is " in detail
    assert len(detail) < 200


def test_an_empty_answer_is_a_profile_of_an_unknown_kind() -> None:
    read = profile_in("KO", {})
    assert (read.profile.kind, read.detail) == ("UNKNOWN", "left out: quoteType is missing")


def test_an_answer_about_another_symbol_is_not_taken() -> None:
    with pytest.raises(Unusable, match="answered for KO"):
        profile_in("PEP", modules())


def test_shares_of_all_classes_are_counted_in_shares_of_this_one() -> None:
    given = modules()
    given["price"]["marketCap"] = 1_320.0
    assert profile_in("KO", given).profile.shares_outstanding == 22.0
    given["price"]["marketCap"] = 1e15
    assert profile_in("KO", given).profile.shares_outstanding == 10.0, "no market value of this company"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], None),
        ([None, "x"], None),
        ([1e18], None),
        ([-1e18, 1_753_142_400], date(2025, 7, 22)),
        (1_753_142_400, date(2025, 7, 22)),
    ],
)
def test_the_next_earnings_date_is_the_last_day_of_those_that_are_days(days: object, expected: date | None) -> None:
    given = modules()
    given["calendarEvents"]["earnings"] = {"earningsDate": days}
    assert profile_in("KO", given).profile.next_earnings == expected


BROKEN = [None, [None], "x", [7], [{}], [point("Infinity")], [point(None)], [point(1.0, "x")], [point(1.0, None)]]
BROKEN += [[point(True)], [point(10**400)], [{"reportedValue": 1.0}]]


@pytest.mark.parametrize("broken", BROKEN, ids=[str(number) for number in range(len(BROKEN))])
def test_a_series_that_makes_no_sense_costs_the_others_nothing(broken: object) -> None:
    read = statements_in([*series(annualTotalRevenue=broken), None, "x", *series(annualNetIncome=[point(1.0)])])  # type: ignore[list-item]
    assert [line.item for line in read.lines] == ["NetIncome"]


def test_figures_that_are_no_numbers_reach_no_row() -> None:
    figures = [inf, -inf, float("nan"), 1e28, 12.5]
    read = statements_in(
        series(annualTotalRevenue=[point(figure, f"202{i}-12-31") for i, figure in enumerate(figures)])
    )
    rows, reasons = line_rows("KO", read.lines)
    assert [float(row.amount) for row in rows if row.amount is not None] == [12.5]
    assert len(reasons) == 4


async def test_bare_words_that_are_no_json_cost_their_field_only(canned, provider) -> None:
    given = modules()
    given["defaultKeyStatistics"]["trailingEps"] = float("nan")
    canned.say(summary(given), path=SUMMARY)
    answer = await provider.profile("KO")
    assert answer.outcome is Outcome.OK, answer
    row, reasons = profile_row("KO", answer.profile)
    assert (row.trailing_eps, row.shares_outstanding, len(reasons)) == (None, 10.0, 1)


async def test_the_simulators_company_is_read_by_the_real_client(yahoo, exchange, market) -> None:
    symbol = next(name for name in exchange.symbols if market.series[name].listing.kind == "EQUITY")
    figures = exchange.simulator.fundamentals(exchange.simulator.history(symbol))
    answer = await yahoo.profile(symbol)
    profile = answer.profile
    assert profile is not None, answer
    assert profile.shares_outstanding == pytest.approx(figures.shares, rel=1e-6)
    assert (profile.trailing_eps, profile.next_earnings) == (figures.earnings_per_share, figures.next_earnings)
    lines = {(line.item, line.frequency): line for line in (await yahoo.fundamentals(symbol)).lines}
    assert lines["TotalRevenue", "annual"].figure == pytest.approx(figures.revenue)
    assert {line.statement for line in lines.values()} == {"income", "balance_sheet", "cash_flow"}
    fund = await yahoo.fundamentals("SPY")
    assert (fund.outcome, (await yahoo.profile("SPY")).profile.kind) == (Outcome.STALE, "ETF")
    assert (await yahoo.profile("NOPE")).outcome is Outcome.NOT_FOUND


def recorded(name: str) -> dict[str, Any]:
    """The one result of a recorded quoteSummary."""
    if not RECORDED.is_dir():
        if "real-data" in os.environ.get("RISKSTREAM_REQUIRE", ""):
            pytest.fail(f"real-data is required and {RECORDED.name} is absent")
        pytest.skip(f"no recorded answers at {RECORDED}")
    response = json.loads((RECORDED / "quoteSummary" / f"quoteSummary-{name}.json").read_text())["response"]
    found: dict[str, Any] = response["bodyJson"]["quoteSummary"]["result"][0]
    return found


def test_apples_recorded_modules_make_its_profile() -> None:
    names = ("quoteType", "assetProfile", "price", "defaultKeyStatistics")
    given = {name: recorded(f"{name}-AAPL")[name] for name in names}
    row, reasons = profile_row("AAPL", profile_in("AAPL", given).profile)
    assert (row.name, row.kind, row.sector) == ("Apple Inc.", "EQUITY", "Information Technology")
    assert (row.industry, row.country, row.currency) == ("Consumer Electronics", "United States", "USD")
    assert row.shares_outstanding == pytest.approx(15_022_100_480, rel=1e-6)
    assert (row.trailing_eps, row.next_earnings, reasons) == (6.31, None, [])


def test_a_recorded_fund_has_a_bucket_and_no_shares_nor_earnings() -> None:
    row, reasons = profile_row("QQQ", profile_in("QQQ", recorded("all-QQQ")).profile)
    assert (row.name, row.kind, row.sector) == ("Invesco QQQ Trust", "ETF", "ETF")
    assert (row.shares_outstanding, row.trailing_eps, row.next_earnings, reasons) == (None, None, None, [])
