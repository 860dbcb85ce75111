"""What operators accept and reject, between nights."""

import asyncio
from datetime import date

import pytest

from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.prices import NotDecidable

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

THURSDAY, MONDAY, TUESDAY, WEDNESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8), date(2025, 7, 9)


async def test_an_accepted_bar_is_a_revision_between_nights(batch, exchange, company, revisions) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    decided = await revisions.decide(company, TUESDAY, "accept", who="Ann", note="read it in the paper")
    assert (decided.state, decided.edition.number, decided.edition.session) == ("accepted", 3, TUESDAY)
    assert await batch.value("SELECT kind FROM symbols.editions WHERE edition = 3") == "revision"
    assert await batch.value("SELECT edition FROM symbols.current_edition") == 3
    held = (await batch.rows("SELECT * FROM symbols.quarantined_bars"))[0]
    assert await batch.close_of(company, TUESDAY) == held["close"]
    assert (held["state"], held["decided_by"], held["note"]) == ("accepted", "Ann", "read it in the paper")
    assert {carried for _, carried in (await batch.betas(company, 3)).values()} == {None}
    events = [event for event in await batch.events("symbol.factors.updated.v1") if event["edition"] == 3]
    assert [(event["symbol"], event["reason"], event["prices_revised_from"]) for event in events] == [
        (company, "revision", TUESDAY.isoformat())
    ]


async def test_a_revision_leaves_every_other_symbol_as_it_was(batch, exchange, company, revisions) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    await revisions.decide(company, TUESDAY, "accept", who="Ann")
    for table in ("symbol_factor_exposures", "symbol_daily_metrics", "risk_loadings"):
        others = (
            f"SELECT to_jsonb(t) - 'edition' AS row FROM symbols.{table} t "
            "WHERE edition = $1 AND symbol <> $2 ORDER BY to_jsonb(t)->>'symbol', to_jsonb(t)->>'factor'"
        )
        before, after = [await batch.rows(others, edition, company) for edition in (2, 3)]
        assert before == after
        assert len(before) >= len(exchange.symbols) - 1
        own = f"SELECT count(*) FROM symbols.{table} WHERE edition = $1 AND symbol = $2"
        assert await batch.value(own, 3, company) == await batch.value(own, 2, company) > 0
    model = "SELECT to_jsonb(m) - 'edition' - 'run_id' FROM symbols.risk_models m WHERE edition = $1"
    assert await batch.value(model, 2) == await batch.value(model, 3)


async def test_the_night_after_an_accepted_bar_finds_nothing_to_say_about_it(
    batch, exchange, company, revisions
) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    await revisions.decide(company, TUESDAY, "accept", who="Ann")
    exchange.scale(company, 0.5, WEDNESDAY)
    assert await batch.run_night_of(WEDNESDAY) == "completed"
    assert await batch.held_state(company, TUESDAY) == "accepted"
    assert await batch.value("SELECT count(*) FROM symbols.revisions WHERE edition = 4") == 0


async def test_a_rejected_bar_stays_out_while_the_source_repeats_it(batch, exchange, company, revisions) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 0.5, TUESDAY, WEDNESDAY)
    await batch.run_night_of(TUESDAY)
    decided = await revisions.decide(company, TUESDAY, "reject", who="Ann")
    assert (decided.state, decided.edition) == ("rejected", None)
    await batch.run_night_of(WEDNESDAY)
    assert await batch.held_state(company, TUESDAY) == "rejected"
    assert await batch.close_of(company, TUESDAY) is None
    assert await batch.held_state(company, WEDNESDAY) == "pending", "it is compared with the last good bar"


async def test_a_bar_that_was_accepted_can_be_rejected_and_is_a_price_no_longer(
    batch, exchange, company, revisions
) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    await revisions.decide(company, TUESDAY, "accept", who="Ann")
    decided = await revisions.decide(company, TUESDAY, "reject", who="Bob")
    assert decided.edition.number == 4
    assert await batch.close_of(company, TUESDAY) is None
    now, then = await batch.betas(company, 4), await batch.betas(company, 1)
    assert now["market_beta"] == (then["market_beta"][0], MONDAY)
    metrics = "SELECT price_session FROM symbols.symbol_daily_metrics WHERE edition = $1 AND symbol = $2"
    assert [await batch.value(metrics, edition, company) for edition in (3, 4)] == [TUESDAY, MONDAY]


async def test_verdicts_that_cannot_be_carried_out_say_why(batch, exchange, company, revisions) -> None:
    await batch.run_night_of(MONDAY)
    with pytest.raises(NotDecidable, match="no bar of SPY"):
        await revisions.decide("SPY", MONDAY, "accept", who="Ann")
    exchange.scale(company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    await batch.rows("UPDATE symbols.batch_runs SET state = 'running', lease_until = now() + interval '1 minute'")
    with pytest.raises(NotDecidable, match="is running"):
        await revisions.decide(company, TUESDAY, "accept", who="Ann")
    await batch.rows("UPDATE symbols.batch_runs SET state = 'completed'")
    both = await asyncio.gather(
        *(revisions.decide(company, TUESDAY, "accept", who=who) for who in ("Ann", "Bob")), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in both) == ["Decided", "NotDecidable"]
    assert await batch.value("SELECT count(*) FROM symbols.editions") == 3


async def test_a_benchmark_that_is_held_fails_the_night_until_somebody_accepts_it(batch, exchange, revisions) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale("TLT", 0.5, TUESDAY)
    assert await batch.run_night_of(TUESDAY) == "failed"
    reason = await batch.value("SELECT reason FROM symbols.batch_runs WHERE session = $1", TUESDAY)
    assert "TLT QUARANTINED (jump: close" in reason
    assert (await revisions.decide("TLT", TUESDAY, "accept", who="Ann")).edition is None
    await asyncio.sleep(0.05)
    assert await batch.run_night_of(TUESDAY) == "completed"
    assert await batch.value("SELECT edition FROM symbols.current_edition") == 2


async def test_an_accepted_benchmark_concerns_every_symbol(batch, exchange, revisions) -> None:
    await batch.run_night_of(MONDAY)
    await batch.rows(
        "INSERT INTO symbols.quarantined_bars (symbol, session, close, source, fetched_at, rule, reason, held_at, "
        "held_in) SELECT symbol, session, close * 1.2, source, fetched_at, 'jump', 'a correction', now(), session "
        "FROM symbols.market_data_cache WHERE symbol = 'SPY' AND session = $1",
        THURSDAY,
    )
    decided = await revisions.decide("SPY", THURSDAY, "accept", who="Ann")
    assert decided.edition.number == 2
    changed = await batch.value(
        "SELECT count(*) FROM symbols.symbol_factor_exposures one JOIN symbols.symbol_factor_exposures other "
        "USING (symbol, factor) WHERE one.edition = 1 AND other.edition = 2 AND factor = 'market_beta' "
        "AND one.beta <> other.beta"
    )
    assert changed > len(exchange.symbols) - 5
    models = await batch.rows("SELECT covariance FROM symbols.risk_models ORDER BY edition")
    assert models[0]["covariance"] != models[1]["covariance"]
    events = [event for event in await batch.events("symbol.factors.updated.v1") if event["edition"] == 2]
    assert len(events) == len(exchange.symbols)
    assert {e["symbol"]: e["prices_revised_from"] for e in events if e["prices_revised_from"]} == {
        "SPY": THURSDAY.isoformat()
    }


async def test_two_revisions_at_once_follow_each_other_and_neither_is_lost(batch, exchange, company, revisions) -> None:
    other = [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS][9]
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 0.5, TUESDAY)
    exchange.scale(other, 0.5, TUESDAY)
    assert await batch.run_night_of(TUESDAY) == "completed_with_warnings"
    both = await asyncio.gather(
        *(revisions.decide(symbol, TUESDAY, "accept", who="Ann") for symbol in (company, other))
    )
    assert sorted(decided.edition.number for decided in both) == [3, 4]
    for symbol in (company, other):
        assert {carried for _, carried in (await batch.betas(symbol, 4)).values()} == {None}
    assert len(await batch.rows("SELECT * FROM symbols.revisions")) == 2
