"""Bars and actions as stored, the profile, the metrics; and that reading them costs what it should."""

from datetime import date, timedelta
from decimal import Decimal
from math import inf, nan
from typing import Any

import asyncpg
import pytest

from analytics import symbol_figures
from local_stack.database import Database

WEDNESDAY, THURSDAY, FRIDAY, MONDAY, TUESDAY = (date(2024, 12, day) for day in (11, 12, 13, 16, 17))


@pytest.fixture
async def edition(world: Any, published: Any) -> Any:
    """Edition 1 of Monday, which contains AAA, and nothing of it yet."""
    await world.edition(1, MONDAY)
    await published.metrics(1, "AAA")
    return published


async def test_bars_are_given_as_traded_newest_first_with_where_they_come_from(edition: Any, said: Any) -> None:
    await edition.bars("AAA", {FRIDAY: 101.25, MONDAY: 50.5})
    await edition.bars("AAAA", {MONDAY: 1.0})
    await edition.action("AAA", MONDAY, "split", 2.0)
    await edition.action("AAA", date(2024, 12, 14), "dividend", 0.5)
    answer = await said("AAA", "prices", since=FRIDAY)
    assert answer["bars"][0] == {
        "session": "2024-12-16", "open": 49.5, "high": 52.5, "low": 48.5, "close": 50.5, "volume": 10_000,
        "reasons": {}, "currency": "USD", "source": "tape", "fetched_at": "2024-12-16T22:00:00Z",
    }  # fmt: skip
    assert [(bar["session"], bar["close"]) for bar in answer["bars"]] == [("2024-12-16", 50.5), ("2024-12-13", 101.25)]
    assert [(one["ex_date"], one["kind"], one["ratio"], one["amount"]) for one in answer["actions"]] == [
        ("2024-12-16", "split", 2.0, None),
        ("2024-12-14", "dividend", None, 0.5),
    ]
    assert answer["actions"][0]["source"] == "tape"
    assert (answer["missing_sessions"], answer["next_until"]) == ([], None)


async def test_what_the_source_left_out_of_a_bar_is_null_with_a_reason(edition: Any, said: Any) -> None:
    await edition.bars("AAA", {MONDAY: 10.0}, open=None, volume=None, high=inf, close=nan)
    (bar,) = (await said("AAA", "prices"))["bars"]
    assert [bar[name] for name in ("open", "high", "low", "close", "volume")] == [None, None, 8.0, None, None]
    assert bar["reasons"] == {
        "open": "not_given", "volume": "not_given", "high": "not_a_number", "close": "not_a_number",
    }  # fmt: skip


async def test_days_bound_bars_and_actions_both_included_and_never_after_the_session(edition: Any, said: Any) -> None:
    await edition.bars("AAA", dict.fromkeys((WEDNESDAY, THURSDAY, FRIDAY, MONDAY, TUESDAY), 10.0))
    for day in (WEDNESDAY, FRIDAY, TUESDAY):
        await edition.action("AAA", day, "dividend", 0.1)
    for window, days, actions in (
        ({"since": THURSDAY, "until": FRIDAY}, [13, 12], [13]),
        ({"since": THURSDAY}, [16, 13, 12], [13]),
        ({"until": WEDNESDAY}, [11], [11]),
        ({"until": MONDAY}, [16, 13, 12, 11], [13, 11]),
        ({"since": "0001-01-01"}, [16, 13, 12, 11], [13, 11]),
        ({"since": "1990-01-01", "until": "1990-12-31"}, [], []),
    ):
        answer = await said("AAA", "prices", **window)
        assert [int(bar["session"][-2:]) for bar in answer["bars"]] == days, window
        assert [int(one["ex_date"][-2:]) for one in answer["actions"]] == actions, window
    assert (answer["since"], answer["until"]) == ("1990-01-01", "1990-12-31")


async def test_a_session_without_a_bar_is_named(edition: Any, said: Any, world: Any) -> None:
    """The world's calendar begins on Friday: Thursday's bar stands before it."""
    await edition.bars("AAA", {THURSDAY: 10.0, MONDAY: 10.0})
    assert (await said("AAA", "prices"))["missing_sessions"] == ["2024-12-13"]
    assert (await said("AAA", "prices", since=FRIDAY))["missing_sessions"] == []


async def test_a_symbol_without_bars_has_none(edition: Any, said: Any) -> None:
    answer = await said("AAA", "prices")
    assert (answer["bars"], answer["actions"], answer["missing_sessions"]) == ([], [], [])


async def test_without_a_beginning_it_is_252_sessions(edition: Any, said: Any, world: Any) -> None:
    first = FRIDAY - timedelta(days=400)
    await world.calendar(*(first + timedelta(days=n) for n in range(400)))
    await edition.many_bars("AAA", first, 401)
    await edition.bars("AAA", {MONDAY: 10.0})
    answer = await said("AAA", "prices")
    assert (len(answer["bars"]), answer["bars"][-1]["session"]) == (252, answer["since"])
    assert [bar["session"] for bar in answer["bars"][:3]] == ["2024-12-16", "2024-12-13", "2024-12-12"]


async def test_more_bars_than_one_answer_holds_are_given_in_pages(edition: Any, said: Any) -> None:
    first = MONDAY - timedelta(days=4_999)
    await edition.many_bars("AAA", first, 5_000)
    await edition.action("AAA", MONDAY, "dividend", 0.1)
    await edition.action("AAA", first, "dividend", 0.2)
    newest = await said("AAA", "prices", since="1990-01-01")
    older = await said("AAA", "prices", since="1990-01-01", until=newest["next_until"])
    assert [len(page["bars"]) for page in (newest, older)] == [3_000, 2_000]
    sessions = [bar["session"] for page in (newest, older) for bar in page["bars"]]
    assert sessions == [str(MONDAY - timedelta(days=n)) for n in range(5_000)]
    assert [[one["amount"] for one in page["actions"]] for page in (newest, older)] == [[0.1], [0.2]]
    assert older["next_until"] is None


async def test_a_profile_is_given_whole(edition: Any, said: Any) -> None:
    told = {
        "name": "Example Inc.", "sector": "Energy", "industry": "Oil", "country": "United States", "currency": "USD",
        "shares_outstanding": 1e9, "trailing_eps": 2.5,
    }  # fmt: skip
    await edition.profile("AAA", **told, next_earnings=MONDAY, last_earnings=date(2024, 9, 30))
    answer = await said("AAA", "profile")
    assert answer["reason"] is None
    assert answer["profile"] == told | {
        "kind": "EQUITY", "next_earnings": "2024-12-16", "last_earnings": "2024-09-30", "reasons": {},
        "source": "desk", "fetched_at": "2024-12-16T22:00:00Z", "fetched_on": "2024-12-16",
    }  # fmt: skip


async def test_what_a_profile_lacks_is_null_with_a_reason(edition: Any, said: Any) -> None:
    await edition.profile("AAA", trailing_eps=-inf, name="A")
    profile = (await said("AAA", "profile"))["profile"]
    nulls = ("sector", "industry", "country", "currency", "shares_outstanding", "next_earnings", "last_earnings")
    assert profile["reasons"] == {**dict.fromkeys(nulls, "not_given"), "trailing_eps": "not_a_number"}
    assert [profile[name] for name in (*nulls, "trailing_eps")] == [None] * 8


async def test_earnings_that_have_passed_are_the_last_not_the_next(edition: Any, said: Any) -> None:
    await edition.profile("AAA", next_earnings=FRIDAY)
    profile = (await said("AAA", "profile"))["profile"]
    assert (profile["next_earnings"], profile["last_earnings"]) == (None, "2024-12-13")
    assert (profile["reasons"]["next_earnings"], "last_earnings" in profile["reasons"]) == ("passed", False)


async def test_a_symbol_without_a_profile_says_so(edition: Any, said: Any) -> None:
    answer = await said("AAA", "profile")
    assert (answer["profile"], answer["reason"]) == (None, "no_profile")


async def test_metrics_are_given_with_the_reason_of_each_null(world: Any, published: Any, said: Any) -> None:
    await world.edition(1, MONDAY)
    await published.metrics(
        1, "AAA", {"return_1d": "no_price (TRANSPORT)", "price_earnings": "negative_earnings", "price": "stale reason"},
        price=12.5, price_session=FRIDAY, return_1m=-0.25, market_beta=nan, market_cap=Decimal("123456789.12"),
        data_quality=0.5, sector="ETF",
    )  # fmt: skip
    metrics = (await said("AAA", "metrics"))["metrics"]
    given = {"price": 12.5, "price_session": "2024-12-13", "return_1m": -0.25, "market_cap": 123456789.12}
    assert {name: metrics[name] for name in given} == given
    assert (metrics["data_quality"], metrics["sector"]) == (0.5, "ETF")
    reasons = metrics["reasons"]
    assert [reasons[name] for name in ("return_1d", "price_earnings", "market_beta", "ir_beta")] == [
        "no_price (TRANSPORT)", "negative_earnings", "not_a_number", "not_stated",
    ]  # fmt: skip
    assert reasons.keys() == {name for name, figure in metrics.items() if figure is None}


PLANS = {
    "the exposures": (
        symbol_figures.EXPOSURES, "('2024-12-16', 1, 'AAA')", "symbol_factor_exposures",
    ),
    "a factor's history": (
        symbol_figures.HISTORY, "('{AAA,OLD}', 'value', '2024-06-03', '2024-12-16', 5, 253)", "symbol_factor_exposures",
    ),
    "the bars": (symbol_figures.BARS, "('AAA', '2024-01-02', '2024-12-16', 3001)", "market_data_cache"),
}  # fmt: skip


@pytest.mark.parametrize("question", PLANS)
async def test_only_the_years_asked_about_are_read_and_each_by_its_key(database: Database, question: str) -> None:
    statement, values, table = PLANS[question]
    plan = await _plan(database, statement, values)
    years = {word for word in plan.replace('"', " ").split() if word.startswith(f"{table}_") and "key" not in word}
    assert f"{table}_2024" in years
    assert years <= {f"{table}_2024", f"{table}_default"}
    read = plan[plan.index(f"on {table}_2024") :]
    key = next(line for line in read.splitlines() if "Cond" in line)
    assert "symbol = " in key
    assert f"Seq Scan on {table}" not in plan


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (symbol_figures.STANDING, "('AAA')"),
        (symbol_figures.KEPT, "('AAA')"),
        (symbol_figures.LOADINGS, "(1, 'AAA')"),
        (symbol_figures.ACTIONS, "('AAA', '2024-01-02', '2024-12-16', 3000)"),
        (symbol_figures.PROFILE, "('AAA')"),
        (symbol_figures.METRICS, "(1, 'AAA')"),
    ],
)
async def test_every_other_statement_goes_by_keys(database: Database, statement: str, values: str) -> None:
    plan = await _plan(database, statement, values)
    assert "Index" in plan
    assert "Seq Scan" not in plan


async def _plan(database: Database, statement: str, values: str) -> str:
    """How Postgres would answer the statement as it is sent, with tables as large as they become."""
    connection = await asyncpg.connect(database.dsns["analytics"])
    try:
        await connection.execute("SET enable_seqscan = off")
        await connection.execute(f"PREPARE asked AS {statement}")
        return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE asked {values}"))
    finally:
        await connection.close()
