"""Rows into lots: every rule about a position, applied to every row, all findings at once.

One set of rules for JSON and files. A value is only ever data: text that looks like a formula is a bad symbol, no
more. Numbers are stored rounded half to even at the scale of their column (quantity 10 decimals, prices 8,
multiplier 4), with a warning where that changed them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from onboarding.imports.findings import REQUIRED, Field, Finding
from onboarding.imports.holdings import LONGEST_NAME, is_holding_name
from onboarding.imports.lot import SUBTYPES, InvestmentClass, Lot
from onboarding.imports.values import fit, is_absent, read_date, read_number, years_before
from riskstream.symbology import LONGEST, dash_form, has_symbols_characters, upper_case

OUR_DIALECT = "riskstream"

OLDEST_YEARS = 100
OPTION_MULTIPLIER = Decimal(100)
LARGEST_MULTIPLIER = Decimal(1_000_000)
LARGEST_NUMBER = Decimal(10) ** 15
LARGEST_AMOUNT = Decimal(10) ** 15
"""USD of one lot at entry. Above it fifty thousand lots could overflow a portfolio's NAV."""

QUANTITY_PLACES = 10
PRICE_PLACES = 8
MULTIPLIER_PLACES = 4

T = TypeVar("T")


OPTION_FIELDS = (Field.UNDERLYING_SYMBOL, Field.STRIKE_PRICE, Field.EXPIRATION_DATE, Field.OPTION_TYPE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was sent: its place and the text of its fields. A field that is not there has no text."""

    place: int
    cells: Mapping[Field, str]
    titles: Mapping[Field, str] = field(default_factory=dict)
    """The file's own names of the columns, where they are not ours."""


@dataclass(frozen=True, slots=True)
class Validated:
    """The lots of the rows without an error, in order, each with its place, and everything that was found."""

    rows: int
    lots: Sequence[Lot]
    errors: Sequence[Finding]
    warnings: Sequence[Finding]
    places: Sequence[int] = ()
    rejected: int = 0
    """Rows with an error."""
    dialect: str = OUR_DIALECT
    """Whose layout the rows had."""
    left_out: int = 0
    """Rows that are no positions: cash, totals, dividends."""


def validate(rows: Iterable[Row], today: date, found: Sequence[Finding] = ()) -> Validated:
    """Check every row against every rule; `today` is the date in New York.

    `found` are errors of rows that could not even be read; they count as rows with errors. A row with any error
    yields no lot. An identical row is kept and warned about.
    """
    lots: list[Lot] = []
    places: list[int] = []
    errors = list(found)
    warnings: list[Finding] = []
    first_seen: dict[Lot, int] = {}
    count = len({finding.place for finding in found})
    for row in rows:
        count += 1
        checked = check_row(row, today)
        lot = checked.lot
        errors += checked.errors
        if lot is None:
            continue
        warnings += checked.warnings
        first = first_seen.setdefault(lot, row.place)
        if first != row.place:
            message = f"The same as row {first}; both are kept."
            warnings.append(Finding(row.place, None, "identical_row", message, lot.symbol))
        lots.append(lot)
        places.append(row.place)
    errors.sort(key=lambda finding: finding.place)
    return Validated(count, lots, errors, warnings, places, rejected=count - len(lots))


def check_row(row: Row, today: date) -> "Checked":
    """One row against every rule."""
    check = _RowCheck(row, today)
    return Checked(check.lot(), check.errors, check.warnings)


@dataclass(frozen=True, slots=True)
class Checked:
    """A row's lot, null where there are errors, and what was found."""

    lot: Lot | None
    errors: Sequence[Finding]
    warnings: Sequence[Finding]


class _RowCheck:
    """The rules, on one row. Each reader notes what is wrong and goes on, so that all errors of a row are found."""

    def __init__(self, row: Row, today: date) -> None:
        self._row = row
        self._today = today
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []

    def lot(self) -> Lot | None:
        """The row as a lot, or null where there are errors."""
        self._currency()
        kind = self._class()
        symbol = self._symbol(Field.SYMBOL, listed=kind in {InvestmentClass.PUBLIC, None})
        quantity = self._quantity()
        entry_price = self._price(Field.ENTRY_PRICE)
        entry_date = self._past_date(Field.ENTRY_DATE)
        multiplier = self._multiplier(kind)
        exit_price, exit_date = self._exit(kind, entry_date)
        option = self._option(kind, entry_date)
        self._amount(quantity, entry_price, multiplier)
        self._amount(quantity, exit_price, multiplier)
        subtype = self._subtype(kind)
        if self.errors:
            return None
        # Whoever returns null has noted why: without errors there is everything.
        assert symbol
        assert quantity
        assert entry_price
        assert entry_date
        assert kind
        assert multiplier
        return Lot(
            symbol=symbol,
            quantity=quantity,
            multiplier=multiplier,
            entry_price=entry_price,
            entry_date=entry_date,
            exit_price=exit_price,
            exit_date=exit_date,
            investment_class=kind,
            investment_subtype=subtype,
            underlying_symbol=option.underlying,
            strike_price=option.strike,
            expiration_date=option.expiry,
            option_type=option.type,
        )

    def _text(self, field: Field) -> str:
        text = self._row.cells.get(field, "").strip()
        return "" if is_absent(text) else text

    def _error(self, field: Field, code: str, message: str, value: str = "") -> None:
        self.errors.append(Finding(self._row.place, field, code, message, value, self._row.titles.get(field)))

    def _missing(self, field: Field, code: str, message: str) -> None:
        self._error(field, code, message, self._row.cells.get(field, "").strip())

    def _currency(self) -> None:
        currency = self._text(Field.CURRENCY)
        if currency and currency.upper() != "USD":
            message = "Only USD is accepted for now; convert the row, or leave it out."
            self._error(Field.CURRENCY, "currency_not_usd", message, currency)

    def _class(self) -> InvestmentClass | None:
        """PUBLIC where nothing else is said, OPTIONS where an option is described; null where it is invalid."""
        text = self._text(Field.INVESTMENT_CLASS)
        if not text:
            described = any(self._text(field) for field in OPTION_FIELDS)
            return InvestmentClass.OPTIONS if described else InvestmentClass.PUBLIC
        try:
            return InvestmentClass(text.upper())
        except ValueError:
            self._error(Field.INVESTMENT_CLASS, "class_invalid", "Write PUBLIC, OPTIONS or PRIVATE.", text)
            return None

    def _subtype(self, kind: InvestmentClass | None) -> str | None:
        text = self._text(Field.INVESTMENT_SUBTYPE)
        if not text or kind is None:
            return None
        subtype = text.upper().replace(" ", "_").replace("-", "_")
        if subtype not in SUBTYPES[kind]:
            message = f"{kind} has the subtypes {', '.join(sorted(SUBTYPES[kind]))}."
            self._error(Field.INVESTMENT_SUBTYPE, "subtype_invalid", message, text)
        return subtype

    def _symbol(self, field: Field, *, listed: bool) -> str | None:
        text = self._text(field)
        if not text:
            if field in REQUIRED:
                self._missing(field, "symbol_missing", "A position needs a symbol.")
            return None
        symbol = dash_form(text) if listed else upper_case(text)
        longest = LONGEST if listed else LONGEST_NAME
        if len(symbol) > longest:
            self._error(field, "symbol_too_long", f"A symbol has at most {longest} characters.", text)
            return None
        if not (has_symbols_characters(symbol) if listed else is_holding_name(symbol)):
            allowed = "letters, digits, dash, ^ and =" if listed else "letters, digits, spaces and ._&/()+'-"
            self._error(field, "symbol_bad_characters", f"A symbol consists of {allowed}.", text)
            return None
        return symbol

    def _number(self, field: Field, word: str, places: int) -> Decimal | None:
        """The field's number as it is stored; null, with its error noted, where there is none."""
        text = self._text(field)
        try:
            number = read_number(text)
        except ValueError:
            message = "Write a plain number such as 1234.56, with a point for decimals."
            self._error(field, f"{word}_not_a_number", message, text)
            return None
        if abs(number) > LARGEST_NUMBER:
            self._error(field, f"{word}_too_large", f"At most {LARGEST_NUMBER:,} can be stored.", text)
            return None
        stored = fit(number, places)
        if stored != number:
            message = f"Stored with {places} decimals, rounded half to even."
            title = self._row.titles.get(field)
            self.warnings.append(Finding(self._row.place, field, "number_rounded", message, text, title))
        return stored

    def _quantity(self) -> Decimal | None:
        if not self._text(Field.QUANTITY):
            self._missing(Field.QUANTITY, "quantity_missing", "A position needs a quantity; a short one is negative.")
            return None
        quantity = self._number(Field.QUANTITY, "quantity", QUANTITY_PLACES)
        if quantity is not None and not quantity:
            text = self._text(Field.QUANTITY)
            self._error(Field.QUANTITY, "quantity_zero", "A quantity is not zero (10 decimals are kept).", text)
            return None
        return quantity

    def _price(self, field: Field, *, zero: bool = False) -> Decimal | None:
        text = self._text(field)
        if not text:
            self._missing(field, "price_missing", "A price per share is needed here.")
            return None
        price = self._number(field, "price", PRICE_PLACES)
        if price is not None and (price < 0 or (not price and not zero)):
            message = "A price is not negative." if zero else "A price is above zero (8 decimals are kept)."
            self._error(field, "price_not_positive", message, text)
            return None
        return price

    def _date(self, field: Field) -> date | None:
        text = self._text(field)
        if not text:
            self._missing(field, "date_missing", "A date is needed here.")
            return None
        try:
            day = read_date(text)
        except ValueError:
            self._error(field, "date_not_iso", "Write the date as 2024-12-31; it must be in the calendar.", text)
            return None
        if day < years_before(self._today, OLDEST_YEARS):
            self._error(field, "date_too_old", f"The date is more than {OLDEST_YEARS} years ago.", text)
            return None
        return day

    def _past_date(self, field: Field) -> date | None:
        day = self._date(field)
        if day is not None and day > self._today:
            message = f"The date is in the future; today is {self._today.isoformat()} in New York."
            self._error(field, "date_in_future", message, self._text(field))
            return None
        return day

    def _multiplier(self, kind: InvestmentClass | None) -> Decimal | None:
        if not self._text(Field.MULTIPLIER):
            return OPTION_MULTIPLIER if kind is InvestmentClass.OPTIONS else Decimal(1)
        multiplier = self._number(Field.MULTIPLIER, "multiplier", MULTIPLIER_PLACES)
        if multiplier is None:
            return None
        allowed = multiplier > 0 if kind is InvestmentClass.OPTIONS else multiplier == 1
        if multiplier > LARGEST_MULTIPLIER or not allowed:
            message = "The multiplier of an option is above 0 and at most 1,000,000; everything else has 1."
            self._error(Field.MULTIPLIER, "multiplier_invalid", message, self._text(Field.MULTIPLIER))
            return None
        return multiplier

    def _exit(self, kind: InvestmentClass | None, entry_date: date | None) -> tuple[Decimal, date] | tuple[None, None]:
        """Exit price and date: both or neither. An option or a private holding may end worthless, at 0."""
        if not self._text(Field.EXIT_DATE) and not self._text(Field.EXIT_PRICE):
            return None, None
        price = self._price(Field.EXIT_PRICE, zero=kind in {InvestmentClass.OPTIONS, InvestmentClass.PRIVATE})
        day = self._past_date(Field.EXIT_DATE)
        if day is not None and entry_date is not None and day < entry_date:
            message = f"The exit is before the entry on {entry_date.isoformat()}."
            self._error(Field.EXIT_DATE, "exit_before_entry", message, day.isoformat())
        return (None, None) if price is None or day is None else (price, day)

    def _option(self, kind: InvestmentClass | None, entry_date: date | None) -> "_Option":
        if kind is not InvestmentClass.OPTIONS:
            for field in OPTION_FIELDS if kind is not None else ():
                if self._text(field):
                    message = f"Only OPTIONS have this; the row's class is {kind}."
                    self._error(field, "option_detail_unexpected", message, self._text(field))
            return _Option()
        return _Option(
            underlying=self._option_part(Field.UNDERLYING_SYMBOL, "underlying", self._underlying),
            strike=self._option_part(Field.STRIKE_PRICE, "strike", self._price),
            expiry=self._option_part(Field.EXPIRATION_DATE, "expiry", lambda field: self._expiry(field, entry_date)),
            type=self._option_part(Field.OPTION_TYPE, "type", self._option_type),
        )

    def _option_part(self, field: Field, word: str, read: Callable[[Field], T]) -> T | None:
        if not self._text(field):
            self._missing(field, f"option_{word}_missing", f"An option needs its {word}.")
            return None
        return read(field)

    def _underlying(self, field: Field) -> str | None:
        return self._symbol(field, listed=True)

    def _expiry(self, field: Field, entry_date: date | None) -> date | None:
        day = self._date(field)
        if day is not None and entry_date is not None and day < entry_date:
            message = f"The option expired before its entry on {entry_date.isoformat()}."
            self._error(field, "expiry_before_entry", message, day.isoformat())
        return day

    def _option_type(self, field: Field) -> str | None:
        text = self._text(field)
        kind = {"C": "CALL", "CALL": "CALL", "P": "PUT", "PUT": "PUT"}.get(text.upper())
        if kind is None:
            self._error(field, "option_type_invalid", "Write CALL or PUT.", text)
        return kind

    def _amount(self, quantity: Decimal | None, price: Decimal | None, multiplier: Decimal | None) -> None:
        if quantity is None or price is None or multiplier is None:
            return
        if abs(quantity) * price * multiplier > LARGEST_AMOUNT:
            message = f"Quantity times price is more than {LARGEST_AMOUNT:,} USD; is the decimal point in its place?"
            self._error(Field.QUANTITY, "amount_too_large", message, self._text(Field.QUANTITY))


@dataclass(frozen=True, slots=True)
class _Option:
    underlying: str | None = None
    strike: Decimal | None = None
    expiry: date | None = None
    type: str | None = None
