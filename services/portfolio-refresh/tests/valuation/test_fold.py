"""The fold against numbers worked out by hand. Sessions: Monday 2024-12-02 to Friday 12-06, then 12-09 and on."""

from datetime import date

import numpy as np
import pytest

from portfolio_refresh.valuation.book import Flows, Opening
from portfolio_refresh.valuation.fold import fold

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (f"2024-12-0{n}" for n in range(2, 7))

NO_FLOWS = Flows(np.zeros(0, np.int64), np.zeros(0, "datetime64[D]"), np.zeros(0, np.int64), np.zeros(0, bool))


def standing(portfolios, equity=0):
    """Portfolios without cash that were worth `equity` ten-thousandths before the fold."""
    zeros = np.zeros(portfolios, dtype=np.int64)
    return Opening(zeros + equity, np.zeros(portfolios, dtype=bool), zeros, zeros)


def usd(amounts):
    return [float(amount) / 10_000 for amount in amounts]


def row(folded, name):
    return usd(getattr(folded.snapshots, name)[0])


def test_the_first_snapshot_has_the_declared_equity_and_no_gain(example, book):
    folded = example(KO=[60, 61, 62]).fold([book("KO", 10, 50)], equity=1_000)
    assert row(folded, "nav") == [1_000, 1_010]
    assert row(folded, "cash") == [390, 390]
    assert row(folded, "pnl") == [0, 10]
    assert np.isnan(folded.snapshots.daily_return[0, 0])
    assert folded.snapshots.daily_return[0, 1] == 0.01


def test_without_a_declared_equity_the_first_nav_is_the_sum_of_the_values(example, book):
    folded = example(KO=[60, 61, 62], F=[9, 10, 11]).fold([book("KO", 10, 50), book("F", -5, 12)])
    assert row(folded, "nav") == [560, 565]
    assert row(folded, "cash") == [0, 0]
    assert row(folded, "long_value") == [610, 620]
    assert row(folded, "short_value") == [-50, -55]


def test_a_two_for_one_split_gains_what_the_market_did_and_doubles_the_quantity(example, book):
    market = example(PANW=[400, 398, 201, 202], splits=[("PANW", WEDNESDAY, 2)])
    folded = market.fold([book("PANW", 10, 300)])
    assert row(folded, "pnl") == [0, 10 * (2 * 201 - 398), 20]
    assert row(folded, "nav") == [3_980, 4_020, 4_040]
    assert folded.lots.effective.tolist() == [2]
    assert folded.lots.price.tolist() == [202]


def test_a_split_counts_only_for_lots_entered_before_its_ex_date(example, book):
    market = example(PANW=[400, 398, 201, 202], splits=[("PANW", WEDNESDAY, 2)])
    folded = market.fold([book("PANW", 10, 200, entered=WEDNESDAY)], equity=5_000)
    assert row(folded, "nav") == [5_000, 5_010, 5_020]
    assert folded.lots.effective.tolist() == [1]


def test_shares_held_the_evening_before_earn_the_dividend(example, book):
    market = example(DE=[100, 100, 99, 99], dividends=[("DE", WEDNESDAY, 1.62)])
    folded = market.fold([book("DE", 10, 90), book("DE", 7, 98, entered=WEDNESDAY)], equity=2_000)
    assert row(folded, "pnl_dividend") == [0, 16.2, 0]
    assert row(folded, "pnl") == [0, -10 + 16.2 + 7, 0]
    assert row(folded, "cash") == [1_000, 330.2, 330.2]


def test_a_lot_sold_on_the_ex_date_still_earns_the_dividend(example, book):
    market = example(DE=[100, 100, 99, 99], dividends=[("DE", WEDNESDAY, 2)])
    folded = market.fold([book("DE", 10, 90, exit=98.5, left=WEDNESDAY)], equity=2_000)
    assert row(folded, "pnl") == [0, -15 + 20, 0]
    assert row(folded, "nav") == [2_000, 2_005, 2_005]


def test_a_short_pays_the_dividend_and_gains_when_the_price_falls(example, book):
    market = example(MDLZ=[60, 60, 58], dividends=[("MDLZ", WEDNESDAY, 0.47)])
    folded = market.fold([book("MDLZ", -100, 65)], equity=10_000)
    assert row(folded, "pnl_price") == [0, 200]
    assert row(folded, "pnl_dividend") == [0, -47]
    assert row(folded, "nav") == [10_000, 10_153]


def test_a_dividend_on_the_day_of_a_split_is_per_share_before_it(example, book):
    market = example(X=[100, 100, 50], splits=[("X", WEDNESDAY, 2)], dividends=[("X", WEDNESDAY, 1)])
    assert row(market.fold([book("X", 10, 90)]), "pnl") == [0, 10]


def test_a_distribution_leaves_the_quantity_and_is_received_in_kind(example, book):
    market = example(GE=[175, 175.34, 136.92], distributions=[("GE", WEDNESDAY, 1.281)])
    folded = market.fold([book("GE", 100, 100)], equity=20_000)
    received = 0.281 * 136.92 * 100
    assert folded.lots.effective.tolist() == [1]
    assert row(folded, "pnl_in_kind") == pytest.approx([0, received], abs=5e-5)
    assert row(folded, "pnl") == pytest.approx([0, 100 * (1.281 * 136.92 - 175.34)], abs=1e-4)
    assert row(folded, "cash")[1] == pytest.approx(20_000 - 17_534 + received, abs=1e-4)


def test_a_distribution_while_there_is_no_price_is_received_with_the_next_one(example, book):
    market = example(GE=[175, 175, None, 136], distributions=[("GE", WEDNESDAY, 1.25)])
    folded = market.fold([book("GE", 100, 100)])
    assert row(folded, "pnl_in_kind") == [0, 0, 3_400]
    assert row(folded, "pnl") == [0, 0, 100 * (1.25 * 136 - 175)]


def test_a_lot_entered_after_the_last_session_before_a_distribution_receives_nothing(example, book):
    market = example(GE=[175, 175, 175, 175, 175, 140], distributions=[("GE", "2024-12-09", 1.25)])
    folded = market.fold([book("GE", 100, 140, entered="2024-12-07")], equity=20_000)
    assert row(folded, "pnl") == [0, 0, 0, 0, 0]


def test_a_position_opened_that_day_gains_from_its_entry_price(example, book):
    folded = example(KO=[60, 61, 62, 63]).fold([book("KO", 10, 60.5, entered=WEDNESDAY)], equity=1_000)
    assert row(folded, "pnl_trading") == [0, 15, 0]
    assert row(folded, "pnl_price") == [0, 0, 10]
    assert row(folded, "cash") == [1_000, 395, 395]
    assert row(folded, "nav") == [1_000, 1_015, 1_025]


def test_a_closed_position_gains_from_yesterday_only_and_is_shown_that_day(example, book):
    lot = book("KO", 10, 50, exit=63, left=WEDNESDAY)
    market = example(KO=[60, 61, 62, 63])
    folded = market.fold([lot])
    assert row(folded, "pnl_trading") == [0, 20, 0]
    assert row(folded, "nav") == [610, 630, 630]
    assert folded.snapshots.positions[0].tolist() == [1, 0, 0]
    assert len(folded.lots.lot) == 0
    that_day = market.fold([lot], through=WEDNESDAY).lots
    assert (that_day.market_value.tolist(), that_day.effective.tolist(), that_day.price.tolist()) == ([0], [0], [63])
    assert usd(that_day.pnl) == [20]


def test_a_position_closed_before_the_first_session_is_not_there(example, book):
    market = example(KO=[60, 61, 62])
    for left in ("2024-11-01", MONDAY, TUESDAY):
        folded = market.fold([book("KO", 10, 50, exit=55, left=left)], equity=100)
        assert row(folded, "nav") == [100, 100]


def test_a_position_opened_and_closed_on_one_day_gains_exit_less_entry(example, book):
    lot = book("KO", 10, 60, entered=WEDNESDAY, exit=64, left=WEDNESDAY)
    folded = example(KO=[60, 61, 62, 63]).fold([lot], equity=1_000)
    assert row(folded, "nav") == [1_000, 1_040, 1_040]
    assert row(folded, "pnl_trading") == [0, 40, 0]


def test_what_is_dated_on_a_day_without_session_counts_on_the_next_one(example, book):
    market = example(KO=[60, 61, 62, 63, 64, 65, 66])
    lots = [book("KO", 10, 60, entered="2024-12-07"), book("KO", 1, 50, exit=70, left="2024-12-08")]
    folded = market.fold(lots, equity=1_000, flows=[("2024-12-07", 100)])
    monday = market.calendar.index("2024-12-09") - 1
    assert row(folded, "flow")[monday] == 100
    assert row(folded, "flow").count(0) == len(row(folded, "flow")) - 1
    assert row(folded, "pnl_trading")[monday] == 10 * (65 - 60) + (70 - 64)
    assert row(folded, "pnl_trading")[monday - 1] == 0


def test_flows_count_at_the_close_and_are_no_gain(example, book):
    folded = example(KO=[60, 61, 62, 63]).fold([book("KO", 10, 60)], equity=1_000, flows=[(WEDNESDAY, -500)])
    assert row(folded, "nav") == [1_000, 510, 520]
    assert row(folded, "pnl") == [0, 10, 10]
    assert folded.snapshots.daily_return[0, 1:].tolist() == [0.01, 10 / 510]


def test_flows_up_to_the_first_session_are_in_its_equity(example, book):
    flows = [(MONDAY, 10.0), (TUESDAY, 20.0), ("2030-01-01", 5.0)]
    folded = example(KO=[60, 61, 62]).fold([book("KO", 1, 60)], equity=1_000, flows=flows)
    assert row(folded, "nav") == [1_000, 1_001]
    assert row(folded, "flow") == [0, 0]


def test_there_is_no_return_on_a_nav_that_is_not_positive(example, book):
    folded = example(KO=[60, 60, 80, 81]).fold([book("KO", -10, 60)], equity=100)
    assert row(folded, "nav") == [100, -100, -110]
    assert folded.snapshots.daily_return[0, 1] == -2
    assert np.isnan(folded.snapshots.daily_return[0, 2])


def test_a_position_without_any_price_keeps_its_entry_price_and_counts_in_nav_only(example, book):
    market = example(KO=[60, 61, 62], NEW=[None, None, None])
    folded = market.fold([book("KO", 10, 60), book("NEW", 10, 30)])
    assert row(folded, "nav") == [910, 920]
    assert folded.snapshots.unpriced[0].tolist() == [1, 1]
    assert folded.snapshots.coverage[0].tolist() == [610 / 910, 620 / 920]
    assert np.isnan(folded.lots.price[1])
    assert folded.lots.price_date.astype(str).tolist() == [WEDNESDAY, "NaT"]


def test_an_unpriced_position_is_not_moved_by_a_split(example, book):
    folded = example(NEW=[None, None, None], splits=[("NEW", WEDNESDAY, 4)]).fold([book("NEW", 10, 30)])
    assert row(folded, "nav") == [300, 300]
    assert folded.lots.effective.tolist() == [4]


def test_when_a_price_comes_the_whole_change_of_value_is_that_days_gain(example, book):
    folded = example(NEW=[None, None, 33, 34]).fold([book("NEW", 10, 30)])
    assert row(folded, "pnl") == [0, 30, 10]
    assert folded.snapshots.unpriced[0].tolist() == [1, 0, 0]


def test_a_missing_close_is_stale_for_five_sessions_then_unpriced_and_never_moves_the_value(example, book):
    folded = example(KO=[60, 61] + [None] * 7 + [65]).fold([book("KO", 10, 60)])
    assert folded.snapshots.stale[0].tolist() == [0, 1, 1, 1, 1, 1, 0, 0, 0]
    assert folded.snapshots.unpriced[0].tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 0]
    assert row(folded, "pnl") == [0, 0, 0, 0, 0, 0, 0, 0, 40]
    assert folded.snapshots.coverage[0].tolist() == [1, 1, 1, 1, 1, 1, 0, 0, 1]


def test_a_stale_price_is_shown_on_todays_share(example, book):
    market = example(KO=[60, 62, None], splits=[("KO", WEDNESDAY, 2)])
    lots = market.fold([book("KO", 10, 60)]).lots
    assert (lots.price.tolist(), lots.effective.tolist()) == ([31], [2])
    assert lots.price_date.astype(str).tolist() == [TUESDAY]
    assert usd(lots.market_value) == [620]


def test_a_close_from_long_before_the_entry_is_no_price_of_the_lot(example, book):
    closes = [60, 61] + [None] * 7
    market = example(KO=closes, SPY=[1.0] * 9)
    late = market.calendar[8]
    assert row(market.fold([book("KO", 10, 70, entered=late)], equity=1_000), "nav")[-1] == 1_000
    soon = market.calendar[6]
    assert row(market.fold([book("KO", 10, 70, entered=soon)], equity=1_000), "nav")[-1] == 910


def test_lots_valued_by_hand_stay_at_their_entry_price_with_their_multiplier(example, book):
    market = example(KO=[60, 61, 62])
    folded = market.fold([book("KO 250117C60", 2, 3.5, multiplier=100, by_hand=True)], equity=1_000)
    assert row(folded, "nav") == [1_000, 1_000]
    assert row(folded, "long_value") == [700, 700]
    assert folded.snapshots.coverage[0].tolist() == [1, 1]
    assert folded.lots.status.tolist() == [3]


def test_a_portfolio_without_positions_is_its_cash(example):
    folded = example(KO=[60, 61, 62]).fold([], equity=50)
    assert row(folded, "nav") == [50, 50]
    assert np.isnan(folded.snapshots.coverage).all()


def test_an_amount_that_cannot_be_counted_is_the_fault_of_its_own_portfolio_only(example, book):
    market = example(KO=[60, 61, 62])
    books = [[book("KO", quantity, 60)] for quantity in (10, 1e15, float("nan"), 3)]
    folded = fold(market.lots(*books), NO_FLOWS, standing(4), market.market(), 1, at_first_session=True)
    assert folded.uncountable.tolist() == [False, True, True, False]
    assert usd(folded.snapshots.nav[0]) == [610, 620]
    assert usd(folded.snapshots.nav[3]) == [183, 186]


@pytest.mark.parametrize(("equity", "differs"), [(6_100_000, False), (6_100_001, True)])
def test_a_fold_says_when_the_state_it_continues_is_not_what_the_data_came_to(example, book, equity, differs):
    market = example(KO=[60, 61, 62])
    lots = market.lots([book("KO", 10, 60)])
    folded = fold(lots, NO_FLOWS, standing(1, equity), market.market(), 2, at_first_session=False)
    assert folded.opening_differs.tolist() == [differs]


def test_the_calendar_of_these_tests_begins_on_a_monday():
    assert date.fromisoformat(MONDAY).weekday() == 0
