"""Closing a lot, wholly or in part: nothing is lost between the parts."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.imports.lot import InvestmentClass, Lot
from onboarding.imports.values import fit
from onboarding.ledger.closing import close_part
from onboarding.refusals import FieldRefused

EXIT = {"exit_date": "2024-12-13", "exit_price": "250"}


def a_lot(quantity: Decimal, fee: Decimal) -> Lot:
    return Lot(
        symbol="AAPL",
        quantity=quantity,
        multiplier=Decimal(1),
        entry_price=Decimal(240),
        entry_date=date(2024, 12, 11),
        exit_price=Decimal(250),
        exit_date=date(2024, 12, 13),
        investment_class=InvestmentClass.PUBLIC,
        investment_subtype=None,
        underlying_symbol=None,
        strike_price=None,
        expiration_date=None,
        option_type=None,
        entry_fee=fee,
        exit_fee=Decimal(3),
    )


quantities = st.decimals("0.0000000001", "1e12", places=10)
fees = st.decimals(0, "1e6", places=4)
ratios = st.lists(st.sampled_from([Decimal(2), Decimal("0.1"), Decimal("1.5"), Decimal(3)]), max_size=3)


@given(quantities, st.sampled_from([1, -1]), fees, st.decimals("0.01", 1, places=2), ratios)
def test_the_parts_add_up_to_the_lot_whatever_is_closed(quantity, sign, fee, share, splits):
    lot = a_lot(sign * quantity, fee)
    ratio = Decimal(1)
    for each in splits:
        ratio *= each
    part = quantity * ratio * share
    if not fit(part / ratio, 10):
        with pytest.raises(FieldRefused, match="less than can be stored"):
            close_part(lot, part, splits)
        return
    parted = close_part(lot, part, splits)
    if parted.stays is None:
        assert parted.closed == lot
        return
    assert parted.closed.quantity + parted.stays.quantity == lot.quantity
    assert parted.closed.entry_fee + parted.stays.entry_fee == lot.entry_fee
    assert min(parted.closed.entry_fee, parted.stays.entry_fee) >= 0
    assert {part.quantity > 0 for part in (parted.closed, parted.stays)} == {sign > 0}
    assert (parted.stays.exit_date, parted.stays.exit_price, parted.stays.exit_fee) == (None, None, 0)


def test_more_than_is_held_after_splits_is_refused_with_how_many_are_held():
    with pytest.raises(FieldRefused, match="holds 300 on 2024-12-13") as refused:
        close_part(a_lot(Decimal(100), Decimal(0)), Decimal("300.1"), [Decimal(3)])
    assert refused.value.code == "quantity_exceeds_held"


async def test_a_part_becomes_a_lot_of_its_own_and_the_rest_keeps_its_id(portfolio):
    lot = await portfolio.lot()
    answer = await portfolio.ask(
        "POST", f"/lots/{lot['position_id']}/close", EXIT | {"quantity": "40", "exit_fee": "1.5"}, tag=2
    )
    body = answer.json()
    closed, remaining = body["closed"], body["remaining"]
    # Two lots in place of one are two from the entry on.
    assert (answer.status_code, body["version"], body["first_affected_session"]) == (200, 3, "2024-12-12")
    assert (Decimal(closed["quantity"]), Decimal(closed["entry_fee"]), Decimal(closed["exit_fee"])) == (
        40,
        4,
        Decimal("1.5"),
    )
    assert (closed["split_from"], closed["exit_date"]) == (lot["position_id"], "2024-12-13")
    assert (Decimal(remaining["quantity"]), Decimal(remaining["entry_fee"]), remaining["exit_date"]) == (60, 6, None)
    assert remaining["position_id"] == lot["position_id"]
    assert answer.headers["etag"] == '"3"'
    change = (await portfolio.changes())[0]
    assert (change["action"], change["subject"]) == ("lot.close", closed["position_id"])
    assert [each["quantity"] for each in change["before"]] == ["100"]
    assert [each["quantity"] for each in change["after"]] == ["40", "60"]


async def test_all_of_it_is_closed_where_no_quantity_is_said(portfolio):
    lot = await portfolio.lot()
    body = (await portfolio.ask("POST", f"/lots/{lot['position_id']}/close", EXIT, tag="*")).json()
    assert (body["closed"]["position_id"], body["remaining"]) == (lot["position_id"], None)
    assert len(await portfolio.lots()) == 1


@pytest.mark.parametrize(
    ("close", "affected"),
    [
        # All of it, said or not: what was held until the exit is as it was.
        (EXIT, "2024-12-13"),
        (EXIT | {"quantity": "100"}, "2024-12-13"),
        (EXIT | {"exit_date": "2024-12-14"}, "2024-12-16"),
        (EXIT | {"exit_date": "2024-12-12"}, "2024-12-12"),
        # A part: two lots in place of one are in every snapshot since the entry, which is never before the first.
        (EXIT | {"quantity": "40"}, "2024-12-12"),
    ],
)
async def test_a_close_affects_the_session_of_its_exit_and_that_of_a_part_all_since_the_entry(
    portfolio, layer, close, affected
):
    lot = await portfolio.lot()
    answer = await portfolio.ask("POST", f"/lots/{lot['position_id']}/close", close, tag=2)
    assert (answer.status_code, answer.json()["first_affected_session"]) == (200, affected)
    assert (await portfolio.changes())[0]["first_affected_session"] == affected
    [*_, (kind, _, said)] = await layer.outbox()
    assert (kind, said["version"], said["first_affected_session"]) == ("portfolio.changed.v1", 3, affected)


async def test_shares_are_counted_as_of_the_exit_after_splits_and_not_after_distributions(portfolio, layer):
    for kind, ratio, day in (("split", 4.0, date(2024, 12, 12)), ("distribution", 1.3, date(2024, 12, 13))):
        await layer.connection.execute(
            "INSERT INTO symbols.corporate_actions (symbol, ex_date, kind, ratio, source, fetched_at) "
            "VALUES ('AAPL', $1, $2, $3, 'test', now())",
            day,
            kind,
            ratio,
        )
    lot = await portfolio.lot()
    path = f"/lots/{lot['position_id']}/close"
    too_many = await portfolio.ask("POST", path, EXIT | {"quantity": "401"}, tag="*")
    assert portfolio.codes(too_many) == {("quantity", "quantity_exceeds_held")}
    assert "400" in too_many.json()["detail"]
    body = (await portfolio.ask("POST", path, EXIT | {"quantity": "100"}, tag="*")).json()
    assert (Decimal(body["closed"]["quantity"]), Decimal(body["remaining"]["quantity"])) == (25, 75)


async def test_what_cannot_be_closed_so_is_refused_with_all_reasons_and_nothing_changes(portfolio):
    lot = await portfolio.lot()
    path = f"/lots/{lot['position_id']}/close"
    for sent, found in (
        ({}, {("exit_date", "date_missing"), ("exit_price", "price_missing")}),
        (EXIT | {"exit_date": "2024-12-10"}, {("exit_date", "exit_before_entry")}),
        (EXIT | {"exit_date": "2034-12-10"}, {("exit_date", "date_in_future")}),
        (EXIT | {"quantity": "0"}, {("quantity", "quantity_not_positive")}),
        (EXIT | {"quantity": "-5"}, {("quantity", "quantity_not_positive")}),
        (EXIT | {"quantity": "101"}, {("quantity", "quantity_exceeds_held")}),
        (EXIT | {"currency": "EUR"}, {("currency", "currency_not_usd")}),
        (EXIT | {"entry_price": "1"}, {("entry_price", "field_unknown")}),
        (
            EXIT | {"exit_price": "-1", "exit_fee": "-1"},
            {("exit_price", "price_not_positive"), ("exit_fee", "fee_negative")},
        ),
    ):
        assert portfolio.codes(await portfolio.ask("POST", path, sent, tag="*")) == found, sent
    assert await portfolio.lots() == [lot]


async def test_what_is_closed_is_not_closed_again(portfolio):
    lot = await portfolio.lot(**EXIT)
    answer = await portfolio.ask("POST", f"/lots/{lot['position_id']}/close", EXIT, tag="*")
    assert (answer.status_code, answer.json()["code"]) == (409, "lot_closed")


async def test_sent_again_under_its_key_a_close_is_done_once(portfolio):
    lot = await portfolio.lot()
    path, body = f"/lots/{lot['position_id']}/close", EXIT | {"quantity": "40"}
    first = await portfolio.ask("POST", path, body, tag=2, **{"Idempotency-Key": "k"})
    again = await portfolio.ask("POST", path, body, tag=2, **{"Idempotency-Key": "k"})
    assert again.json() == first.json()
    assert len(await portfolio.lots()) == 2
