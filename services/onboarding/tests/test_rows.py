"""The rules about a position, one by one and all at once."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.imports.findings import Field, Finding
from onboarding.imports.lot import InvestmentClass
from onboarding.imports.rows import Row, validate

TODAY = date(2024, 12, 16)
GOOD = {"symbol": "AAPL", "quantity": "100", "entry_price": "185.50", "entry_date": "2024-01-16"}
OPTION = GOOD | {
    "symbol": "AAPL 17JAN25 180 C",
    "investment_class": "options",
    "underlying_symbol": "AAPL",
    "strike_price": "180",
    "expiration_date": "2025-01-17",
    "option_type": "C",
}
PRIVATE = GOOD | {"symbol": "Lake House", "investment_class": "PRIVATE"}
EXIT = {"exit_date": "2024-06-28", "exit_price": "210.62"}


def rows(*cells: dict[str, str]) -> list[Row]:
    return [Row(place, {Field(name): text for name, text in row.items()}) for place, row in enumerate(cells, start=2)]


def check(*cells: dict[str, str]):
    return validate(rows(*cells), TODAY)


@pytest.mark.parametrize(
    ("change", "column", "code"),
    [
        ({"symbol": " "}, "symbol", "symbol_missing"),
        ({"symbol": "N/A"}, "symbol", "symbol_missing"),
        ({"symbol": "ABCDEFGHIJKLM"}, "symbol", "symbol_too_long"),
        ({"symbol": "AA PL"}, "symbol", "symbol_bad_characters"),
        ({"symbol": "=1+1"}, "symbol", "symbol_bad_characters"),
        ({"symbol": "straße"}, "symbol", "symbol_bad_characters"),
        ({"symbol": "AAPL\x00"}, "symbol", "symbol_bad_characters"),
        ({"quantity": ""}, "quantity", "quantity_missing"),
        ({"quantity": "--"}, "quantity", "quantity_missing"),
        ({"quantity": "ten"}, "quantity", "quantity_not_a_number"),
        ({"quantity": "NaN"}, "quantity", "quantity_not_a_number"),
        ({"quantity": "-Infinity"}, "quantity", "quantity_not_a_number"),
        ({"quantity": "1,5"}, "quantity", "quantity_not_a_number"),
        ({"quantity": "١٢"}, "quantity", "quantity_not_a_number"),
        ({"quantity": "(-5)"}, "quantity", "quantity_not_a_number"),
        ({"quantity": "."}, "quantity", "quantity_not_a_number"),
        ({"quantity": "0.00"}, "quantity", "quantity_zero"),
        ({"quantity": "1e-11"}, "quantity", "quantity_zero"),
        ({"quantity": "1e16"}, "quantity", "quantity_too_large"),
        ({"quantity": "1e999"}, "quantity", "quantity_too_large"),
        ({"quantity": "1e15"}, "quantity", "amount_too_large"),
        ({"entry_fee": "none"}, "entry_fee", "fee_not_a_number"),
        ({"entry_fee": "-0.65"}, "entry_fee", "fee_negative"),
        ({"entry_fee": "1e16"}, "entry_fee", "fee_too_large"),
        ({"exit_fee": "0.65"}, "exit_fee", "exit_fee_without_exit"),
        (EXIT | {"exit_fee": "-1"}, "exit_fee", "fee_negative"),
        ({"entry_price": ""}, "entry_price", "price_missing"),
        ({"entry_price": "=A1*2"}, "entry_price", "price_not_a_number"),
        ({"entry_price": "0"}, "entry_price", "price_not_positive"),
        ({"entry_price": "($126.93)"}, "entry_price", "price_not_positive"),
        ({"entry_price": "1e-9"}, "entry_price", "price_not_positive"),
        ({"entry_date": ""}, "entry_date", "date_missing"),
        ({"entry_date": "01/16/2024"}, "entry_date", "date_not_iso"),
        ({"entry_date": "20240116"}, "entry_date", "date_not_iso"),
        ({"entry_date": "2024-W03-2"}, "entry_date", "date_not_iso"),
        ({"entry_date": "2023-02-29"}, "entry_date", "date_not_iso"),
        ({"entry_date": "2024-12-17"}, "entry_date", "date_in_future"),
        ({"entry_date": "1924-12-15"}, "entry_date", "date_too_old"),
        ({"investment_class": "CRYPTO"}, "investment_class", "class_invalid"),
        ({"investment_subtype": "ART"}, "investment_subtype", "subtype_invalid"),
        ({"exit_price": "210"}, "exit_date", "date_missing"),
        ({"exit_date": "2024-06-28"}, "exit_price", "price_missing"),
        (EXIT | {"exit_date": "2024-01-15"}, "exit_date", "exit_before_entry"),
        (EXIT | {"exit_date": "2024-12-17"}, "exit_date", "date_in_future"),
        (EXIT | {"exit_price": "0"}, "exit_price", "price_not_positive"),
        (EXIT | {"exit_price": "-1"}, "exit_price", "price_not_positive"),
        ({"currency": "EUR"}, "currency", "currency_not_usd"),
        ({"multiplier": "100"}, "multiplier", "multiplier_invalid"),
        ({"investment_class": "PUBLIC", "strike_price": "5"}, "strike_price", "option_detail_unexpected"),
    ],
)
def test_a_rule_that_is_broken_is_found_in_its_column(change, column, code):
    found = check(GOOD | change)
    assert [(error.place, error.field, error.code) for error in found.errors] == [(2, column, code)]
    assert not found.lots


@pytest.mark.parametrize(
    ("change", "column", "code"),
    [
        ({"underlying_symbol": ""}, "underlying_symbol", "option_underlying_missing"),
        ({"underlying_symbol": "A B"}, "underlying_symbol", "symbol_bad_characters"),
        ({"strike_price": ""}, "strike_price", "option_strike_missing"),
        ({"strike_price": "-1"}, "strike_price", "price_not_positive"),
        ({"expiration_date": ""}, "expiration_date", "option_expiry_missing"),
        ({"expiration_date": "2024-01-15"}, "expiration_date", "expiry_before_entry"),
        ({"expiration_date": "Jan 17"}, "expiration_date", "date_not_iso"),
        ({"option_type": ""}, "option_type", "option_type_missing"),
        ({"option_type": "straddle"}, "option_type", "option_type_invalid"),
        ({"multiplier": "0"}, "multiplier", "multiplier_invalid"),
    ],
)
def test_a_rule_about_options_that_is_broken_is_found_in_its_column(change, column, code):
    found = check(OPTION | change)
    assert [(error.field, error.code) for error in found.errors] == [(column, code)]


def test_every_error_of_every_row_comes_back_at_once():
    bad = {"symbol": "A B", "quantity": "0", "entry_price": "free", "entry_date": "today", "currency": "EUR"}
    bad |= {"investment_class": "X", "exit_price": "-1", "exit_date": "2999-01-01"}
    found = check(GOOD, bad, bad)
    assert {error.place for error in found.errors} == {3, 4}
    assert len(found.errors) == 16
    assert (found.rows, len(found.lots)) == (3, 1)


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("1,234.56", "1234.56"),
        ("$1,234.56", "1234.56"),
        ("($126.93)", "-126.93"),
        ("$(126.93)", None),
        ("-$5", "-5"),
        ("+7.", "7"),
        (".5", "0.5"),
        ("1.5E+3", "1500"),
        ("12,34", None),
        ("1,234,5", None),
        ("1_000", None),
        ("0x10", None),
        ("5%", None),
        ("1e1000000000", None),
        ("9" * 5000, None),
    ],
)
def test_a_number_is_read_as_people_write_it_or_refused(text, quantity):
    found = check(GOOD | {"quantity": text})
    assert [lot.quantity for lot in found.lots] == ([] if quantity is None else [Decimal(quantity)])


def test_what_is_stored_is_exact_and_rounding_is_said():
    found = check(GOOD | {"entry_price": "0.123456785"}, GOOD | {"entry_price": "0.1"})
    assert [lot.entry_price for lot in found.lots] == [Decimal("0.12345678"), Decimal("0.1")]
    assert [(warning.place, warning.code) for warning in found.warnings] == [(2, "number_rounded")]


def test_an_identical_row_is_kept_and_reported():
    found = check(GOOD, GOOD | {"quantity": "100.0", "symbol": "aapl "}, GOOD | {"quantity": "101"})
    assert len(found.lots) == 3
    assert [(warning.place, warning.code) for warning in found.warnings] == [(3, "identical_row")]


@pytest.mark.parametrize("spelt", ["brk.b", "BRK/B", " BRK-B "])
def test_class_shares_are_spelt_with_a_dash(spelt):
    assert check(GOOD | {"symbol": spelt}).lots[0].symbol == "BRK-B"


def test_an_option_has_multiplier_100_and_may_end_worthless():
    lot = check(OPTION | EXIT | {"exit_price": "0"}).lots[0]
    assert (lot.multiplier, lot.exit_price, lot.option_type) == (Decimal(100), Decimal(0), "CALL")
    assert check(OPTION | {"multiplier": "10"}).lots[0].multiplier == 10


def test_a_row_that_describes_an_option_is_one_without_saying_so():
    assert check(OPTION | {"investment_class": ""}).lots[0].investment_class is InvestmentClass.OPTIONS


def test_a_private_holding_may_have_a_name():
    lot = check(PRIVATE | {"investment_subtype": "real estate"}).lots[0]
    assert (lot.symbol, lot.investment_subtype, lot.multiplier) == ("LAKE HOUSE", "REAL_ESTATE", Decimal(1))


def test_the_oldest_day_is_the_same_day_a_hundred_years_ago():
    assert check(GOOD | {"entry_date": "1924-12-16"}).lots
    leap = validate(rows(GOOD | {"entry_date": "1900-02-28"}), date(2000, 2, 29))
    assert leap.lots


def test_rows_that_could_not_be_read_count_as_rows_with_errors():
    unread = [Finding(5, None, "quoting_broken", "…", "")]
    found = validate(rows(GOOD), TODAY, unread)
    assert (found.rows, len(found.lots), [error.place for error in found.errors]) == (2, 1, [5])


any_text = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "--", "1e5", "-1", "NaN", "2024-02-29", "OPTIONS", "private", "AAPL", "CALL", "USD", "=1"]),
    st.decimals().map(str),
    st.dates().map(str),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(list(Field)), any_text), max_size=4))
def test_no_row_whatsoever_breaks_the_rules_themselves(cells):
    found = validate([Row(place, row) for place, row in enumerate(cells)], TODAY)
    assert found.rows == len(cells) == len(found.lots) + len({error.place for error in found.errors})
    for lot in found.lots:
        assert abs(lot.quantity) * lot.entry_price * lot.multiplier <= 9 * Decimal(10) ** 14
        assert lot.quantity
        assert lot.entry_price > 0
        assert lot.entry_date <= TODAY
