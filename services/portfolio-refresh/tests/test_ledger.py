"""What people hold beside shares, from the tables of the ledger to the stored rows: fees, prices by hand, options."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from portfolio_refresh.folding import Folding, FoldLimits
from portfolio_refresh.store.behind import portfolios_behind
from portfolio_refresh.store.runs import sizes_of_holders


@pytest.fixture
async def five_days(world, days):
    """KO at 60, 61, … 64 on the first five sessions, all published."""
    for number, day in enumerate(days[:5]):
        await world.closes(day, KO=60 + number)
    await world.publish(days[4], ["KO"])


def column(snapshots, name):
    return [float(row[name]) for row in snapshots.values()]


async def test_fees_of_lots_and_of_the_account_are_a_loss_on_their_day(world, folding, days, five_days):
    portfolio = await world.portfolio(days[0], equity=10_000)
    await world.lot(portfolio, "KO", 10, 61, days[1], entry_fee=1.5, exit_date=days[3], exit_price=63, exit_fee=2.25)
    await world.flow(portfolio, days[2], -5, "fee")
    await world.flow(portfolio, days[2], 100, "deposit")
    await folding.fold([portfolio], "change")
    snapshots = await world.snapshots(portfolio)
    assert column(snapshots, "fees") == [0, 1.5, 5, 2.25, 0]
    assert column(snapshots, "flow") == [0, 0, 100, 0, 0]
    assert column(snapshots, "pnl") == [0, -1.5, 5, 7.75, 0]
    assert column(snapshots, "nav") == [10_000, 9_998.5, 10_103.5, 10_111.25, 10_111.25]
    assert column(snapshots, "cumulative_pnl")[-1] == 11.25


async def test_fees_up_to_the_first_session_belong_to_its_equity(world, folding, days, five_days):
    portfolio = await world.portfolio(days[1], equity=1_000)
    await world.lot(portfolio, "KO", 1, 60, days[0], entry_fee=1)
    await world.lot(portfolio, "KO", 1, 61, days[1], entry_fee=2)
    await world.flow(portfolio, days[1], -4, "fee")
    await folding.fold([portfolio], "change")
    assert column(await world.snapshots(portfolio), "fees") == [0, 0, 0, 0]
    assert column(await world.snapshots(portfolio), "nav") == [1_000, 1_002, 1_004, 1_006]


async def test_what_was_deleted_counts_no_longer(world, folding, days, five_days):
    portfolio = await world.portfolio(days[0], ("KO", 1, 50), equity=1_000)
    lot = await world.lot(portfolio, "F", 5, 9, days[0])
    flow = await world.flow(portfolio, days[1], 100, "deposit")
    await folding.fold([portfolio], "change")
    assert (await world.head(portfolio))["unknown_symbols"] == ["F"]
    await world.sql.execute("UPDATE portfolios.positions SET deleted_version = 2 WHERE position_id = $1", lot)
    await world.sql.execute("UPDATE portfolios.cash_flows SET deleted_version = 2 WHERE flow_id = $1", flow)
    await world.change(portfolio, days[0])
    await folding.fold([portfolio], "change")
    assert column(await world.snapshots(portfolio), "nav") == [1_000, 1_001, 1_002, 1_003, 1_004]
    assert list(await world.position_values(portfolio)) == ["KO"]
    assert (await world.head(portfolio))["unknown_symbols"] == []


async def test_a_price_by_hand_counts_from_its_day_and_moves_the_gain_of_its_day(world, folding, days, five_days):
    portfolio = await world.portfolio(days[0])
    house = await world.lot(portfolio, "HOUSE", 2, 100, days[0], investment_class="PRIVATE")
    await world.price_by_hand(portfolio, house, days[2], 130)
    await folding.fold([portfolio], "change")
    snapshots = await world.snapshots(portfolio)
    assert column(snapshots, "nav") == [200, 200, 260, 260, 260]
    assert column(snapshots, "pnl") == [0, 0, 60, 0, 0]
    assert [row["coverage"] for row in snapshots.values()] == [1] * 5
    value = (await world.position_values(portfolio))["HOUSE"]
    assert (value["price_status"], value["price"], value["price_session"]) == ("manual", 130, days[2])
    assert (value["sector"], value["cost_basis"], value["unrealised_pnl"]) == ("PRIVATE", 200, 60)

    await world.price_by_hand(portfolio, house, days[2], 90)
    await world.change(portfolio, days[2])
    await folding.fold([portfolio], "change")
    assert column(await world.snapshots(portfolio), "pnl") == [0, 0, -20, 0, 0]


async def test_an_option_that_expires_in_the_money_is_closed_at_intrinsic_value(world, folding, days, five_days):
    portfolio = await world.portfolio(days[0], equity=1_000)
    await world.option(portfolio, ("CALL", "KO", 60, days[3]), 1, 2, days[0])
    await world.option(portfolio, ("PUT", "KO", 70, days[3]), -1, 9, days[0])
    await world.option(portfolio, ("PUT", "KO", 40, days[3]), 3, 0.5, days[0])
    await folding.fold([portfolio], "change")
    snapshots = await world.snapshots(portfolio)
    assert column(snapshots, "pnl") == [0, 0, 0, 100 + 200 - 150, 0]
    assert column(snapshots, "nav") == [1_000, 1_000, 1_000, 1_150, 1_150]
    assert column(snapshots, "cash") == [1_550, 1_550, 1_550, 1_150, 1_150]
    assert [row["positions"] for row in snapshots.values()] == [3, 3, 3, 0, 0]
    assert await world.position_values(portfolio) == {}


async def test_an_expired_option_is_shown_on_its_last_day(world, folding, days):
    for number, day in enumerate(days[:3]):
        await world.night(day, KO=60 + number)
    portfolio = await world.portfolio(days[0])
    await world.option(portfolio, ("CALL", "KO", 60, days[2]), 1, 3, days[0])
    await folding.fold([portfolio], "change")
    [value] = (await world.position_values(portfolio)).values()
    assert (value["price"], value["price_status"], value["price_session"]) == (2, "priced", days[2])
    assert (value["quantity"], value["market_value"], value["pnl"]) == (0, 0, -100)


async def test_an_option_whose_underlying_has_no_price_waits_and_is_settled_when_one_comes(world, folding, days):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("KO", 1, 60), equity=1_000)
    await world.option(portfolio, ("CALL", "NEW", 30, days[2]), 1, 2, days[0])
    for day in days[1:5]:
        await world.night(day, KO=60)
        await folding.fold([portfolio], "night")
    head = await world.head(portfolio)
    assert head["unknown_symbols"] == ["NEW"]
    snapshots = await world.snapshots(portfolio)
    assert [row["unpriced"] for row in snapshots.values()] == [0, 0, 1, 1, 1]
    assert column(snapshots, "nav") == [1_000] * 5
    assert [row["price_status"] for row in (await world.position_values(portfolio)).values()].count("unpriced") == 1

    await world.closes(days[2], NEW=35)
    await world.know("NEW", days[4])
    await folding.fold([portfolio], "symbol")
    snapshots = await world.snapshots(portfolio)
    assert column(snapshots, "pnl") == [0, 0, 300, 0, 0]
    assert [row["unpriced"] for row in snapshots.values()] == [0, 0, 0, 0, 0]
    assert [row["revision"] for row in snapshots.values()] == [0, 0, 1, 1, 1]


async def test_a_revised_close_of_the_underlying_is_found_by_everybody_who_looks(world, folding, days, engine):
    for day in days[:4]:
        await world.closes(day, KO=60)
    await world.publish(days[3], ["KO"])
    portfolio = await world.portfolio(days[0], equity=1_000)
    await world.option(portfolio, ("CALL", "KO", 55, days[2]), 1, 5, days[0])
    await folding.fold([portfolio], "night")
    await world.closes(days[2], KO=58)
    edition = await world.revise("KO", days[2], ["KO"])
    async with engine.connect() as connection:
        assert await portfolios_behind(connection) == [portfolio]
        assert await sizes_of_holders(connection, days[3], edition) == [(portfolio, 1)]
    assert (await folding.fold([portfolio], "revision")).folded == [portfolio]
    assert column(await world.snapshots(portfolio), "nav") == [1_000, 1_000, 800, 800]
    assert (await world.said("portfolio.refreshed"))[-1]["from_session"] == str(days[2])
    async with engine.connect() as connection:
        assert await portfolios_behind(connection) == []


async def test_a_fold_continued_after_an_expiry_long_ago_still_knows_how_it_was_settled(world, folding, days):
    portfolio = await world.portfolio(days[0], equity=1_000)
    await world.option(portfolio, ("CALL", "KO", 55, days[2]), 1, 5, days[0])
    for number, day in enumerate(days[:14]):
        await world.night(day, KO=60 + number)
        await folding.fold([portfolio], "night")
        said = await world.said("portfolio.refreshed")
        assert said[-1]["from_session"] == str(day)
    assert column(await world.snapshots(portfolio), "nav") == [1_000, 1_000] + [1_200] * 12


async def test_sectors_come_from_profiles_and_an_options_from_its_underlyings(world, folding, days, five_days):
    await world.profile("KO", "Consumer Staples")
    await world.profile("SPY", "ETF")
    await world.profile("F", None)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50), ("SPY", 1, 500), ("F", 1, 10), ("ZZ", 1, 10))
    await world.option(portfolio, ("CALL", "SPY", 600, days[15]), 1, 2, days[0])
    await folding.fold([portfolio], "change")
    values = await world.position_values(portfolio)
    assert {symbol: value["sector"] for symbol, value in values.items()} == {
        "KO": "Consumer Staples",
        "SPY": "ETF",
        f"SPY {days[15]} CALL": "ETF",
        "F": None,
        "ZZ": None,
    }


async def test_cost_and_unrealised_gain_are_signed_and_a_distribution_takes_its_share_of_the_cost(world, folding, days):
    await world.closes(days[0], GE=200, KO=60)
    await world.action("GE", days[1], "distribution", 1.25)
    await world.night(days[1], GE=160, KO=50)
    portfolio = await world.portfolio(days[0], ("GE", 10, 100), ("KO", -10, 70))
    await folding.fold([portfolio], "night")
    values = await world.position_values(portfolio)
    assert (values["GE"]["cost_basis"], values["GE"]["unrealised_pnl"]) == (800, 800)
    assert (values["KO"]["cost_basis"], values["KO"]["unrealised_pnl"]) == (-700, 200)


async def test_folding_the_whole_ledger_twice_touches_no_row(world, folding, days, five_days):
    portfolio = await world.portfolio(days[0], ("KO", 3, 50), equity=500)
    house = await world.lot(portfolio, "HOUSE", 2, 100, days[1], investment_class="PRIVATE", entry_fee=0.1)
    await world.price_by_hand(portfolio, house, days[2], 130)
    await world.option(portfolio, ("PUT", "KO", 70, days[3]), 1, 2, days[0])
    await world.flow(portfolio, days[2], -5, "fee")
    await folding.fold([portfolio], "change")
    before = await world.everything()
    await folding.fold([portfolio], "change")
    assert await world.everything() == before
    # Ordered from the first session, everything is computed again, and only the head is written.
    await folding.fold([portfolio], "sweep", since=days[0])
    after = await world.everything()
    assert {name: after[name] for name in after if name != "valuation_heads"} == {
        name: before[name] for name in before if name != "valuation_heads"
    }


async def test_a_fee_that_cannot_be_counted_is_the_fault_of_its_own_portfolio(world, folding, days, five_days):
    good, bad = [await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(2)]
    await world.lot(bad, "KO", 1, 50, days[0], entry_fee=Decimal("1e18"))
    result = await folding.fold([good, bad], "night")
    assert (result.folded, result.failed[bad][2].reason) == ([good], "amount_out_of_range")


async def test_who_was_away_for_ten_sessions_is_folded_last_and_alone(world, folding, days, monkeypatch):
    names = [await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(6)]
    for day in days[:11]:
        await world.closes(day, KO=60)
    await world.publish(days[0], ["KO"])
    await folding.fold(names, "night")
    away, others = sorted(names)[0], sorted(names)[1:]
    await world.publish(days[9], ["KO"])
    await folding.fold(others, "night")
    await world.publish(days[10], ["KO"])
    written = []
    true_write = folding._write_at_once

    async def write(folds, telling):
        written.append([(fold.state.portfolio_id, len(fold.snapshots)) for fold in folds])
        return await true_write(folds, telling)

    monkeypatch.setattr(folding, "_write_at_once", write)
    await folding.fold(names, "night")
    assert written == [[(name, 1) for name in others], [(away, 10)]]


async def test_an_endless_catch_up_is_put_off_until_the_others_are_done(world, engine, outbox, days, monkeypatch):
    names = sorted([await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(5)])
    for day in days[:11]:
        await world.closes(day, KO=60)
    folding = Folding(engine, outbox, FoldLimits(portfolios=3, snapshots=4))
    await world.publish(days[9], ["KO"])
    await folding.fold(names[1:], "night")
    await world.publish(days[10], ["KO"])
    result = await folding.fold(names, "night")
    assert result.folded == [*names[1:], names[0]]
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT count(*) FROM valuations.portfolio_snapshots"))
        assert rows.scalar_one() == 55
