"""The universe from the operator's chair, and what a change of it means for the nights and for who asks."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from riskstream.events.envelope import Envelope
from riskstream.events.symbol import SymbolRequested
from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch import universe

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

MONDAY, TUESDAY = date(2025, 7, 7), date(2025, 7, 8)


def companies(exchange) -> list[str]:
    return [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS]


async def ask(batch, symbol: str) -> None:
    event = SymbolRequested(symbol=symbol)
    envelope = Envelope(
        id=uuid4(),
        source="/services/onboarding",
        type=event.type,
        time=datetime.now(UTC),
        subject=symbol,
        event=event,
        correlation_id="test",
    )
    async with batch.engine.begin() as connection:
        await batch.requests.requested(connection, envelope)


async def rename(batch, old: str, new: str, effective: date) -> None:
    async with batch.engine.begin() as connection:
        await universe.rename(connection, old, new, effective, batch.clock.now())


async def closes(batch, symbol: str) -> list[tuple[date, float]]:
    query = "SELECT session, close FROM symbols.traded_bars WHERE symbol = $1 ORDER BY session"
    return [tuple(row) for row in await batch.rows(query, symbol)]


@pytest.fixture
async def published(batch):
    """Monday's edition of the whole market."""
    assert await batch.run_night_of(MONDAY) == "completed"
    return batch


async def test_symbols_are_taken_in_left_out_and_taken_in_again(desk, database, tmp_path) -> None:
    file = tmp_path / "symbols.csv"
    file.write_text("name,symbol\nBerkshire,brk.b\nSPDR,SPY\n")
    assert await desk.done("universe", "add", "--file", str(file), "aapl") == "3 of 3 symbols added\n"
    assert await desk.done("universe", "add", "AAPL", "MSFT") == "1 of 2 symbols added\n"
    assert await desk.objects("universe", "deactivate", "AAPL", "--reason", "sold to nobody") == [
        {"symbol": "AAPL", "deactivated": True}
    ]
    [row] = await desk.objects("universe", "list", "aapl")
    assert (row["status"], row["deactivation_reason"]) == ("inactive", "sold to nobody")
    assert [row["symbol"] for row in await desk.objects("universe", "list", "--status", "active")] == [
        "BRK-B", "MSFT", "SPY",
    ]  # fmt: skip
    [request] = await desk.objects("symbols", "requests")
    assert (request["symbol"], request["state"], request["reason"]) == ("AAPL", "failed", "deactivated")
    assert await desk.done("universe", "reactivate", "AAPL") == "1 of 1 symbols reactivated\n"
    assert [request["state"] for request in await desk.objects("symbols", "requests", "--symbol", "aapl")] == ["queued"]
    table = (await desk.done("universe", "list")).splitlines()
    assert table[0].split() == list(universe_columns())
    assert table[1].startswith("AAPL    active")


def universe_columns() -> tuple[str, ...]:
    return "symbol", "status", "added_at", "not_found_sessions", "deactivation_reason", "renamed_to"


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["universe", "add", "not a symbol"], 2, "nothing was done"),
        (["universe", "add"], 2, "say which symbols"),
        (["universe", "add", "--file", "nowhere.csv"], 1, "nowhere.csv"),
        (["universe", "deactivate", "SPY"], 1, "benchmarks"),
        (["universe", "deactivate", "AAPL"], 1, "not in the universe"),
        (["universe", "reactivate", "AAPL"], 1, "not in the universe"),
        (["universe", "rename", "FI", "FISV"], 1, "not in the universe"),
        (["universe", "rename", "FI", "fi"], 1, "its own name"),
        (["universe", "rename", "FI", "FISV", "--effective", "soon"], 2, "soon"),
        (["universe", "list", "--status", "asleep"], 2, "asleep"),
    ],
)
async def test_what_makes_no_sense_changes_nothing_and_says_why(desk, batch, words, code, complaint) -> None:
    before = await batch.content()
    ended, sentence = await desk.refusal(*words)
    assert (ended, complaint in sentence) == (code, True), sentence
    assert await batch.content() == before


async def test_a_command_without_a_database_says_which_variable_is_missing(desk) -> None:
    del desk.environment["RISKSTREAM_POSTGRES_DSN"]
    code, sentence = await desk.refusal("universe", "list")
    assert code == 2
    assert "RISKSTREAM_POSTGRES_DSN" in sentence


async def test_a_deactivated_symbol_is_in_no_later_edition_and_comes_back_when_it_is_taken_in_again(
    published, exchange
) -> None:
    left = companies(exchange)[3]
    async with published.engine.begin() as connection:
        await universe.deactivate(connection, [left], "a test", published.clock.now())
    exchange.forget_requests()
    assert await published.run_night_of(TUESDAY) == "completed"
    assert left not in exchange.asked_for()
    await ask(published, left)
    [failed] = await published.events("symbol.failed.v1")
    assert (failed["reason"], failed["detail"]) == ("deactivated", "a test")
    async with published.engine.begin() as connection:
        await universe.reactivate(connection, [left], published.clock.now())
    assert await published.new_symbols.drain() == [(left, "ready")]
    known = "SELECT count(*) FROM symbols.symbol_daily_metrics WHERE edition = 2 AND symbol = $1"
    assert await published.value(known, left) == 1


async def test_a_failure_is_remembered_for_a_day_and_then_somebody_may_ask_again(published, exchange) -> None:
    left = companies(exchange)[3]
    async with published.engine.begin() as connection:
        await universe.deactivate(connection, [left], "a test", published.clock.now())
    await published.run_night_of(TUESDAY)
    await published.rows("UPDATE symbols.symbol_requests SET finished_at = now() - interval '25 hours'")
    await ask(published, left)
    assert await published.new_symbols.drain() == [(left, "ready")]


async def test_a_renamed_symbol_goes_on_with_its_history_in_the_same_edition(published, exchange) -> None:
    """The market lists a company under its new name; ours is still the old one."""
    new = companies(exchange)[4]
    old = "OLDNAME"
    await as_if_called(published, new, old)
    history = await closes(published, old)
    await rename(published, old, new, TUESDAY)
    assert await closes(published, new) == history
    assert await closes(published, old) == history
    exchange.forget_requests()
    assert await published.new_symbols.drain() == [(new, "ready")]
    assert exchange.asked_for() == {new}
    assert await closes(published, new) == history, "nothing is double, nothing was revised"
    assert await published.value("SELECT count(*) FROM symbols.quarantined_bars WHERE symbol = $1", new) == 0
    betas = "SELECT beta FROM symbols.symbol_factor_exposures WHERE symbol = $1 AND edition = 1 ORDER BY factor"
    assert [row["beta"] for row in await published.rows(betas, new)] == [
        row["beta"] for row in await published.rows(betas, old)
    ]
    status = "SELECT status, deactivation_reason FROM symbols.symbol_universe WHERE symbol = $1"
    assert tuple((await published.rows(status, old))[0]) == ("inactive", f"renamed to {new} from {TUESDAY}")
    assert tuple((await published.rows(status, new))[0]) == ("active", None)
    assert await published.value("SELECT sector FROM symbols.company_profiles WHERE symbol = $1", new) == (
        await published.value("SELECT sector FROM symbols.company_profiles WHERE symbol = $1", old)
    )
    assert await published.run_night_of(TUESDAY) == "completed"
    await ask(published, old)
    assert [event["reason"] for event in await published.events("symbol.failed.v1")] == ["renamed"]


async def test_chains_of_names_end_in_the_last_one_and_a_name_can_be_taken_back(batch) -> None:
    await batch.add(["A1"])
    await rename(batch, "A1", "A2", MONDAY)
    await rename(batch, "A2", "A3", TUESDAY)
    names = "SELECT symbol, renamed_to FROM symbols.symbol_renames ORDER BY symbol"
    assert [tuple(row) for row in await batch.rows(names)] == [("A1", "A3"), ("A2", "A3")]
    with pytest.raises(universe.UniverseRefusal, match="goes on as A3"):
        await rename(batch, "A1", "B", TUESDAY)
    await rename(batch, "A3", "A1", TUESDAY)
    assert [tuple(row) for row in await batch.rows(names)] == [("A2", "A1"), ("A3", "A1")]
    status = "SELECT status FROM symbols.symbol_universe WHERE symbol = $1"
    assert [await batch.value(status, name) for name in ("A1", "A2", "A3")] == ["active", "inactive", "inactive"]


async def test_two_companies_are_not_made_one(published, exchange) -> None:
    one, other = companies(exchange)[:2]
    before = await published.content()
    with pytest.raises(universe.UniverseRefusal, match="two companies"):
        await rename(published, one, other, TUESDAY)
    assert await published.content() == before


async def as_if_called(batch, symbol: str, name: str) -> None:
    """Make everything that is stored of a symbol stand under another name."""
    for table in (
        "symbol_universe", "market_data_cache", "corporate_actions", "run_fetches", "symbol_factor_exposures",
        "symbol_daily_metrics", "company_profiles", "company_fetches", "fundamentals", "risk_loadings",
    ):  # fmt: skip
        await batch.rows(f"UPDATE symbols.{table} SET symbol = $2 WHERE symbol = $1", symbol, name)
