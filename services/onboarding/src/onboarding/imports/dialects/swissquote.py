"""Swissquote: transactions, between semicolons. `Order #` is shared by an order's fills and is no number of one."""

from onboarding.imports.commissions import commission
from onboarding.imports.dialects.dialect import Dialect, Source, read_table
from onboarding.imports.findings import Field
from onboarding.imports.instruments import instrument_of
from onboarding.imports.sheet import Record
from onboarding.imports.spelling import iso_date, plain_number
from onboarding.imports.statement import Side, Statement
from onboarding.imports.terms import Terms

TRANSACTIONS = frozenset({"date", "order #", "transaction", "symbol", "isin", "quantity", "unit price", "currency"})

_SIDES = dict.fromkeys(("buy", "kauf", "achat"), Side.BUY) | dict.fromkeys(("sell", "verkauf", "vente"), Side.SELL)
_TRANSFERS = frozenset({"credit", "debit"})
_FEES = frozenset({"custody fees"})
_SHARES_MOVE = frozenset({"split", "reverse split", "spin off", "merger", "transfer", "exchange", "delivery"})


def read(source: Source, terms: Terms) -> Statement:
    return read_table(source, TRANSACTIONS, terms, _row)


def _row(statement: Statement, record: Record, terms: Terms) -> None:
    kind = record.get("transaction")
    side = _SIDES.get(kind.lower())
    day, _, time = record.get("date").partition(" ")
    if kind.lower() in _TRANSFERS | _FEES:
        statement.flow(
            record.number,
            kind,
            amount=plain_number(record.get("net amount")),
            day=iso_date(day, "%d-%m-%Y"),
            currency=record.get("currency"),
            is_fee=kind.lower() in _FEES,
            amount_title=record.title("net amount"),
            day_title=record.title("date"),
        )
        return
    if side is None:
        if kind.lower() in _SHARES_MOVE:
            statement.refuse_action(record.number, kind, record.title("transaction"))
        else:
            statement.leave_out(record.number, kind)
        return
    statement.trade(
        record.number,
        instrument_of(record.get("symbol"), terms, isin=record.get("isin")),
        side,
        quantity=plain_number(record.get("quantity")),
        price=plain_number(record.get("unit price")),
        day=iso_date(day, "%d-%m-%Y"),
        time=time,
        currency=record.get("currency"),
        fee=commission(record.get("costs")),
        titles={
            Field.ENTRY_FEE: record.title("costs"),
            Field.SYMBOL: record.title("symbol"),
            Field.QUANTITY: record.title("quantity"),
            Field.ENTRY_PRICE: record.title("unit price"),
            Field.ENTRY_DATE: record.title("date"),
            Field.CURRENCY: record.title("currency"),
        },
    )


DIALECT = Dialect("swissquote", "Swissquote", lambda source: source.has_table(TRANSACTIONS), read)
