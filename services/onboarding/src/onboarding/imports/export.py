"""Lots as our CSV and JSON, such that importing them gives the same lots."""

import csv
import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from onboarding.imports.findings import COLUMNS, Field
from onboarding.imports.lot import Lot


def write_csv(lots: Iterable[Lot]) -> str:
    """A header with all of our columns and a line a lot, in their order: `read_file` of it is the identity.

    Numbers are written in full, without exponents or separators; what a lot does not have is an empty cell. No text of
    a lot begins as a formula does.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS.values())
    for lot in lots:
        cells = _cells(lot)
        writer.writerow(_text(cells[field]) for field in COLUMNS)
    return file.getvalue()


def as_positions(lots: Iterable[Lot]) -> list[dict[str, str]]:
    """The positions of a JSON body that gives the same lots; what a lot does not have is left out."""
    return [{str(field): _text(value) for field, value in _cells(lot).items() if value is not None} for lot in lots]


def _cells(lot: Lot) -> dict[Field, Decimal | date | str | None]:
    return {
        Field.SYMBOL: lot.symbol,
        Field.QUANTITY: lot.quantity,
        Field.ENTRY_PRICE: lot.entry_price,
        Field.ENTRY_DATE: lot.entry_date,
        Field.INVESTMENT_CLASS: lot.investment_class,
        Field.INVESTMENT_SUBTYPE: lot.investment_subtype,
        Field.UNDERLYING_SYMBOL: lot.underlying_symbol,
        Field.STRIKE_PRICE: lot.strike_price,
        Field.EXPIRATION_DATE: lot.expiration_date,
        Field.OPTION_TYPE: lot.option_type,
        Field.EXIT_DATE: lot.exit_date,
        Field.EXIT_PRICE: lot.exit_price,
        Field.ENTRY_FEE: lot.entry_fee or None,
        Field.EXIT_FEE: lot.exit_fee or None,
        Field.MULTIPLIER: lot.multiplier,
        Field.CURRENCY: "USD",
    }


def _text(value: Decimal | date | str | None) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return format(value.normalize(), "f")
        case date():
            return value.isoformat()
    return str(value)
