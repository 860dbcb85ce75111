"""Folding to target on a real database, as the role of the service."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from portfolio_refresh.folding import Folding, FoldLimits


async def test_the_first_fold_values_every_session_from_the_first_one_on(world, folding, days):
    for day, price in zip(days[:3], (60, 61, 62), strict=True):
        await world.closes(day, KO=price)
    await world.publish(days[2], ["KO"])
    portfolio = await world.portfolio(days[1], ("KO", 10, 50), equity=1_000)
    result = await folding.fold([portfolio], "change")
    assert result.folded == [portfolio]
    assert await world.navs(portfolio) == {days[1]: 1_000, days[2]: 1_010}
    head = await world.head(portfolio)
    assert (head["valuation"], head["portfolio_version"], head["edition"], head["session"]) == (1, 1, 1, days[2])
    assert head["unknown_symbols"] == []
    value = (await world.position_values(portfolio))["KO"]
    assert (float(value["market_value"]), value["price"], value["price_status"]) == (620, 62, "priced")
    assert (value["price_session"], float(value["pnl"]), float(value["quantity"])) == (days[2], 10, 10)
    assert await world.said("portfolio.refreshed") == [
        {
            "portfolio": str(portfolio),
            "owner": "alice",
            "valuation": 1,
            "portfolio_version": 1,
            "edition": 1,
            "from_session": str(days[1]),
            "to_session": str(days[2]),
            "cause": "change",
        }
    ]


async def test_the_next_night_is_appended_and_earlier_rows_are_not_touched(world, folding, days):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("KO", 10, 50))
    await folding.fold([portfolio], "change")
    before = await world.snapshots(portfolio)
    await world.night(days[1], KO=63)
    await folding.fold([portfolio], "night")
    after = await world.snapshots(portfolio)
    assert after[days[0]] == before[days[0]]
    assert float(after[days[1]]["pnl"]) == 30
    assert after[days[1]]["daily_return"] == 0.05
    assert float(after[days[1]]["cumulative_pnl"]) == 30
    assert (await world.head(portfolio))["valuation"] == 2


async def test_folding_again_changes_no_row_and_says_nothing(world, folding, days):
    await world.night(days[0], KO=60)
    await world.night(days[1], KO=61)
    portfolio = await world.portfolio(days[0], ("KO", 10, 50))
    await folding.fold([portfolio], "night")
    before = await world.everything()
    result = await folding.fold([portfolio], "night")
    assert result.unchanged == [portfolio]
    assert await world.everything() == before
    assert len(await world.said("portfolio.refreshed")) == 1


async def test_missed_nights_are_filled_in_order_each_from_its_own_prices(world, folding, days):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    await folding.fold([portfolio], "night")
    for day, price in zip(days[1:4], (61, 65, 63), strict=True):
        await world.night(day, KO=price)
    await folding.fold([portfolio], "night")
    assert await world.navs(portfolio) == dict(zip(days[:4], (60, 61, 65, 63), strict=True))


async def test_a_session_without_prices_gets_no_snapshot(world, folding, days):
    await world.night(days[0], KO=60)
    await world.night(days[2], KO=64)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    await folding.fold([portfolio], "night")
    assert await world.navs(portfolio) == {days[0]: 60, days[2]: 64}


async def test_prices_after_the_editions_session_are_not_looked_at(world, folding, days):
    await world.night(days[0], KO=60)
    await world.closes(days[1], KO=99)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    await folding.fold([portfolio], "change")
    assert await world.navs(portfolio) == {days[0]: 60}


async def test_actions_of_the_ledger_reach_the_fold(world, folding, days):
    for day, ko, ge, panw in zip(days[:2], (60, 59), (175, 137), (400, 201), strict=True):
        await world.closes(day, KO=ko, GE=ge, PANW=panw)
    await world.publish(days[1], ["KO", "GE", "PANW"])
    await world.action("KO", days[1], "dividend", 0.5)
    await world.action("GE", days[1], "distribution", 1.25)
    await world.action("PANW", days[1], "split", 2)
    portfolio = await world.portfolio(days[0], ("KO", -10, 60), ("GE", 10, 100), ("PANW", 3, 300))
    await folding.fold([portfolio], "night")
    last = (await world.snapshots(portfolio))[days[1]]
    assert float(last["pnl_dividend"]) == -5
    assert float(last["pnl_in_kind"]) == 0.25 * 137 * 10
    assert float(last["pnl_price"]) == 10 - 380 + 3 * (2 * 201 - 400)
    assert float((await world.position_values(portfolio))["PANW"]["quantity"]) == 6


async def test_a_change_is_folded_from_the_session_it_affects_and_counts_as_a_revision(world, folding, days):
    for day in days[:4]:
        await world.closes(day, KO=60, F=10)
    await world.publish(days[3], ["KO", "F"])
    portfolio = await world.portfolio(days[0], ("KO", 1, 50), equity=1_000)
    await folding.fold([portfolio], "change")
    await world.lot(portfolio, "F", 10, 9, days[2])
    await world.change(portfolio, days[2])
    await folding.fold([portfolio], "change")
    assert await world.navs(portfolio) == dict(zip(days[:4], (1_000, 1_000, 1_010, 1_010), strict=True))
    assert [row["revision"] for row in (await world.snapshots(portfolio)).values()] == [0, 0, 1, 1]
    assert (await world.head(portfolio))["portfolio_version"] == 2
    assert (await world.said("portfolio.refreshed"))[-1]["from_session"] == str(days[2])


async def test_a_change_of_nothing_that_counts_still_brings_the_head_to_its_version(world, folding, days):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    await folding.fold([portfolio], "change")
    before = await world.snapshots(portfolio)
    await world.change(portfolio, days[5])
    await folding.fold([portfolio], "change")
    assert await world.snapshots(portfolio) == before
    assert (await world.head(portfolio))["portfolio_version"] == 2


async def test_a_sold_lot_leaves_the_position_values(world, folding, days):
    await world.night(days[0], KO=60, F=10)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50), ("F", 1, 10))
    await folding.fold([portfolio], "change")
    await world.sql.execute("DELETE FROM portfolios.positions WHERE symbol = 'F'")
    await world.change(portfolio, days[0])
    await folding.fold([portfolio], "change")
    assert set(await world.position_values(portfolio)) == {"KO"}


async def test_a_revised_price_is_folded_again_from_its_session_for_holders_only(world, folding, days):
    for day in days[:3]:
        await world.closes(day, KO=60, F=10)
    await world.publish(days[2], ["KO", "F"])
    holder = await world.portfolio(days[0], ("KO", 1, 50))
    other = await world.portfolio(days[0], ("F", 1, 10))
    await folding.fold([holder, other], "night")
    await world.closes(days[1], KO=70)
    await world.revise("KO", days[1], ["KO", "F"])
    result = await folding.fold([holder, other], "revision")
    assert (result.folded, result.unchanged) == ([holder], [other])
    assert list((await world.navs(holder)).values()) == [60, 70, 60]
    assert [row["revision"] for row in (await world.snapshots(holder)).values()] == [0, 1, 1]
    assert [float(row["pnl"]) for row in (await world.snapshots(holder)).values()] == [0, 10, -10]


async def test_the_revision_of_a_skipped_edition_is_not_forgotten(world, folding, days):
    await world.night(days[0], KO=60)
    await world.night(days[1], KO=61)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    await folding.fold([portfolio], "night")
    await world.closes(days[0], KO=50)
    await world.revise("KO", days[0], ["KO"])
    await world.night(days[2], KO=62)
    await folding.fold([portfolio], "night")
    assert list((await world.navs(portfolio)).values()) == [50, 61, 62]


async def test_history_that_changed_without_a_word_is_noticed_and_folded_from_the_first_session(world, folding, days):
    await world.night(days[0], KO=60)
    await world.night(days[1], KO=61)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50), equity=100)
    await folding.fold([portfolio], "night")
    await world.closes(days[1], KO=41)
    await world.night(days[2], KO=62)
    result = await folding.fold([portfolio], "night")
    assert result.folded == [portfolio]
    assert list((await world.navs(portfolio)).values()) == [100, 81, 102]


async def test_a_symbol_that_becomes_known_is_folded_from_the_first_session(world, folding, days):
    await world.night(days[0], KO=60)
    await world.night(days[1], KO=61)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50), ("NEW", 2, 30))
    await folding.fold([portfolio], "change")
    assert list((await world.navs(portfolio)).values()) == [120, 121]
    assert (await world.head(portfolio))["unknown_symbols"] == ["NEW"]
    assert (await world.position_values(portfolio))["NEW"]["price_status"] == "unpriced"
    await world.closes(days[0], NEW=33)
    await world.closes(days[1], NEW=34)
    await world.know("NEW", days[1])
    await folding.fold([portfolio], "symbol")
    assert list((await world.navs(portfolio)).values()) == [126, 129]
    head = await world.head(portfolio)
    assert (head["valuation"], head["unknown_symbols"]) == (2, [])


async def test_several_unknown_symbols_are_all_named(world, folding, days):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("ZZ", 1, 50), ("BRK-B", 2, 30), ("AA", 2, 30))
    await world.lot(portfolio, "KO 250117C60", 1, 3, days[0], investment_class="OPTIONS")
    await folding.fold([portfolio], "change")
    assert (await world.head(portfolio))["unknown_symbols"] == ["AA", "BRK-B", "ZZ"]
    assert (await world.position_values(portfolio))["KO 250117C60"]["price_status"] == "manual"


async def test_without_an_edition_and_before_the_first_session_there_is_nothing_to_do(world, folding, days):
    portfolio = await world.portfolio(days[3], ("KO", 1, 50))
    assert (await folding.fold([portfolio], "change")).unchanged == [portfolio]
    await world.night(days[0], KO=60)
    assert (await folding.fold([portfolio, UUID(int=7)], "change")).unchanged == [UUID(int=7), portfolio]
    assert await world.head(portfolio) is None


async def test_two_folds_at_once_end_in_one_valuation(world, engine, outbox, days):
    await world.night(days[0], KO=60)
    portfolios = [await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(20)]
    results = await asyncio.gather(*(Folding(engine, outbox).fold(portfolios, "night") for _ in range(4)))
    assert sorted(done for result in results for done in result.folded) == sorted(portfolios)
    assert not any(result.lost for result in results)
    assert {(await world.head(portfolio))["valuation"] for portfolio in portfolios} == {1}
    assert len(await world.said("portfolio.refreshed")) == 20


async def test_two_folds_of_a_second_night_at_once_raise_the_valuation_once(world, engine, outbox, days):
    await world.night(days[0], KO=60)
    portfolios = [await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(20)]
    await Folding(engine, outbox).fold(portfolios, "night")
    await world.night(days[1], KO=61)
    await asyncio.gather(*(Folding(engine, outbox).fold(portfolios, "night") for _ in range(4)))
    assert {(await world.head(portfolio))["valuation"] for portfolio in portfolios} == {2}
    assert len(await world.said("portfolio.refreshed")) == 40


async def test_a_fold_that_read_an_older_head_writes_nothing(world, engine, outbox, days, monkeypatch):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    await Folding(engine, outbox).fold([portfolio], "night")
    await world.night(days[1], KO=61)
    slow = Folding(engine, outbox)
    true_write = slow._write_at_once

    async def write(*arguments):
        await Folding(engine, outbox).fold([portfolio], "change")
        return await true_write(*arguments)

    monkeypatch.setattr(slow, "_write_at_once", write)
    result = await slow.fold([portfolio], "night")
    assert (result.folded, result.unchanged, result.lost) == ([], [portfolio], [])
    assert (await world.head(portfolio))["valuation"] == 2


async def test_a_fold_that_lost_is_folded_again_on_what_is_there_now(world, folding, days, monkeypatch):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    true_write, interrupted = folding._write_at_once, []

    async def write(*arguments):
        if not interrupted:
            interrupted.append(True)
            await world.lot(portfolio, "KO", 1, 50, days[0])
            await world.change(portfolio, days[0])
        return await true_write(*arguments)

    monkeypatch.setattr(folding, "_write_at_once", write)
    result = await folding.fold([portfolio], "change")
    assert result.folded == [portfolio]
    head = await world.head(portfolio)
    assert (head["valuation"], head["portfolio_version"]) == (1, 2)
    assert await world.navs(portfolio) == {days[0]: 120}


async def test_who_loses_every_round_is_reported(world, engine, outbox, days, monkeypatch):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    folding = Folding(engine, outbox, FoldLimits(rounds=3, pause_seconds=0))
    true_write, rounds = folding._write_at_once, []

    async def write(*arguments):
        rounds.append(await world.change(portfolio, days[0]))
        return await true_write(*arguments)

    monkeypatch.setattr(folding, "_write_at_once", write)
    result = await folding.fold([portfolio], "change")
    assert (result.lost, result.folded, len(rounds)) == ([portfolio], [], 3)
    assert await world.head(portfolio) is None


async def test_a_portfolio_that_cannot_be_valued_stops_no_other(world, folding, days):
    await world.night(days[0], KO=60)
    good = [await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(3)]
    bad = await world.portfolio(days[0], ("KO", 1e16, 50))
    rich = await world.portfolio(days[0], ("KO", 1, 50), equity=1e17)
    result = await folding.fold([*good, bad, rich], "night")
    assert sorted(result.folded) == sorted(good)
    assert {portfolio: fault.reason for portfolio, (_, _, fault) in result.failed.items()} == {
        bad: "amount_out_of_range",
        rich: "amount_out_of_range",
    }


async def test_rows_that_the_database_refuses_are_narrowed_down_to_their_portfolio(world, folding, days):
    await world.night(days[0], KO=60)
    portfolios = [await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(9)]
    bad = portfolios[4]
    await world.sql.execute(f"ALTER TABLE valuations.position_values ADD CHECK (portfolio_id <> '{bad}')")
    result = await folding.fold(portfolios, "night")
    assert sorted(result.folded) == sorted(set(portfolios) - {bad})
    assert result.failed[bad][2].reason == "write_refused"
    assert await world.head(bad) is None
    assert len(await world.said("portfolio.refreshed")) == 8


async def test_a_database_that_is_away_is_nobodys_fault(world, folding, days):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    await world.sql.execute("REVOKE INSERT ON valuations.portfolio_snapshots FROM portfolio_refresh")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await folding.fold([portfolio], "night")


async def test_a_deleted_portfolio_is_forgotten(world, folding, days):
    await world.night(days[0], KO=60)
    portfolio, other = [await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(2)]
    await folding.fold([portfolio, other], "change")
    await world.change(portfolio, days[0], deleted=True)
    await folding.fold([portfolio, other], "change")
    assert await world.head(portfolio) is None
    assert await world.navs(portfolio) == {}
    assert await world.position_values(portfolio) == {}
    assert await world.navs(other) == {days[0]: 60}


async def test_any_cut_of_the_work_ends_in_the_same_rows(world, engine, outbox, days):
    for number, day in enumerate(days[:6]):
        await world.closes(day, KO=60 + number / 3, F=10 - number / 7)
    await world.publish(days[5], ["KO", "F"])
    portfolios = [await world.portfolio(days[n % 3], ("KO", 1 / 3, 50), ("F", n + 1, 10)) for n in range(7)]
    await Folding(engine, outbox).fold(portfolios, "night")
    whole = {portfolio: await world.snapshots(portfolio) for portfolio in portfolios}
    await world.sql.execute(
        "TRUNCATE valuations.valuation_heads, valuations.portfolio_snapshots, valuations.position_values"
    )
    await Folding(engine, outbox, FoldLimits(portfolios=2, snapshots=1)).fold(portfolios, "night")
    assert {portfolio: await world.snapshots(portfolio) for portfolio in portfolios} == whole


async def test_an_old_close_from_before_the_fold_still_marks_a_position(world, folding, days):
    await world.night(days[0], KO=60, F=10)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50), ("F", 3, 5))
    await folding.fold([portfolio], "night")
    for day in days[1:12]:
        await world.closes(day, KO=60)
        await world.publish(day, ["KO", "F"])
        await folding.fold([portfolio], "night")
    assert set((await world.navs(portfolio)).values()) == {90}
    value = (await world.position_values(portfolio))["F"]
    assert (value["price_status"], float(value["market_value"]), value["price"]) == ("unpriced", 30, None)
    assert value["session"] == days[11]
    await world.night(days[12], KO=60, F=12)
    await folding.fold([portfolio], "night")
    assert (await world.navs(portfolio))[days[12]] == 96
    # Continued where it stood: the value before the price came back was the stored one.
    assert (await world.said("portfolio.refreshed"))[-1]["from_session"] == str(days[12])


async def test_a_run_is_named_in_the_rows_it_wrote(world, folding, days):
    await world.night(days[0], KO=60)
    portfolio, run = await world.portfolio(days[0], ("KO", 1, 50)), uuid4()
    await folding.fold([portfolio], "night", run)
    row = (await world.snapshots(portfolio))[days[0]]
    assert (row["run_id"], row["valuation"], row["edition"]) == (run, 1, 1)
