"""Fees, prices by hand and options against numbers worked out by hand. Sessions from Monday 2024-12-02 on."""

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (f"2024-12-0{n}" for n in range(2, 7))


def row(folded, name):
    return [float(amount) / 10_000 for amount in getattr(folded.snapshots, name)[0]]


def test_a_lot_opened_and_closed_on_one_day_pays_both_fees_on_it(example, book):
    lot = book("KO", 10, 60, entered=WEDNESDAY, exit=64, left=WEDNESDAY, fees=(1, 2))
    folded = example(KO=[60, 61, 62, 63]).fold([lot], equity=1_000)
    assert row(folded, "fees") == [0, 3, 0]
    assert row(folded, "pnl") == [0, 37, 0]
    assert row(folded, "nav") == [1_000, 1_037, 1_037]


def test_fees_are_paid_on_the_session_on_which_the_trade_counts(example, book):
    market = example(KO=[60, 61, 62, 63, 64, 65, 66])
    lot = book("KO", 1, 60, entered="2024-12-07", exit=65, left="2024-12-08", fees=(1, 2))
    folded = market.fold([lot], equity=100, fees=[("2024-12-08", 0.5)])
    monday = market.calendar.index("2024-12-09") - 1
    assert row(folded, "fees")[monday] == 3.5
    assert sum(row(folded, "fees")) == 3.5
    assert row(folded, "nav")[-1] == 100 + 5 - 3.5


def test_a_lot_closed_on_the_first_session_or_before_costs_nothing_and_is_not_there(example, book):
    lots = [book("KO", 1, 50, exit=55, left=left, fees=(1, 2)) for left in (MONDAY, TUESDAY)]
    folded = example(KO=[60, 61, 62]).fold(lots, equity=100)
    assert (row(folded, "nav"), row(folded, "fees")) == ([100, 100], [0, 0])


def test_a_partial_close_is_a_lot_of_its_own_and_the_rest_goes_on(example, book):
    lots = [book("KO", -6, 70), book("KO", -4, 70, exit=61.5, left=WEDNESDAY, fees=(0, 1))]
    folded = example(KO=[60, 61, 62, 63]).fold(lots, equity=1_000)
    assert row(folded, "pnl_price") == [0, -6, -6]
    assert row(folded, "pnl_trading") == [0, -2, 0]
    assert row(folded, "nav") == [1_000, 991, 985]
    assert folded.snapshots.positions[0].tolist() == [2, 1, 1]


def test_nothing_of_an_option_changes_when_its_underlying_is_split(example, book):
    whole = example(NVDA=[400, 400, 480, 484])
    split = example(NVDA=[400, 400, 120, 121], splits=[("NVDA", WEDNESDAY, 4)])
    for right, strike in (("CALL", 300), ("PUT", 600)):
        prices = ((MONDAY, 110.0), (TUESDAY, 115.0))
        lot = book("OPTION", 2, 90, multiplier=100, option=(right, "NVDA", strike, THURSDAY), prices=prices)
        assert row(split.fold([lot]), "nav") == row(whole.fold([lot]), "nav")
        assert row(split.fold([lot]), "pnl") == row(whole.fold([lot]), "pnl")
    # A price given after the split is one of the shares after it, and so is one at which the owner gets out.
    lot = book("OPTION", 2, 90, option=("CALL", "NVDA", 300, "2025-01-17"), prices=((WEDNESDAY, 30.0),))
    assert row(split.fold([lot]), "nav") == [180, 240, 240]
    assert (split.fold([lot]).lots.effective.tolist(), split.fold([lot]).lots.price.tolist()) == ([4], [30])
    sold = book("OPTION", 2, 90, option=("CALL", "NVDA", 300, "2025-01-17"), exit=31, left=THURSDAY)
    assert row(split.fold([sold]), "nav") == [180, 180, 248]


def test_an_option_that_expires_on_a_weekend_is_settled_on_the_session_after_it(example, book):
    market = example(KO=[60, 61, 62, 63, 64, 70, 71])
    folded = market.fold([book("OPTION", 1, 2, option=("CALL", "KO", 60, "2024-12-07"))])
    monday = market.calendar.index("2024-12-09") - 1
    assert row(folded, "cash")[monday - 1 : monday + 1] == [0, 10]
    assert row(folded, "pnl")[monday] == 8


def test_an_option_is_settled_at_a_close_of_five_sessions_before_and_at_no_older_one(example, book):
    market = example(KO=[60, 64] + [None] * 8, SPY=[1.0] * 10)
    for expires, settled in ((market.calendar[6], True), (market.calendar[7], False)):
        folded = market.fold([book("OPTION", 1, 2, option=("CALL", "KO", 60, expires))])
        assert row(folded, "cash")[-1] == (4 if settled else 0)
        assert row(folded, "nav")[-1] == (4 if settled else 2)
        assert folded.snapshots.unpriced[0, -1] == (0 if settled else 1)


def test_what_the_owner_got_on_the_day_of_expiry_counts_and_not_the_intrinsic_value(example, book):
    lot = book("OPTION", 1, 2, option=("CALL", "KO", 60, WEDNESDAY), exit=2.5, left=WEDNESDAY, fees=(0, 0.1))
    folded = example(KO=[60, 61, 62, 63]).fold([lot])
    assert row(folded, "nav") == [2, 2.4, 2.4]
    later = book("OPTION", 1, 2, option=("CALL", "KO", 60, WEDNESDAY), exit=2.5, left=THURSDAY, fees=(0, 0.1))
    folded = example(KO=[60, 61, 61.25, 63]).fold([later])
    assert (row(folded, "nav"), row(folded, "fees")) == ([2, 1.25, 1.25], [0, 0, 0])


def test_an_expired_option_that_waits_can_be_closed_by_its_owner(example, book):
    market = example(KO=[60, 61, 62, 63, 64], NEW=[None] * 5)
    option = ("PUT", "NEW", 60, WEDNESDAY)
    lot = book("OPTION", -1, 2, option=option, exit=3, left=FRIDAY, prices=((TUESDAY, 2.5), (THURSDAY, 9.0)))
    folded = market.fold([lot], equity=100)
    assert row(folded, "nav") == [100, 100, 100, 99.5]
    assert folded.snapshots.unpriced[0].tolist() == [0, 1, 1, 0]


def test_a_price_by_hand_from_before_the_entry_is_no_price_of_the_lot(example, book):
    lot = book("HOUSE", 2, 100, entered=WEDNESDAY, by_hand=True, prices=((MONDAY, 50.0), (THURSDAY, 120.0)))
    folded = example(KO=[60, 61, 62, 63]).fold([lot], equity=1_000)
    assert row(folded, "nav") == [1_000, 1_000, 1_040]
    assert folded.lots.price_date.astype(str).tolist() == [THURSDAY]
