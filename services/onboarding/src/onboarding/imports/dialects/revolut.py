"""Revolut: transactions of its trading account, a currency a row."""

from decimal import Decimal

from onboarding.imports.dialects.dialect import Dialect, Source, read_table
from onboarding.imports.findings import Field
from onboarding.imports.instruments import instrument_of
from onboarding.imports.sheet import Record
from onboarding.imports.spelling import as_date, iso_date, number_or_none, plain_number
from onboarding.imports.statement import Side, Split, Statement
from onboarding.imports.terms import Terms

TRANSACTIONS = frozenset({"date", "ticker", "type", "quantity", "price per share", "total amount", "currency"})

_TRANSFERS = frozenset({"CASH TOP-UP", "CASH WITHDRAWAL"})
_FEES = frozenset({"CUSTODY FEE"})


def read(source: Source, terms: Terms) -> Statement:
    return read_table(source, TRANSACTIONS, terms, _row)


def _row(statement: Statement, record: Record, terms: Terms) -> None:
    kind, stamp = record.get("type").upper(), record.get("date")
    instrument = instrument_of(record.get("ticker"), terms)
    added = number_or_none(plain_number(record.get("quantity"))) or Decimal(0)
    if kind.startswith(("BUY", "SELL")):
        statement.trade(
            record.number,
            instrument,
            Side.BUY if kind.startswith("BUY") else Side.SELL,
            quantity=plain_number(record.get("quantity")),
            price=plain_number(record.get("price per share")),
            day=iso_date(stamp),
            time=stamp[10:].strip("TZ"),
            currency=record.get("currency"),
            titles={
                Field.SYMBOL: record.title("ticker"),
                Field.QUANTITY: record.title("quantity"),
                Field.ENTRY_PRICE: record.title("price per share"),
                Field.ENTRY_DATE: record.title("date"),
                Field.CURRENCY: record.title("currency"),
            },
        )
    elif kind == "STOCK SPLIT" and added and as_date(stamp):
        statement.splits.append(Split(record.number, "", instrument.cells[Field.SYMBOL], iso_date(stamp), added))
    elif kind in _TRANSFERS | _FEES:
        statement.flow(
            record.number,
            record.get("type"),
            amount=plain_number(record.get("total amount")),
            day=iso_date(stamp),
            currency=record.get("currency"),
            is_fee=kind in _FEES,
            amount_title=record.title("total amount"),
            day_title=record.title("date"),
        )
    elif added and not kind.startswith("TRANSFER FROM REVOLUT"):
        statement.refuse_action(record.number, record.get("type"), record.title("type"))
    else:
        statement.leave_out(record.number, record.get("type"))


DIALECT = Dialect("revolut", "Revolut", lambda source: source.has_table(TRANSACTIONS), read)
