"""Trading 212: history of orders, each with the currency of its price."""

from onboarding.imports.dialects.dialect import Dialect, Source, read_table
from onboarding.imports.findings import Field
from onboarding.imports.instruments import instrument_of
from onboarding.imports.sheet import Record
from onboarding.imports.spelling import iso_date, unsigned
from onboarding.imports.statement import Side, Statement
from onboarding.imports.terms import Terms

HISTORY = frozenset({"action", "time", "isin", "ticker", "no. of shares", "price / share"})

_SHARES_MOVE = ("stock", "transfer", "spin", "merger", "name change")
"""Beginnings of actions that change a holding without a trade; some exports shift their columns."""


def read(source: Source, terms: Terms) -> Statement:
    return read_table(source, HISTORY, terms, _row)


def _row(statement: Statement, record: Record, terms: Terms) -> None:
    action = record.get("action")
    side = Side.BUY if action.lower().endswith(" buy") else Side.SELL if action.lower().endswith(" sell") else None
    if action.lower() in {"deposit", "withdrawal"}:
        amount = record.get("total")
        statement.flow(
            record.number,
            action,
            amount=f"-{unsigned(amount)}" if action.lower() == "withdrawal" else amount,
            day=iso_date(record.get("time")),
            currency=record.get("currency (total)"),
            amount_title=record.title("total"),
            day_title=record.title("time"),
        )
        return
    if side is None:
        if action.lower().startswith(_SHARES_MOVE):
            statement.refuse_action(record.number, action, record.title("action"))
        else:
            statement.leave_out(record.number, action)
        return
    stamp = record.get("time")
    statement.trade(
        record.number,
        instrument_of(record.get("ticker"), terms, isin=record.get("isin")),
        side,
        quantity=record.get("no. of shares"),
        price=record.get("price / share"),
        day=iso_date(stamp),
        time=stamp[10:].strip(),
        currency=record.get("currency (price / share)"),
        transaction=record.get("id"),
        titles={
            Field.SYMBOL: record.title("ticker"),
            Field.QUANTITY: record.title("no. of shares"),
            Field.ENTRY_PRICE: record.title("price / share"),
            Field.ENTRY_DATE: record.title("time"),
            Field.CURRENCY: record.title("currency (price / share)"),
        },
    )


DIALECT = Dialect("trading212", "Trading 212", lambda source: source.has_table(HISTORY), read)
