"""What makes a position: every rule about the cells of one row, applied to all of them.

A value is only ever data: text that looks like a formula is a bad symbol, no more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from onboarding.imports.cells import Cells
from onboarding.imports.findings import REQUIRED, Field
from onboarding.imports.holdings import LONGEST_NAME, is_holding_name
from onboarding.imports.lot import SUBTYPES, InvestmentClass, Lot
from riskstream.symbology import LONGEST, dash_form, has_symbols_characters, upper_case

OPTION_MULTIPLIER = Decimal(100)
LARGEST_MULTIPLIER = Decimal(1_000_000)
MULTIPLIER_PLACES = 4
LARGEST_AMOUNT = 9 * Decimal(10) ** 14
"""USD of one lot at entry. Above it fifty thousand lots could overflow a portfolio's NAV."""

OPTION_FIELDS = (Field.UNDERLYING_SYMBOL, Field.STRIKE_PRICE, Field.EXPIRATION_DATE, Field.OPTION_TYPE)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Exit:
    price: Decimal | None = None
    day: date | None = None
    fee: Decimal | None = Decimal(0)


@dataclass(frozen=True, slots=True)
class _Option:
    underlying: str | None = None
    strike: Decimal | None = None
    expiry: date | None = None
    type: str | None = None


def lot_of(cells: Cells) -> Lot | None:
    """The row as a lot, or null where there are errors; they are in `cells`."""
    _refuse_other_currencies(cells)
    kind = _class(cells)
    symbol = _symbol(cells, Field.SYMBOL, listed=kind in {InvestmentClass.PUBLIC, None})
    quantity = cells.quantity()
    entry_price = cells.price(Field.ENTRY_PRICE)
    entry_date = cells.past_day(Field.ENTRY_DATE)
    entry_fee = cells.fee(Field.ENTRY_FEE)
    multiplier = _multiplier(cells, kind)
    exit_ = _exit(cells, kind, entry_date)
    option = _option(cells, kind, entry_date)
    _bound_amount(cells, quantity, entry_price, multiplier)
    _bound_amount(cells, quantity, exit_.price, multiplier)
    subtype = _subtype(cells, kind)
    if cells.errors:
        return None
    # Whoever returns null has noted why: without errors there is everything.
    assert symbol
    assert quantity
    assert entry_price
    assert entry_date
    assert entry_fee is not None
    assert exit_.fee is not None
    assert kind
    assert multiplier
    return Lot(
        symbol=symbol,
        quantity=quantity,
        multiplier=multiplier,
        entry_price=entry_price,
        entry_date=entry_date,
        exit_price=exit_.price,
        exit_date=exit_.day,
        investment_class=kind,
        investment_subtype=subtype,
        underlying_symbol=option.underlying,
        strike_price=option.strike,
        expiration_date=option.expiry,
        option_type=option.type,
        entry_fee=entry_fee,
        exit_fee=exit_.fee,
    )


def _refuse_other_currencies(cells: Cells) -> None:
    currency = cells.text(Field.CURRENCY)
    if currency and currency.upper() != "USD":
        message = "Only USD is accepted for now; convert the row, or leave it out."
        cells.refuse(Field.CURRENCY, "currency_not_usd", message, currency)


def _class(cells: Cells) -> InvestmentClass | None:
    """PUBLIC where nothing else is said, OPTIONS where an option is described; null where it is invalid."""
    text = cells.text(Field.INVESTMENT_CLASS)
    if not text:
        described = any(cells.text(field) for field in OPTION_FIELDS)
        return InvestmentClass.OPTIONS if described else InvestmentClass.PUBLIC
    try:
        return InvestmentClass(text.upper())
    except ValueError:
        cells.refuse(Field.INVESTMENT_CLASS, "class_invalid", "Write PUBLIC, OPTIONS or PRIVATE.", text)
        return None


def _subtype(cells: Cells, kind: InvestmentClass | None) -> str | None:
    text = cells.text(Field.INVESTMENT_SUBTYPE)
    if not text or kind is None:
        return None
    subtype = text.upper().replace(" ", "_").replace("-", "_")
    if subtype not in SUBTYPES[kind]:
        message = f"{kind} has the subtypes {', '.join(sorted(SUBTYPES[kind]))}."
        cells.refuse(Field.INVESTMENT_SUBTYPE, "subtype_invalid", message, text)
    return subtype


def _symbol(cells: Cells, field: Field, *, listed: bool) -> str | None:
    text = cells.text(field)
    if not text:
        if field in REQUIRED:
            cells.missing(field, "symbol_missing", "A position needs a symbol.")
        return None
    symbol = dash_form(text) if listed else upper_case(text)
    longest = LONGEST if listed else LONGEST_NAME
    if len(symbol) > longest:
        cells.refuse(field, "symbol_too_long", f"A symbol has at most {longest} characters.", text)
        return None
    if not (has_symbols_characters(symbol) if listed else is_holding_name(symbol)):
        allowed = "letters, digits, dash, ^ and =" if listed else "letters, digits, spaces and ._&/()+'-"
        cells.refuse(field, "symbol_bad_characters", f"A symbol consists of {allowed}.", text)
        return None
    return symbol


def _multiplier(cells: Cells, kind: InvestmentClass | None) -> Decimal | None:
    if not cells.text(Field.MULTIPLIER):
        return OPTION_MULTIPLIER if kind is InvestmentClass.OPTIONS else Decimal(1)
    multiplier = cells.number(Field.MULTIPLIER, "multiplier", MULTIPLIER_PLACES)
    if multiplier is None:
        return None
    allowed = multiplier > 0 if kind is InvestmentClass.OPTIONS else multiplier == 1
    if multiplier > LARGEST_MULTIPLIER or not allowed:
        message = "The multiplier of an option is above 0 and at most 1,000,000; everything else has 1."
        cells.refuse(Field.MULTIPLIER, "multiplier_invalid", message, cells.text(Field.MULTIPLIER))
        return None
    return multiplier


def _exit(cells: Cells, kind: InvestmentClass | None, entry_date: date | None) -> _Exit:
    """Exit price and date: both or neither. An option or a private holding may end worthless, at 0."""
    fee = cells.fee(Field.EXIT_FEE)
    if not cells.text(Field.EXIT_DATE) and not cells.text(Field.EXIT_PRICE):
        if fee:
            message = "The fee of an exit, and no exit: the position is open."
            cells.refuse(Field.EXIT_FEE, "exit_fee_without_exit", message, cells.text(Field.EXIT_FEE))
        return _Exit()
    price = cells.price(Field.EXIT_PRICE, zero=kind in {InvestmentClass.OPTIONS, InvestmentClass.PRIVATE})
    day = cells.past_day(Field.EXIT_DATE)
    if day is not None and entry_date is not None and day < entry_date:
        message = f"The exit is before the entry on {entry_date.isoformat()}."
        cells.refuse(Field.EXIT_DATE, "exit_before_entry", message, day.isoformat())
    return _Exit() if price is None or day is None else _Exit(price, day, fee)


def _option(cells: Cells, kind: InvestmentClass | None, entry_date: date | None) -> _Option:
    if kind is not InvestmentClass.OPTIONS:
        for field in OPTION_FIELDS if kind is not None else ():
            if cells.text(field):
                message = f"Only OPTIONS have this; the row's class is {kind}."
                cells.refuse(field, "option_detail_unexpected", message, cells.text(field))
        return _Option()

    def part(field: Field, word: str, read: Callable[[Field], T]) -> T | None:
        if not cells.text(field):
            cells.missing(field, f"option_{word}_missing", f"An option needs its {word}.")
            return None
        return read(field)

    return _Option(
        underlying=part(Field.UNDERLYING_SYMBOL, "underlying", lambda field: _symbol(cells, field, listed=True)),
        strike=part(Field.STRIKE_PRICE, "strike", cells.price),
        expiry=part(Field.EXPIRATION_DATE, "expiry", lambda field: _expiry(cells, field, entry_date)),
        type=part(Field.OPTION_TYPE, "type", lambda field: _option_type(cells, field)),
    )


def _expiry(cells: Cells, field: Field, entry_date: date | None) -> date | None:
    day = cells.day(field)
    if day is not None and entry_date is not None and day < entry_date:
        message = f"The option expired before its entry on {entry_date.isoformat()}."
        cells.refuse(field, "expiry_before_entry", message, day.isoformat())
    return day


def _option_type(cells: Cells, field: Field) -> str | None:
    text = cells.text(field)
    kind = {"C": "CALL", "CALL": "CALL", "P": "PUT", "PUT": "PUT"}.get(text.upper())
    if kind is None:
        cells.refuse(field, "option_type_invalid", "Write CALL or PUT.", text)
    return kind


def _bound_amount(cells: Cells, quantity: Decimal | None, price: Decimal | None, multiplier: Decimal | None) -> None:
    if quantity is None or price is None or multiplier is None:
        return
    if abs(quantity) * price * multiplier > LARGEST_AMOUNT:
        message = f"Quantity times price is more than {LARGEST_AMOUNT:,} USD; is the decimal point in its place?"
        cells.refuse(Field.QUANTITY, "amount_too_large", message, cells.text(Field.QUANTITY))
