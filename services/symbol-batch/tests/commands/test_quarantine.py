"""Held bars and providers from the operator's chair."""

from datetime import date

import pytest

from riskstream.market.risk_factors import BENCHMARKS

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

THURSDAY, MONDAY = date(2025, 7, 3), date(2025, 7, 7)


@pytest.fixture
async def held(batch, exchange) -> str:
    """A symbol whose bar of Monday is a hundred times too high, and held back."""
    symbol = [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS][2]
    assert await batch.run_night_of(THURSDAY) == "completed"
    exchange.fault(kind="scale", symbols=[symbol], factor=100.0, sessions=[MONDAY.isoformat()])
    await batch.run_night_of(MONDAY)
    exchange.heal()
    return symbol


async def test_a_held_bar_is_listed_shown_and_accepted_as_a_revision(desk, batch, held) -> None:
    [row] = await desk.objects("quarantine", "list")
    assert (row["symbol"], row["session"], row["state"]) == (held, MONDAY.isoformat(), "pending")
    [shown] = await desk.objects("quarantine", "show", held.lower(), MONDAY.isoformat())
    assert shown == row
    assert row["reason"] in await desk.done("quarantine", "list")
    decided = await desk.objects("quarantine", "accept", held, MONDAY.isoformat(), "--by", "ada", "--note", "I saw it")
    assert decided == [{"symbol": held, "session": MONDAY.isoformat(), "state": "accepted", "edition": 3}]
    assert await desk.done("quarantine", "list") == "no bar is held back\n"
    [after] = await desk.objects("quarantine", "list", "--state", "all")
    assert (after["state"], after["decided_by"], after["note"]) == ("accepted", "ada", "I saw it")
    code, sentence = await desk.refusal("quarantine", "accept", held, MONDAY.isoformat())
    assert (code, "accepted before" in sentence) == (1, True)


async def test_the_run_that_held_a_bar_back_says_so_of_the_symbol_even_after_the_verdict(desk, held) -> None:
    [before] = await desk.objects("runs", "show", MONDAY.isoformat())
    assert before["unpriced"].keys() == {held}
    assert before["unpriced"][held]["outcome"] == "QUARANTINED"
    assert before["unpriced"][held]["detail"].startswith("jump: close ")
    await desk.done("quarantine", "accept", held, MONDAY.isoformat())
    [after] = await desk.objects("runs", "show", MONDAY.isoformat())
    assert after["unpriced"] == before["unpriced"]


async def test_a_rejected_bar_stays_out_and_nothing_is_published_for_it(desk, batch, held) -> None:
    assert await desk.done("quarantine", "reject", held, MONDAY.isoformat()) == (
        f"the bar of {held} on {MONDAY} is rejected\n"
    )
    assert await batch.value("SELECT max(edition) FROM symbols.editions") == 2
    [row] = await desk.objects("quarantine", "list", "--state", "rejected")
    assert row["symbol"] == held


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["show", "SPY", "2025-07-07"], 1, "no bar of SPY"),
        (["accept", "SPY", "2025-07-07"], 1, "no bar of SPY"),
        (["list", "--state", "odd"], 2, "odd"),
        (["list", "--symbol", "a b"], 2, "nothing was done"),
    ],
)
async def test_what_is_not_held_is_not_decided(desk, database, words, code, complaint) -> None:
    ended, sentence = await desk.refusal("quarantine", *words)
    assert (ended, complaint in sentence) == (code, True), sentence


async def test_providers_show_their_rate_and_their_breaker(desk, batch) -> None:
    assert await desk.done("providers", "status") == "no provider has been asked yet\n"
    await batch.rows(
        "INSERT INTO symbols.provider_limits (provider, rate, raised_by, refused_rate, refused) "
        "VALUES ('yahoo', 1.9, 0.1, 2.2, 3)"
    )
    [row] = await desk.objects("providers", "status")
    assert (row["provider"], row["rate"], row["refused_rate"], row["breaker"], row["refused"]) == (
        "yahoo", 1.9, 2.2, "closed", 3,
    )  # fmt: skip
    assert "yahoo     1.9" in await desk.done("providers", "status")
