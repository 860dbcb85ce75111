"""A night through the real client in which every tenth symbol's answer is wrong, each in its own way.

All others are published. Of each that is left out the run's record says what came of it and why.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from local_stack.testing import is_required
from market_simulator.market import Market
from market_simulator.synthetic.generate import generate, synthesis_at
from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.schedule import run_id_of

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

ERRORS = Path(__file__).parents[6] / "shared" / "data" / "yahoo" / "errors.json"
MONDAY, TUESDAY = date(2025, 7, 7), date(2025, 7, 8)
CHART, SUMMARY = "/v8/finance/chart/", "/v10/finance/quoteSummary/"
STATEMENTS = "/ws/fundamentals-timeseries/v1/finance/timeseries/"

Chart: TypeAlias = dict[str, Any]
Alteration: TypeAlias = Callable[[Chart], None]


@pytest.fixture(scope="module")
def market() -> Market:
    """Four hundred symbols: enough for a night to be published without forty of them."""
    return generate(synthesis_at(TUESDAY, seed=7, symbols=400, start=date(2024, 1, 2)))


def columns(chart: Chart) -> Iterator[tuple[str, list[Any]]]:
    yield from chart["indicators"]["quote"][0].items()
    yield from chart["indicators"]["adjclose"][0].items()


def last(figure: str, value: Any) -> Alteration:
    """The last bar's figure is `value`."""
    return lambda chart: chart["indicators"]["quote"][0][figure].__setitem__(-1, value)


def prices_times(factor: float) -> Alteration:
    """The last bar's prices are `factor` times the right ones."""

    def alter(chart: Chart) -> None:
        for name, column in columns(chart):
            if name != "volume":
                column[-1] *= factor

    return alter


def prices_of(price: float) -> Alteration:
    """Every price is `price`."""

    def alter(chart: Chart) -> None:
        for name, column in columns(chart):
            if name != "volume":
                column[:] = [price] * len(column)

    return alter


def meta(**changed: Any) -> Alteration:
    return lambda chart: chart["meta"].update(changed)


def another_bar(seconds: int, factor: float) -> Alteration:
    """One bar more, so many seconds after the last."""

    def alter(chart: Chart) -> None:
        chart["timestamp"].append(chart["timestamp"][-1] + seconds)
        for name, column in columns(chart):
            column.append(column[-1] if name == "volume" else column[-1] * factor)

    return alter


def last_second(second: Any) -> Alteration:
    return lambda chart: chart["timestamp"].__setitem__(-1, second)


def moved_to_a_holiday(chart: Chart) -> None:
    """What belongs to 3 July says it is of the 4th."""
    chart["timestamp"][-3] = int(datetime(2025, 7, 4, 13, 30, tzinfo=UTC).timestamp())


def split(after: Any, before: Any) -> Alteration:
    """A split on the last day, whose prices know nothing of it."""

    def alter(chart: Chart) -> None:
        second = chart["timestamp"][-1]
        event = {"date": second, "numerator": after, "denominator": before, "splitRatio": f"{after}:{before}"}
        chart["events"] = {**chart.get("events", {}), "splits": {str(second): event}}

    return alter


def dividend(amount: Any) -> Alteration:
    def alter(chart: Chart) -> None:
        second = chart["timestamp"][-1]
        chart["events"] = {**chart.get("events", {}), "dividends": {str(second): {"date": second, "amount": amount}}}

    return alter


def only_last(count: int) -> Alteration:
    """Listed so many sessions ago."""

    def alter(chart: Chart) -> None:
        chart["timestamp"] = chart["timestamp"][-count:]
        for _, column in columns(chart):
            del column[:-count]
        chart.pop("events", None)

    return alter


ALTERED: dict[str, tuple[Alteration, str, str | None]] = {
    "in pence": (meta(currency="GBp"), "BAD_DATA", "priced in GBp; only USD is used"),
    "in no currency": (meta(currency=None), "BAD_DATA", "priced in None; only USD is used"),
    "no close": (last("close", None), "STALE", "no bar for 2025-07-08, the last bar is of 2025-07-07"),
    "a close of zero": (last("close", 0.0), "BAD_DATA", "2025-07-08: a close of 0.0"),
    "a negative close": (last("close", -3.0), "BAD_DATA", "2025-07-08: a close of -3.0"),
    "a close in words": (last("close", "N/A"), "BAD_DATA", "cannot be read"),
    "a close beyond all": (last("close", 1e308), "OK", "held back 2025-07-08: jump"),
    "prices in cents": (prices_times(100.0), "OK", "held back 2025-07-08: jump"),
    "a volume beyond all": (last("volume", 10**22), "OK", None),
    "a negative volume": (last("volume", -5), "OK", None),
    "a day twice": (another_bar(60, 100.0), "BAD_DATA", "2025-07-08: the day is there twice"),
    "a bar of tomorrow": (another_bar(86_400, 1.01), "OK", None),
    "a bar of a holiday": (moved_to_a_holiday, "OK", "left out 2025-07-04: the exchange held no session that day"),
    "a split for nothing": (split(2, 0), "BAD_DATA", "a split of 2 for 0 on 2025-07-08"),
    "a split into nothing": (split(0, 1), "BAD_DATA", "a split of 0 for 1 on 2025-07-08"),
    "a split that never was": (split(3, 1), "BAD_DATA", "a split is listed or adjusted for, but not both"),
    "a negative dividend": (dividend(-1.0), "OK", "left out 2025-07-08: a dividend of -1.0"),
    "a dividend beyond all": (dividend(1e300), "OK", "held back 2025-07-08: jump"),
    "a dividend in words": (dividend("some"), "BAD_DATA", "cannot be read"),
    "a column too short": (lambda chart: next(columns(chart))[1].pop(), "BAD_DATA", "cannot be read"),
    "a bar of the year 30000": (last_second(10**15), "BAD_DATA", "cannot be read"),
    "a time in words": (last_second("noon"), "BAD_DATA", "cannot be read"),
    "nothing about itself": (lambda chart: chart.pop("meta"), "BAD_DATA", "cannot be read"),
}
"""What is altered in a right chart, the outcome, and what the record says of it."""

NEW: dict[str, tuple[Alteration, int, str | None]] = {
    "listed today": (only_last(1), 0, None),
    "listed yesterday": (only_last(2), 0, None),
    "listed inside the window": (only_last(40), 0, None),
    "listed some months ago": (only_last(70), 8, None),
    "prices beyond all": (prices_of(1e300), 12, None),
}
"""Symbols that come in on Tuesday: what is altered, how many factors they get, what the record says of them."""

BROKEN = {
    "a body with a zero byte": (b"up\0stream", 502, "TRANSPORT", "page instead of JSON: upstream"),
    "an error with a zero byte": (
        json.dumps({"chart": {"result": None, "error": {"code": "x", "description": "not\0now"}}}).encode(),
        500,
        "TRANSPORT",
        "HTTP 500: notnow",
    ),
    "half a surrogate": (b'{"chart": {"result": null, "error": {"description": "\\ud800"}}}', 500, "TRANSPORT", "500"),
    "another service's object": (b"{}", 200, "BAD_DATA", "cannot be read"),
    "a web page": (b"<html>consent</html>", 200, "TRANSPORT", "page instead of JSON: <html>consent</html>"),
}
"""Whole answers, and what they come to."""

RECORDED = {
    "unknown/delisted symbol on chart": ("NOT_FOUND", "HTTP 404: No data found, symbol may be delisted"),
    "quoteSummary without valid crumb": ("TRANSPORT", "HTTP 401: Invalid Crumb"),
    "rate limited at the edge": ("RATE_LIMITED", "429 Too Many Requests"),
    "rate limited, crumb endpoint": ("RATE_LIMITED", "429 Too Many Requests"),
    "quoteSummary module has no data": ("NOT_FOUND", "HTTP 404: No fundamentals data found"),
    "missing query parameter": ("TRANSPORT", "HTTP 400: Missing required query parameter=q"),
    "old v7 download, no data for range": ("TRANSPORT", "page instead of JSON: 400 Bad Request"),
}
"""What each recorded error comes to where a chart belongs."""

FAULTS: dict[str, dict[str, object]] = {
    "cut in the middle": {"kind": "truncate"},
    "without an end": {"kind": "endless"},
    "no answer": {"kind": "hang", "milliseconds": 12_000},
}


class Cast:
    """Which company plays which part."""

    def __init__(self, symbols: list[str]) -> None:
        self._idle = iter(symbols)
        self.parts: dict[str, str] = {}

    def for_part(self, part: str) -> str:
        self.parts[part] = next(self._idle)
        return self.parts[part]


async def record_of(batch: Any, session: date) -> dict[str, tuple[str, str | None]]:
    """Outcome and sentence of every symbol of a night."""
    query = "SELECT symbol, outcome, detail FROM symbols.run_fetches WHERE run_id = $1"
    return {row["symbol"]: (row["outcome"], row["detail"]) for row in await batch.rows(query, run_id_of(session))}


async def test_a_night_of_wrong_answers_publishes_everybody_else_and_says_of_each_what_is_wrong_with_it(
    replica, exchange, doctor
) -> None:
    batch = replica(deadline=6.0)
    listed = exchange.symbols
    companies = [symbol for symbol in listed if symbol not in BENCHMARKS]
    cast, twin = Cast(companies[20:]), companies[3]
    [share_class] = [symbol for symbol in listed if "-" in symbol]
    newcomers = {part: cast.for_part(part) for part in NEW}
    await batch.add([symbol for symbol in listed if symbol not in newcomers.values()])
    assert await batch.run_night_of(MONDAY) == "completed"

    for part, (alteration, *_) in {**ALTERED, **NEW}.items():
        doctor.alterations[cast.parts.get(part) or cast.for_part(part)] = alteration
    for part, (body, status, *_) in BROKEN.items():
        doctor.say(CHART + cast.for_part(part), body, status=status)
    for part, fault in FAULTS.items():
        exchange.fault(**fault, symbols=[cast.for_part(part)], endpoints=["chart"])
    doctor.aliases[cast.for_part("another company")] = twin
    await batch.add(list(newcomers.values()))
    assert await batch.run_night_of(TUESDAY) == "completed_with_warnings"

    expected = {part: (outcome, says) for part, (_, outcome, says) in ALTERED.items()}
    expected |= {part: ("OK", says) for part, (_, _, says) in NEW.items()}
    expected |= {part: (outcome, says) for part, (_, _, outcome, says) in BROKEN.items()}
    expected |= {
        "cut in the middle": ("TRANSPORT", "broke off"),
        "without an end": ("TRANSPORT", "no answer"),
        "no answer": ("TRANSPORT", "no answer within 6 s"),
        "another company": ("BAD_DATA", "came back changed, and not by one ratio"),
    }
    record = await record_of(batch, TUESDAY)
    wrong = {
        part: record[symbol]
        for part, symbol in cast.parts.items()
        if record[symbol][0] != expected[part][0] or (expected[part][1] or "") not in (record[symbol][1] or "")
    }
    assert wrong == {}
    others = set(listed) - set(cast.parts.values())
    assert {record[symbol] for symbol in others} == {("OK", None)}
    assert share_class in others

    metrics = await batch.rows("SELECT * FROM symbols.symbol_daily_metrics WHERE edition = 2")
    fresh = {row["symbol"] for row in metrics if row["price_session"] == TUESDAY}
    assert {row["symbol"] for row in metrics} == set(listed), "who is left out keeps a row, with its reason"
    part_of = {symbol: part for part, symbol in cast.parts.items()}
    good = {
        cast.parts[part]
        for part, (outcome, says) in expected.items()
        if outcome == "OK" and "held back" not in str(says)
    }
    assert {part_of.get(symbol, symbol) for symbol in fresh ^ (others | good)} == set()
    assert all(
        any(word in row["reasons"] for word in ("no_price", "QUARANTINED"))
        for row in metrics
        if row["symbol"] not in fresh
    )
    known = "SELECT factor FROM symbols.symbol_factor_exposures WHERE edition = 2 AND symbol = $1 AND beta IS NOT NULL"
    for part, (_, factors, _) in NEW.items():
        assert len(await batch.rows(known, newcomers[part])) == factors, part
    betas = await batch.rows("SELECT beta FROM symbols.symbol_factor_exposures WHERE beta IS NOT NULL")
    assert all(isfinite(row["beta"]) for row in betas)

    volumes = "SELECT volume FROM symbols.market_data_cache WHERE symbol = $1 AND session = $2"
    for part in ("a volume beyond all", "a negative volume"):
        assert await batch.value(volumes, cast.parts[part], TUESDAY) is None, part
    stored = await batch.rows("SELECT max(session), min(volume) FROM symbols.market_data_cache")
    assert stored[0][0] == TUESDAY
    assert stored[0][1] >= 0

    steps = json.loads(await batch.value("SELECT steps FROM symbols.batch_runs WHERE session = $1", TUESDAY))
    [prices] = [step for step in steps if step["name"] == "prices"]
    assert sum(prices["outcomes"].values()) == len(listed)
    assert "TRANSPORT" in await batch.value("SELECT reason FROM symbols.batch_runs WHERE session = $1", TUESDAY)


@pytest.fixture
def recorded_errors() -> list[dict[str, Any]]:
    """The refusals that the vendor really gave."""
    if not ERRORS.is_file():
        if is_required("real-data"):
            pytest.fail(f"no recorded errors at {ERRORS}, and RISKSTREAM_REQUIRE asks for them")
        pytest.skip(f"no recorded errors at {ERRORS}")
    errors: list[dict[str, Any]] = json.loads(ERRORS.read_text())
    return errors


async def test_every_recorded_error_is_one_symbols_trouble_wherever_it_is_given(
    replica, exchange, doctor, recorded_errors
) -> None:
    """In the place of a chart, of a profile and of statements, each for a company of its own."""
    batch, listed = replica(deadline=20.0), exchange.symbols
    cast = Cast([symbol for symbol in listed if symbol not in BENCHMARKS][20:])
    assert {error["case"] for error in recorded_errors} == RECORDED.keys()
    for error in recorded_errors:
        body = error["body"] if isinstance(error["body"], str) else json.dumps(error["body"])
        for place in (CHART, SUMMARY, STATEMENTS):
            symbol = cast.for_part(f"{error['case']} {place}")
            kind = error["content_type"].split(" or ")[0]
            doctor.say(place + symbol, body, status=error["status"], content_type=kind)
    await batch.add(listed)
    assert await batch.run_night_of(TUESDAY) == "completed_with_warnings"

    record = await record_of(batch, TUESDAY)
    for case, (outcome, says) in RECORDED.items():
        came = record[cast.parts[f"{case} {CHART}"]]
        assert (came[0], says in (came[1] or "")) == (outcome, True), (case, came)
    charts = {cast.parts[f"{case} {CHART}"] for case in RECORDED}
    assert {record[symbol] for symbol in set(listed) - charts} == {("OK", None)}
    profiled = {row["symbol"] for row in await batch.rows("SELECT symbol FROM symbols.company_profiles")}
    assert set(listed) - profiled <= {cast.parts[f"{case} {SUMMARY}"] for case in RECORDED}
    assert await batch.value("SELECT count(*) FROM symbols.symbol_daily_metrics") == len(listed)
