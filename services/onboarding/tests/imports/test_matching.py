"""Sales matched with purchases: by hand for the rules, by random ledgers for what must always hold."""

import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.imports.files import read_file
from onboarding.imports.rows import Validated
from onboarding.imports.terms import Terms

TODAY = date(2026, 11, 20)
SCHWAB = "Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount"
FLEX = "ClientAccountID,CurrencyPrimary,Symbol,TradeDate,Quantity,TradePrice,Buy/Sell,Open/CloseIndicator,IBCommission"


def schwab(*rows: str) -> Validated:
    """Rows of `day action quantity price` of November 2026 in AAPL, in Schwab's layout."""
    lines = []
    for row in rows:
        day, action, quantity, price = row.split()
        lines.append(f"11/{day}/2026,{action.replace('_', ' ')},AAPL,,{quantity},{'' if price == '-' else price},,")
    return read("\n".join([SCHWAB, *lines]))


def read(text: str) -> Validated:
    return read_file(text.encode(), Terms(TODAY), max_rows=50_000)


def shown(found: Validated) -> list[str]:
    return [
        f"{lot.quantity.normalize():f}@{lot.entry_price.normalize():f}"
        + (f"->{lot.exit_price.normalize():f}" if lot.exit_price is not None else "")
        for lot in found.lots
    ]


@pytest.mark.parametrize(
    ("rows", "lots", "errors"),
    [
        (["02 Buy 10 5", "03 Buy 10 6", "04 Sell 15 7"], ["10@5->7", "5@6->7", "5@6"], []),
        (["04 Sell 15 7", "03 Buy 10 6", "02 Buy 10 5"], ["5@6->7", "5@6", "10@5->7"], []),
        (["02 Sell 1 7", "02 Buy 1 5"], ["1@5->7"], []),
        (["02 Buy 10 5", "03 Sell 11 7"], ["10@5"], [(3, "oversell")]),
        (["02 Buy 10 5", "03 Sell 11 7", "04 Sell 10 8"], ["10@5->8"], [(3, "oversell")]),
        (["02 Sell_Short 5 9", "03 Buy_to_Cover 2 8"], ["-2@9->8", "-3@9"], []),
        (["02 Sell_Short 5 9", "03 Buy 7 8"], ["-5@9->8", "2@8"], []),
        (["02 Sell_Short 5 9", "03 Buy_to_Cover 7 8"], ["-5@9"], [(3, "oversell")]),
        (["02 Buy 10 90", "05 Stock_Split 20 -", "06 Sell 15 31"], ["5@90->31", "5@90"], []),
        (["02 Buy 10 90", "03 Buy 2 80", "05 Stock_Split 6 -", "06 Sell 18 61"], ["10@90->61", "2@80->61"], []),
        (["02 Buy 10 90", "05 Stock_Split -5 -", "06 Sell 5 181"], ["10@90->181"], []),
        (["02 Buy 7 9", "05 Stock_Split 14 -", "06 Sell 10 3"], ["3.3333333333@9->3", "3.6666666667@9"], []),
        (["02 Buy -3 9"], [], [(2, "quantity_contradicts_side")]),
        (["02 Buy 0 9"], [], [(2, "quantity_zero")]),
        (["02 Buy 3 9", "02 Buy 3 9"], ["3@9", "3@9"], []),
    ],
)
def test_sales_take_the_oldest_shares_whole_or_not_at_all(rows, lots, errors):
    found = schwab(*rows)
    assert (shown(found), [(error.place, error.code) for error in found.errors]) == (lots, errors)


def test_a_trade_that_says_it_closes_and_opens_turns_the_holding():
    rows = ["U,USD,AAPL,20261102,5,10,BUY,O", "U,USD,AAPL,20261103,-8,11,SELL,C;O", "U,USD,AAPL,20261104,3,12,BUY,C"]
    assert shown(read("\n".join([FLEX, *rows]))) == ["5@10->11", "-3@11->12"]


def test_what_one_account_has_another_cannot_sell():
    found = read("\n".join([FLEX, "U1,USD,AAPL,20261102,5,10,BUY,", "U2,USD,AAPL,20261103,-5,11,SELL,"]))
    assert (shown(found), [error.code for error in found.errors]) == (["5@10"], ["oversell"])


def with_fees(*rows: str) -> list[str]:
    """Rows of `day action quantity fee` at price 5, in Schwab's layout; each lot with its two fees."""
    lines = []
    for row in rows:
        day, action, quantity, fee = row.split()
        lines.append(f"11/{day}/2026,{action.replace('_', ' ')},AAPL,,{quantity},5,{fee},")
    return [
        f"{lot.quantity.normalize():f}: {lot.entry_fee.normalize():f} {lot.exit_fee.normalize():f}"
        for lot in read("\n".join([SCHWAB, *lines])).lots
    ]


@pytest.mark.parametrize(
    ("rows", "lots"),
    [
        (["02 Buy 10 1.00", "03 Sell 10 $0.65"], ["10: 1 0.65"]),
        (["02 Buy 10 1.00", "03 Buy 5 2", "04 Sell 15 0.90"], ["10: 1 0.6", "5: 2 0.3"]),
        (["02 Buy 3 1.00", "03 Sell 1 0", "04 Sell 1 0"], ["1: 0.3333 0", "1: 0.3334 0", "1: 0.3333 0"]),
        (["02 Buy 3 0.0001", "03 Sell 1 0"], ["1: 0 0", "2: 0.0001 0"]),
        (["02 Sell_Short 5 1", "03 Buy 8 0.80"], ["-5: 1 0.5", "3: 0.3 0"]),
        (["02 Buy 10 1.00", "03 Sell 11 5"], ["10: 1 0"]),
        (["02 Buy 10 -0.25"], ["10: 0 0"]),
    ],
)
def test_what_a_trade_cost_goes_with_the_lots_it_made_by_their_shares(rows, lots):
    assert with_fees(*rows) == lots


def test_a_rebate_and_a_fee_that_is_no_number_are_said():
    rebate = read(f"{SCHWAB}\n11/02/2026,Buy,AAPL,,10,5,-0.25,")
    assert [(w.place, w.column, w.code, w.value) for w in rebate.warnings] == [
        (2, "Fees & Comm", "fee_left_out", "-0.2500")
    ]
    wrong = read(f"{SCHWAB}\n11/02/2026,Buy,AAPL,,10,5,free,")
    assert [(e.place, e.column, e.code, e.value) for e in wrong.errors] == [
        (2, "Fees & Comm", "fee_not_a_number", "free")
    ]


quantities = st.decimals(min_value="0.0001", max_value="5000", places=4)
prices = st.decimals(min_value="0.01", max_value="900", places=4)
trade = st.tuples(
    st.sampled_from(["U1", "U2", "U3"]),
    st.sampled_from(["AAPL", "MSFT"]),
    st.integers(0, 40),
    st.sampled_from(["BUY", "SELL"]),
    quantities,
    prices,
    st.sampled_from(["", "", "O"]),
    st.decimals(min_value=0, max_value=9, places=4),
)


def flex(trades) -> str:
    lines = []
    for account, symbol, day, side, quantity, price, opens, fee in trades:
        stamp = (date(2026, 9, 1) + timedelta(days=day)).strftime("%Y%m%d")
        signed = quantity if side == "BUY" else -quantity
        lines.append(f"{account},USD,{symbol},{stamp},{signed},{price},{side},{opens},{-fee}")
    return "\n".join([FLEX, *lines])


@settings(max_examples=300, deadline=None)
@given(st.lists(trade, min_size=1, max_size=25))
def test_matching_conserves_quantity_cost_and_fees(trades):
    found = read(flex(trades))
    oversold = {error.place for error in found.errors}
    assert {error.code for error in found.errors} <= {"oversell"}
    held: dict[str, Decimal] = defaultdict(Decimal)
    turnover: dict[str, Decimal] = defaultdict(Decimal)
    paid = Decimal(0)
    for line, (_, symbol, _, side, quantity, price, _, fee) in enumerate(trades, start=2):
        if line not in oversold:
            held[symbol] += quantity if side == "BUY" else -quantity
            turnover[symbol] += quantity * price
            paid += fee
    for lot in found.lots:
        if lot.exit_price is None:
            held[lot.symbol] -= lot.quantity
        turnover[lot.symbol] -= abs(lot.quantity) * (lot.entry_price + (lot.exit_price or 0))
        assert lot.exit_date is None or lot.exit_date >= lot.entry_date
        assert min(lot.entry_fee, lot.exit_fee) >= 0
    assert sum(lot.entry_fee + lot.exit_fee for lot in found.lots) == paid, "no fee is lost or counted twice"
    assert not any(held.values()), "open lots are what was bought and not sold"
    assert not any(turnover.values()), "each share is in one lot at its own price, and sold once at its own price"


def by_account(trades) -> dict[str, list]:
    accounts: dict[str, list] = defaultdict(list)
    for one in trades:
        accounts[one[0]].append(one)
    return accounts


@settings(max_examples=200, deadline=None)
@given(st.lists(trade, min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_the_order_of_accounts_in_a_file_is_irrelevant(trades, chance: random.Random):
    accounts = list(by_account(trades).values())
    one = read(flex([row for account in accounts for row in account]))
    chance.shuffle(accounts)
    other = read(flex([row for account in accounts for row in account]))
    assert sorted(map(repr, one.lots)) == sorted(map(repr, other.lots))
    assert sorted(error.message for error in one.errors) == sorted(error.message for error in other.errors)
