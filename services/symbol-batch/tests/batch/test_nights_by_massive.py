"""Nights whose prices come from the bulk provider, after nights whose prices came from Yahoo."""

from datetime import date

from symbol_batch.providers.massive import MassiveProvider


async def test_a_night_that_yahoo_refuses_is_completed_by_the_bulk_provider(replica, exchange, clock) -> None:
    first = replica()
    await first.add(exchange.symbols)
    assert await first.run_night_of(date(2025, 7, 8)) == "completed"

    exchange.fault(kind="refuse")
    exchange.forget_requests()
    bulk = replica(provider=MassiveProvider("any", clock, base=exchange.url), chunk_symbols=7)
    assert await bulk.run_night_of(date(2025, 7, 9)) == "completed"
    asked = exchange.simulator.ledger.report()["endpoints"]
    assert asked["grouped"] <= 12
    assert sum(asked.values()) <= 20, asked

    stored = await bulk.rows(
        "SELECT symbol, close, source FROM symbols.market_data_cache WHERE session = $1", date(2025, 7, 9)
    )
    assert {row["source"] for row in stored} == {"massive"}
    closes = {row["symbol"]: row["close"] for row in stored}
    for symbol in exchange.symbols:
        assert abs(closes[symbol] / exchange.simulator.history(symbol).close[-1] - 1) < 1e-12
    assert await bulk.value("SELECT count(*) FROM symbols.revisions") == 0, "two sources of one market revise nothing"


async def test_a_universe_can_be_filled_by_the_bulk_provider_alone(replica, exchange, clock) -> None:
    bulk = replica(provider=MassiveProvider("any", clock, base=exchange.url))
    await bulk.add(exchange.symbols)
    assert await bulk.run_night_of(date(2025, 7, 8)) == "completed"
    yahoo = replica()
    assert await yahoo.run_night_of(date(2025, 7, 9)) == "completed"
    assert await yahoo.value("SELECT count(*) FROM symbols.revisions") == 0
    sessions = exchange.simulator.market.sessions
    splits = [split for symbol in exchange.symbols for split in exchange.simulator.history(symbol).splits]
    since = [split for split in splits if sessions.day(split.session) >= date(2024, 6, 3)]
    stored = await yahoo.value("SELECT count(*) FROM symbols.corporate_actions WHERE kind <> 'dividend'")
    assert stored == len(since) > 0
