"""Which companies are asked about when, and what of the answers is kept, on a real database."""

import asyncio
import time
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from math import inf, nan

import pytest

from symbol_batch.companies import storing
from symbol_batch.companies.asking import REFUSALS
from symbol_batch.companies.company_intake import CompanyIntake
from symbol_batch.providers.provider import Outcome
from symbol_batch.settings import CommandSettings
from symbol_batch.store import companies

from .conftest import COMPANY, DAY, FUND, REVENUE


async def test_a_profile_is_asked_for_where_missing_and_again_after_thirty_days(steps, registrar) -> None:
    record = await steps.profiles(["KO", "PEP"])
    assert record == {"due": 2, "asked": 2, "outcomes": {"OK": 2}}
    await steps.profiles(["KO", "PEP", "TAP"], days_later=29)
    assert registrar.take_asked() == ["KO", "PEP", "TAP"]
    await steps.profiles(["KO", "PEP", "TAP"], days_later=30)
    assert registrar.take_asked() == ["KO", "PEP"]
    [row] = await steps.batch.rows("SELECT * FROM symbols.company_profiles WHERE symbol = 'KO'")
    assert (row["sector"], row["shares_outstanding"], row["source"]) == ("Information Technology", 1_000.0, "registrar")
    assert row["fetched_on"] == DAY + timedelta(days=30)


async def test_who_is_not_found_is_asked_for_again_after_thirty_days_and_who_was_refused_the_next_night(
    steps, registrar
) -> None:
    symbols = ["BADDATA", "GONE", "LIMITED", "LOST"]
    registrar.outcomes = {
        "GONE": Outcome.NOT_FOUND,
        "LIMITED": Outcome.RATE_LIMITED,
        "LOST": Outcome.TRANSPORT,
        "BADDATA": Outcome.BAD_DATA,
    }
    await steps.profiles(symbols)
    assert registrar.take_asked() == symbols
    await steps.profiles(symbols)
    assert registrar.take_asked() == [], "a second attempt at the same night asks nobody again"
    await steps.profiles(symbols, days_later=1)
    assert registrar.take_asked() == ["BADDATA", "LIMITED", "LOST"]
    await steps.profiles(symbols, days_later=30)
    assert registrar.take_asked() == symbols
    rows = await steps.batch.rows("SELECT symbol, outcome, detail, answered_on FROM symbols.company_fetches")
    assert {row["symbol"]: row["outcome"] for row in rows} == {name: str(o) for name, o in registrar.outcomes.items()}
    assert {row["symbol"] for row in rows if row["answered_on"] is None} == {"BADDATA", "LIMITED", "LOST"}
    assert await steps.batch.value("SELECT count(*) FROM symbols.company_profiles") == 0


async def test_a_refusal_leaves_what_is_known_and_when_it_was_answered(steps, registrar) -> None:
    await steps.profiles(["KO"])
    registrar.outcomes["KO"] = Outcome.RATE_LIMITED
    await steps.profiles(["KO"], days_later=30)
    [fetch] = await steps.batch.rows("SELECT outcome, answered_on FROM symbols.company_fetches")
    assert tuple(fetch) == ("RATE_LIMITED", DAY)
    assert await steps.batch.value("SELECT fetched_on FROM symbols.company_profiles") == DAY


async def test_who_was_never_asked_comes_first_then_whose_asking_lies_furthest_back(steps, registrar) -> None:
    registrar.outcomes = {"C": Outcome.TRANSPORT, "D": Outcome.TRANSPORT}
    await steps.profiles(["D"])
    await steps.profiles(["C"], days_later=1)
    registrar.take_asked()
    await steps.profiles(["A", "C", "D", "B"], days_later=2, chunk=1)
    assert registrar.asked == ["A", "B", "D", "C"]


async def test_statements_are_asked_for_once_and_again_three_days_after_an_earnings_date(steps, registrar) -> None:
    earnings = DAY + timedelta(days=10)
    steps.earnings("KO", earnings)
    await steps.profiles(["KO"])
    assert await steps.fundamentals(["KO"]) == {"due": 1, "asked": 1, "outcomes": {"OK": 1}, "figures": 1}
    registrar.take_asked()
    for days_later in (1, 10, 12):
        await steps.profiles(["KO"], days_later)
        await steps.fundamentals(["KO"], days_later)
    assert registrar.take_asked() == []
    steps.earnings("KO", earnings + timedelta(days=91))
    await steps.profiles(["KO"], 13)
    await steps.fundamentals(["KO"], 13)
    assert registrar.take_asked() == ["KO", "KO"], "the profile too: shares, earnings and the next date are new"
    [dates] = await steps.batch.rows("SELECT last_earnings, next_earnings FROM symbols.company_profiles")
    assert tuple(dates) == (earnings, earnings + timedelta(days=91))
    for days_later in (14, 20):
        await steps.profiles(["KO"], days_later)
        await steps.fundamentals(["KO"], days_later)
    assert registrar.take_asked() == []


async def test_an_earnings_date_that_the_provider_has_forgotten_meanwhile_is_still_kept_to(steps, registrar) -> None:
    earnings = DAY + timedelta(days=29)
    steps.earnings("KO", earnings)
    await steps.profiles(["KO"])
    await steps.fundamentals(["KO"])
    steps.earnings("KO", None)
    await steps.profiles(["KO"], 30)  # a month old, and a day after the earnings
    registrar.take_asked()
    await steps.fundamentals(["KO"], 31)
    assert registrar.take_asked() == []
    await steps.fundamentals(["KO"], 32)
    assert registrar.take_asked() == ["KO"]


async def test_an_earnings_date_that_was_moved_before_it_came_is_no_past_one(steps) -> None:
    steps.earnings("KO", DAY + timedelta(days=40))
    await steps.profiles(["KO"])
    steps.earnings("KO", DAY + timedelta(days=45))
    await steps.profiles(["KO"], 30)
    [dates] = await steps.batch.rows("SELECT last_earnings, next_earnings FROM symbols.company_profiles")
    assert tuple(dates) == (None, DAY + timedelta(days=45))


async def test_only_companies_have_statements(steps, registrar) -> None:
    registrar.profiles["SPY"] = FUND
    registrar.outcomes["GONE"] = Outcome.NOT_FOUND
    await steps.profiles(["GONE", "KO", "SPY"])
    registrar.take_asked()
    await steps.fundamentals(["GONE", "KO", "SPY"])
    assert registrar.take_asked() == ["KO"]


async def test_a_restated_figure_is_written_over_with_its_time_and_every_period_stays(steps, registrar) -> None:
    earlier = replace(REVENUE, period_end=date(2023, 12, 31), figure=8e8)
    registrar.lines["KO"] = (REVENUE, earlier)
    steps.earnings("KO", DAY + timedelta(days=1))
    await steps.profiles(["KO"])
    await steps.fundamentals(["KO"])
    newest = replace(REVENUE, period_end=date(2025, 12, 31), figure=2e9)
    registrar.lines["KO"] = (newest, replace(REVENUE, figure=1.1e9))
    await steps.fundamentals(["KO"], 4)
    rows = await steps.batch.rows("SELECT period_end, amount, fetched_at FROM symbols.fundamentals ORDER BY period_end")
    assert [(row["period_end"].year, row["amount"]) for row in rows] == [
        (2023, Decimal("800000000.00")), (2024, Decimal("1100000000.00")), (2025, Decimal("2000000000.00")),
    ]  # fmt: skip
    assert rows[0]["fetched_at"] < rows[1]["fetched_at"] == rows[2]["fetched_at"]


async def test_a_figure_that_says_the_same_keeps_its_time(steps) -> None:
    steps.earnings("KO", DAY + timedelta(days=1))
    await steps.profiles(["KO"])
    await steps.fundamentals(["KO"])
    before = await steps.batch.value("SELECT fetched_at FROM symbols.fundamentals")
    await steps.fundamentals(["KO"], 4)
    assert await steps.batch.value("SELECT fetched_at FROM symbols.fundamentals") == before


async def test_amounts_that_overflowed_fit_and_what_does_not_is_left_out_with_its_reason(steps, registrar) -> None:
    figures = {
        "TotalAssets": 9.9e27,
        "NetDebt": -9.9e27,
        "Goodwill": 1e28,
        "EBIT": nan,
        "NetIncome": -0.0,
        "EBITDA": inf,
    }
    registrar.lines["KO"] = tuple(replace(REVENUE, item=item, figure=figure) for item, figure in figures.items())
    await steps.profiles(["KO"])
    assert (await steps.fundamentals(["KO"]))["figures"] == 3
    rows = await steps.batch.rows("SELECT item, amount FROM symbols.fundamentals")
    assert {row["item"]: row["amount"] for row in rows} == {
        "TotalAssets": Decimal("9.9e27"),
        "NetDebt": Decimal("-9.9e27"),
        "NetIncome": Decimal(0),
    }
    detail = await steps.batch.value("SELECT detail FROM symbols.company_fetches WHERE kind = 'fundamentals'")
    assert all(item in detail for item in ("Goodwill", "EBIT", "EBITDA"))


async def test_ratios_and_amounts_are_in_columns_of_their_own(steps, registrar) -> None:
    registrar.lines["KO"] = (REVENUE, replace(REVENUE, item="DilutedEPS", figure=2.4700001, unit="ratio"))
    await steps.profiles(["KO"])
    await steps.fundamentals(["KO"])
    rows = await steps.batch.rows("SELECT item, amount, ratio FROM symbols.fundamentals ORDER BY item")
    assert [tuple(row) for row in rows] == [
        ("DilutedEPS", None, 2.4700001), ("TotalRevenue", Decimal("1000000000.00"), None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "nonsense",
    [
        (replace(REVENUE, statement="horoscope"),),  # type: ignore[arg-type]
        (replace(REVENUE, period_end="2024"),),  # type: ignore[arg-type]
        (replace(REVENUE, item=None),),  # type: ignore[arg-type]
        (None,),
    ],
)
async def test_one_companys_nonsense_is_its_own(steps, registrar, nonsense) -> None:
    symbols = [f"C{number}" for number in range(9)]
    registrar.lines["C4"] = nonsense
    await steps.profiles(symbols)
    await steps.fundamentals(symbols)
    stored = await steps.batch.rows("SELECT DISTINCT symbol FROM symbols.fundamentals")
    assert {row["symbol"] for row in stored} == set(symbols) - {"C4"}
    query = "SELECT outcome FROM symbols.company_fetches WHERE kind = 'fundamentals' AND symbol = 'C4'"
    assert await steps.batch.value(query) == "BAD_DATA"


async def test_a_provider_that_breaks_over_one_company_is_asked_about_the_others(steps, registrar) -> None:
    registrar.raises["PEP"] = RuntimeError("a mistake in its code")
    record = await steps.profiles(["KO", "PEP", "TAP"])
    assert record["outcomes"] == {"OK": 2, "ERROR": 1}
    await steps.profiles(["KO", "PEP", "TAP"], days_later=1)
    assert registrar.take_asked() == ["KO", "PEP", "PEP", "TAP"]


async def test_a_provider_that_refuses_ends_the_step_early(steps, registrar) -> None:
    symbols = [f"C{number:03}" for number in range(200)]
    registrar.outcomes = dict.fromkeys(symbols[50:], Outcome.RATE_LIMITED)
    record = await steps.profiles(symbols, chunk=30)
    assert record["ended"] == f"refused {REFUSALS} times in a row: rate_limited"
    assert record["outcomes"] == {"OK": 50, "RATE_LIMITED": REFUSALS}
    assert len(registrar.asked) <= 90
    assert await steps.batch.value("SELECT count(*) FROM symbols.company_profiles") == 50


async def test_a_provider_that_is_slow_is_given_up_in_time_and_what_it_said_is_kept(steps, registrar) -> None:
    await steps.profiles(["KO"])
    registrar.seconds = 30.0
    began = time.monotonic()
    record = await steps.profiles(["KO", "PEP", "TAP"], seconds=0.3)
    assert time.monotonic() - began < 20.0
    assert (record["due"], record["asked"], record["ended"]) == (2, 0, "the 0.3 s for it were over")
    registrar.seconds = 0.0
    registrar.take_asked()
    await steps.profiles(["KO", "PEP", "TAP"])
    assert registrar.take_asked() == ["PEP", "TAP"], "who gave no answer in time is asked by the next attempt"


async def test_a_killed_step_asks_only_for_what_is_missing(steps, registrar, monkeypatch: pytest.MonkeyPatch) -> None:
    symbols = [f"C{number}" for number in range(10)]
    passed: list[str] = []

    def die(point: str) -> None:
        passed.append(point)
        if len(passed) == 2:
            raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(storing.crash_points, "reached", die)
        with pytest.raises(asyncio.CancelledError):
            await steps.profiles(symbols, chunk=3)
    assert registrar.take_asked() == symbols[:6]
    await steps.profiles(symbols, chunk=3)
    assert registrar.take_asked() == symbols[6:]
    assert await steps.batch.value("SELECT count(*) FROM symbols.company_profiles") == 10


async def test_what_is_off_or_not_offered_is_not_asked_and_says_so(steps, registrar) -> None:
    off = CompanyIntake(steps.batch.engine, registrar, steps.batch.clock, enabled=False)
    assert await off.profiles_of_new(["KO"]) == {"skipped": "switched off"}
    registrar.offers = frozenset()
    bare = CompanyIntake(steps.batch.engine, registrar, steps.batch.clock)
    assert await bare.profiles_of_new(["KO"]) == {"skipped": "not offered"}
    assert registrar.take_asked() == []


@pytest.mark.parametrize(("word", "enabled"), [("off", False), ("on", True), (None, True)])
def test_one_word_of_the_environment_switches_the_steps_off(
    monkeypatch: pytest.MonkeyPatch, word: str | None, enabled: bool
) -> None:
    monkeypatch.setenv("RISKSTREAM_POSTGRES_DSN", "postgresql://nobody@127.0.0.1/none")
    monkeypatch.delenv("RISKSTREAM_COMPANIES", raising=False)
    if word is not None:
        monkeypatch.setenv("RISKSTREAM_COMPANIES", word)
    assert CommandSettings().companies is enabled


async def test_a_step_that_breaks_off_is_written_down_and_raises_nothing(steps, registrar, monkeypatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(companies, "write_profiles", broken)
    intake = CompanyIntake(steps.batch.engine, registrar, steps.batch.clock)
    assert await intake.profiles_of_new(["KO"]) == {"error": "RuntimeError: the disk is full"}


async def test_five_thousand_companies_are_stored_at_once_and_again(steps) -> None:
    rows = [(companies.ProfileRow(f"C{n}", "C", "EQUITY", "Energy", "Oil", "US", "USD", 1e9, 2.5, None), "x") for n in range(5_000)]  # fmt: skip  # noqa: E501
    lines = [
        (companies.LineRow(f"C{n}", "income", "annual", date(2024, 12, 31), f"item {i}", Decimal(i), None, "USD"), "x")
        for n in range(5_000)
        for i in range(20)
    ]
    now = steps.batch.clock.now()
    for new in (100_000, 0):
        async with steps.batch.engine.begin() as connection:
            await companies.write_profiles(connection, rows, now, DAY)
            assert await companies.write_lines(connection, lines, now) == new
    assert await steps.batch.value("SELECT count(*) FROM symbols.company_profiles") == 5_000


async def test_sectors_and_facts_are_of_the_symbols_that_have_them(steps, registrar) -> None:
    registrar.profiles = {"SPY": FUND, "NEW": replace(COMPANY, sector="Spacefaring")}
    await steps.profiles(["KO", "NEW", "SPY"])
    async with steps.batch.engine.connect() as connection:
        assert await companies.sectors(connection, ["KO", "NEW", "SPY", "GONE"]) == {
            "KO": "Information Technology",
            "SPY": "ETF",
        }
        facts = await companies.company_facts(connection, ["KO", "GONE"])
    assert {symbol: (one.shares_outstanding, one.fetched_on) for symbol, one in facts.items()} == {"KO": (1_000.0, DAY)}
